"""B3's trading calendar: sessions, their hours, and the last closed one.

Days off come from `holidays` (financial calendar BVMF); what that calendar lacks before 2022 (city and state holidays
of São Paulo, year ends, one World Cup opening) is added here. Weekends are tested as well. Times are America/Sao_Paulo,
which has had no daylight saving since 2019; the close follows New York's, as B3's does.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import holidays
import numpy as np
import numpy.typing as npt

MARKET_ZONE = ZoneInfo("America/Sao_Paulo")
NEW_YORK = ZoneInfo("America/New_York")
OPEN = time(10)
ASH_WEDNESDAY_OPEN = time(13)
FRIDAY = 4


@lru_cache(maxsize=256)
def days_off(year: int) -> frozenset[date]:
    """Days of `year` on which B3 does not trade; weekends are not listed."""
    return frozenset(holidays.financial_holidays("BVMF", years=year)) | frozenset(_older_days_off(year))


def _older_days_off(year: int) -> Iterator[date]:
    """What the public calendar lacks: B3 kept São Paulo's own holidays until 2021."""
    if year <= 2021:
        yield date(year, 1, 25)
    if year <= 2021 and year != 2020:
        yield date(year, 7, 9)
    if 2007 <= year <= 2019:
        yield date(year, 11, 20)
    if year < 2018:
        yield date(year, 12, 24)
        yield _last_weekday(year)
    if year == 2014:
        yield date(2014, 6, 12)


def _last_weekday(year: int) -> date:
    day = date(year, 12, 31)
    return day - timedelta(days=max(0, day.weekday() - FRIDAY))


def is_session(day: date) -> bool:
    """Whether B3 trades on `day`."""
    return day.weekday() <= FRIDAY and day not in days_off(day.year)


@lru_cache(maxsize=256)
def ash_wednesday(year: int) -> date:
    """Ash Wednesday of `year`, the day after the two days of Carnival; that session opens at 13:00."""
    off = days_off(year)
    tuesday = next(day for day in off if day.month in (2, 3) and day.weekday() == 1 and day - timedelta(days=1) in off)
    return tuesday + timedelta(days=1)


def session_hours(day: date) -> tuple[datetime, datetime] | None:
    """Open and close of the session on `day`, closing call included; None on a day without one.

    10:00 to 17:00 while New York keeps daylight saving, to 18:00 otherwise; from 13:00 on Ash Wednesday.
    """
    if not is_session(day):
        return None
    opens = ASH_WEDNESDAY_OPEN if day == ash_wednesday(day.year) else OPEN
    noon = datetime.combine(day, time(12), NEW_YORK)
    closes = time(17) if noon.dst() else time(18)
    return datetime.combine(day, opens, MARKET_ZONE), datetime.combine(day, closes, MARKET_ZONE)


def market_day(now: datetime) -> date:
    """The calendar day in São Paulo at the instant `now` (aware)."""
    return now.astimezone(MARKET_ZONE).date()


def session_open(now: datetime) -> bool:
    """Whether B3 trades at the instant `now` (aware)."""
    hours = session_hours(market_day(now))
    return hours is not None and hours[0] <= now < hours[1]


def previous_session(day: date) -> date:
    """The last session before `day`."""
    day -= timedelta(days=1)
    while not is_session(day):
        day -= timedelta(days=1)
    return day


def next_session(day: date) -> date:
    """The first session after `day`."""
    day += timedelta(days=1)
    while not is_session(day):
        day += timedelta(days=1)
    return day


def last_closed_session(now: datetime) -> date:
    """The newest session whose close has passed at `now` (aware): the day a daily bar may be expected for."""
    day = market_day(now)
    hours = session_hours(day)
    return day if hours is not None and now >= hours[1] else previous_session(day)


@lru_cache(maxsize=64)
def _days_off_between(first: int, last: int) -> npt.NDArray[np.datetime64]:
    days = sorted(day for year in range(first, last + 1) for day in days_off(year))
    return np.array(days, dtype="datetime64[D]")


def sessions_between(start: date, end: date) -> npt.NDArray[np.datetime64]:
    """Sessions from `start` to `end`, both included, ascending; empty where `end` precedes `start`."""
    days = np.arange(np.datetime64(start, "D"), np.datetime64(end, "D") + 1)
    off = _days_off_between(start.year, max(start.year, end.year))
    return np.asarray(days[np.is_busday(days, holidays=off)])


@lru_cache(maxsize=4096)
def count_sessions(start: date, end: date) -> int:
    """Number of sessions after `start` up to and including `end`; negative where `end` precedes `start`."""
    if end < start:
        return -count_sessions(end, start)
    off = _days_off_between(start.year, end.year)
    one = timedelta(days=1)
    return int(np.busday_count(start + one, end + one, holidays=off))


def is_stale(newest: date, now: datetime, tolerated: int = 1) -> bool:
    """Whether daily data of `newest` lags the last closed session by more than `tolerated` sessions."""
    return count_sessions(newest, last_closed_session(now)) > tolerated
