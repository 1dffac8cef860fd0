"""Means with honest intervals: one value per cohort, cohorts that do not overlap, Student's t with k - 1 degrees.

Averaging over assets first and then over cohorts at least one horizon apart keeps a 95 % interval at 95 %; treating
single calls as independent would not (docs/scoring.md, "How sure").
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Literal

from pydantic import Field

from invest.domain.observations import Frozen

MIN_COHORTS = 3
RANKED_COHORTS = 8

Standing = Literal["collecting", "chance", "above", "below"]


class Interval(Frozen):
    """A mean over cohorts with its 95 % interval; nulls below two cohorts, `collecting` below three."""

    cohorts: int
    mean: float | None
    low: float | None = None
    high: float | None = None
    t: float | None = None
    p_value: float | None = Field(default=None, description="two-sided, of the mean being zero")
    standing: Standing = Field(description='"chance": not distinguishable from it; above or below zero otherwise')

    @property
    def ranked(self) -> bool:
        """Whether there are enough cohorts to take part in a ranking."""
        return self.cohorts >= RANKED_COHORTS


def cohort_interval(means: Sequence[float], level: float = 0.95) -> Interval:
    """The mean of cohort means with its t interval. All cohorts alike give an interval of no width."""
    k = len(means)
    if k < 2:
        return Interval(cohorts=k, mean=means[0] if means else None, standing="collecting")
    mean = math.fsum(means) / k
    error = math.sqrt(math.fsum((x - mean) ** 2 for x in means) / (k - 1) / k)
    reach = student_quantile(1 - (1 - level) / 2, k - 1) * error
    t = mean / error if error > 0 else None
    low, high = mean - reach, mean + reach
    standing: Standing = "above" if low > 0 else "below" if high < 0 else "chance"
    return Interval(
        cohorts=k,
        mean=mean,
        low=low,
        high=high,
        t=t,
        p_value=2 * (1 - student_cdf(abs(t), k - 1)) if t is not None else None,
        standing="collecting" if k < MIN_COHORTS else standing,
    )


def apart(days: Sequence[date], horizon: int) -> list[date]:
    """The days that start a new cohort: each at least `horizon` calendar days after the one before."""
    chosen: list[date] = []
    for day in sorted(set(days)):
        if not chosen or day >= chosen[-1] + timedelta(days=horizon):
            chosen.append(day)
    return chosen


def student_cdf(t: float, degrees: float) -> float:
    """P(T <= t) of Student's t."""
    tail = _incomplete_beta(degrees / (degrees + t * t), degrees / 2, 0.5) / 2
    return 1 - tail if t > 0 else tail


def student_quantile(p: float, degrees: float) -> float:
    """The t with P(T <= t) = p, 0 < p < 1, by bisection."""
    if p < 0.5:
        return -student_quantile(1 - p, degrees)
    low, high = 0.0, 1.0
    while student_cdf(high, degrees) < p:
        high *= 2
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if student_cdf(middle, degrees) < p else (low, middle)
    return (low + high) / 2


def _incomplete_beta(x: float, a: float, b: float) -> float:
    """Regularised incomplete beta function, by its continued fraction (Abramowitz and Stegun 26.5.8)."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):
        return 1 - _incomplete_beta(1 - x, b, a)
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x))
    c, d = 1.0, 1 / (1 - (a + b) * x / (a + 1))
    fraction = d
    for m in range(1, 300):
        for step in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1 / (1 + step * d)
            c = 1 + step / c
            fraction *= c * d
        if abs(c * d - 1) < 1e-15:
            break
    return front * fraction / a


def holm(p_values: Sequence[float], level: float = 0.05) -> list[bool]:
    """Which of several tests stay significant after Holm's correction, in the order given."""
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    kept = [False] * len(p_values)
    for place, i in enumerate(order):
        if p_values[i] > level / (len(p_values) - place):
            break
        kept[i] = True
    return kept
