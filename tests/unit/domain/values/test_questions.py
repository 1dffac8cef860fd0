"""What stored data ask: prices outside the day's range, market values, payments rich for their price."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal

import pytest

from invest.domain.market import MARKET_ZONE, ActionKind, Bar, Bars, CorporateAction
from invest.domain.values import Basis, Consensus, Observation, price_questions, value_questions

FIRST, LAST = date(2026, 11, 24), date(2026, 11, 25)
NOON = datetime(2026, 11, 25, 15, tzinfo=UTC)
PRICES = (Decimal("10.0"), Decimal("10.5"), Decimal("9.9"), Decimal("10.2"))
BARS = Bars.from_rows("ABCD3", [Bar("ABCD3", day, *PRICES, 100, None, None, "cotahist", "p") for day in (FIRST, LAST)])


def seen(value: str, *, day: date = LAST, official: bool = False, basis: Basis = Basis.RAW) -> Observation:
    """A close as a source gives it."""
    at = datetime.combine(day, time(17), MARKET_ZONE)
    return Observation("ABCD3", "close", Decimal(value), at, "brapi", "p", NOON, basis, "BRL", official, 20)


def known(field: str, value: str) -> Consensus:
    """A value in force."""
    return Consensus(
        ticker="ABCD3", field=field, value=Decimal(value), basis=Basis.SPOT, unit="BRL", as_of=NOON, source="brapi",
        payload="p", sources=("brapi",), n=1, agreement=1, confidence=0.5,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("observed", "asked"),
    [
        (seen("10.5"), False),
        (seen("10.55"), False),  # rounding
        (seen("10.6"), True),
        (seen("9.8"), True),
        (seen("105"), True),
        (seen("9.0", basis=Basis.ADJUSTED), False),  # another basis than the range's
        (seen("12", official=True), False),
        (seen("12", day=date(2026, 11, 22)), False),  # no session
    ],
)
def test_a_price_outside_the_days_range_is_asked(observed: Observation, asked: bool) -> None:
    found = value_questions(BARS, [observed], {}, None)
    assert [q.day for q in found] == ([LAST] if asked else [])


def test_a_market_value_that_does_not_fit_shares_times_price_is_asked_in_whole_figures() -> None:
    close = known("close", "10.2")
    fits = {"market_cap": known("market_cap", "1200000"), "close": close}
    assert value_questions(BARS, [], fits, 100_000) == []
    far = {"market_cap": known("market_cap", "2000000"), "close": close}
    (asked,) = value_questions(BARS, [], far, 100_000)
    assert asked.text == "a market value of 2,000,000 beside 100,000 papers at 10.2: 1,020,000"
    assert value_questions(BARS, [], far, None) == []


@pytest.mark.parametrize(
    ("amounts", "asked"), [(("3.06",), False), (("3.07",), True), (("1.6", "1.6"), True), (("1.0",), False)]
)
def test_payments_of_a_day_beyond_three_tenths_of_its_price_are_asked(amounts: tuple[str, ...], asked: bool) -> None:
    paid = [
        CorporateAction(
            ticker="ABCD3", kind=ActionKind.DIVIDEND, last_date_with=LAST, amount=Decimal(a), source="b3", payload="p"
        )
        for a in amounts
    ]
    assert [q.day for q in price_questions(BARS, paid)] == ([LAST] if asked else [])
