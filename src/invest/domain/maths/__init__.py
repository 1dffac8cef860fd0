"""Numerical methods: risk, indicators, significance, cohort means."""

from __future__ import annotations

from invest.domain.maths.base_rates import base_rate, windows_beaten
from invest.domain.maths.cohorts import MIN_COHORTS, Interval, apart, cohort_interval
from invest.domain.maths.risk import drawdowns
from invest.domain.maths.significance import holm, student_cdf, student_quantile

__all__ = [
    "MIN_COHORTS",
    "Interval",
    "apart",
    "base_rate",
    "cohort_interval",
    "drawdowns",
    "holm",
    "student_cdf",
    "student_quantile",
    "windows_beaten",
]
