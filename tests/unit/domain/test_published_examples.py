"""Worked examples that others published, each against what is computed here; the source is named with each.

Published figures are rounded, and so are the prices they are printed with: they must agree to their last digit. Where
a publication starts otherwise than TA-Lib does, the test says how and compares what is left of it.
"""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

from invest.domain.market.bars import Floats
from invest.domain.maths import indicators, risk
from invest.domain.portfolios import performance
from invest.domain.portfolios.allocation import hhi


def of(text: str) -> Floats:
    return np.array([float(word) for word in text.split()])


def agrees(values: Floats, published: str, slack: float = 0.0075) -> None:
    np.testing.assert_allclose(values, of(published), rtol=0, atol=slack)


# StockCharts, ChartSchool, "Moving Averages - Simple and Exponential": Intel, ten days.
INTEL = of(
    "22.27 22.19 22.08 22.17 22.18 22.13 22.23 22.43 22.24 22.29 22.15 22.39 22.38 22.61 23.36 24.05 23.75 23.83 23.95 "
    "23.63 23.82 23.87 23.65 23.19 23.10 23.33 22.68 23.10 22.40 22.17"
)


def test_the_simple_average_of_stockcharts() -> None:
    agrees(
        indicators.sma(INTEL, 10)[9:],
        "22.22 22.21 22.23 22.26 22.31 22.42 22.61 22.77 22.91 23.08 23.21 23.38 23.53 23.65 23.71 23.69 23.61 23.51 "
        "23.43 23.28 23.13",
    )


def test_the_exponential_average_of_stockcharts() -> None:
    agrees(
        indicators.ema(INTEL, 10)[9:],
        "22.22 22.21 22.24 22.27 22.33 22.52 22.80 22.97 23.13 23.28 23.34 23.43 23.51 23.54 23.47 23.40 23.39 23.26 "
        "23.23 23.08 22.92",
    )


def test_the_rsi_of_stockcharts() -> None:
    """StockCharts, ChartSchool, "Relative Strength Index": QQQQ, fourteen days."""
    closes = of(
        "44.3389 44.0902 44.1497 43.6124 44.3278 44.8264 45.0955 45.4245 45.8433 46.0826 45.8931 46.0328 45.6140 "
        "46.2820 46.2820 46.0028 46.0328 46.4116 46.2222 45.6439 46.2122 46.2521 45.7137 46.4515 45.7835 45.3548 "
        "44.0288 44.1783 44.2181 44.5672 43.4205 42.6628 43.1314"
    )
    agrees(
        indicators.rsi(closes)[14:],
        "70.53 66.32 66.55 69.41 66.36 57.97 62.93 63.26 56.06 62.38 54.71 50.42 39.99 41.46 41.87 45.46 37.30 33.08 "
        "37.77",
    )


def test_the_bands_of_stockcharts() -> None:
    """StockCharts, ChartSchool, "Bollinger Bands": twenty days, two deviations."""
    closes = of(
        "86.16 89.09 88.78 90.32 89.07 91.15 89.44 89.18 86.93 87.68 86.96 89.43 89.32 88.72 87.45 87.26 89.50 87.90 "
        "89.13 90.70 92.90 92.98 91.80 92.66 92.68 92.30 92.77 92.54 92.95 93.20 91.07 89.83 89.74 90.40 90.74 88.02 "
        "88.09 88.84 90.78 90.54 91.39 90.65"
    )
    bands = indicators.bollinger(closes)
    slack = 0.016  # the closes themselves are printed to the cent
    agrees(
        bands.middle[19:],
        "88.71 89.05 89.24 89.39 89.51 89.69 89.75 89.91 90.08 90.38 90.66 90.86 90.88 90.91 90.99 91.15 91.19 91.12 "
        "91.17 91.25 91.24 91.17 91.05",
        slack,
    )
    agrees(
        bands.upper[19:],
        "91.29 91.95 92.61 92.93 93.31 93.73 93.90 94.27 94.57 94.79 95.04 94.91 94.90 94.90 94.86 94.67 94.56 94.68 "
        "94.58 94.53 94.53 94.37 94.15",
        slack,
    )
    agrees(
        bands.lower[19:],
        "86.12 86.14 85.87 85.85 85.70 85.65 85.59 85.56 85.60 85.98 86.27 86.82 86.87 86.91 87.12 87.63 87.83 87.56 "
        "87.76 87.97 87.95 87.96 87.95",
        slack,
    )


def test_the_stochastic_of_stockcharts() -> None:
    """StockCharts, ChartSchool, "Stochastic Oscillator": its fast %D (14, 3) is the slow %K here."""
    high = of(
        "127.01 127.62 126.59 127.35 128.17 128.43 127.37 126.42 126.90 126.85 125.65 125.72 127.16 127.72 127.69 "
        "128.22 128.27 128.09 128.27 127.74 128.77 129.29 130.06 129.12 129.29 128.47 128.09 128.65 129.14 128.64"
    )
    low = of(
        "125.36 126.16 124.93 126.09 126.82 126.48 126.03 124.83 126.39 125.72 124.56 124.57 125.07 126.86 126.63 "
        "126.80 126.71 126.80 126.13 125.92 126.99 127.81 128.47 128.06 127.61 127.60 127.00 126.90 127.49 127.40"
    )
    close = of(
        "127.29 127.18 128.01 127.11 127.73 127.06 127.33 128.71 127.87 128.58 128.60 127.93 128.11 127.60 127.60 "
        "128.69 128.27"
    )
    filled = np.concatenate((low[:13] + 0.1, close))  # the first closes play no part and were not printed
    slow = indicators.stochastic(high, low, filled)
    published = of("75.75 74.21 78.92 70.69 73.60 79.21 81.07 80.58 72.20 69.24 65.20 54.19 47.24 49.20 54.65")
    np.testing.assert_allclose(slow.k[17:], published[2:], rtol=0, atol=0.2)  # from prices printed to the cent


