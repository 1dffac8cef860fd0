"""What stored data ask: prices outside the day's range, market values, payments rich for their price."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal

import pytest

from invest.domain.market import MARKET_ZONE, ActionKind, Bar, Bars, CorporateAction
from invest.domain.values import (
    Answered,
    Basis,
    Consensus,
    Observation,
    Question,
    QuestionKind,
    price_questions,
    unanswered,
    value_questions,
)

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


@pytest.mark.parametrize(
    ("value", "hour", "asked"),
    [("10.60", 18, False), ("10.40", 19, False), ("10.9", 18, True), ("9.80", 18, True), ("10.60", 15, True)],
)
def test_after_the_session_prices_go_beyond_its_range_by_a_little(value: str, hour: int, asked: bool) -> None:
    at = datetime.combine(date(2026, 7, 15), time(hour, 10), MARKET_ZONE)  # closes at 17:00
    prices = (Decimal("10.3"), Decimal("10.5"), Decimal("10.2"), Decimal("10.4"))
    bars = Bars.from_rows("ABCD3", [Bar("ABCD3", at.date(), *prices, 100, None, None, "cotahist", "p")])
    found = value_questions(bars, [seen(value)._replace(as_of=at)], {}, None)
    assert bool(found) is asked


@pytest.mark.parametrize(("ticker", "asked"), [("ABCD1", False), ("ABCD12", False), ("ABCD3", True), ("ABCD11", True)])
def test_the_moves_of_a_right_ask_nothing(ticker: str, asked: bool) -> None:
    closes = (Decimal("1.00"), Decimal("3.00"))
    rows = [
        Bar(ticker, day, close, close, close, close, 100, None, None, "cotahist", "p")
        for day, close in zip((FIRST, LAST), closes, strict=True)
    ]
    assert bool(price_questions(Bars.from_rows(ticker, rows), [])) is asked


def test_a_coin_has_no_official_range() -> None:
    coin = Bars.from_rows("BTC-BRL", [Bar("BTC-BRL", LAST, *PRICES, None, None, None, "mercado_bitcoin", "p")])
    assert value_questions(coin, [seen("12")._replace(ticker="BTC-BRL")], {}, None) == []


def test_a_market_value_is_compared_with_the_price_of_its_day() -> None:
    rows = [
        Bar("ABCD3", day, None, None, None, Decimal(close), 100, None, None, "cotahist", "p")
        for day, close in ((date(2026, 10, 1), "20.0"), (LAST, "10.2"))
    ]
    old = known("market_cap", "2000000").model_copy(update={"as_of": datetime(2026, 10, 1, 15, tzinfo=UTC)})
    latest = {"market_cap": old, "close": known("close", "10.2")}
    assert value_questions(Bars.from_rows("ABCD3", rows), [], latest, 100_000) == []
    wrong = {**latest, "market_cap": old.model_copy(update={"value": Decimal(200_000)})}
    assert len(value_questions(Bars.from_rows("ABCD3", rows), [], wrong, 100_000)) == 1


def question(kind: QuestionKind, facts: str, day: date = LAST) -> Question:
    return Question(ticker="ABCD3", kind=kind, day=day, text="?", facts=facts)


@pytest.mark.parametrize(
    ("kind", "answered", "facts", "day", "open_again"),
    [
        (QuestionKind.PAYMENT, ("3.5",), "3.5", LAST, False),
        (QuestionKind.PAYMENT, ("3.5",), "35", LAST, True),  # the amount was revised
        (QuestionKind.PAYMENT, ("3.5",), "3.5", FIRST, True),  # another day's
        (QuestionKind.RANGE, ("brapi 12",), "yahoo 13", LAST, True),  # another source's
        (QuestionKind.RANGE, ("brapi 12", "yahoo 13"), "yahoo 13", LAST, False),
        (QuestionKind.MARKET_VALUE, ("1.96",), "1.9", date(2026, 12, 30), False),  # stated anew each day
        (QuestionKind.MARKET_VALUE, ("1.96",), "19.6", LAST, True),
        (QuestionKind.NOTICE, None, "n1", LAST, False),  # answered before facts were kept
    ],
)
def test_an_answer_holds_while_its_facts_stay(
    kind: QuestionKind, answered: tuple[str, ...] | None, facts: str, day: date, open_again: bool
) -> None:
    given = [Answered("ABCD3", kind, LAST, "so it is", answered), Answered("EFGH3", kind, day, "no", (facts,))]
    asked = question(kind, facts, day)
    assert unanswered([asked], given) == ([asked] if open_again else [])


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
