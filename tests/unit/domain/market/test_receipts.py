"""Receipts of foreign shares: a parity that closes of the same days give, and what gives none."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invest.domain.market import home_paper, parity

DAYS = [date(2026, 3, 2) + timedelta(days=n) for n in range(20)]


def closes(each: float, noise: float = 0.0) -> tuple[list[tuple[date, float]], dict[date, float], dict[date, float]]:
    """Receipts, papers at home and the dollar over twenty days, `each` receipts per paper."""
    homes = {day: 200.0 + n for n, day in enumerate(DAYS)}
    rates = {day: 5 + n / 100 for n, day in enumerate(DAYS)}
    receipts = [(day, homes[day] * rates[day] / each * (1 + noise * (-1) ** n)) for n, day in enumerate(DAYS)]
    return receipts, homes, rates


@given(st.integers(1, 49), st.floats(0, 0.008), st.booleans())
def test_a_whole_number_of_receipts_is_seen_through_the_spread(each: int, noise: float, inverse: bool) -> None:
    wanted = 1 / Decimal(each) if inverse else Decimal(each)
    assert parity(*closes(float(wanted), noise)) == wanted


@pytest.mark.parametrize(("each", "noise"), [(20.5, 0), (7.3, 0), (10, 0.05), (0.7, 0)])
def test_what_is_no_whole_number_or_strays_gives_none(each: float, noise: float) -> None:
    assert parity(*closes(each, noise)) is None


def test_too_few_common_days_give_none() -> None:
    receipts, homes, rates = closes(20)
    assert parity(receipts[:9], homes, rates) is None
    assert parity(receipts, homes, dict(list(rates.items())[:9])) is None
    assert parity([(day, 0.0) for day, _ in receipts], homes, rates) is None


def test_well_known_receipts_have_a_paper_at_home() -> None:
    apple = home_paper("AAPL34")
    assert apple and (apple.symbol, apple.exchange, apple.currency) == ("AAPL", "NASDAQ", "USD")
    assert home_paper("JBSS32") is not None and home_paper("PETR4") is None
