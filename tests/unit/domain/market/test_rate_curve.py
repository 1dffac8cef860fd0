"""A daily rate is earned on every session: days that a series lacks bear the rate before them, not nothing."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest

from invest.domain.market import MacroPoint, RateCurve
from invest.domain.market.calendar import sessions_between

FIRST, LAST = date(2026, 1, 5), date(2026, 6, 30)
DAYS = [day.astype(date) for day in sessions_between(FIRST, LAST)]
RATE = Decimal("0.05")


def curve(days: list[date]) -> RateCurve:
    return RateCurve.of(MacroPoint(series="sgs:12", day=day, value=RATE, source="bcb", payload="p") for day in days)


def test_each_session_bears_its_rate_once() -> None:
    assert curve(DAYS).growth(FIRST, LAST) == pytest.approx(1.0005 ** (len(DAYS) - 1))


@pytest.mark.parametrize("lacking", [1, 2, 10])
def test_sessions_that_lack_bear_the_rate_before_them(lacking: int) -> None:
    known = DAYS[:40] + DAYS[40 + lacking :]
    assert curve(known).growth(FIRST, LAST) == pytest.approx(1.0005 ** (len(DAYS) - 1))


@pytest.mark.parametrize(("start", "end"), [(0, 44), (0, 40), (42, 60), (41, 44), (39, 45)])
def test_a_day_among_those_that_lack_has_what_was_earned_until_then(start: int, end: int) -> None:
    rates = curve(DAYS[:40] + DAYS[45:])
    assert rates.growth(DAYS[start], DAYS[end]) == pytest.approx(1.0005 ** (end - start))


def test_growth_over_more_than_that_is_unknown_and_known_before_and_after() -> None:
    rates = curve(DAYS[:40] + DAYS[51:])
    assert rates.growth(FIRST, LAST) is None
    assert rates.growth(FIRST, DAYS[39]) == pytest.approx(1.0005**39)
    assert rates.growth(FIRST, DAYS[45]) == pytest.approx(1.0005**45)  # within ten sessions of the last known rate
    assert [rates.growth(DAYS[at], DAYS[51]) for at in (0, 39, 45)] == [None] * 3
    assert rates.growth(FIRST, DAYS[50] + timedelta(days=1)) is None
    assert rates.growth(DAYS[51], LAST) == pytest.approx(1.0005 ** (len(DAYS) - 52))


def test_bank_days_without_a_session_and_repeated_days_change_nothing() -> None:
    """The central bank has a rate on days that B3 is closed; the last of two values of a day counts."""
    more = sorted({*DAYS, date(2026, 2, 16)})
    assert curve(more).growth(FIRST, LAST) == pytest.approx(1.0005 ** len(DAYS))
    assert curve(DAYS[::-1] + DAYS).growth(FIRST, LAST) == pytest.approx(1.0005 ** (len(DAYS) - 1))


def test_a_weekend_between_two_days_is_no_gap() -> None:
    assert len(curve(DAYS).gaps) == 0
    assert curve([FIRST, FIRST + timedelta(days=1)]).growth(FIRST, FIRST) == 1
