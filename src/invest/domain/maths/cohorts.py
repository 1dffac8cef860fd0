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

from invest.domain.frozen import Frozen
from invest.domain.maths.significance import student_cdf, student_quantile

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
    """The mean of cohort means with its t interval. Equal cohorts give an interval of no width."""
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
