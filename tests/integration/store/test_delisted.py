"""Papers that trade no more: ended by B3's silence or by their owner's word, and back where they are listed again."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal

from invest.domain.market import ActionKind, Asset, AssetKind, Bar, EventTerms, TickerChange
from invest.jobs.data_collection import book_event, withdraw_event
from invest.jobs.data_collection.asset_data import is_over, known_of
from invest.store import Store

DAY = date(2025, 9, 22)
LATER = DAY + timedelta(days=181)


async def trade(store: Store, ticker: str, day: date, kind: AssetKind = AssetKind.STOCK) -> None:
    """A paper with one bar."""
    price = Decimal("5.60")
    await store.assets.upsert(Asset(ticker=ticker, kind=kind))
    await store.bars.save([Bar(ticker, day, price, price, price, price, 100, None, None, "cotahist", "p")])


async def active(store: Store, ticker: str) -> bool:
    """Whether it counts as traded."""
    asset = await store.assets.get(ticker)
    assert asset is not None
    return asset.active


async def test_a_paper_that_no_file_has_for_long_trades_no_more_until_it_is_listed_again(store: Store) -> None:
    for ticker, day in (("CIEL3", DAY), ("PETR4", LATER), ("RARE3", DAY), ("UNSN3", DAY)):
        await trade(store, ticker, day)
    await trade(store, "BTC-BRL", DAY, AssetKind.CRYPTO)
    await store.assets.upsert(Asset(ticker="OLDD3", kind=AssetKind.STOCK))
    await store.assets.rename(TickerChange(old="OLDD3", new="PETR4", changed_on=DAY, source="cvm"))
    assert await store.assets.listed(["CIEL3", "PETR4", "BTC-BRL"], DAY) == (0, 0)
    await store.assets.listed(["RARE3"], DAY + timedelta(days=30))  # traded since, though nobody collected it
    assert await store.assets.listed(["PETR4"], LATER) == (0, 1)
    assert [await active(store, t) for t in ("CIEL3", "PETR4", "RARE3", "UNSN3", "BTC-BRL")] == [
        False, True, True, True, True,
    ]  # fmt: skip
    known = await known_of(store, "CIEL3")
    assert is_over(known) and not is_over(await known_of(store, "PETR4"))
    assert await store.assets.listed(["CIEL3", "OLDD3"], LATER) == (1, 0)
    assert (await active(store, "CIEL3"), await active(store, "OLDD3")) == (True, False)


async def test_a_paper_that_its_company_bought_back_trades_no_more(store: Store, now: datetime) -> None:
    await trade(store, "CIEL3", DAY)
    await trade(store, "PART5", DAY + timedelta(days=30))
    terms = EventTerms.model_validate({"kind": "redemption", "last_date_with": DAY, "amount": "5.82"})
    for ticker in ("CIEL3", "PART5"):
        await book_event(store, ticker, terms, now)
    assert (await active(store, "CIEL3"), await active(store, "PART5")) == (False, True)  # the other trades on
    await withdraw_event(store, "CIEL3", ActionKind.REDEMPTION, DAY)
    assert await active(store, "CIEL3")
