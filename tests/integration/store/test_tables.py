"""A table of columns is stored exactly as the same bars one by one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from invest.domain.market.bars import Bar, Bars, BarTable
from invest.domain.values.harvest import Harvest
from invest.store import Store

HASH = "a" * 64
NIGHT = datetime(2026, 3, 31, 2, 0, tzinfo=UTC)
MICRO = st.one_of(st.integers(1, 10**6), st.integers(1, 10**17), st.sampled_from([10_000, 385_000_000, 123_456_789]))
MAYBE = st.one_of(st.just(-1), st.integers(0, 10**17))


def table(rows: list[tuple[str, int, list[int]]]) -> BarTable:
    """Rows of (ticker, day of 2026, [open, high, low, close, volume, turnover, trades])."""
    numbers = np.array([r[2] for r in rows], dtype=np.int64).reshape(-1, 7).T
    days = np.datetime64("2025-12-31", "D") + np.array([r[1] for r in rows], dtype=np.int64)
    opened, high, low, close, volume, turnover, trades = numbers
    tickers = np.array([r[0] for r in rows], dtype=np.str_)
    return BarTable(tickers, days, opened, high, low, close, volume, turnover, trades, "cotahist", HASH)


PLAIN = [385_000_000, 390_000_000, 380_000_000, 385_500_000, 1000, 3_850_010, 7]


async def test_a_table_becomes_exact_rows_and_blocks(store: Store) -> None:
    odd = [-1, -1, -1, 123_456, -1, -1, -1]
    given_table = table([("PETR4", 2, PLAIN), ("HGLG11", 1, odd), ("PETR4", 1, PLAIN), ("AAPL34", 370, PLAIN)])
    assert await store.bars.save_table(given_table, fetched_at=NIGHT) == 4
    newest, older = await store.bars.rows("PETR4")
    assert newest == Bar(
        "PETR4", date(2026, 1, 2), Decimal("385.00"), Decimal("390.00"), Decimal("380.00"), Decimal("385.50"),
        1000, Decimal("38500.10"), 7, "cotahist", HASH,
    )  # fmt: skip
    assert str(newest.close) == "385.50"
    assert older.day == date(2026, 1, 1)
    (fund,) = await store.bars.rows("HGLG11")
    assert fund == Bar(
        "HGLG11", date(2026, 1, 1), None, None, None, Decimal("0.123456"), *(None,) * 3, "cotahist", HASH
    )
    for ticker in ("PETR4", "HGLG11", "AAPL34"):
        found, expected = await store.bars.read(ticker), Bars.from_rows(ticker, await store.bars.rows(ticker))
        for name in ("days", "open", "close", "volume", "turnover"):
            np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(
        st.tuples(st.sampled_from(["PETR4", "HGLG11", "BTC-BRL"]), st.integers(1, 800)),
        st.tuples(MAYBE, MAYBE, MAYBE, MICRO, MAYBE, MAYBE, st.integers(-1, 2**31 - 1)),
        min_size=1,
        max_size=20,
    )
)
async def test_any_figures_survive_being_written_by_columns(
    store: Store, figures: dict[tuple[str, int], tuple[int, ...]]
) -> None:
    await store.database.execute("TRUNCATE bar, bar_block, bar_series, bar_origin")
    given_table = table([(t, d, list(values)) for (t, d), values in figures.items()])
    assert await store.bars.save_table(given_table) == len(figures)
    expected = sorted(given_table.rows(), key=lambda b: (b.ticker, b.day))
    found = [row for ticker in sorted({t for t, _ in figures}) for row in reversed(await store.bars.rows(ticker))]
    assert found == expected
    for ticker in {t for t, _ in figures}:
        np.testing.assert_array_equal(
            (await store.bars.read(ticker)).close, Bars.from_rows(ticker, await store.bars.rows(ticker)).close
        )


async def test_a_table_fills_in_before_inside_and_after_what_is_stored(store: Store) -> None:
    await store.bars.save_table(table([("PETR4", d, PLAIN) for d in (10, 12, 14)]), fetched_at=NIGHT)
    assert await store.bars.save_table(table([("PETR4", d, PLAIN) for d in range(8, 18)]), fetched_at=NIGHT) == 7
    assert [row.day.day for row in await store.bars.rows("PETR4")] == list(range(17, 7, -1))
    assert len(await store.bars.read("PETR4")) == 10
    assert await store.bars.save_table(table([("PETR4", d, PLAIN) for d in range(8, 18)]), fetched_at=NIGHT) == 0


async def test_a_table_that_contradicts_itself_is_refused_whole(store: Store) -> None:
    with pytest.raises(ValueError, match="two bars of PETR4 on 2026-01-01"):
        await store.bars.save_table(table([("PETR4", 1, PLAIN), ("PETR4", 1, PLAIN)]))
    with pytest.raises(ValueError, match="is no ticker"):
        await store.bars.save_table(table([("petr 4", 1, PLAIN)]))
    with pytest.raises(ValueError, match="bar_close_is_a_price"):
        await store.bars.save_table(table([("PETR4", 1, PLAIN), ("VALE3", 1, [1, 1, 1, 0, 1, 1, 1])]))
    assert await store.bars.read_many() == {}
    assert await store.bars.save_table(table([])) == 0


async def test_a_harvest_of_tables_is_stored_as_the_same_bars_one_by_one(store: Store) -> None:
    old, new = table([("PETR4", d, PLAIN) for d in (1, 2)]), table([("PETR4", d, PLAIN) for d in (400, 401)])
    parts = [replace(new, payload="b" * 64), replace(old, payload="c" * 64), table([("VALE3", 7, PLAIN)])]
    other = Bar("PETR4", date(2027, 2, 4), Decimal(9), Decimal(9), Decimal(9), Decimal(9), 1, None, None, "brapi", HASH)
    later = other._replace(day=date(2027, 2, 10))
    saved = await store.save_harvest(Harvest(tables=parts, bars=[other, later]))
    assert saved.bars == 6  # not the unofficial bar of a day that the exchange's file has
    rows = await store.bars.rows("PETR4")
    assert rows == [later, *reversed([*parts[1].rows(), *parts[0].rows()])]
    assert await store.bars.rows("VALE3") == parts[2].rows()
    found, expected = await store.bars.read("PETR4"), Bars.from_rows("PETR4", rows)
    for name in ("days", "open", "close", "volume", "turnover"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))
    again = await store.save_harvest(Harvest(tables=parts, bars=[other]))
    assert again.bars == 0 and await store.bars.rows("PETR4") == rows
