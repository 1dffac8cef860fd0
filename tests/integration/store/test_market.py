"""What was collected survives repeats, late arrivals and worse sources."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from invest.domain.market import RateCurve
from invest.domain.market.assets import (
    ActionKind,
    Asset,
    CorporateAction,
    MacroPoint,
    NewsItem,
    StatementLine,
    TickerChange,
)
from invest.domain.market.bars import Bar
from invest.domain.market.tickers import AssetKind, Market
from invest.domain.values.event_readings import EventReading
from invest.domain.values.harvest import Harvest
from invest.domain.values.observations import Basis, Consensus, Observation, RawPayload, Rejected
from invest.store import Store

T0 = datetime(2026, 3, 31, 20, 0, tzinfo=UTC)
HASH = "a" * 64
OTHER = "b" * 64


def payload(body: bytes, *, source: str = "brapi", url: str = "https://brapi.dev/api/quote/PETR4") -> RawPayload:
    digest = hashlib.sha256(body).hexdigest()
    return RawPayload(
        sha256=digest, source=source, url=url, fetched_at=T0, status=200, etag='"1"', size=len(body), body=body
    )


def observed(value: str, *, source: str = "brapi", at: datetime = T0, fetched: datetime = T0) -> Observation:
    return Observation(
        ticker="PETR4", field="close", value=Decimal(value), as_of=at, source=source, payload=HASH, fetched_at=fetched
    )


def chosen(
    value: str | None,
    *,
    at: datetime = T0,
    confidence: float = 0.9,
    quarantined: bool = False,
    chosen_at: datetime = T0,
    divergent: bool = False,
    rejected: tuple[Rejected, ...] = (),
) -> Consensus:
    return Consensus(
        ticker="PETR4",
        field="close",
        value=None if value is None else Decimal(value),
        basis=Basis.SPOT,
        unit="BRL",
        as_of=at,
        source="brapi",
        payload=HASH,
        sources=("brapi",),
        n=1,
        agreement=1.0,
        confidence=confidence,
        quarantined=quarantined,
        divergent=divergent,
        rejected=rejected,
        chosen_at=chosen_at,
    )


async def test_an_identity_grows_and_a_null_never_erases(store: Store) -> None:
    full = Asset(ticker="PETR4", kind=AssetKind.STOCK, name="Petrobras", cnpj="33000167000101", cvm_code=9512)
    await store.assets.upsert(full)
    await store.assets.upsert(Asset(ticker="PETR4", kind=AssetKind.OTHER, sector="Petróleo"))
    merged = await store.assets.get("PETR4")
    assert merged == full.model_copy(update={"sector": "Petróleo"})
    assert await store.assets.get("XXXX3") is None


async def test_a_delisted_asset_stays_inactive_until_it_is_activated(store: Store) -> None:
    oi = Asset(ticker="OIBR3", kind=AssetKind.STOCK)
    await store.assets.upsert(oi, Asset(ticker="HGLG11", kind=AssetKind.FII))
    assert await store.assets.deactivate("OIBR3") == 1
    await store.assets.upsert(oi)
    assert [a.ticker for a in await store.assets.list()] == ["HGLG11"]
    assert [a.ticker for a in await store.assets.list(active=False)] == ["OIBR3"]
    assert await store.assets.activate("OIBR3") == 1
    assert [a.ticker for a in await store.assets.list(market=Market.FIIS)] == ["HGLG11"]


async def test_a_ticker_change_is_followed_to_its_end(store: Store) -> None:
    await store.assets.upsert(Asset(ticker="ELET3", kind=AssetKind.STOCK))
    await store.assets.rename(
        TickerChange(old="ELET3", new="AXIA3", changed_on=date(2025, 11, 10), source="b3"),
        TickerChange(old="AXIA3", new="AXIB3", changed_on=date(2026, 1, 2), source="b3"),
    )
    assert await store.assets.current("ELET3") == "AXIB3"
    assert await store.assets.current("ELET3", on=date(2025, 12, 1)) == "AXIA3"
    assert await store.assets.current("PETR4") == "PETR4"
    assert (await store.assets.lineages()).current("ELET3") == "AXIB3"
    elet = await store.assets.get("ELET3")
    assert elet is not None
    assert (elet.active, elet.successor) == (False, "AXIA3")


async def test_a_search_treats_wildcards_as_letters(store: Store) -> None:
    await store.assets.upsert(
        Asset(ticker="PETR4", kind=AssetKind.STOCK, name="Petrobras"),
        Asset(ticker="VALE3", kind=AssetKind.STOCK, name="Vale 100%"),
    )
    assert [a.ticker for a in await store.assets.search("petr")] == ["PETR4"]
    assert [a.ticker for a in await store.assets.search("%")] == ["VALE3"]
    assert await store.assets.search("\x00_") == []


async def test_bytes_are_kept_once_and_come_back_whole(store: Store) -> None:
    body = bytes(range(256)) * 2000
    first = payload(body)
    await store.payloads.put(first)
    await store.payloads.put(first.model_copy(update={"fetched_at": T0 + timedelta(days=1), "etag": '"2"'}))
    kept = await store.payloads.get(first.sha256)
    assert kept == first
    newest = await store.payloads.latest(first.url)
    assert newest is not None
    assert (newest.etag, newest.fetched_at, newest.body) == ('"2"', T0 + timedelta(days=1), None)
    assert await store.payloads.latest("https://brapi.dev/other") is None


async def test_the_same_observation_again_changes_nothing_and_a_correction_wins(store: Store) -> None:
    await store.observations.insert([observed("38.50"), observed("38.50")])
    await store.observations.insert([observed("38.50", fetched=T0 + timedelta(hours=1))])
    (kept,) = await store.observations.of("PETR4")
    assert (kept.value, kept.fetched_at) == (Decimal("38.50"), T0)
    await store.observations.insert([observed("38.60", fetched=T0 + timedelta(hours=2))])
    await store.observations.insert([observed("38.10", fetched=T0 + timedelta(hours=1))])
    (kept,) = await store.observations.of("PETR4")
    assert kept.value == Decimal("38.60")


@pytest.mark.parametrize(
    ("second", "wins"),
    [
        (chosen("39", at=T0 + timedelta(minutes=5)), True),
        (chosen("39", at=T0 - timedelta(minutes=5)), False),
        (chosen("39", confidence=0.95), True),
        (chosen("39", confidence=0.5), False),
        (chosen("3900", at=T0 + timedelta(minutes=5), quarantined=True), False),
        (chosen(None, at=T0 + timedelta(minutes=5)), False),
    ],
)
async def test_a_worse_consensus_never_replaces_a_better_one(store: Store, second: Consensus, wins: bool) -> None:
    await store.observations.choose([chosen("38.50")])
    await store.observations.choose([second])
    held = (await store.observations.latest("PETR4"))["close"]
    assert held.value == (Decimal("39") if wins else Decimal("38.50"))


async def test_a_good_value_replaces_one_in_quarantine(store: Store) -> None:
    await store.observations.choose([chosen("3900", quarantined=True)])
    await store.observations.choose([chosen("38.50", at=T0 - timedelta(minutes=5))])
    assert (await store.observations.latest("PETR4"))["close"].value == Decimal("38.50")


async def test_the_quality_view_names_sources_ages_and_what_was_refused(store: Store) -> None:
    refused = Rejected(source="yahoo", value=Decimal(3850), reason="unit: 100 times the others", payload=OTHER)
    await store.observations.insert([observed("38.50"), observed("3850", source="yahoo", at=T0 - timedelta(days=2))])
    await store.observations.choose([chosen("38.50", divergent=True, rejected=(refused,))])
    late = chosen("3900", at=T0 + timedelta(hours=1), quarantined=True, chosen_at=T0 + timedelta(hours=1))
    await store.observations.choose([late])
    (field,) = await store.observations.quality("PETR4", now=T0 + timedelta(days=1))
    assert (field.value, field.age_days, field.divergent) == (Decimal("38.50"), 1.0, True)
    assert field.kept_because == "the newest value, 3900 of brapi, is quarantined"
    told = {s.source: (s.age_days, s.chosen, s.rejected) for s in field.sources}
    assert told == {"brapi": (1.0, True, None), "yahoo": (3.0, False, "unit: 100 times the others")}
    assert [c.ticker for c in await store.observations.divergences()] == ["PETR4"]


def dividend(day: date, amount: str, *, source: str = "b3", pays: date | None = None) -> CorporateAction:
    return CorporateAction(
        ticker="ABEV3",
        kind=ActionKind.JCP,
        last_date_with=day,
        payment_date=pays,
        amount=Decimal(amount),
        source=source,
        payload=HASH,
    )


async def test_an_event_told_by_two_sources_counts_once(store: Store) -> None:
    day = date(2025, 12, 22)
    both = [
        dividend(day, "0.1334"),
        dividend(day, "0.4702"),
        dividend(day + timedelta(days=1), "0.13340", source="brapi"),
    ]
    assert await store.actions.upsert(both) == 3
    assert await store.actions.upsert(both) == 0
    assert [a.amount for a in await store.actions.of("ABEV3")] == [Decimal("0.1334"), Decimal("0.4702")]
    assert len(await store.actions.reported("ABEV3")) == 3


async def test_a_payment_day_that_becomes_known_completes_the_event(store: Store) -> None:
    day, pays = date(2025, 12, 22), date(2026, 2, 6)
    await store.actions.upsert([dividend(day, "0.1334")])
    assert await store.actions.upsert([dividend(day, "0.1334", pays=pays)]) == 0
    assert await store.actions.upsert([dividend(day, "0.1334")]) == 0
    (event,) = await store.actions.of("ABEV3")
    assert event.payment_date == pays
    assert await store.actions.upsert([dividend(day, "0.1334", pays=pays + timedelta(days=30))]) == 1


async def test_equal_instalments_are_kept_apart_and_stay_so(store: Store) -> None:
    instalments = [dividend(date(2025, 12, 15), "0.22798586") for _ in range(4)]
    assert await store.actions.upsert(instalments) == 4
    assert await store.actions.upsert(instalments) == 0
    assert await store.actions.of("ABEV3") == instalments


async def test_a_revised_amount_replaces_the_earlier_word_of_that_source(store: Store) -> None:
    day = date(2025, 12, 15)
    await store.actions.upsert([dividend(day, "0.50"), dividend(day, "0.10")])
    assert await store.actions.upsert([dividend(day, "0.55"), dividend(day, "0.10")]) == 1
    assert sorted(a.amount for a in await store.actions.of("ABEV3") if a.amount) == [Decimal("0.10"), Decimal("0.55")]
    other = dividend(date(2025, 11, 17), "0.20")
    assert await store.actions.upsert([other]) == 1
    assert len(await store.actions.of("ABEV3")) == 3


async def test_an_announced_payment_that_is_moved_or_called_off_leaves_no_second_one(store: Store) -> None:
    today = payload(b"{}").fetched_at.date()
    old, past = dividend(today - timedelta(days=300), "1"), dividend(today - timedelta(days=3), "0.30")
    approved = past.model_copy(update={"approved_on": today - timedelta(days=20)})
    first, later = dividend(today + timedelta(days=10), "0.50"), dividend(today + timedelta(days=15), "0.50")
    theirs = dividend(today + timedelta(days=10), "0.50", source="brapi")

    async def collected(*events: CorporateAction) -> list[date]:
        await store.save_harvest(Harvest(payloads=[payload(b"{}")], actions=list(events)))
        return [a.last_date_with for a in await store.actions.reported("ABEV3")]

    assert len(await collected(old, approved, first, theirs)) == 4
    moved = approved.model_copy(update={"last_date_with": today - timedelta(days=1)})
    days = await collected(old, moved, later)
    assert days == [e.last_date_with for e in (old, moved, theirs, later)]  # another source's word is its own
    days = await collected(old, moved)
    assert days == [e.last_date_with for e in (old, moved, theirs)]
    assert await collected(moved) == days  # what lies before the first that is listed is not called off
    assert await collected(old) == days  # nor is what is over, without a day instead of it


async def test_terms_of_an_event_come_back(store: Store) -> None:
    spin_off = CorporateAction(
        ticker="ABEV3",
        kind=ActionKind.SPIN_OFF,
        last_date_with=date(2021, 10, 1),
        source="owner",
        payload="0" * 64,
        label="CIS RED CAP",
        approved_on=date(2021, 9, 1),
        other="ABCD3",
        ratio=Decimal("0.2375"),
        price_factor=Decimal("0.82"),
    )
    assert await store.actions.upsert([spin_off]) == 1
    assert await store.actions.of("ABEV3") == [spin_off]
    (step,) = (await store.actions.steps(["ABEV3"], lineages=await store.assets.lineages()))["ABEV3"]
    assert step.price_factor == Decimal("0.82")


async def test_a_jump_nothing_explains_leaves_no_adjusted_price_before_it(store: Store) -> None:
    closes = [Decimal("0.17"), Decimal("1.70"), Decimal("1.75")]
    days = [date(2023, 1, 25), date(2023, 1, 26), date(2023, 1, 27)]
    rows = [Bar("ABCD3", d, c, c, c, c, 10, None, None, "cotahist", "p") for d, c in zip(days, closes, strict=True)]
    await store.bars.save(rows)
    bars = await store.bars.read("ABCD3")
    assert bars.close.tolist() == [0.17, 1.70, 1.75]
    assert [f != f for f in bars.factor.tolist()] == [True, False, False]


def line(value: str, *, version: int = 1, received: date | None = None, account: str = "3.01") -> StatementLine:
    return StatementLine(
        cnpj="33000167000101",
        cvm_code=9512,
        company="PETROBRAS",
        form="DFP",
        statement="DRE",
        consolidated=True,
        version=version,
        reference_date=date(2024, 12, 31),
        period_start=date(2024, 1, 1),
        period_end=date(2024, 12, 31),
        account=account,
        description="Receita de Venda",
        value=Decimal(value),
        received_on=received,
        payload=HASH,
    )


async def test_the_highest_version_wins_and_the_past_is_read_as_it_was_known(store: Store) -> None:
    first, second = date(2025, 2, 26), date(2025, 6, 1)
    old, new = line("100", received=first), line("110", version=2, received=second)
    assert await store.statements.upsert([new, old, old]) == 2
    assert await store.statements.upsert([old, new]) == 0
    assert await store.statements.read(cvm_code=9512) == [new]
    assert await store.statements.read(cnpj="33000167000101", known_on=date(2025, 3, 1)) == [old]
    assert await store.statements.read(cvm_code=9512, known_on=date(2025, 1, 31)) == []
    assert len(await store.statements.read(cvm_code=9512, all_versions=True)) == 2
    filed = await store.statements.filed(new.cnpj)
    assert (filed.versions, filed.newest, filed.total_assets) == ({("DFP", date(2024, 12, 31)): 2}, second, None)
    total = line("7", version=2, account="1").model_copy(update={"statement": "BPA", "period_start": None})
    await store.statements.upsert([total])
    assert (await store.statements.filed(new.cnpj)).total_assets == 7
    assert (await store.statements.filed("0" * 14)).newest is None
    assert await store.statements.newest_many([new.cnpj, "0" * 14]) == {new.cnpj: second}


async def test_a_filing_without_its_delivery_day_counts_from_the_legal_deadline(store: Store) -> None:
    await store.statements.upsert([line("100")])
    assert await store.statements.read(cvm_code=9512, known_on=date(2025, 3, 30)) == []
    assert len(await store.statements.read(cvm_code=9512, known_on=date(2025, 3, 31))) == 1


def news(title: str, *, tickers: tuple[str, ...] = (), sentiment: float | None = None) -> NewsItem:
    return NewsItem(
        id=hashlib.sha256(title.encode()).hexdigest(),
        title=title,
        outlet="InfoMoney",
        published_at=T0,
        fetched_at=T0,
        source="rss",
        payload=HASH,
        tickers=tickers,
        sentiment=sentiment,
    )


async def test_the_newest_news_of_each_asset_come_in_one_read(store: Store) -> None:
    both, one = news("Petrobras e Vale sobem", tickers=("PETR4", "VALE3")), news("Petrobras cai", tickers=("PETR4",))
    await store.news.upsert([both, one])
    found = await store.news.latest_many(["PETR4", "VALE3", "ITUB4"], since=T0 - timedelta(days=1))
    assert {t: {n.title for n in items} for t, items in found.items()} == {
        "PETR4": {both.title, one.title},
        "VALE3": {both.title},
    }
    assert found["PETR4"] == await store.news.latest("PETR4")
    assert len((await store.news.latest_many(["PETR4"], limit=1))["PETR4"]) == 1
    assert await store.news.latest_many(["PETR4"], since=T0 + timedelta(seconds=1)) == {}


async def test_news_from_two_feeds_is_one_item_with_all_its_tickers(store: Store) -> None:
    assert await store.news.upsert([news("Petrobras sobe", tickers=("PETR4",))]) == 1
    assert await store.news.upsert([news("Petrobras sobe", tickers=("PETR3",), sentiment=0.5)]) == 0
    (item,) = await store.news.latest("PETR3")
    assert (item.tickers, item.sentiment) == (("PETR3", "PETR4"), 0.5)
    assert await store.news.latest("VALE3") == []


async def test_a_title_with_a_nul_is_stored_without_it(store: Store) -> None:
    await store.news.upsert([news("a\x00b")])
    assert [n.title for n in await store.news.latest()] == ["a\ufffdb"]


async def test_a_revised_rate_replaces_the_old_one_but_not_by_a_worse_source(store: Store) -> None:
    def point(value: str, source: str) -> MacroPoint:
        return MacroPoint(series="sgs:12", day=date(2026, 3, 30), value=Decimal(value), source=source, payload=HASH)

    assert await store.macro.upsert([point("0.0437", "bcb")]) == 1
    assert await store.macro.upsert([point("0.043739", "bcb")]) == 1
    assert await store.macro.upsert([point("9", "brapi")]) == 0
    points = await store.macro.read("sgs:12")
    assert [p.value for p in points] == [Decimal("0.043739")]
    ours, theirs = RateCurve.of_columns(await store.macro.columns("sgs:12")), RateCurve.of(points)
    assert (ours.days.tolist(), ours.rates.tolist()) == (theirs.days.tolist(), theirs.rates.tolist())
    assert (ours.source, ours.payload) == (theirs.source, theirs.payload) == ("bcb", HASH)
    assert not len(RateCurve.of_columns(await store.macro.columns("sgs:none")))
    last = await store.macro.last("sgs:12", on=date(2026, 3, 29))
    assert last is None
    assert await store.macro.series("sgs:") == {"sgs:12": date(2026, 3, 30)}


async def test_a_collection_is_written_whole_or_not_at_all(store: Store) -> None:
    from invest.domain.market.bars import Bar

    body = payload(b"{}")
    bad = Bar("PETR4", date(2026, 3, 30), None, None, None, Decimal(0), None, None, None, "brapi", HASH)
    parts = Harvest(payloads=[body], observations=[observed("38.50")], consensus=[chosen("38.50")], news=[news("x")])
    with pytest.raises(ValueError, match="bar_close_is_a_price"):
        await store.save_harvest(Harvest(payloads=[body], observations=[observed("38.50")], bars=[bad]))
    assert await store.payloads.get(body.sha256) is None
    assert await store.observations.of("PETR4") == []
    saved = await store.save_harvest(parts)
    assert saved.news == 1
    assert await store.payloads.get(body.sha256) == body


def bar_of(ticker: str, day: date, close: str) -> Bar:
    return Bar(ticker, day, None, None, None, Decimal(close), 100, None, None, "cotahist", "e" * 64)


async def test_history_and_events_go_on_across_a_change_of_code(store: Store) -> None:
    change = TickerChange(old="ELET3", new="AXIA3", changed_on=date(2025, 11, 10), ratio=Decimal(2), source="cvm")
    paid = CorporateAction(ticker="ELET3", kind=ActionKind.DIVIDEND, last_date_with=date(2025, 11, 6),
                           amount=Decimal("5"), source="b3", payload="e" * 64)  # fmt: skip
    again = paid.model_copy(update={"ticker": "AXIA3"})
    await store.save_harvest(
        Harvest(
            assets=[Asset(ticker="AXIA3", kind=AssetKind.STOCK), Asset(ticker="ELET3", kind=AssetKind.STOCK)],
            changes=[change],
            bars=[
                bar_of("ELET3", date(2025, 11, 6), "50"),
                bar_of("ELET3", date(2025, 11, 7), "45"),
                bar_of("AXIA3", date(2025, 11, 10), "23"),
            ],
            actions=[paid, again],
        )
    )
    for asked in ("AXIA3", "ELET3"):
        bars = await store.bars.read(asked)
        assert bars.days.astype(str).tolist() == ["2025-11-06", "2025-11-07", "2025-11-10"]
        assert bars.close.tolist() == [50, 45, 23]
        assert bars.adjusted.tolist() == pytest.approx([22.5, 22.5, 23])  # a tenth was paid, then two came for one
        assert [r.ticker for r in await store.bars.rows(asked)] == ["AXIA3", "ELET3", "ELET3"]
        assert [a.last_date_with for a in await store.actions.of(asked)] == [date(2025, 11, 6)]
    everything = await store.bars.read_many()
    assert len(everything["AXIA3"]) == 3
    old = await store.assets.get("ELET3")
    assert old is not None
    assert (old.active, old.successor) == (False, "AXIA3")


async def test_sources_that_tell_an_event_under_either_code_tell_one(store: Store) -> None:
    change = TickerChange(old="ELET3", new="AXIA3", changed_on=date(2025, 11, 10), source="cvm")
    official = CorporateAction(ticker="AXIA3", kind=ActionKind.JCP, last_date_with=date(2025, 6, 2),
                               amount=Decimal("0.60"), source="b3", payload="p")  # fmt: skip
    other = official.model_copy(update={"ticker": "ELET3", "amount": Decimal("0.51"), "source": "brapi"})
    alone = other.model_copy(update={"last_date_with": date(2024, 6, 3)})
    await store.save_harvest(
        Harvest(
            assets=[Asset(ticker=code, kind=AssetKind.STOCK) for code in ("AXIA3", "ELET3")],
            changes=[change],
            actions=[official, other, alone],
        )
    )
    assert [(a.source, a.amount) for a in await store.actions.of("AXIA3")] == [
        ("brapi", Decimal("0.51")),
        ("b3", Decimal("0.60")),
    ]


async def test_a_code_traded_again_has_no_successor_and_is_not_ended_twice(store: Store) -> None:
    change = TickerChange(old="NATU3", new="NTCO3", changed_on=date(2019, 12, 18), source="cvm")
    await store.assets.upsert(Asset(ticker="NATU3", kind=AssetKind.STOCK))
    await store.assets.rename(change)
    await store.assets.activate("NATU3")
    await store.assets.rename(change)
    natura = await store.assets.get("NATU3")
    assert natura is not None
    assert (natura.active, natura.successor) == (True, None)
    assert (await store.assets.lineages()).current("NATU3") == "NATU3"


async def test_the_newest_reading_of_events_is_kept_by_source(store: Store) -> None:
    older, newer = (EventReading("PETR4", "b3", date(2026, 3, day), mark) for day, mark in ((30, ""), (31, "EJ")))
    other = EventReading("PETR4", "other", date(2026, 3, 1), None)
    await store.save_harvest(Harvest(readings=[newer, older, other]))
    await store.save_harvest(Harvest(readings=[older]))
    found = await store.event_readings.of_many(["PETR4", "VALE3"])
    assert found == {"PETR4": {"b3": newer, "other": other}}


async def test_what_is_stored_of_assets_asked_for_together_is_each_ones_own(store: Store) -> None:
    filed = line("100", received=date(2025, 2, 26))
    petr = Asset(ticker="PETR4", kind=AssetKind.STOCK, cnpj=filed.cnpj)
    vale = Asset(ticker="VALE3", kind=AssetKind.STOCK)
    bar = Bar("VALE3", date(2026, 3, 30), Decimal(1), Decimal(1), Decimal(1), Decimal(1), 1, None, None, "brapi", HASH)
    read = EventReading("PETR4", "b3", date(2026, 3, 30), "ED")
    await store.save_harvest(
        Harvest(assets=[petr, vale], observations=[observed("1")], consensus=[chosen("1")], statements=[filed],
                bars=[bar], readings=[read])
    )  # fmt: skip
    one, two, none = await asyncio.gather(*(store.asset_reads.stored(t) for t in ("PETR4", "VALE3", "XXXX3")))
    assert one.asset == await store.assets.get("PETR4")
    assert (one.latest, one.readings) == ({"close": chosen("1")}, {"b3": read})
    assert one.filed == ({("DFP", date(2024, 12, 31)): 1}, date(2025, 2, 26), None)
    assert (two.asset, two.bars_until, two.filed) == (await store.assets.get("VALE3"), bar.day, None)
    assert (none.asset, none.latest, none.bars_until, none.actions, none.filed) == (None, {}, None, [], None)
    newest = await asyncio.gather(*(store.asset_reads.newest(t) for t in ("PETR4", "VALE3")))
    assert newest == [[observed("1")], []]
    found = await asyncio.gather(*(store.asset_reads.in_force(t) for t in ("PETR4", "VALE3")))
    assert found == [({"close": chosen("1")}, None), ({}, bar.day)]
    points = [
        MacroPoint(series="sgs:12", day=date(2026, 3, day), value=Decimal(day), source="bcb", payload=HASH)
        for day in (1, 2)
    ]
    held = payload(b"file")
    await store.save_harvest(Harvest(macro=points, payloads=[held]))
    reads = store.asset_reads
    assert await asyncio.gather(*map(reads.last_day, ("VALE3", "XXXX3"))) == [bar.day, None]
    assert await asyncio.gather(*map(reads.last_point, ("sgs:12", "sgs:1"))) == [points[1], None]
    kept = await asyncio.gather(*map(reads.kept, ([held.sha256, HASH], [OTHER], [held.sha256])))
    assert kept == [{held.sha256}, set(), {held.sha256}]
