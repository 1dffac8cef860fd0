"""Rates of the central bank, compounded: CDI by the day (SGS 12), IPCA by the month (SGS 433)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from invest.domain.assets import MacroPoint
from invest.domain.bars import Days, Floats
from invest.domain.calendar import count_sessions

CARRIED_SESSIONS = 10  # how long the last published rate is carried forward


def annual_rate(daily_percent: float) -> float:
    """A daily rate in percent as an annual fraction: (1 + r/100) ** 252 - 1."""
    return float((1 + daily_percent / 100) ** 252 - 1)


def compound(percents: Iterable[float]) -> float:
    """Accumulated fraction of consecutive periodic rates in percent: product of (1 + r/100), minus 1."""
    growth = 1.0
    for percent in percents:
        growth *= 1 + percent / 100
    return growth - 1


@dataclass(frozen=True, slots=True)
class RateCurve:
    """Daily rates as fractions with their running product; the rate of a day accrues until the next one."""

    days: Days
    rates: Floats
    growth_to: Floats  # growth_to[i]: product over days before days[i]; one longer than `days`
    source: str | None = None
    payload: str | None = None  # of the newest point

    def __len__(self) -> int:
        return len(self.days)

    @classmethod
    def of(cls, points: Iterable[MacroPoint]) -> RateCurve:
        """The curve of a daily series in percent; the last of two values for one day wins."""
        by_day = {point.day: point for point in points}
        ordered = [by_day[day] for day in sorted(by_day)]
        days = np.array([point.day for point in ordered], dtype="datetime64[D]")
        rates = np.array([float(point.value) / 100 for point in ordered], dtype=np.float64)
        newest = ordered[-1] if ordered else None
        grown = np.concatenate(([1.0], np.cumprod(1 + rates)))
        return cls(days, rates, grown, newest.source if newest else None, newest.payload if newest else None)

    def growth(self, start: date, end: date) -> float | None:
        """Factor from `start` to `end`: rates of the days start <= d < end.

        The newest rate is carried forward for at most ten sessions; None where the curve does not reach.
        """
        ends = self._at(np.array([start, end], dtype="datetime64[D]"))
        return float(ends[1] / ends[0]) if ends is not None else None

    def over(self, days: Days) -> Floats | None:
        """The rate earned between consecutive `days`, as fractions (one shorter than `days`); None beyond the curve."""
        grown = self._at(days) if len(days) else None
        return grown[1:] / grown[:-1] - 1 if grown is not None else None

    def annual(self, day: date) -> float | None:
        """The rate of `day`, or the newest before it, as an annual fraction; None where the curve does not reach."""
        newest = self.last_before(day)
        if newest is None or count_sessions(newest, day) > CARRIED_SESSIONS:
            return None
        return annual_rate(float(self.rates[np.searchsorted(self.days, np.datetime64(newest, "D"))]) * 100)

    def last_before(self, day: date) -> date | None:
        """The newest day of the curve up to `day`."""
        at = int(np.searchsorted(self.days, np.datetime64(day, "D"), side="right")) - 1
        return self.days[at].astype(object) if at >= 0 else None

    def _at(self, days: Days) -> Floats | None:
        if not len(self) or days[0] < self.days[0]:
            return None
        grown = self.growth_to[np.searchsorted(self.days, days, side="left")]
        beyond = np.flatnonzero(days > self.days[-1])
        last = self.days[-1].astype(object)
        for i in beyond:
            idle = count_sessions(last, days[i].astype(object) - timedelta(days=1))
            if idle > CARRIED_SESSIONS:
                return None
            grown[i] *= (1 + self.rates[-1]) ** idle
        return np.asarray(grown)
