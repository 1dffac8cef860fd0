"""What the columns of a history put beyond doubt is what the rule for single bars keeps whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from invest.domain.market.bars import BarTable
from invest.settings import SourceSettings
from invest.sources.model import Reading, Want
from invest.sources.plausible import believe
from invest.sources.plausible_tables import clearly_believed

NOW = datetime(2026, 3, 31, 23, tzinfo=UTC)
LAST = date(2026, 3, 31)
MICRO = 1_000_000
WANT = Want("PETR4", NOW)
STEADY = [30, 31, 29, 30, 33, 36]


def history(closes: Sequence[float], first: str = "2026-03-02") -> BarTable:
    """A table of consecutive days with these closes, each traded at its close."""
    close = np.array([round(price * MICRO) for price in closes], dtype=np.int64)
    n = len(close)
    return BarTable(
        tickers=np.full(n, "PETR4"),
        days=np.datetime64(first, "D") + np.arange(n),
        open=close, high=close + 10_000, low=np.maximum(close - 10_000, 1), close=close,
        volume=np.full(n, 1000), turnover=close * 1000 // 10_000, trades=np.full(n, 5),
        source="cotahist", payload="p",
    )  # fmt: skip


def kept_whole(tables: Sequence[BarTable]) -> bool:
    """Whether the rule for single bars keeps every one of them without a word."""
    reading = Reading("cotahist", SourceSettings(official=True), "PETR4")
    bars = [bar for table in tables for bar in table.rows()]
    return believe(reading, WANT, bars, LAST) == bars and not reading.remarks


def test_a_steady_history_is_beyond_doubt_and_kept_whole() -> None:
    parts = [history(STEADY), history(STEADY, "2026-03-10")]
    assert clearly_believed(WANT, parts, LAST) and kept_whole(parts)


@pytest.mark.parametrize(
    "column",
    [{"close": 3}, {"low": 0}, {"high": 1}, {"volume": 0}, {"turnover": -1}, {"trades": -1}, {"open": 10**16}],
)
def test_figures_that_may_not_be_are_asked_one_by_one(column: dict[str, int]) -> None:
    table = history(STEADY)
    ((name, value),) = column.items()
    figures = getattr(table, name).copy()
    figures[2] = value
    assert not clearly_believed(WANT, [replace(table, **{name: figures})], LAST)


@pytest.mark.parametrize(
    "closes", [[30, 300, 31], [300, 30, 31], [30, 31, 3.1], [30, 3, 3.1], [41, 30, 31], [0.3, 30, 31]]
)
def test_jumps_are_asked_one_by_one(closes: list[float]) -> None:
    assert not clearly_believed(WANT, [history(closes)], LAST)


def test_days_out_of_order_twice_or_not_over_are_asked_one_by_one() -> None:
    table = history(STEADY)
    assert not clearly_believed(WANT, [table, table], LAST)
    assert not clearly_believed(WANT, [history(STEADY, "2026-03-30")], LAST)
    assert not clearly_believed(WANT, [], LAST)


def test_where_a_close_is_known_bars_are_compared_with_it() -> None:
    known = replace(WANT, last_close=Decimal(3000), last_day=date(2026, 2, 27))
    assert not clearly_believed(known, [history(STEADY)], LAST)


@given(
    st.lists(
        st.one_of(st.sampled_from([30.0, 31.0, 20.0, 45.0, 300.0, 3.0]), st.floats(0.01, 1e6)), min_size=1, max_size=9
    )
)
def test_whatever_is_beyond_doubt_is_kept_whole(closes: list[float]) -> None:
    tables = [history(closes)]
    assert not clearly_believed(WANT, tables, LAST) or kept_whole(tables)


@given(
    st.lists(st.sampled_from([30.0, 31.0, 45.0]), min_size=2, max_size=6),
    st.lists(
        st.tuples(*[st.sampled_from([0.1, 0.2, 0.7, 0.96, 1.0, 1.04, 1.5, 4.5, 7.0])] * 3), min_size=6, max_size=6
    ),
    st.lists(st.integers(0, 3), min_size=6, max_size=6),
)
def test_extremes_that_may_not_be_are_never_beyond_doubt(
    closes: list[float], times: list[tuple[float, ...]], counts: list[int]
) -> None:
    table, n = history(closes), len(closes)
    odd = {
        name: (table.close * np.array([row[at] for row in times[:n]])).astype(np.int64)
        for at, name in enumerate(("open", "high", "low"))
    }
    table = replace(table, **odd, volume=np.array(counts[:n], dtype=np.int64))
    assert not clearly_believed(WANT, [table], LAST) or kept_whole([table])
