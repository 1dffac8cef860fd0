"""Scores of probabilistic calls and their significance: Brier, skill, log score, cohort intervals, Holm.

Intervals average over the assets of a cohort first and take cohorts at least a horizon apart, with Student's t on
k - 1 degrees of freedom: opinions given together, or overlapping in time, are one observation of the market.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import fmean, stdev

import numpy as np

from invest.domain.maths import student_cdf, student_quantile

CHANCE_BRIER = 0.25
LOG_FLOOR, LOG_CEILING = 0.01, 0.99
HOLD_BAND, HOLD_DAYS = 0.05, 180
COHORT_DAYS = 7  # calls entered within a week of each other are one cohort


@dataclass(frozen=True, slots=True)
class Interval:
    """Mean of `k` cohort means with its 95 % interval, t statistic and two-sided p against zero."""

    k: int
    mean: float
    low: float
    high: float
    t: float
    p_value: float

    @property
    def distinguishable(self) -> bool:
        """Whether the interval excludes zero."""
        return self.low > 0 or self.high < 0


def brier(p: float, beat: bool) -> float:
    """(p - o)^2: 0 is perfect, .25 a coin, 1 certain and wrong."""
    return (p - beat) ** 2


def skill(p: float, beat: bool) -> float:
    """1 - BS / .25 of one call; its mean over calls is the Brier skill score."""
    return 1 - brier(p, beat) / CHANCE_BRIER


def log_score(p: float, beat: bool) -> float:
    """-ln of the probability given to what happened, p clipped to [.01, .99]: ln 2 is a coin."""
    p = min(max(p, LOG_FLOOR), LOG_CEILING)
    return -math.log(p if beat else 1 - p)


def excess_return(total_return: float, benchmark_return: float) -> float:
    """(1 + TR) / (1 + index) - 1, fractions."""
    return (1 + total_return) / (1 + benchmark_return) - 1


def hold_band(horizon_days: int) -> float:
    """A hold is right when |excess| is at most 5 % x sqrt(h / 180): 2.04 % at 30 days, 3.54 % at 90."""
    return HOLD_BAND * math.sqrt(horizon_days / HOLD_DAYS)


def cohort_means(items: Iterable[tuple[date, float]], horizon_days: int) -> list[float]:
    """Means of (entry day, value) by cohort. A cohort spans a week from its first entry; the next one starts a horizon
    after its last, so that no two cohorts share a day of the market. Calls in between are in no cohort.
    """
    cohorts: list[list[float]] = []
    start: date | None = None
    last: date | None = None
    for day, value in sorted(items):
        if start is not None and last is not None and day < start + timedelta(days=COHORT_DAYS):
            cohorts[-1].append(value)
            last = day
        elif last is None or day >= last + timedelta(days=horizon_days):
            cohorts.append([value])
            start = last = day
    return [fmean(cohort) for cohort in cohorts]


def interval_of(means: Sequence[float]) -> Interval | None:
    """The 95 % interval of cohort means; None below two. Identical means give a point."""
    k = len(means)
    if k < 2:
        return None
    mean, error = fmean(means), stdev(means) / math.sqrt(k)
    if error <= 1e-12 * max(abs(mean), 1e-300):
        sure = not math.isclose(mean, 0, abs_tol=1e-12)
        t = math.copysign(math.inf, mean) if sure else 0.0
        return Interval(k, mean, mean, mean, t, 0.0 if sure else 1.0)
    reach = student_quantile(0.975, k - 1) * error
    t = mean / error
    return Interval(k, mean, mean - reach, mean + reach, t, 2 * (1 - student_cdf(abs(t), k - 1)))


def rank_correlation(x: Sequence[float], y: Sequence[float]) -> float | None:
    """Spearman's rho with mean ranks for ties; None below three pairs or where one side never varies."""
    if len(x) < 3 or len(set(x)) < 2 or len(set(y)) < 2:
        return None
    return float(np.corrcoef(_ranks(x), _ranks(y))[0, 1])


def _ranks(values: Sequence[float]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    array = np.asarray(values, dtype=np.float64)
    _, inverse, counts = np.unique(array, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    means: np.ndarray[tuple[int], np.dtype[np.float64]] = (ends - (counts - 1) / 2)[inverse].astype(np.float64)
    return means
