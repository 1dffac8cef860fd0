"""Events and questions over HTTP."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from invest.domain.market import FundPortfolio, FundPosition, PositionKind
from invest.domain.market.assets import Asset, MacroPoint, NewsItem
from invest.domain.market.bars import Bar
from invest.domain.market.tickers import AssetKind
from invest.domain.values import Harvest
from invest.settings import Settings
from invest.store import Store
from tests.integration.api.api_kit import API, Door

pytest_plugins = ["tests.integration.api.api_fixtures"]

PATH = f"{API}/assets/AMER3"


async def stock(platform: Settings) -> None:
    """A paper that lost 77 % in a day."""
    closes = {date(2023, 1, 11): Decimal(12), date(2023, 1, 12): Decimal("2.72")}
    rows = [Bar("AMER3", day, p, p, p, p, 100, None, None, "cotahist", "p") for day, p in closes.items()]
    async with Store.open(platform) as store:
        await store.assets.upsert(Asset(ticker="AMER3", kind=AssetKind.STOCK))
        await store.bars.save(rows)


async def test_an_event_is_booked_shown_and_taken_back(web_door: Door, platform: Settings) -> None:
    await stock(platform)
    body = {"kind": "spin_off", "last_date_with": "2023-01-11", "price_factor": "0.25"}
    made = (await web_door.ask("POST", f"{PATH}/events", json=body, status=201)).json()
    assert (made["source"], made["price_factor"]) == ("owner", "0.25")
    (shown,) = (await web_door.ask("GET", f"{PATH}/actions", status=200)).items()
    assert (shown["kind"], shown["last_date_with"]) == ("spin_off", "2023-01-11")
    await web_door.ask("DELETE", f"{PATH}/events/spin_off/2023-01-11", status=204)
    await web_door.ask("DELETE", f"{PATH}/events/spin_off/2023-01-11", status=404)
    assert (await web_door.ask("GET", f"{PATH}/actions", status=200)).items() == []


async def test_a_question_is_listed_and_answered_once(web_door: Door, platform: Settings) -> None:
    await stock(platform)
    path = f"{API}/data/questions?ticker=AMER3&since=2020-01-01"
    (asked,) = (await web_door.ask("GET", path, status=200)).items()
    assert (asked["kind"], asked["day"], asked["breaks"]) == ("move", "2023-01-11", False)
    body = {"kind": "move", "day": asked["day"], "answer": "the fraud became known"}
    await web_door.ask("POST", f"{PATH}/answers", json=body, status=204)
    assert (await web_door.ask("GET", path, status=200)).items() == []


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({"kind": "spin_off", "last_date_with": "2023-01-11"}, 422, "give price_factor"),
        ({"kind": "split", "last_date_with": "2023-01-11", "factor": "0.5"}, 422, "above 1"),
        (
            {"kind": "spin_off", "last_date_with": "2023-01-11", "other": "NEWX3", "ratio": "1"},
            422,
            "no close of NEWX3",
        ),
        ({"kind": "never", "last_date_with": "2023-01-11"}, 422, "kind"),
    ],
)
async def test_an_event_without_sense_is_refused(
    web_door: Door, platform: Settings, body: dict[str, str], status: int, said: str
) -> None:
    await stock(platform)
    answer = await web_door.ask("POST", f"{PATH}/events", json=body, status=status)
    assert said in answer.body.decode()


async def test_the_calendar_of_an_asset_and_of_a_portfolio(web_door: Door, platform: Settings) -> None:
    await stock(platform)
    body = {"kind": "dividend", "last_date_with": "2023-01-11", "amount": "0.5", "payment_date": "2023-02-01"}
    await web_door.ask("POST", f"{PATH}/events", json=body, status=201)
    days = "since=2023-01-01&until=2023-03-01"
    (entry,) = (await web_door.ask("GET", f"{API}/data/calendar?ticker=AMER3&{days}", status=200)).items()
    assert (entry["ex_date"], entry["payment_date"], entry["stage"]) == ("2023-01-12", "2023-02-01", "done")
    made = (await web_door.ask("POST", f"{API}/portfolios", json={"name": "P"}, status=201)).json()["id"]
    assert (await web_door.ask("GET", f"{API}/data/calendar?portfolio_id={made}&{days}", status=200)).items() == []
    await web_door.ask("GET", f"{API}/data/calendar?portfolio_id=absent", status=404)
    await web_door.ask("GET", f"{API}/data/calendar", status=422)
    backwards = f"{API}/data/calendar?ticker=AMER3&since=2027-01-01&until=2026-01-01"
    assert "lies before since" in (await web_door.ask("GET", backwards, status=422)).json()["detail"]


async def test_a_notice_of_an_event_nobody_knows_is_asked_about(web_door: Door, platform: Settings) -> None:
    await stock(platform)
    told = datetime(2023, 3, 1, 15, tzinfo=UTC)
    items = [
        NewsItem(
            id=key, title=f"AMERICANAS S.A.: {subject}", outlet="CVM", fetched_at=told, published_at=told,
            source="cvm", payload="p", tickers=("AMER3",), link="https://www.rad.cvm.gov.br/x",
        )
        for key, subject in (("a", "Grupamento de Ações"), ("b", "Pagamento de dividendos"))
    ]  # fmt: skip
    async with Store.open(platform) as store:
        await store.news.upsert(items)
    for whose in ("ticker=AMER3&", ""):
        found = (await web_door.ask("GET", f"{API}/data/questions?{whose}since=2023-02-01", status=200)).items()
        (asked,) = [one for one in found if one["kind"] == "notice"]
        assert (asked["ticker"], asked["day"]) == ("AMER3", "2023-03-01") and "rad.cvm.gov.br" in asked["text"]
    body = {"kind": "reverse_split", "last_date_with": "2023-04-14", "factor": "0.01"}
    await web_door.ask("POST", f"{PATH}/events", json=body, status=201)
    found = (await web_door.ask("GET", f"{API}/data/questions?ticker=AMER3&since=2023-02-01", status=200)).items()
    assert not [one for one in found if one["kind"] == "notice"]


async def test_the_next_results_are_those_announced(web_door: Door, platform: Settings) -> None:
    await stock(platform)
    now = platform.now()
    day = (now + timedelta(days=20)).date()
    item = NewsItem(
        id="r", title=f"AMERICANAS S.A.: Divulgação de Resultados em {day:%d/%m/%Y}", outlet="CVM", fetched_at=now,
        published_at=now - timedelta(days=1), source="cvm", payload="p", tickers=("AMER3",),
    )  # fmt: skip
    async with Store.open(platform) as store:
        await store.news.upsert([item])
    (found,) = (await web_door.ask("GET", f"{API}/data/results?ticker=AMER3", status=200)).items()
    assert (found["ticker"], found["day"], found["announced"], found["payload"]) == ("AMER3", str(day), True, "p")
    await web_door.ask("GET", f"{API}/data/results", status=422)


async def test_what_stands_behind_a_fund_and_a_receipt(web_door: Door, platform: Settings) -> None:
    await stock(platform)
    line = FundPosition(kind=PositionKind.BUILDING, name="Galpão Betim", share=Decimal("0.4"), area=Decimal(1000))
    held = FundPortfolio(
        ticker="HGLG11", as_of=date(2023, 3, 31), positions=(line,), source="cvm_funds", payload="a" * 64
    )
    older = held.model_copy(update={"as_of": date(2022, 12, 31), "positions": ()})
    async with Store.open(platform) as store:
        await store.assets.upsert(
            Asset(ticker="HGLG11", kind=AssetKind.FII), Asset(ticker="AAPL34", kind=AssetKind.BDR)
        )
        await store.save_harvest(Harvest(portfolios=(held,)))
        await store.save_harvest(Harvest(portfolios=(older,)))
    found = (await web_door.ask("GET", f"{API}/assets/HGLG11/portfolio", status=200)).json()
    assert (found["as_of"], found["payload"]) == ("2023-03-31", "a" * 64)
    assert (found["positions"][0]["name"], found["positions"][0]["share"]) == ("Galpão Betim", "0.4")
    await web_door.ask("GET", f"{PATH}/portfolio", status=404)
    receipt = (await web_door.ask("GET", f"{API}/assets/AAPL34/receipt", status=200)).json()
    assert (receipt["home"]["symbol"], receipt["parity"], receipt["ratio_changes"]) == ("AAPL", None, [])
    assert "yahoo" in receipt["no_parity"]
    await web_door.ask("GET", f"{PATH}/receipt", status=404)


async def test_series_of_the_economy_come_with_their_source(web_door: Door, platform: Settings) -> None:
    points = [
        MacroPoint(series="sgs:433", day=date(2023, month, 1), value=Decimal(f"0.{month}"), source="bcb", payload="p")
        for month in range(1, 5)
    ]
    async with Store.open(platform) as store:
        await store.macro.upsert(points)
    assert (await web_door.ask("GET", f"{API}/macro", status=200)).json() == {"sgs:433": "2023-04-01"}
    found = (await web_door.ask("GET", f"{API}/macro/sgs:433?limit=2", status=200)).items()
    assert [(one["day"], one["value"], one["source"]) for one in found] == [
        ("2023-03-01", "0.3", "bcb"),
        ("2023-04-01", "0.4", "bcb"),
    ]
    await web_door.ask("GET", f"{API}/macro/sgs:9999", status=404)
    await web_door.ask("GET", f"{API}/macro/..%2F..", status=422)


async def test_what_was_delisted_is_listed_by_pages_with_why(web_door: Door, platform: Settings) -> None:
    await stock(platform)
    days = {"GONE3": date(2024, 3, 28), "LAST3": date(2025, 3, 28), "HGLG11": date(2022, 3, 28)}
    async with Store.open(platform) as store:
        for ticker, day in days.items():
            kind = AssetKind.FII if ticker == "HGLG11" else AssetKind.STOCK
            await store.assets.upsert(Asset(ticker=ticker, kind=kind))
            one = Decimal(10)
            await store.bars.save([Bar(ticker, day, one, one, one, one, 1, None, None, "cotahist", "p")])
        await store.assets.deactivate("GONE3", "HGLG11")
    body = {"kind": "merger", "last_date_with": "2025-03-28", "other": "AMER3", "ratio": "0.5"}
    await web_door.ask("POST", f"{API}/assets/LAST3/events", json=body, status=201)
    path = f"{API}/data/delistings"
    first = (await web_door.ask("GET", f"{path}?limit=2", status=200)).json()
    assert [(d["ticker"], d["reason"], d["last_session"]) for d in first["items"]] == [
        ("LAST3", "merged", "2025-03-28"),
        ("GONE3", "unlisted", "2024-03-28"),
    ]
    assert (first["items"][0]["successor"], first["items"][0]["ratio"]) == ("AMER3", "0.5")
    rest = (await web_door.ask("GET", f"{path}?limit=2&cursor={first['next_cursor']}", status=200)).json()
    assert ([d["ticker"] for d in rest["items"]], rest["next_cursor"]) == (["HGLG11"], None)
    for query, tickers in (("market=fiis", ["HGLG11"]), ("since=2025-01-01", ["LAST3"]), ("ticker=AMER3", [])):
        found = (await web_door.ask("GET", f"{path}?{query}", status=200)).items()
        assert [d["ticker"] for d in found] == tickers
    await web_door.ask("GET", f"{path}?market=nothing", status=422)
    asset = (await web_door.ask("GET", f"{API}/assets/LAST3", status=200)).json()
    assert (asset["active"], asset["successor"], asset["listed_on"]) == (False, "AMER3", None)


async def test_a_spin_off_asks_for_its_published_part_until_that_is_booked(web_door: Door, platform: Settings) -> None:
    await stock(platform)
    told = datetime(2023, 2, 1, 15, tzinfo=UTC)
    async with Store.open(platform) as store:
        await store.assets.upsert(Asset(ticker="NEWX3", kind=AssetKind.STOCK))
        five = Decimal("1.20")
        await store.bars.save([Bar("NEWX3", date(2023, 1, 12), five, five, five, five, 1, None, None, "cotahist", "p")])
        await store.news.upsert(
            [
                NewsItem(
                    id=key, title=f"AMERICANAS S.A.: {subject}", outlet="CVM", fetched_at=told,
                    published_at=told - timedelta(days=before), source="cvm", payload="p", tickers=("AMER3",),
                    link=f"https://www.rad.cvm.gov.br/{key}",
                )
                for key, subject, before in (
                    ("a", "Cisão Parcial da Companhia", 25),
                    ("b", "Custo de aquisição das ações após a cisão", 0),
                )
            ]
        )  # fmt: skip
    spun = {"kind": "spin_off", "last_date_with": "2023-01-11", "other": "NEWX3", "ratio": "2"}
    made = (await web_door.ask("POST", f"{PATH}/events", json=spun, status=201)).json()
    assert (made["price_factor"], made["cost_share"]) == ("0.800000", None)
    path = f"{API}/data/questions?ticker=AMER3&since=2023-01-01"
    (asked,) = [q for q in (await web_door.ask("GET", path, status=200)).items() if q["kind"] == "cost_share"]
    assert "20.00% of the cost goes with NEWX3, an estimate by prices" in asked["text"]
    assert (asked["link"], asked["day"]) == ("https://www.rad.cvm.gov.br/b", "2023-01-11")
    assert asked["book"] == (
        "invest data event AMER3 --kind spin_off --last-day 2023-01-11 --other NEWX3 --ratio 2 --price-factor 0.8 "
        "--cost-share PART --cost-source https://www.rad.cvm.gov.br/b"
    )
    for part, said in (("1", "less than 1"), ("-0.1", "greater than 0"), ("0", "greater than 0")):
        answer = await web_door.ask("POST", f"{PATH}/events", json={**spun, "cost_share": part}, status=422)
        assert said in answer.body.decode()
    body = {**spun, "price_factor": "0.8", "cost_share": "0.125", "cost_source": asked["link"]}
    made = (await web_door.ask("POST", f"{PATH}/events", json=body, status=201)).json()
    assert (made["cost_share"], made["cost_source"]) == ("0.125", asked["link"])
    left = (await web_door.ask("GET", path, status=200)).items()
    assert not [q for q in left if q["kind"] == "cost_share"]
    fact = {"date": "2023-01-05", "ticker": "AMER3", "operation": "buy", "quantity": "100", "price": "10"}
    held = (
        await web_door.ask("POST", f"{API}/portfolios", json={"name": "P", "transactions": [fact]}, status=201)
    ).json()
    view = (await web_door.ask("GET", f"{API}/portfolios/{held['id']}", status=200)).json()
    costs = {p["ticker"]: (Decimal(p["quantity"]), Decimal(p["cost"])) for p in view["positions"]}
    assert costs == {"AMER3": (Decimal(100), Decimal(875)), "NEWX3": (Decimal(200), Decimal(125))}
