"""Histories of papers over HTTP: positions, adjusted prices, income and calendar that follow from booked events."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from invest.domain.market import ActionKind, Asset, AssetKind, CorporateAction, TickerChange
from invest.domain.market.bars import Bar
from invest.settings import Settings
from invest.store import Store
from tests.integration.api.api_kit import API, Door

pytest_plugins = ["tests.integration.api.api_fixtures"]

BEFORE, LAST, FIRST = date(2026, 3, 9), date(2026, 3, 10), date(2026, 3, 11)


async def trade(store: Store, ticker: str, closes: dict[date, str], kind: AssetKind = AssetKind.STOCK) -> None:
    """Put an asset with these closes on record."""
    await store.assets.upsert(Asset(ticker=ticker, kind=kind))
    prices = {day: Decimal(close) for day, close in closes.items()}
    await store.bars.save(
        [Bar(t, d, p, p, p, p, 100, None, None, "cotahist", "p") for t in (ticker,) for d, p in prices.items()]
    )


def told(ticker: str, kind: ActionKind, **terms: Any) -> CorporateAction:
    given = {"ticker": ticker, "kind": kind, "last_date_with": LAST, "source": "b3", "payload": "p", **terms}
    return CorporateAction.model_validate(given)


async def adjusted(door: Door, ticker: str) -> list[float]:
    """Adjusted closes, oldest first."""
    bars = (await door.ask("GET", f"{API}/assets/{ticker}/prices?adjusted=true", status=200)).items()
    return [round(float(bar["close"]), 3) for bar in bars[::-1]]


async def held(door: Door, *facts: tuple[str, str, str, str, str]) -> dict[str, tuple[str, str]]:
    """What a portfolio of these facts holds, by paper: quantity and cost."""
    keys = ("date", "operation", "ticker", "quantity", "price")
    body = {"name": f"P{facts}"[:200], "transactions": [dict(zip(keys, one, strict=True)) for one in facts]}
    made = (await door.ask("POST", f"{API}/portfolios", json=body, status=201)).json()
    view = (await door.ask("GET", f"{API}/portfolios/{made['id']}", status=200)).json()
    return {p["ticker"]: (f"{float(p['quantity']):g}", f"{float(p['cost']):.2f}") for p in view["positions"]}


async def test_prices_and_positions_follow_what_companies_did(web_door: Door, platform: Settings) -> None:
    day = "2026-01-05"
    async with Store.open(platform) as store:
        await trade(store, "OLDD3", {BEFORE: "20", LAST: "20", FIRST: "8"})
        await trade(store, "NEWW3", {FIRST: "8"})
        await trade(store, "AAPL34", {BEFORE: "100", LAST: "100", FIRST: "19.90"}, AssetKind.BDR)
        await trade(store, "CAPR3", {BEFORE: "10", LAST: "10", FIRST: "7"})
        await trade(store, "FIIA11", {BEFORE: "100", LAST: "100"}, AssetKind.FII)
        await trade(store, "FIIB11", {BEFORE: "108", LAST: "109", FIRST: "109"}, AssetKind.FII)
        await trade(store, "AAAA3", {BEFORE: "10", LAST: "10"})
        await trade(store, "BBBB3", {FIRST: "10", date(2026, 6, 1): "12"})
        await trade(store, "CCCC3", {date(2026, 6, 2): "6"})
        await store.actions.upsert(
            [
                told("OLDD3", ActionKind.SPLIT, factor="2"),
                told("AAPL34", ActionKind.RATIO_CHANGE, factor="5"),
                told("AAPL34", ActionKind.DIVIDEND, amount="0.5", payment_date="2026-03-25"),
                told("CAPR3", ActionKind.AMORTISATION, amount="3", payment_date="2026-03-25"),
            ]
        )
        await store.assets.rename(
            TickerChange(old="AAAA3", new="BBBB3", changed_on=FIRST, source="cvm"),
            TickerChange(old="BBBB3", new="CCCC3", changed_on=date(2026, 6, 2), ratio=Decimal(2), source="cvm"),
        )
    spun = {"kind": "spin_off", "last_date_with": str(LAST), "other": "NEWW3", "ratio": "0.5", "cost_share": "0.15"}
    made = (await web_door.ask("POST", f"{API}/assets/OLDD3/events", json=spun, status=201)).json()
    assert Decimal(made["price_factor"]) == Decimal("0.8")  # half of 8 of the 20 went
    assert await adjusted(web_door, "OLDD3") == [8, 8, 8]  # 20 x .8 / 2
    assert await held(web_door, (day, "buy", "OLDD3", "100", "10")) == {
        "OLDD3": ("200", "850.00"), "NEWW3": ("50", "150.00"),
    }  # fmt: skip
    assert await adjusted(web_door, "AAPL34") == [19.9, 19.9, 19.9]  # 100 x (1 - .5 / 100) / 5
    assert await held(web_door, (day, "buy", "AAPL34", "10", "100")) == {"AAPL34": ("50", "1000.00")}
    assert await adjusted(web_door, "CAPR3") == [7, 7, 7]
    refund = ("2026-03-25", "amortisation", "CAPR3", "100", "3")
    assert await held(web_door, (day, "buy", "CAPR3", "100", "10"), refund) == {"CAPR3": ("100", "700.00")}
    merger = {"kind": "merger", "last_date_with": str(LAST), "other": "FIIB11", "ratio": "0.9", "amount": "1.9"}
    await web_door.ask("POST", f"{API}/assets/FIIA11/events", json=merger, status=201)
    assert await adjusted(web_door, "FIIA11") == [109, 109, 109]  # 100 x (1 - 1.9 / 100) / .9
    units = (day, "buy", "FIIA11", "100", "90")
    assert await held(web_door, units) == {"FIIB11": ("90", "8810.00")}
    assert await adjusted(web_door, "CCCC3") == [5, 5, 5, 6, 6]
    named = [(day, "buy", "AAAA3", "100", "10"), ("2026-04-01", "buy", "BBBB3", "50", "11")]
    assert await held(web_door, *named) == {"CCCC3": ("300", "1550.00")}
    ended = (await web_door.ask("GET", f"{API}/data/delistings", status=200)).items()
    assert [(d["ticker"], d["reason"], d["successor"]) for d in ended] == [
        ("BBBB3", "renamed", "CCCC3"), ("AAAA3", "renamed", "CCCC3"), ("FIIA11", "merged", "FIIB11"),
    ]  # fmt: skip


async def test_instalments_are_shown_revised_and_set_in_the_calendar(web_door: Door, platform: Settings) -> None:
    today = platform.now().date()
    last = today - timedelta(days=20)
    while last.weekday() > 4:
        last -= timedelta(days=1)
    months = [today + timedelta(days=30 * n) for n in (1, 2)]

    def instalments(*paid: tuple[str, date | None]) -> list[CorporateAction]:
        return [
            told("JCPP3", ActionKind.JCP, last_date_with=last, amount=amount, payment_date=day) for amount, day in paid
        ]

    async def shown(who: str) -> list[tuple[str, str | None, int, str]]:
        days = f"since={last - timedelta(days=5)}&until={today + timedelta(days=180)}"
        entries = (await web_door.ask("GET", f"{API}/data/calendar?{who}&{days}", status=200)).items()
        return [(f"{float(e['amount']):g}", e["payment_date"], e["instalment"], e["stage"]) for e in entries]

    async with Store.open(platform) as store:
        await trade(store, "JCPP3", {last: "10"})
        await store.actions.upsert(instalments(("0.1", months[0]), ("0.1", months[1]), ("0.1", None)))
        fact = {"date": "2026-01-05", "ticker": "JCPP3", "operation": "buy", "quantity": "1000", "price": "10"}
        body = {"name": "P", "transactions": [fact]}
        made = (await web_door.ask("POST", f"{API}/portfolios", json=body, status=201)).json()
        first, second = (str(day) for day in months)
        expected = [("0.1", first, 1, "awaited"), ("0.1", second, 2, "awaited"), ("0.1", None, 3, "awaited")]
        for who in ("ticker=JCPP3", f"portfolio_id={made['id']}"):
            assert await shown(who) == expected
        # the second one is revised, and the day of the third is set
        third = today + timedelta(days=90)
        await store.actions.upsert(instalments(("0.1", months[0]), ("0.12", months[1]), ("0.1", third)))
        for who in ("ticker=JCPP3", f"portfolio_id={made['id']}"):
            found = await shown(who)
            assert [(amount, day) for amount, day, _, _ in found] == [
                ("0.1", first), ("0.12", second), ("0.1", str(third)),
            ]  # fmt: skip
            assert [n for _, _, n, _ in found] == [1, 2, 3]
