"""Rates of the central bank, compounded: CDI by the day (SGS 12), IPCA by the month (SGS 433)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

import numpy as np
import numpy.typing as npt

from invest.domain.market.assets import MacroPoint
from invest.domain.market.bars import Days, Floats
from invest.domain.market.calendar import count_sessions, sessions_between

EPOCH = date(1970, 1, 1)
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


@dataclass(frozen=True)
class MacroColumns:
    """A series by day, in its own unit, as columns; source and payload are the newest value's."""

    days: Days
    values: Floats
    source: str | None = None
    payload: str | None = None


@dataclass(frozen=True)
class RateCurve:
    """Daily rates as fractions with their running product; the rate of a day accrues until the next one."""

    days: Days
    rates: Floats
    growth_to: Floats  # growth_to[i]: product over days before days[i]; one longer than `days`
    source: str | None = None
    payload: str | None = None  # of the newest point

    def __len__(self) -> int:
        return len(self.days)

    @cached_property
    def stamps(self) -> npt.NDArray[np.int64]:
        """Days since 1970-01-01."""
        return self.days.astype(np.int64)

    @cached_property
    def gaps(self) -> npt.NDArray[np.int64]:
        """Places of days behind which more sessions lack than a rate is carried over."""
        return np.flatnonzero(self.missing > CARRIED_SESSIONS)

    @cached_property
    def missing(self) -> npt.NDArray[np.int64]:
        """How many sessions lack behind each day."""
        return missing_sessions(self.days)

    @cached_property
    def _growths(self) -> dict[tuple[date, date], float | None]:
        return {}  # of the spans that were asked for: the assets of a run ask for the same one

    @cached_property
    def _annuals(self) -> dict[date, float | None]:
        return {}

    @classmethod
    def of(cls, points: Iterable[MacroPoint]) -> RateCurve:
        """The curve of a daily series in percent; the last of two values for one day wins."""
        by_day = {point.day: point for point in points}
        ordered = [by_day[day] for day in sorted(by_day)]
        days = np.array([point.day for point in ordered], dtype="datetime64[D]")
        percents = np.array([float(point.value) for point in ordered], dtype=np.float64)
        newest = ordered[-1] if ordered else None
        return cls.of_columns(MacroColumns(days, percents, *((newest.source, newest.payload) if newest else ())))

    @classmethod
    def of_columns(cls, columns: MacroColumns) -> RateCurve:
        """The curve of a daily series in percent, each day once and in order."""
        rates = columns.values / 100
        missing = missing_sessions(columns.days)
        steps = (1 + rates) ** (1 + np.where(missing > CARRIED_SESSIONS, 0, missing))
        grown = np.concatenate(([1.0], np.cumprod(steps)))
        return cls(columns.days, rates, grown, columns.source, columns.payload)

    def growth(self, start: date, end: date) -> float | None:
        """Factor from `start` to `end`: rates of the days start <= d < end.

        A rate is carried over at most ten sessions that have none; None where the curve lacks more, or does not reach.
        """
        span = (start, end)
        if span not in self._growths:
            ends = self._at(np.array([_stamp(start), _stamp(end)]))
            self._growths[span] = float(ends[1] / ends[0]) if ends is not None else None
        return self._growths[span]

    def over(self, days: Days) -> Floats | None:
        """The rate earned between consecutive `days`, as fractions (one shorter than `days`); None beyond the curve."""
        grown = self._at(days.astype(np.int64)) if len(days) else None
        return grown[1:] / grown[:-1] - 1 if grown is not None else None

    def annual(self, day: date) -> float | None:
        """The rate of `day`, or the newest before it, as an annual fraction; None where the curve does not reach."""
        if day not in self._annuals:
            newest = self.last_before(day)
            known = newest is not None and count_sessions(newest, day) <= CARRIED_SESSIONS
            rate = self.rates[np.searchsorted(self.stamps, _stamp(newest))] if newest and known else None
            self._annuals[day] = annual_rate(float(rate) * 100) if rate is not None else None
        return self._annuals[day]

    def last_before(self, day: date) -> date | None:
        """The newest day of the curve up to `day`."""
        at = int(np.searchsorted(self.stamps, _stamp(day), side="right")) - 1
        return self.days[at].astype(object) if at >= 0 else None

    def _at(self, stamps: npt.NDArray[np.int64]) -> Floats | None:
        """The running product at days since 1970-01-01, ascending; None beyond the curve."""
        if not len(self) or stamps[0] < self.stamps[0]:
            return None
        places = np.searchsorted(self.stamps, stamps, side="left")
        between = self.stamps[np.minimum(places, len(self) - 1)] != stamps
        whole = (self.gaps >= places[0] - between[0]) & (self.gaps < places[-1] - between[-1])
        if whole.any():
            return None
        grown = self.growth_to[places]
        for i in np.flatnonzero(between & ((places == len(self)) | (self.missing[places - 1] > 0))):
            before = places[i] - 1
            last = self.days[before].astype(object)
            idle = count_sessions(last, EPOCH + timedelta(days=int(stamps[i]) - 1))
            if idle > CARRIED_SESSIONS:
                return None
            grown[i] = self.growth_to[before] * (1 + self.rates[before]) ** (1 + idle)
        return np.asarray(grown)


def missing_sessions(days: Days) -> npt.NDArray[np.int64]:
    """Sessions between each day of a daily series and the next that it lacks: its rate is carried over them."""
    if not len(days):
        return np.zeros(0, np.int64)
    first, last = days[0].astype(object), days[-1].astype(object)
    sessions = sessions_between(first, last)
    behind = np.searchsorted(sessions, days, side="right")  # sessions up to each day
    before = np.searchsorted(sessions, days[1:], side="left")  # and those before the next
    return np.concatenate((np.maximum(before - behind[:-1], 0), [0]))


def _stamp(day: date) -> int:
    return (day - EPOCH).days
