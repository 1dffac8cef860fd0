"""Bars go in by COPY, come out packed, and a worse bar never replaces a better one."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest

from invest.domain.market.assets import ActionKind, CorporateAction
from invest.domain.market.bars import Bar, Bars
from invest.store import Store

HASH = "a" * 64
DAY = date(2026, 3, 30)
NOON = datetime(2026, 3, 30, 15, 0, tzinfo=UTC)
NIGHT = datetime(2026, 3, 31, 2, 0, tzinfo=UTC)


def bar(
    close: str,
    day: date = DAY,
    *,
    ticker: str = "PETR4",
    source: str = "brapi",
    volume: int | None = 1000,
    turnover: str | None = "38500.10",
    payload: str = HASH,
) -> Bar:
    price = Decimal(close)
    money = None if turnover is None else Decimal(turnover)
    return Bar(ticker, day, price, price + 1, price - 1, price, volume, money, 7, source, payload)


def series(days: Sequence[date], *, ticker: str = "PETR4", source: str = "cotahist") -> list[Bar]:
    return [bar(f"{10 + i}.25", day, ticker=ticker, source=source) for i, day in enumerate(days)]


async def packed_equals_rows(store: Store, ticker: str) -> None:
    """The packed block must tell exactly what the rows tell."""
    rows = await store.bars.rows(ticker)
    expected = Bars.from_rows(ticker, rows)
    found = await store.bars.read(ticker)
    for name in ("days", "open", "high", "low", "close", "volume", "turnover"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name), err_msg=name)


async def test_bars_come_back_exact_with_their_provenance(store: Store) -> None:
    assert await store.bars.save([bar("38.50"), bar("38.5123456789", DAY - timedelta(days=1))]) == 2
    newest, older = await store.bars.rows("PETR4")
    assert newest == bar("38.50")
    assert older.close == Decimal("38.5123456789")
    await packed_equals_rows(store, "PETR4")
    assert (await store.bars.last_days())["PETR4"] == DAY


async def test_missing_figures_are_null_in_rows_and_nan_in_columns(store: Store) -> None:
    await store.bars.save([Bar("PETR4", DAY, None, None, None, Decimal("38.5"), None, None, None, "brapi", HASH)])
    (row,) = await store.bars.rows("PETR4")
    assert (row.open, row.volume, row.turnover) == (None, None, None)
    columns = await store.bars.read("PETR4")
    assert np.isnan(columns.open[0])
    assert np.isnan(columns.volume[0])
    assert columns.close[0] == 38.5


async def test_bars_join_in_any_order_of_years(store: Store) -> None:
    days = [date(2024, 12, 30) + timedelta(days=i) for i in range(0, 500, 3)]
    for part in (days[60:90], days[:30], days[90:], days[30:60], days):
        await store.bars.save([b for b in series(days) if b.day in set(part)])
    assert [r.day for r in await store.bars.rows("PETR4")] == sorted(days, reverse=True)
    await packed_equals_rows(store, "PETR4")


async def test_the_same_bars_again_change_nothing(store: Store) -> None:
    bars = series([DAY - timedelta(days=i) for i in range(50)])
    assert await store.bars.save(bars, fetched_at=NOON) == 50
    assert await store.bars.save(bars, fetched_at=NIGHT) == 0


async def test_official_bars_replace_others_and_never_the_reverse(store: Store) -> None:
    await store.bars.save([bar("38.40")], fetched_at=NOON)
    assert await store.bars.save([bar("38.50", source="cotahist")], fetched_at=NIGHT) == 1
    assert await store.bars.save([bar("99", payload="b" * 64)], fetched_at=NIGHT + timedelta(days=1)) == 0
    (row,) = await store.bars.rows("PETR4")
    assert (row.close, row.source) == (Decimal("38.50"), "cotahist")
    await packed_equals_rows(store, "PETR4")


async def test_an_older_fetch_of_the_same_source_never_replaces_a_newer_one(store: Store) -> None:
    await store.bars.save([bar("38.50", payload="b" * 64)], fetched_at=NIGHT)
    assert await store.bars.save([bar("38.10")], fetched_at=NOON) == 0
    assert (await store.bars.read("PETR4")).close[0] == 38.5


async def test_a_partial_bar_of_the_session_yields_to_a_later_lower_ranked_source(store: Store) -> None:
    await store.bars.save([bar("38.10")], fetched_at=NOON)
    assert await store.bars.save([bar("38.50", source="yahoo")], fetched_at=NIGHT) == 1
    assert await store.bars.save([bar("1", source="yahoo", day=DAY - timedelta(days=1))], fetched_at=NIGHT) == 1
    assert (await store.bars.rows("PETR4"))[0].source == "yahoo"


async def test_no_volume_out_of_hours_never_erases_a_good_one(store: Store) -> None:
    await store.bars.save([bar("38.40")], fetched_at=NOON)
    await store.bars.save([bar("38.50", volume=0, turnover=None, payload="b" * 64)], fetched_at=NIGHT)
    (row,) = await store.bars.rows("PETR4")
    assert (row.close, row.volume, row.turnover) == (Decimal("38.50"), 1000, Decimal("38500.10"))


async def test_of_two_sources_in_one_batch_the_better_is_stored(store: Store) -> None:
    assert await store.bars.save([bar("38.40"), bar("38.50", source="cotahist"), bar("38.30", source="yahoo")]) == 1
    assert [r.source for r in await store.bars.rows("PETR4")] == ["cotahist"]


@pytest.mark.parametrize("close", ["0", "-1", "NaN", "Infinity"])
async def test_a_close_that_is_no_price_is_refused_with_the_whole_batch(store: Store, close: str) -> None:
    poisoned = Bar("PETR4", DAY, None, None, None, Decimal(close), None, None, None, "brapi", HASH)
    with pytest.raises(ValueError, match="bar_close_is_a_price"):
        await store.bars.save([*series([DAY - timedelta(days=1)]), poisoned])
    assert await store.bars.read_many() == {}


async def test_a_ticker_that_would_break_the_copy_is_refused(store: Store) -> None:
    with pytest.raises(ValueError, match="is no ticker"):
        await store.bars.save([bar("1", ticker="PETR4\t2026-01-01")])


async def test_writers_of_the_same_assets_at_once_neither_deadlock_nor_lose_bars(store: Store) -> None:
    days = [DAY - timedelta(days=i) for i in range(40)]
    batches = [
        [b for t in order for b in series(days[at : at + 20], ticker=t)]
        for at, order in ((0, ("PETR4", "VALE3")), (10, ("VALE3", "PETR4")), (20, ("PETR4", "VALE3")))
    ]
    await asyncio.gather(*(store.bars.save(batch) for batch in batches * 2))
    for ticker in ("PETR4", "VALE3"):
        assert len(await store.bars.rows(ticker)) == 40
        await packed_equals_rows(store, ticker)


async def test_reading_since_a_day_leaves_out_what_is_older(store: Store) -> None:
    days = [date(2025, 12, 28) + timedelta(days=i) for i in range(10)]
    await store.bars.save(series(days) + series(days[:3], ticker="VALE3"))
    found = await store.bars.read_many(since=days[5])
    assert {t: len(b) for t, b in found.items()} == {"PETR4": 5}
    assert len(await store.bars.read("XXXX3")) == 0


async def test_the_factor_follows_the_stored_corporate_actions(store: Store) -> None:
    days = [date(2025, 12, 19), date(2025, 12, 22), date(2025, 12, 23)]
    closes = ("16.00", "16.07", "15.50")
    await store.bars.save([bar(c, d, ticker="ABEV3") for c, d in zip(closes, days, strict=True)])
    paid = [
        CorporateAction(
            ticker="ABEV3",
            kind=kind,
            last_date_with=days[1],
            amount=Decimal(amount),
            source="b3",
            payload=HASH,
        )
        for kind, amount in ((ActionKind.DIVIDEND, "0.1334"), (ActionKind.JCP, "0.4702"))
    ]
    await store.actions.upsert(paid)
    bars = await store.bars.read("ABEV3")
    np.testing.assert_allclose(bars.factor, [0.962439, 0.962439, 1.0], atol=5e-7)
    assert (await store.bars.read_many(["ABEV3"]))["ABEV3"].adjusted[2] == 15.50
