"""The calendar of announced events."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from invest.domain.market.agenda import AgendaEntry, Stage, events_between
from invest.domain.market.assets import ActionKind, CorporateAction

TODAY = date(2026, 3, 31)  # a Tuesday; Good Friday is 3 April
SINCE, UNTIL = TODAY, date(2026, 6, 30)


def paid(
    ticker: str, last: str, pays: str | None, amount: str = "0.50", kind: ActionKind = ActionKind.JCP
) -> CorporateAction:
    """One payment."""
    return CorporateAction(
        ticker=ticker,
        kind=ActionKind.JCP,
        last_date_with=date.fromisoformat(last),
        payment_date=date.fromisoformat(pays) if pays else None,
        amount=Decimal("0.50"),
        source="b3",
        payload="p",
    )


def entries(*actions: CorporateAction) -> list[AgendaEntry]:
    return events_between(actions, SINCE, UNTIL, TODAY)


def test_stages_and_days() -> None:
    coming = paid("AAAA3", "2026-04-02", "2026-05-15")
    awaited = paid("BBBB3", "2026-03-20", "2026-04-10")
    done = paid("CCCC3", "2026-03-02", "2026-03-31")
    past = paid("DDDD3", "2026-01-02", "2026-01-30")
    found = entries(coming, awaited, done, past)
    assert [(e.ticker, e.stage) for e in found] == [
        ("CCCC3", Stage.DONE),
        ("AAAA3", Stage.WITH_RIGHTS),
        ("BBBB3", Stage.AWAITED),
    ]
    assert found[1].ex_date == date(2026, 4, 6)  # the Monday after Good Friday


def test_a_payment_to_be_set_stays_until_it_is() -> None:
    (entry,) = entries(paid("AAAA3", "2025-09-01", None))
    assert (entry.payment_date, entry.stage) == (None, Stage.AWAITED)
    assert entries(paid("AAAA3", "2024-09-02", None)) == []


def test_equal_instalments_are_numbered_by_their_days() -> None:
    found = entries(paid("AAAA3", "2026-03-20", "2026-06-10"), paid("AAAA3", "2026-03-20", "2026-04-10"))
    assert [(e.payment_date, e.instalment) for e in found] == [(date(2026, 4, 10), 1), (date(2026, 6, 10), 2)]


def test_events_without_money_are_there_and_answers_are_not() -> None:
    split = CorporateAction(
        ticker="AAAA3",
        kind=ActionKind.SPLIT,
        last_date_with=date(2026, 4, 1),
        factor=Decimal(2),
        source="b3",
        payload="p",
    )
    answer = split.model_copy(update={"kind": ActionKind.PRICE_MOVE})
    (entry,) = entries(split, answer)
    assert (entry.kind, entry.factor, entry.stage) == (ActionKind.SPLIT, Decimal(2), Stage.WITH_RIGHTS)


def test_what_is_still_to_come_of_a_subscription_or_a_redemption_is_awaited() -> None:
    subscribed = paid("AAAA3", "2026-03-20", "2026-04-20").model_copy(
        update={"kind": ActionKind.SUBSCRIPTION, "amount": None, "ratio": Decimal("0.1"), "price": Decimal(10)}
    )
    redeemed = paid("BBBB3", "2026-03-20", None).model_copy(update={"kind": ActionKind.REDEMPTION})
    assert [(e.ticker, e.stage) for e in entries(subscribed, redeemed)] == [
        ("AAAA3", Stage.AWAITED),
        ("BBBB3", Stage.AWAITED),
    ]


def test_two_decisions_paid_on_the_same_days_have_instalments_of_their_own() -> None:
    last, first, second = date(2026, 3, 10), date(2026, 4, 30), date(2026, 5, 29)
    given = [
        CorporateAction(
            ticker="ABCD3", kind=ActionKind.JCP, last_date_with=last, payment_date=day, amount=Decimal(amount),
            source="b3", payload="p",
        )
        for day in (first, second) for amount in ("0.1", "0.2")
    ]  # fmt: skip
    found = events_between(given, last, second, last)
    assert sorted((entry.payment_date, entry.instalment) for entry in found) == [
        (first, 1), (first, 1), (second, 2), (second, 2),
    ]  # fmt: skip
