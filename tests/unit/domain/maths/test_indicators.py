"""Indicators: published examples, plain re-computations, and properties that hold for any series."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from invest.domain.market.bars import Floats
from invest.domain.maths import indicators

EMA_CLOSES = "22.27 22.19 22.08 22.17 22.18 22.13 22.23 22.43 22.24 22.29 22.15 22.39 22.38 22.61 23.36 24.05"
RSI_CLOSES = (
    "44.3389 44.0902 44.1497 43.6124 44.3278 44.8264 45.0955 45.4245 45.8433 46.0826 "
    "45.8931 46.0328 45.6140 46.2820 46.2820 46.0028 46.0328 46.4116 46.2222 45.6439"
)


def series(text: str) -> Floats:
    return np.array([float(word) for word in text.split()])


def walk(seed: int, n: int = 300) -> tuple[Floats, Floats, Floats, Floats]:
    random = np.random.default_rng(seed)
    close = 30 * np.exp(np.cumsum(random.normal(0, 0.02, n)))
    high = close * (1 + random.uniform(0, 0.02, n))
    low = close * (1 - random.uniform(0, 0.02, n))
    return high, low, close, random.integers(1_000, 1_000_000, n).astype(float)


def test_ema_10_of_the_published_closes() -> None:
    assert np.round(indicators.ema(series(EMA_CLOSES), 10)[9:], 2).tolist() == [
        22.22,
        22.21,
        22.24,
        22.27,
        22.33,
        22.52,
        22.80,
    ]


def test_rsi_14_of_the_published_closes() -> None:
    assert np.round(indicators.rsi(series(RSI_CLOSES))[14:], 2).tolist() == [70.53, 66.32, 66.55, 69.41, 66.36, 57.97]


def test_bollinger_bands_use_the_population_deviation() -> None:
    close = walk(1)[2]
    bands = indicators.bollinger(close)
    last = close[-20:]
    assert bands.upper[-1] == pytest.approx(last.mean() + 2 * last.std(ddof=0), rel=1e-12)
    assert bands.lower[-1] == pytest.approx(last.mean() - 2 * last.std(ddof=0), rel=1e-12)


def test_atr_is_seeded_with_true_ranges_from_the_second_session() -> None:
    high, low, close, _ = walk(2, 60)
    true = np.maximum(high[1:], close[:-1]) - np.minimum(low[1:], close[:-1])
    expected = true[:14].mean()
    atr = indicators.atr(high, low, close)
    assert np.isnan(atr[:14]).all()
    assert atr[14] == pytest.approx(expected)
    for i in range(14, len(true)):
        expected = (expected * 13 + true[i]) / 14
    assert atr[-1] == pytest.approx(expected)


def test_macd_is_the_difference_of_two_exponential_means_after_a_hundred_bars() -> None:
    close = walk(3)[2]
    macd = indicators.macd(close)
    plain = indicators.ema(close, 12) - indicators.ema(close, 26)
    assert macd.line[150:] == pytest.approx(plain[150:], rel=1e-4, abs=1e-4)
    assert macd.histogram[-1] == pytest.approx(macd.line[-1] - macd.signal[-1])


def test_obv_adds_volume_on_rises_and_takes_it_on_falls() -> None:
    close, volume = np.array([10.0, 11.0, 10.5, 10.5, 12.0]), np.array([100.0, 200.0, 300.0, 400.0, np.nan])
    assert indicators.obv(close, volume).tolist() == [100.0, 300.0, 0.0, 0.0, 0.0]


def test_stochastic_is_the_smoothed_place_in_the_range() -> None:
    high, low, close, _ = walk(4, 60)
    raw = [
        100 * (close[i] - low[i - 13 : i + 1].min()) / (high[i - 13 : i + 1].max() - low[i - 13 : i + 1].min())
        for i in range(13, 60)
    ]
    slow = np.convolve(raw, np.ones(3) / 3, "valid")
    assert indicators.stochastic(high, low, close).k[-1] == pytest.approx(slow[-1])
    assert indicators.stochastic(high, low, close).d[-1] == pytest.approx(slow[-3:].mean())


def test_a_pivot_is_known_only_after_its_reach() -> None:
    high = np.array([1, 2, 3, 4, 9, 4, 3, 2, 1, 2, 3], dtype=float)
    tops, _ = indicators.pivots(high, high - 0.5, reach=3)
    assert np.flatnonzero(np.isfinite(tops)).tolist() == [4]
    assert np.isnan(indicators.pivots(high[:7], high[:7] - 0.5, reach=3)[0][4:]).all()


def flat(n: int = 300, price: float = 10.0) -> Floats:
    return np.full(n, price)


def test_a_price_that_never_moved_has_no_rsi_no_direction_and_no_stochastic() -> None:
    still = flat()
    assert np.isnan(indicators.rsi(still)).all()
    assert np.isnan(indicators.directional(still, still, still).adx).all()
    assert np.isnan(indicators.stochastic(still, still, still).k).all()


def test_a_price_that_never_moved_has_bands_of_no_width() -> None:
    bands = indicators.bollinger(flat(price=123456.789))
    assert bands.upper[-1] == bands.lower[-1] == pytest.approx(123456.789, rel=1e-15)


ONE_SERIES: dict[str, Callable[[Floats], Floats]] = {
    "sma": lambda x: indicators.sma(x, 20),
    "ema": lambda x: indicators.ema(x, 20),
    "rsi": indicators.rsi,
    "macd": lambda x: indicators.macd(x).line,
    "signal": lambda x: indicators.macd(x).signal,
    "upper": lambda x: indicators.bollinger(x).upper,
    "lower": lambda x: indicators.bollinger(x).lower,
}
LINEAR = ("sma", "ema", "macd", "signal", "upper", "lower")
RANGES: dict[str, Callable[[Floats, Floats, Floats], Floats]] = {
    "atr": indicators.atr,
    "adx": lambda h, low, c: indicators.directional(h, low, c).adx,
    "plus": lambda h, low, c: indicators.directional(h, low, c).plus,
    "stochastic": lambda h, low, c: indicators.stochastic(h, low, c).d,
}


@pytest.mark.parametrize("length", [0, 1, 2, 13])
@pytest.mark.parametrize("name", ONE_SERIES)
def test_a_short_series_gives_no_number(name: str, length: int) -> None:
    out = ONE_SERIES[name](walk(5)[2][:length])
    assert len(out) == length
    assert np.isnan(out).all()


@pytest.mark.parametrize("length", [0, 1, 2, 13])
@pytest.mark.parametrize("name", RANGES)
def test_a_short_series_gives_no_range_figure(name: str, length: int) -> None:
    high, low, close, _ = (column[:length] for column in walk(5))
    assert np.isnan(RANGES[name](high, low, close)).all()


@given(seed=st.integers(0, 10_000), more=st.integers(1, 60))
@settings(max_examples=25, deadline=None)
@pytest.mark.parametrize("name", ONE_SERIES)
def test_appending_bars_never_changes_the_past(name: str, seed: int, more: int) -> None:
    close = walk(seed)[2]
    whole, part = ONE_SERIES[name](close), ONE_SERIES[name](close[:-more])
    np.testing.assert_allclose(whole[: len(part)], part, rtol=1e-9, equal_nan=True)


@given(seed=st.integers(0, 10_000), more=st.integers(1, 60))
@settings(max_examples=25, deadline=None)
@pytest.mark.parametrize("name", RANGES)
def test_appending_bars_never_changes_past_ranges(name: str, seed: int, more: int) -> None:
    high, low, close, _ = walk(seed)
    whole = RANGES[name](high, low, close)
    part = RANGES[name](high[:-more], low[:-more], close[:-more])
    np.testing.assert_allclose(whole[: len(part)], part, rtol=1e-9, equal_nan=True)


@given(seed=st.integers(0, 10_000), factor=st.floats(1e-6, 1e6))
@settings(max_examples=25, deadline=None)
@pytest.mark.parametrize("name", ONE_SERIES)
def test_another_currency_scales_prices_and_leaves_ratios(name: str, seed: int, factor: float) -> None:
    close = walk(seed)[2]
    expected = ONE_SERIES[name](close) * (factor if name in LINEAR else 1)
    np.testing.assert_allclose(ONE_SERIES[name](close * factor), expected, rtol=1e-6, atol=1e-9 * factor)


@given(seed=st.integers(0, 10_000), shift=st.floats(1, 1e6))
@settings(max_examples=25, deadline=None)
@pytest.mark.parametrize("name", ONE_SERIES)
def test_a_constant_added_shifts_means_and_leaves_differences(name: str, seed: int, shift: float) -> None:
    close = walk(seed)[2]
    moved = shift if name in ("sma", "ema", "upper", "lower") else 0
    np.testing.assert_allclose(ONE_SERIES[name](close + shift), ONE_SERIES[name](close) + moved, rtol=1e-6, atol=1e-6)


@given(seed=st.integers(0, 10_000), factor=st.floats(1e-6, 1e6))
@settings(max_examples=25, deadline=None)
@pytest.mark.parametrize("name", RANGES)
def test_another_currency_scales_the_true_range_and_nothing_else(name: str, seed: int, factor: float) -> None:
    high, low, close, _ = walk(seed)
    expected = RANGES[name](high, low, close) * (factor if name == "atr" else 1)
    np.testing.assert_allclose(RANGES[name](high * factor, low * factor, close * factor), expected, rtol=1e-6)


@given(seed=st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_oscillators_stay_between_0_and_100(seed: int) -> None:
    high, low, close, _ = walk(seed)
    for out in (
        indicators.rsi(close),
        *indicators.stochastic(high, low, close),
        *indicators.directional(high, low, close),
    ):
        known = out[np.isfinite(out)]
        assert ((known >= -1e-9) & (known <= 100 + 1e-9)).all()


def test_indicators_leave_pandas_and_polars_out_of_the_process_and_importable() -> None:
    program = (
        "import sys, invest.domain.maths.indicators; "
        "print([name for name in ('pandas', 'polars') if name in sys.modules]); import pandas, polars"
    )
    done = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout.strip()) == (0, "[]"), done.stderr
