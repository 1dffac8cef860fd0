"""Numerical methods: risk, indicators, significance, cohort means, rounding."""

from __future__ import annotations

from invest.domain.maths.base_rates import base_rate, windows_beaten
from invest.domain.maths.cohorts import MIN_COHORTS, Interval, apart, cohort_interval
from invest.domain.maths.indicators import atr, bollinger, directional, ema, macd, obv, pivots, rsi, sma, stochastic
from invest.domain.maths.risk import (
    annual_volatility,
    beta,
    drawdowns,
    expected_shortfall,
    market_link,
    max_drawdown,
    sharpe,
    value_at_risk,
)
from invest.domain.maths.rounding import as_shown, half_up
from invest.domain.maths.significance import holm, student_cdf, student_quantile

__all__ = [
    "MIN_COHORTS",
    "Interval",
    "annual_volatility",
    "apart",
    "as_shown",
    "atr",
    "base_rate",
    "beta",
    "bollinger",
    "cohort_interval",
    "directional",
    "drawdowns",
    "ema",
    "expected_shortfall",
    "half_up",
    "holm",
    "macd",
    "market_link",
    "max_drawdown",
    "obv",
    "pivots",
    "rsi",
    "sharpe",
    "sma",
    "stochastic",
    "student_cdf",
    "student_quantile",
    "value_at_risk",
    "windows_beaten",
]