def test_the_true_range_of_stockcharts_once_its_start_is_forgotten() -> None:
    """StockCharts, ChartSchool, "Average True Range". It counts high - low of the first day as a true range; here the
    first one is the second day's, which has a close before it, so both agree only after some sessions."""
    high = of(
        "48.70 48.72 48.90 48.87 48.82 49.05 49.20 49.35 49.92 50.19 50.12 49.66 49.88 50.19 50.36 50.57 50.65 50.43 "
        "49.63 50.33 50.29 50.17 49.32 48.50 48.32 46.80 47.80 48.39 48.66 48.79"
    )
    low = of(
        "47.79 48.14 48.39 48.37 48.24 48.64 48.94 48.86 49.50 49.87 49.20 48.90 49.43 49.73 49.26 50.09 50.30 49.21 "
        "48.98 49.61 49.20 49.43 48.08 47.64 41.55 44.28 47.31 47.20 47.90 47.73"
    )
    close = of(
        "48.16 48.61 48.75 48.63 48.74 49.03 49.07 49.32 49.91 50.13 49.53 49.50 49.75 50.03 50.31 50.52 50.41 49.34 "
        "49.37 50.23 49.24 49.93 48.43 48.18 46.57 45.41 47.77 47.72 48.62 47.85"
    )
    published = of("0.59 0.59 0.57 0.62 0.62 0.64 0.67 0.69 0.78 0.78 1.21 1.30 1.38 1.37 1.34 1.32")
    apart = np.abs(indicators.atr(high, low, close)[14:] - published)
    assert apart.max() < 0.03
    assert apart[-6:].max() < 0.015


def test_the_directional_movement_of_wilder_by_his_own_rules() -> None:
    """J. Welles Wilder, "New Concepts in Technical Trading Systems" (1978), section IV, session by session."""
    random = np.random.default_rng(5)
    close = 30 * np.exp(np.cumsum(random.normal(0.0005, 0.02, 120)))
    high, low = close * (1 + random.uniform(0, 0.02, 120)), close * (1 - random.uniform(0, 0.02, 120))
    ranges, ups, downs = [], [], []
    for i in range(1, 120):
        up, down = high[i] - high[i - 1], low[i - 1] - low[i]
        ups.append(up if up > down and up > 0 else 0.0)
        downs.append(down if down > up and down > 0 else 0.0)
        ranges.append(max(high[i], close[i - 1]) - min(low[i], close[i - 1]))
    sums = [sum(column[:13]) for column in (ranges, ups, downs)]  # TA-Lib starts with one session less than Wilder
    lines: list[tuple[float, float, float]] = []
    for i in range(13, 119):
        sums = [total - total / 14 + column[i] for total, column in zip(sums, (ranges, ups, downs), strict=True)]
        plus, minus = 100 * sums[1] / sums[0], 100 * sums[2] / sums[0]
        lines.append((plus, minus, 100 * abs(plus - minus) / (plus + minus)))
    adx = sum(dx for _, _, dx in lines[:14]) / 14
    for _, _, dx in lines[14:]:
        adx = (adx * 13 + dx) / 14
    found = indicators.directional(high, low, close)
    assert (found.plus[-1], found.minus[-1]) == pytest.approx(lines[-1][:2])
    assert found.adx[-1] == pytest.approx(adx)


def test_the_internal_rate_of_numpy_financial_on_years_of_365_days() -> None:
    """numpy-financial's documentation of `irr`: -100, 39, 59, 55, 20 -> 0.28095; XIRR counts days by 365."""
    start = date(2021, 1, 1)
    days = [start + timedelta(days=365 * n) for n in range(5)]
    assert performance.xirr(days, [-100.0, 39.0, 59.0, 55.0, 20.0]) == pytest.approx(0.2809484, abs=1e-6)


def test_the_sortino_ratio_of_empyrical() -> None:
    """quantopian/empyrical, tests of `sortino_ratio`: 1 10 -4 2 3 2 1 -10 per cent, required 0 -> 2.605531."""
    returns = of("1 10 -4 2 3 2 1 -10") / 100
    assert performance.sortino(returns, np.zeros(8)) == pytest.approx(2.605531251673693)


def test_the_compounded_return_of_empyrical() -> None:
    """quantopian/empyrical, tests of `annual_return`: the same returns after a first day without any -> 1.9135925."""
    assert risk.annual_return(of("0 1 10 -4 2 3 2 1 -10") / 100) == pytest.approx(1.9135925373194231)


def test_the_concentration_of_the_department_of_justice() -> None:
    """U.S. Department of Justice, "Herfindahl-Hirschman Index": 30, 30, 20 and 20 per cent -> 2,600 points."""
    assert hhi({"a": 0.3, "b": 0.3, "c": 0.2, "d": 0.2}) == pytest.approx(0.26)


def test_both_investors_of_investopedia_earn_the_same_time_weighted_return() -> None:
    """Investopedia, "Time-Weighted Rate of Return": one adds 100,000 and one takes 100,000 out; both earn 9.79 %."""
    adds = performance.twr([1_000_000, 1_162_484, 1_192_328], [0, 100_000, 0])
    takes = performance.twr([1_000_000, 1_162_484, 1_003_440], [0, -100_000, 0])
    assert adds == pytest.approx(0.0979, abs=5e-5)
    assert takes == pytest.approx(0.0979, abs=5e-5)
