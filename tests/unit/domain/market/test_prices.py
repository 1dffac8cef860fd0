"""Bars with gaps, zeros, flat holidays and suspensions, before anything is computed on them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from invest.domain.analysis.technical import technical_figures
from invest.domain.market.bars import Bars
from invest.domain.market.prices import aligned_returns, usable
from tests.builders.domain import bars, of_closes


@pytest.mark.parametrize("bad", [np.nan, 0.0, -3.0, np.inf])
def test_a_close_that_is_no_price_is_left_out(bad: float) -> None:
    prices = usable(of_closes([10.0, bad, 11.0]))
    assert prices.close.tolist() == [10.0, 11.0]


def test_a_flat_bar_without_volume_is_a_holiday_not_a_session() -> None:
    made = of_closes([10.0, 10.0, 11.0])
    made.high[1] = made.low[1] = 10.0
    made.volume[1] = 0.0
    assert len(usable(made)) == 2


def test_an_index_without_volume_keeps_its_sessions() -> None:
    made = of_closes([10.0, 10.5, 11.0])
    made.volume[:] = 0.0
    assert len(usable(made)) == 3


def test_a_high_below_the_close_makes_earlier_bars_unfit_for_ranges() -> None:
    made = bars(sessions=100)
    made.high[89] = made.close[89] * 0.9
    prices = usable(made)
    assert prices.whole == 90
    assert technical_figures(prices)["atr_14"] is None
    assert technical_figures(prices)["rsi_14"] is not None


def test_closes_alone_give_no_range_figures() -> None:
    made = bars(sessions=300)
    alone = replace(made, high=np.full(300, np.nan), low=np.full(300, np.nan), open=np.full(300, np.nan))
    figures = technical_figures(usable(alone))
    assert figures["atr_14"] is figures["adx_14"] is figures["stochastic_k"] is None
    assert figures["sma_200"] is not None


def test_history_cut_off_in_the_past_is_adjusted_to_its_own_last_day() -> None:
    made = bars(sessions=50)
    factor = np.linspace(0.5, 1.0, 50)
    cut = usable(replace(made, factor=factor).until(made.days[20].astype(object)))
    assert cut.close[-1] == pytest.approx(cut.raw_close[-1])


def test_no_bars_no_figures() -> None:
    empty = Bars.from_rows("TEST3", [])
    assert len(usable(empty)) == 0
    assert technical_figures(usable(empty)) == {}


@pytest.mark.parametrize("n", [1, 2, 5, 20])
def test_few_bars_give_nulls_not_errors(n: int) -> None:
    figures = technical_figures(usable(bars(sessions=n)))
    assert figures["sma_200"] is None
    assert figures["volatility_1y"] is None
    assert figures["return_1y"] is None
    assert figures["week52_high"] is None


def test_a_price_that_never_moved_has_no_ratio_to_nothing() -> None:
    made = of_closes(np.full(600, 10.0))
    flat = replace(made, high=made.close, low=made.close)
    figures = technical_figures(usable(flat), usable(flat))
    assert figures["rsi_14"] is figures["beta_1y"] is figures["correlation_1y"] is None
    assert figures["bollinger_position"] is figures["week52_position"] is None
    assert figures["volatility_1y"] == 0.0
    assert figures["drawdown"] == 0.0


def test_a_year_of_a_thinly_traded_paper_is_not_measured() -> None:
    made = bars(sessions=600)
    every_third = np.arange(0, 600, 3)
    thin = Bars(made.ticker, *(getattr(made, c)[every_third] for c in COLUMNS))
    figures = technical_figures(usable(thin))
    assert figures["volatility_1y"] is figures["max_drawdown_1y"] is figures["week52_high"] is None
    assert figures["turnover_21d"] is not None


COLUMNS = ("days", "open", "high", "low", "close", "volume", "turnover", "factor")


def test_turnover_counts_sessions_without_a_trade_as_zero() -> None:
    made = of_closes(np.full(100, 10.0))
    assert technical_figures(usable(made))["turnover_21d"] == pytest.approx(1e7)
    half = Bars(made.ticker, *(getattr(made, c)[1::2] for c in COLUMNS))
    assert technical_figures(usable(half))["turnover_21d"] == pytest.approx(1e7 * 11 / 21)


def test_turnover_missing_in_the_source_is_volume_times_the_traded_price() -> None:
    made = of_closes(np.full(100, 10.0))
    made.turnover[:] = np.nan
    assert technical_figures(usable(made))["turnover_21d"] == pytest.approx(1e7)


def test_support_lies_below_and_resistance_above_the_price() -> None:
    figures = technical_figures(usable(bars(seed=3)))
    price = usable(bars(seed=3)).close[-1]
    assert figures["support"] is None or figures["support"] < price
    assert figures["resistance"] is None or figures["resistance"] > price


def test_a_year_ago_must_be_within_ten_days_of_a_session() -> None:
    made = bars(sessions=300)
    keep = (made.days < np.datetime64("2025-02-01")) | (made.days > np.datetime64("2025-06-01"))
    gap = Bars(made.ticker, *(getattr(made, c)[keep] for c in COLUMNS))
    assert technical_figures(usable(gap))["return_1y"] is None


def test_returns_align_on_shared_sessions_only() -> None:
    a, b = usable(bars(sessions=30, seed=1)), usable(bars(sessions=30, seed=2))
    keep = np.ones(30, dtype=bool)
    keep[10:15] = False
    holed = usable(Bars("TEST3", *(getattr(bars(sessions=30, seed=1), c)[keep] for c in COLUMNS)))
    mine, theirs = aligned_returns(holed, b, 365)
    assert len(mine) == len(theirs) == 24
    assert (1 + mine).prod() == pytest.approx(a.close[-1] / a.close[0])
    assert (1 + theirs).prod() == pytest.approx(b.close[-1] / b.close[0])


@given(seed=st.integers(0, 1000), factor=st.floats(1e-3, 1e5))
@settings(max_examples=15, deadline=None)
def test_another_currency_leaves_every_ratio_alone(seed: int, factor: float) -> None:
    made, index = bars(seed=seed), usable(bars(seed=seed + 1))
    times = {c: getattr(made, c) * factor for c in ("open", "high", "low", "close", "turnover")}
    plain, scaled = technical_figures(usable(made), index), technical_figures(usable(replace(made, **times)), index)
    for key in ("rsi_14", "adx_14", "volatility_1y", "beta_1y", "drawdown", "momentum_12_1", "week52_position"):
        assert scaled[key] == pytest.approx(plain[key], rel=1e-6, abs=1e-9)


@given(seed=st.integers(0, 1000), more=st.integers(1, 200))
@settings(max_examples=15, deadline=None)
def test_figures_as_of_a_day_ignore_what_came_after(seed: int, more: int) -> None:
    made = bars(seed=seed)
    day: date = made.days[-more - 1].astype(object)
    index = bars(seed=seed + 1)
    whole = technical_figures(usable(made.until(day)), usable(index))
    part = technical_figures(usable(made.until(day)), usable(index.until(day)))
    assert whole == part
