"""Which papers ended, when and why: renamed, merged, redeemed, fallen silent."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from invest.domain.market import (
    ActionKind,
    Asset,
    AssetKind,
    Delisting,
    DelistingReason,
    EventTerms,
    TickerChange,
    delisting,
)
from invest.domain.market.bars import Bar
from invest.jobs.data_collection import book_event
from invest.store import Store

LAST, FIRST = date(2025, 9, 22), date(2025, 9, 23)


async def trade(store: Store, ticker: str, *days: date) -> None:
    """Put an asset with a close on each of these days on record."""
    await store.assets.upsert(Asset(ticker=ticker, kind=AssetKind.STOCK, name=f"{ticker} S.A."))
    price = Decimal(10)
    await store.bars.save([Bar(ticker, d, price, price, price, price, 1, None, None, "cotahist", "p") for d in days])


async def test_each_paper_that_ended_says_when_why_and_what_its_holders_have(store: Store, now: datetime) -> None:
    for ticker in ("GONE3", "REDD3", "MERG3", "RENA3", "QUIT3"):
        await trade(store, ticker, date(2025, 9, 19), LAST)
    await trade(store, "BIGG3", LAST, FIRST)
    await trade(store, "NEWW3", FIRST)
    await store.assets.listed(["GONE3"], date(2025, 9, 24))
    await store.assets.listed(["BIGG3"], date(2026, 11, 27))  # GONE3 is in no file for 180 days
    await store.assets.deactivate("QUIT3")
    merger = {"kind": "merger", "last_date_with": LAST, "other": "BIGG3", "ratio": "0.8521"}
    await book_event(store, "MERG3", EventTerms.model_validate(merger), now)
    await store.assets.rename(
        TickerChange(old="RENA3", new="NEWW3", changed_on=FIRST, source="cvm"),
        TickerChange(old="LONG3", new="RENA3", changed_on=date(2020, 3, 2), source="cvm"),  # known by its change alone
    )
    bought = EventTerms(kind=ActionKind.REDEMPTION, last_date_with=LAST, amount=Decimal(12))
    await book_event(store, "REDD3", bought, now)
    found = {one.ticker: one for one in await store.assets.delistings()}
    assert {t: (d.reason.value, d.last_session, d.ended_on, d.successor, d.ratio) for t, d in found.items()} == {
        "MERG3": ("merged", LAST, FIRST, "BIGG3", Decimal("0.8521")),
        "RENA3": ("renamed", LAST, FIRST, "NEWW3", Decimal(1)),
        "LONG3": ("renamed", date(2020, 2, 28), date(2020, 3, 2), "NEWW3", Decimal(1)),
        "REDD3": ("redeemed", LAST, FIRST, None, None),
        "GONE3": ("unlisted", date(2025, 9, 24), None, None, None),
        "QUIT3": ("unlisted", LAST, None, None, None),
    }
    assert (found["MERG3"].source, found["RENA3"].source, found["REDD3"].source) == ("owner", "cvm", "owner")
    assert found["MERG3"].name == "MERG3 S.A."
    order = [one.ticker for one in await store.assets.delistings()]
    assert order == ["GONE3", "MERG3", "REDD3", "RENA3", "QUIT3", "LONG3"]
    assert [d.ticker for d in await store.assets.delistings(["REDD3", "BIGG3"])] == ["REDD3"]
    gone = await store.assets.get("GONE3")
    assert gone is not None
    assert (gone.active, gone.listed_on) == (False, date(2025, 9, 24))


async def test_a_code_that_trades_again_is_no_delisting(store: Store) -> None:
    await trade(store, "BACK3", LAST)
    await store.assets.deactivate("BACK3")
    assert [d.ticker for d in await store.assets.delistings()] == ["BACK3"]
    await store.assets.listed(["BACK3"], FIRST)
    assert await store.assets.delistings() == []


def test_a_redemption_long_before_the_last_price_was_of_a_part() -> None:
    found = delisting("PART3", AssetKind.STOCK, last_price=date(2026, 3, 2), redemption=(LAST, "b3"))
    assert found == Delisting(
        ticker="PART3", kind=AssetKind.STOCK, reason=DelistingReason.UNLISTED, last_session=date(2026, 3, 2)
    )
