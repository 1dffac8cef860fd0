"""All sources at once against the sandbox: what they bring, what they spare, and what they say when things go wrong."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from invest.domain.market.assets import ActionKind, Asset
from invest.domain.market.calendar import last_closed_session
from invest.domain.market.tickers import AssetKind
from invest.domain.values.choice import choose_all
from invest.domain.values.event_readings import EventReading
from invest.settings import Settings
from invest.sources import Answer, Sources, Want
from invest_sandbox import Fault, World, create_app
from invest_sandbox.context import REQUESTS
from tests.builders.domain import bars_in

MakeSettings = Callable[..., Settings]
AS_OF = date(2026, 3, 31)
NOW = datetime(2026, 3, 31, 23, 0, tzinfo=UTC)
READ = {"b3": EventReading("PETR4", "b3", AS_OF, "")}
OFF_BY_DEFAULT = ("yahoo", "fundamentus", "google_news", "gdelt", "binance")
HTTP = {"backoff": 0.001, "retries": 1, "read_timeout": 10.0, "zip_timeout": 20.0, "breaker_open": 600.0}


@pytest.fixture(scope="module")
def world() -> World:
    """A small market."""
    return World(20, 7, None, AS_OF)


@asynccontextmanager
async def platform(
    world: World, settings: MakeSettings, *faults: Fault, **overrides: Any
) -> AsyncIterator[tuple[Sources, web.Application]]:
    """A sandbox with every upstream switched on, and the sources that ask it."""
    app = create_app(world, faults=list(faults))
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    base = settings().sources
    every = {name: conf.model_copy(update={"enabled": True}) for name, conf in base.items()}
    try:
        made = settings(**{"sandbox_url": url, "as_of": NOW, "http": HTTP, "sources": every, **overrides})
        async with Sources.open(made) as sources:
            yield sources, app
    finally:
        await runner.cleanup()


def by_source(found: list[Answer]) -> dict[str, Answer]:
    """Results by their source."""
    return {one.source: one for one in found}


def statuses(found: list[Answer]) -> dict[str, str]:
    """Outcomes by source."""
    return {one.source: one.outcome.status for one in found}


async def test_a_stock_is_known_from_every_side(world: World, settings: MakeSettings) -> None:
    async with platform(world, settings) as (sources, _):
        found = by_source(await sources.collect(Want("PETR4", NOW)))
    assert statuses(list(found.values())) == {
        "cotahist": "ok",
        "b3": "ok",
        "cvm": "ok",
        "brapi": "ok",
        "b3_indices": "skipped",
        "b3_programmes": "skipped",
        "cvm_funds": "skipped",
        "cvm_etfs": "skipped",
        "mercado_bitcoin": "skipped",
        "rss": found["rss"].outcome.status,
        "yahoo": "ok",
        "fundamentus": "ok",
        "google_news": found["google_news"].outcome.status,
        "gdelt": found["gdelt"].outcome.status,
        "binance": "skipped",
    }
    bars = bars_in(found["cotahist"].harvest)
    assert (bars[0].day.year, bars[-1].day) == (2021, AS_OF)
    assert len(bars) > 1200
    assert {line.form for line in found["cvm"].harvest.statements} == {"DFP", "ITR"}
    assert {line.reference_date.year for line in found["cvm"].harvest.statements} >= {2021, 2022, 2023, 2024, 2025}
    assert found["b3"].harvest.actions
    identity = found["cvm"].identity
    assert identity is not None
    assert (identity.cnpj, identity.cvm_code) == ("33000167000101", 9512)
    for one in found.values():
        told = {payload.sha256 for payload in one.harvest.payloads}
        used = (
            {o.payload for o in one.harvest.observations}
            | {b.payload for b in bars_in(one.harvest)}
            | {a.payload for a in one.harvest.actions}
        )
        used |= {line.payload for line in one.harvest.statements} | {n.payload for n in one.harvest.news}
        assert used <= told, f"{one.source}: a value without its bytes"
        assert all(payload.sandbox for payload in one.harvest.payloads)


async def test_sources_agree_and_the_official_close_is_chosen(world: World, settings: MakeSettings) -> None:
    async with platform(world, settings) as (sources, _):
        found = await sources.collect(Want("PETR4", NOW))
    chosen = choose_all([o for one in found for o in one.harvest.observations], NOW)
    close = chosen["close"]
    assert (close.source, close.divergent, close.stale, close.quarantined) == ("cotahist", False, False, False)
    assert close.n >= 3
    assert close.agreement == 1


@pytest.mark.parametrize(
    ("ticker", "kind"), [("HGLG11", AssetKind.FII), ("IVVB11", AssetKind.ETF), ("AAPL34", AssetKind.BDR)]
)
async def test_what_is_no_company_is_recognised(
    world: World, settings: MakeSettings, ticker: str, kind: AssetKind
) -> None:
    async with platform(world, settings) as (sources, _):
        found = by_source(await sources.collect(Want(ticker, NOW)))
    identity = found["cotahist"].identity
    assert identity is not None
    assert identity.kind is kind
    assert found["cvm"].outcome.status in ("skipped", "empty")


async def test_a_coin_comes_from_those_who_trade_coins(world: World, settings: MakeSettings) -> None:
    async with platform(world, settings) as (sources, _):
        found = by_source(await sources.collect(Want("BTC-BRL", NOW)))
    by_default = {name for name, one in found.items() if bars_in(one.harvest)} - {"yahoo", "binance"}
    assert by_default == {"brapi", "mercado_bitcoin"}
    ours, theirs = ({b.day: b for b in bars_in(found[n].harvest)} for n in ("mercado_bitcoin", "brapi"))
    shared = sorted(ours.keys() & theirs.keys())
    assert len(shared) > 100
    assert all(abs(ours[day].close / theirs[day].close - 1) < Decimal("0.005") for day in shared)
    assert ours[shared[-1]].turnover
    assert found["cotahist"].outcome.status == "skipped"
    assert max(bar.day for bar in bars_in(found["brapi"].harvest)) < NOW.date()


async def test_an_unknown_ticker_is_empty_everywhere_and_fails_nowhere(world: World, settings: MakeSettings) -> None:
    async with platform(world, settings) as (sources, _):
        found = statuses(await sources.collect(Want("ZZZZ3", NOW)))
    assert set(found.values()) <= {"empty", "skipped"}


async def test_the_second_time_only_what_is_new_is_asked(world: World, settings: MakeSettings) -> None:
    async with platform(world, settings) as (sources, app):
        await sources.collect(Want("PETR4", NOW))
        first = sum(counts.total() for counts in app[REQUESTS].values())
        app[REQUESTS].clear()
        known = Want(
            "PETR4",
            NOW,
            bars_until=date(2026, 3, 26),
            official_until=date(2026, 3, 26),
            statements_until=date(2026, 3, 30),
            events_read=READ,
            last_close=Decimal("1"),
        )
        found = by_source(await sources.collect(known))
        second = {name: counts["200"] + counts["304"] + counts["404"] for name, counts in app[REQUESTS].items()}
    assert [bar.day for bar in bars_in(found["cotahist"].harvest)] == [date(2026, 3, day) for day in (27, 30, 31)]
    assert second["cotahist"] == 2  # the newest session's was asked the first time, for what its quotes are marked with
    assert second.get("cvm", 0) == 0
    assert found["b3"].outcome.status == "not_modified"
    assert all(
        line.received_on is None or line.received_on >= date(2026, 3, 30) for line in found["cvm"].harvest.statements
    )
    assert sum(second.values()) < first / 2


async def test_what_is_up_to_date_costs_the_newest_sessions_file_alone(world: World, settings: MakeSettings) -> None:
    async with platform(world, settings) as (sources, app):
        current = Want(
            "PETR4", NOW, bars_until=last_closed_session(NOW), official_until=last_closed_session(NOW), events_read=READ
        )
        found = by_source(await sources.collect(current, only={"cotahist", "b3"}))
        assert statuses(list(found.values())) == {"cotahist": "not_modified", "b3": "not_modified"}
        assert app[REQUESTS]["cotahist"].total() == 2  # one request, answered: it says whether B3 is worth asking
        assert not app[REQUESTS].get("b3")
        forced = by_source(await sources.collect(replace(current, force=True), only={"cotahist"}))
    assert len(bars_in(forced["cotahist"].harvest)) > 1200


async def test_twenty_assets_fetch_each_market_wide_file_once(world: World, settings: MakeSettings) -> None:
    tickers = [listing.ticker for listing in world.listings][:20]
    async with platform(world, settings) as (sources, app):
        await asyncio.gather(*(sources.collect(Want(t, NOW), only={"cotahist", "cvm"}) for t in tickers))
        counts = app[REQUESTS]
    assert counts["cotahist"]["200"] == 6
    assert counts["cvm"]["200"] <= 3 + 14 + 1  # register, seven years of two forms, facts


async def test_a_restarted_process_asks_whether_files_have_changed(world: World, settings: MakeSettings) -> None:
    async with platform(world, settings) as (sources, app):
        await sources.collect(Want("PETR4", NOW), only={"cotahist"})
        app[REQUESTS].clear()
        async with Sources.open(sources.client.settings) as another:
            found = by_source(await another.collect(Want("VALE3", NOW), only={"cotahist"}))
        assert dict(app[REQUESTS]["cotahist"]) == {"requests": 6, "304": 6}
    assert len(bars_in(found["cotahist"].harvest)) > 1200


async def test_prices_of_many_take_few_requests(world: World, settings: MakeSettings) -> None:
    tickers = [listing.ticker for listing in world.listings]
    async with platform(world, settings) as (sources, app):
        found = await sources.prices([Want(t, NOW) for t in [*tickers, "ZZZZ3"]])
        asked = app[REQUESTS]["brapi"].total()
    priced = {one.ticker for one in found if one.harvest.observations}
    assert priced == set(tickers)
    assert {one.ticker for one in found} == {*tickers, "ZZZZ3"}
    assert asked <= len(tickers) / 20 + 8


async def test_without_a_token_only_the_free_tickers_are_asked(
    world: World, settings: MakeSettings, tmp_path: Path
) -> None:
    made = settings(sources={"brapi": {"enabled": True, "base_url": "https://brapi.invalid/api"}})
    async with Sources.open(made) as sources:
        found = await sources.prices([Want("WEGE3", NOW), Want("ABEV3", NOW)])
    assert {(one.ticker, one.outcome.status, one.outcome.reason) for one in found if one.source == "brapi"} == {
        ("WEGE3", "skipped", "needs BRAPI_TOKEN"),
        ("ABEV3", "skipped", "needs BRAPI_TOKEN"),
    }


async def test_news_are_distinct_and_name_the_assets_we_know(world: World, settings: MakeSettings) -> None:
    async with platform(world, settings) as (sources, _):
        sources.know([Asset(ticker=x.ticker, kind=AssetKind(x.kind), name=x.name) for x in world.listings])
        found = await sources.news(60)
    items = [item for one in found for item in one.harvest.news]
    assert statuses(found) == {"cvm": "ok", "rss": "ok"}
    assert len({item.id for item in items}) == len(items)
    assert {ticker for item in items for ticker in item.tickers}
    assert any(item.sentiment is not None for item in items)


async def test_macro_series_come_whole_and_then_by_what_is_new(world: World, settings: MakeSettings) -> None:
    async with platform(world, settings) as (sources, _):
        first = await sources.macro(Want("", NOW))
        newest: dict[str, date] = {}
        for point in (point for one in first for point in one.harvest.macro):
            newest[point.series] = max(point.day, newest.get(point.series, date.min))
        second = await sources.macro(Want("", NOW), newest)
    assert statuses(first) == {"bcb": "ok", "olinda": "ok"}
    assert {"sgs:12", "sgs:433", "sgs:1"} <= newest.keys()
    assert all(day <= AS_OF for day in newest.values())
    assert sum(len(one.harvest.macro) for one in second) < sum(len(one.harvest.macro) for one in first) / 5


async def test_new_filings_are_listed_by_company(world: World, settings: MakeSettings) -> None:
    async with platform(world, settings) as (sources, _):
        found = await sources.filings(AS_OF - timedelta(days=60), Want("", NOW))
    assert found
    assert all(f.received_on is not None and f.received_on >= AS_OF - timedelta(days=60) for f in found)


FAULTS_OF_ONE_UPSTREAM = [
    Fault(upstream="x", kind="error", status=500),
    Fault(upstream="x", kind="rate_limit", retry_after=60),
    Fault(upstream="x", kind="hang", seconds=30),
    Fault(upstream="x", kind="cut"),
    Fault(upstream="x", kind="malformed"),
    Fault(upstream="x", kind="redirect"),
]


@pytest.mark.parametrize("fault", FAULTS_OF_ONE_UPSTREAM, ids=lambda fault: fault.kind)
@pytest.mark.parametrize("upstream", ["cotahist", "b3", "cvm", "brapi", "yahoo", "fundamentus"])
async def test_one_upstream_in_trouble_does_not_touch_the_others(
    world: World, settings: MakeSettings, upstream: str, fault: Fault
) -> None:
    healthy = "brapi" if upstream == "cotahist" else "cotahist"
    patience = HTTP | ({"zip_timeout": 0.3, "read_timeout": 0.3} if fault.kind == "hang" else {})
    bad = fault.model_copy(update={"upstream": upstream})
    known = Want(
        "VALE3", NOW, bars_until=date(2026, 3, 27), official_until=date(2026, 3, 27), statements_until=date(2026, 3, 1)
    )
    async with platform(world, settings, bad, http=patience) as (sources, _):
        found = by_source(await sources.collect(known, only={upstream, healthy}))
    outcome = found[upstream].outcome
    assert outcome.status in ("failed", "rejected"), outcome
    assert outcome.reason
    assert not found[upstream].usable
    assert not bars_in(found[upstream].harvest)
    assert not found[upstream].harvest.observations
    assert found[healthy].outcome.status == "ok"
    assert [bar.day for bar in bars_in(found[healthy].harvest)] == [date(2026, 3, 30), AS_OF]


@pytest.mark.parametrize("factor", [1000.0, 100.0, 0.01])
@pytest.mark.parametrize("upstream", ["cotahist", "brapi", "yahoo"])
async def test_a_lying_upstream_is_rejected_by_what_is_known(
    world: World, settings: MakeSettings, upstream: str, factor: float
) -> None:
    async with platform(world, settings) as (sources, _):
        recent = Want("VALE3", NOW, bars_until=date(2026, 3, 25), official_until=date(2026, 3, 25))
        honest = bars_in(by_source(await sources.collect(recent, only={"cotahist"}))["cotahist"].harvest)[0]
    known = Want(
        "VALE3", NOW, bars_until=honest.day, official_until=honest.day, last_close=honest.close, last_day=honest.day
    )
    lie = Fault(upstream=upstream, kind="wrong_unit", factor=factor)
    async with platform(world, settings, lie) as (sources, _):
        found = by_source(await sources.collect(known, only={upstream}))[upstream]
    assert found.outcome.status == "rejected"
    assert "wrong unit" in (found.outcome.reason or "")
    assert (list(bars_in(found.harvest)), found.harvest.observations) == ([], ())


async def test_statements_in_another_scale_replace_nothing(world: World, settings: MakeSettings) -> None:
    async with platform(world, settings) as (sources, _):
        found = by_source(await sources.collect(Want("VALE3", NOW), only={"cvm"}))["cvm"]
    newest = max(
        (x for x in found.harvest.statements if (x.statement, x.account) == ("BPA", "1")),
        key=lambda x: x.reference_date,
    )
    known = Want("VALE3", NOW, statements_until=date(2026, 1, 1), total_assets=newest.value)
    async with platform(world, settings, Fault(upstream="cvm", kind="wrong_unit", factor=1000.0)) as (sources, _):
        lied = by_source(await sources.collect(known, only={"cvm"}))["cvm"]
    assert lied.outcome.status == "rejected"
    assert "total assets" in (lied.outcome.reason or "")
    assert lied.harvest.statements == ()


async def test_on_a_first_sight_two_who_agree_outvote_one_in_another_unit(world: World, settings: MakeSettings) -> None:
    lie = Fault(upstream="cotahist", kind="wrong_unit", factor=1000.0)
    async with platform(world, settings, lie) as (sources, _):
        found = await sources.collect(Want("VALE3", NOW), only={"cotahist", "brapi", "yahoo"})
    close = choose_all([o for one in found for o in one.harvest.observations], NOW)["close"]
    assert close.source == "brapi"
    assert [r.reason.split(":")[0] for r in close.rejected] == ["unit error"]


async def test_a_stale_upstream_is_seen_to_be_stale(world: World, settings: MakeSettings) -> None:
    old = Fault(upstream="*", kind="stale", days=30)
    async with platform(world, settings, old) as (sources, _):
        found = await sources.collect(Want("VALE3", NOW), only={"cotahist", "brapi"})
    close = choose_all([o for one in found for o in one.harvest.observations], NOW)["close"]
    assert close.stale
    assert close.as_of < NOW - timedelta(days=25)
    assert close.confidence < 0.5


async def test_everything_down_is_said_of_everyone(world: World, settings: MakeSettings) -> None:
    async with platform(world, settings, Fault(upstream="*", kind="error", status=503)) as (sources, _):
        found = await sources.collect(Want("VALE3", NOW))
    assert {one.outcome.status for one in found} == {"failed", "skipped"}
    assert not any(one.usable for one in found)


async def test_an_open_breaker_of_one_upstream_is_not_the_others(world: World, settings: MakeSettings) -> None:
    async with platform(world, settings, Fault(upstream="brapi", kind="error", status=500)) as (sources, _):
        for _ in range(4):
            found = statuses(
                await sources.collect(
                    Want("VALE3", NOW, bars_until=date(2026, 3, 27), official_until=date(2026, 3, 27)), only={"brapi"}
                )
            )
            assert found == {"brapi": "failed"}
        healthy = statuses(
            await sources.collect(
                Want("VALE3", NOW, bars_until=date(2026, 3, 27), official_until=date(2026, 3, 27)), only={"cotahist"}
            )
        )
    assert healthy == {"cotahist": "ok"}


async def test_a_fault_of_our_own_is_an_outcome_too(
    world: World, settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> Answer:
        raise RuntimeError("a bug")

    monkeypatch.setattr("invest.sources.brapi.source.BrapiSource.collect", broken)
    async with platform(world, settings) as (sources, _):
        found = statuses(await sources.collect(Want("VALE3", NOW), only={"brapi", "b3"}))
    assert found == {"brapi": "failed", "b3": "ok"}


async def test_a_cancelled_job_leaves_the_shared_download_to_the_others(world: World, settings: MakeSettings) -> None:
    async with platform(world, settings, Fault(upstream="cotahist", kind="latency", seconds=0.2)) as (sources, app):
        first = asyncio.create_task(sources.collect(Want("PETR4", NOW), only={"cotahist"}))
        second = asyncio.create_task(sources.collect(Want("VALE3", NOW), only={"cotahist"}))
        await asyncio.sleep(0.1)
        first.cancel()
        found = by_source(await second)
        assert app[REQUESTS]["cotahist"]["200"] == 6
    assert len(bars_in(found["cotahist"].harvest)) > 1200


async def test_a_fund_is_known_from_official_reports(world: World, settings: MakeSettings) -> None:
    fund = next(x for x in world.listings if x.kind == "fii")
    asset = Asset(ticker=fund.ticker, kind=AssetKind.FII, isin=fund.isin)
    async with platform(world, settings) as (sources, _):
        want = Want(fund.ticker, NOW, asset=asset)
        found = by_source(await sources.collect(want, only={"cvm_funds", "b3"}))
        first = by_source(await sources.collect(Want(fund.ticker, NOW), only={"cvm_funds"}))
    values = {o.field: o.value for o in found["cvm_funds"].harvest.observations}
    assert set(values) >= {"bvps", "equity", "shares_outstanding", "holders", "dividends_12m", "admin_fee", "vacancy"}
    assert abs(values["bvps"] * values["shares_outstanding"] / values["equity"] - 1) < Decimal("0.0001")
    assert 0 <= values["vacancy"] < 1
    assert all(o.official for o in found["cvm_funds"].harvest.observations)
    identity = found["cvm_funds"].identity
    assert identity is not None
    assert (identity.cnpj, identity.kind) == (fund.cnpj, AssetKind.FII)
    paid = found["b3"].harvest.actions
    assert {a.kind for a in paid} == {ActionKind.INCOME}
    year = sum(a.amount for a in paid if a.amount and date(2025, 3, 1) <= a.last_date_with <= date(2026, 2, 28))
    assert abs(values["dividends_12m"] / year - 1) < Decimal("0.01")
    assert first["cvm_funds"].outcome.status == "ok"  # by the letters of its ISIN, before anything is on record


async def test_an_etf_is_known_by_its_unit_and_a_silent_register_is_no_fund_unknown(
    world: World, settings: MakeSettings
) -> None:
    want = Want("IVVB11", NOW, Asset(ticker="IVVB11", kind=AssetKind.ETF))
    async with platform(world, settings) as (sources, _):
        (calm,) = await sources.collect(want, only={"cvm_etfs"})
    values = {o.field: o.value for o in calm.harvest.observations}
    assert {"bvps", "equity", "holders", "admin_fee", "nav_return_1y", "shares_outstanding"} == values.keys()
    assert all(o.official and o.payload for o in calm.harvest.observations)
    assert calm.identity and calm.identity.cnpj == world.by_ticker["IVVB11"].cnpj
    async with platform(world, settings, Fault(upstream="cvm_etfs", kind="error", status=500)) as (sources, _):
        (troubled,) = await sources.collect(want, only={"cvm_etfs"})
    assert troubled.outcome.status == "failed" and troubled.outcome.reason
