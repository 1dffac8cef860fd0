"""Trading days of B3."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import holidays
import numpy as np
import numpy.typing as npt

ZONE = ZoneInfo("America/Sao_Paulo")
CLOSE = time(18, 30)  # regular session, after-market and the day's files are done by then
Days = npt.NDArray[np.datetime64]


@lru_cache(maxsize=64)
def _closed(year: int) -> frozenset[date]:
    """Weekdays without a session. Until 2021 B3 also kept São Paulo's own holidays; in 2020 two of them were moved."""
    days = set(holidays.financial_holidays("BVMF", years=year))
    if year <= 2021:
        days.add(date(year, 1, 25))
        if year != 2020:
            days |= {date(year, 7, 9), date(year, 11, 20)}
    return frozenset(days)


def is_session(day: date) -> bool:
    """Whether B3 trades on `day`."""
    return day.weekday() < 5 and day not in _closed(day.year)


def sessions(start: date, end: date) -> Days:
    """Every trading day from `start` to `end`, both included."""
    days = (start + timedelta(n) for n in range((end - start).days + 1))
    return np.array([d for d in days if is_session(d)], dtype="datetime64[D]")


def last_session(now: datetime | None = None) -> date:
    """The newest session whose close lies before `now` (default: the clock)."""
    here = (now or datetime.now(UTC)).astimezone(ZONE)
    day = here.date() if here.time() >= CLOSE else here.date() - timedelta(1)
    while not is_session(day):
        day -= timedelta(1)
    return day


def after_close(day: date) -> datetime:
    """An aware instant at which everything of `day`'s session is published."""
    return datetime.combine(day, time(21, 0), ZONE)


def next_session(day: date, ahead: int = 1) -> date:
    """The session `ahead` sessions after `day`."""
    for _ in range(ahead):
        day += timedelta(1)
        while not is_session(day):
            day += timedelta(1)
    return day
