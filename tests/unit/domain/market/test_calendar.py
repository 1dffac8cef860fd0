"""B3's sessions, their hours, and the last one that closed."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

import pytest

from invest.domain.market import calendar

# The oracle is written for pandas 2 and warns of what pandas 4 will change.
oracle = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@oracle
def test_sessions_agree_with_an_independent_calendar_since_2007() -> None:
    exchange_calendars = pytest.importorskip("exchange_calendars")
    theirs = exchange_calendars.get_calendar("BVMF", start="2007-01-02")
    expected = {stamp.date() for stamp in theirs.sessions}
    ours = {day.astype(object) for day in calendar.sessions_between(min(expected), max(expected))}
    assert ours == expected


@oracle
def test_late_opens_agree_with_an_independent_calendar() -> None:
    exchange_calendars = pytest.importorskip("exchange_calendars")
    late = {stamp.date() for stamp in exchange_calendars.get_calendar("BVMF", start="2016-01-04").late_opens}
    assert late == {calendar.ash_wednesday(day.year) for day in late}


@pytest.mark.parametrize(
    "day",
    [
        date(2024, 2, 12),  # Carnival Monday
        date(2024, 2, 13),  # Carnival Tuesday
        date(2024, 3, 29),  # Good Friday
        date(2024, 5, 30),  # Corpus Christi
        date(2024, 11, 20),
        date(2024, 12, 24),
        date(2024, 12, 31),
        date(2025, 4, 21),
        date(2024, 11, 9),  # a Saturday
        date(2024, 11, 10),  # a Sunday
    ],
)
def test_no_session_on_a_day_off(day: date) -> None:
    assert not calendar.is_session(day)
    assert calendar.session_hours(day) is None


def test_20_november_was_a_session_in_2023_and_none_from_2024() -> None:
    assert calendar.is_session(date(2023, 11, 20))
    assert not calendar.is_session(date(2024, 11, 20))


def test_ash_wednesday_opens_at_13() -> None:
    hours = calendar.session_hours(date(2026, 2, 18))
    assert hours is not None
    assert hours[0].time() == time(13)


def test_the_close_follows_new_yorks_clock() -> None:
    summer, winter = calendar.session_hours(date(2026, 7, 22)), calendar.session_hours(date(2026, 11, 23))
    assert summer is not None
    assert winter is not None
    assert (summer[1].time(), winter[1].time()) == (time(17), time(18))


def test_the_session_is_open_from_10_to_the_close_in_sao_paulo() -> None:
    def at(hour: int, minute: int = 0) -> bool:
        return calendar.session_open(datetime(2026, 7, 22, hour, minute, tzinfo=UTC))

    assert [at(12, 59), at(13), at(19, 59), at(20)] == [False, True, True, False]


def test_the_last_closed_session_is_yesterdays_until_todays_close() -> None:
    before, after = datetime(2026, 7, 22, 19, 59, tzinfo=UTC), datetime(2026, 7, 22, 20, 0, tzinfo=UTC)
    assert calendar.last_closed_session(before) == date(2026, 7, 21)
    assert calendar.last_closed_session(after) == date(2026, 7, 22)
    assert calendar.last_closed_session(datetime(2026, 7, 26, 12, tzinfo=UTC)) == date(2026, 7, 24)


def test_neighbouring_sessions_skip_carnival() -> None:
    assert calendar.previous_session(date(2024, 2, 14)) == date(2024, 2, 9)
    assert calendar.next_session(date(2024, 2, 9)) == date(2024, 2, 14)


def test_counting_sessions_excludes_the_start_and_is_signed() -> None:
    assert calendar.count_sessions(date(2024, 2, 9), date(2024, 2, 14)) == 1
    assert calendar.count_sessions(date(2024, 2, 14), date(2024, 2, 9)) == -1
    assert calendar.count_sessions(date(2024, 2, 9), date(2024, 2, 9)) == 0


def test_no_sessions_between_dates_in_the_wrong_order() -> None:
    assert len(calendar.sessions_between(date(2024, 2, 9), date(2024, 2, 1))) == 0


def test_a_bar_two_sessions_old_is_stale() -> None:
    now = datetime(2024, 2, 15, 23, tzinfo=UTC)
    assert not calendar.is_stale(date(2024, 2, 15), now)
    assert not calendar.is_stale(date(2024, 2, 14), now)
    assert calendar.is_stale(date(2024, 2, 9), now)
