"""Whatever was booked, in whatever order: shares, costs, gains and cash reconcile, and the order decides nothing."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from invest.domain.market import ActionKind, CorporateAction
from invest.domain.portfolios import Known, Operation, Portfolio, PortfolioInput, Transaction, derive, measure, settled

D = Decimal
START = date(2026, 1, 5)
TODAY = date(2026, 6, 30)
NOW = datetime(2026, 6, 30, 22, tzinfo=UTC)
KINDS = ("buy", "buy", "buy", "sell", "dividend", "jcp", "split", "bonus", "amortisation", "fee", "opening", "reversal",
         "lending", "tax")  # fmt: skip
TOLD = {"ticker": "PETR4", "source": "b3", "payload": "x"}
EVENTS = {
    "PETR4": [
        CorporateAction.model_validate(
            TOLD | {"kind": ActionKind.SPLIT, "last_date_with": date(2026, 2, 10), "factor": D(2)}
        ),
        CorporateAction.model_validate(
            TOLD | {"kind": ActionKind.DIVIDEND, "last_date_with": date(2026, 3, 10), "amount": D("0.5")}
        ),
    ]
}


@st.composite
def histories(draw: st.DrawFn) -> list[Transaction]:
    """Facts of two assets at two brokers over some months; some sales are more than is held."""
    made = []
    for _ in range(draw(st.integers(1, 20))):
        kind = draw(st.sampled_from(KINDS))
        quantity = D(draw(st.integers(1, 60)))
        price = D(draw(st.integers(1, 5000))) / 100
        if kind in ("fee", "tax"):
            quantity = D(1)
        if kind == "split":
            quantity, price = D(2), D(0)
        made.append(
            Transaction(
                date=START + timedelta(days=draw(st.integers(0, 150))),
                ticker=draw(st.sampled_from(["PETR4", "VALE3"])),
                operation=Operation(kind),
                quantity=quantity,
                price=price,
                fees=D(draw(st.integers(0, 300))) / 100 if kind in ("buy", "sell") else D(0),
                broker=draw(st.sampled_from(["A", "B"])),
            )
        )
    return made


@settings(max_examples=80, deadline=None)
@given(histories())
def test_costs_gains_and_cash_reconcile_to_the_cent(facts: list[Transaction]) -> None:
    book = derive(facts)
    refused = {r.index for r in book.refused}
    booked = [t for i, t in enumerate(facts) if i not in refused]
    for ticker, position in book.positions.items():
        mine = [t for t in booked if t.ticker == ticker]
        shares_given = sum((t.amount for t in mine if t.operation is Operation.BONUS), D(0))
        left = position.bought + shares_given - position.sold + position.realized_gain - position.returned
        assert abs(left - position.cost) < D("1e-9")
        assert position.quantity >= 0
        assert position.cost >= 0
        received = {Operation.DIVIDEND: 1, Operation.JCP: 1, Operation.LENDING: 1, Operation.REVERSAL: -1}
        assert position.income == sum((t.amount * received.get(t.operation, 0) for t in mine), D(0))
        paid = sum((t.fees for t in mine), D(0)) + sum((t.amount for t in mine if t.operation is Operation.FEE), D(0))
        assert abs(position.fees - paid) < D("1e-9")


@settings(max_examples=40, deadline=None)
@given(histories(), st.integers(0, 1000))
def test_the_order_of_facts_decides_nothing(facts: list[Transaction], seed: int) -> None:
    known = Known(EVENTS)
    shuffled = list(facts)
    random.Random(seed).shuffle(shuffled)
    one, other = (derive(settled(given_, known, TODAY).transactions) for given_ in (facts, shuffled))
    assert {t: (p.quantity, p.cost, p.realized_gain) for t, p in one.positions.items()} == {
        t: (p.quantity, p.cost, p.realized_gain) for t, p in other.positions.items()
    }


@settings(max_examples=25, deadline=None)
@given(histories(), st.integers(0, 1000))
def test_figures_are_the_same_whatever_the_order_and_receivables_add_up(facts: list[Transaction], seed: int) -> None:
    shuffled = list(facts)
    random.Random(seed).shuffle(shuffled)
    told = [
        measure(
            PortfolioInput(Portfolio(id="p", name="P", created_at=NOW, transactions=tuple(given_)), NOW, actions=EVENTS)
        )
        for given_ in (facts, shuffled)
    ]
    one, other = (m.model_dump(exclude={"curve", "periods", "warnings"}) for m in told)
    assert one.keys() == other.keys()
    for name, value in one.items():
        assert other[name] == (pytest.approx(value, abs=1e-9) if isinstance(value, float) else value), name
    assert told[0].income_not_booked == sum((u.amount for u in told[0].not_booked), D(0))
    assert sorted(told[0].warnings) == sorted(told[1].warnings)


def test_of_two_splits_beside_a_known_one_the_nearer_is_it_in_any_order() -> None:
    early, late = (
        Transaction(date=day, ticker="PETR4", operation=Operation.SPLIT, quantity=D(2), price=D(0))
        for day in (date(2026, 2, 5), date(2026, 3, 11))
    )
    bought = Transaction(date=START, ticker="PETR4", operation=Operation.BUY, quantity=D(1), price=D(10))
    for facts in ([bought, early, late], [late, bought, early], [late, early, bought]):
        found = settled(facts, Known(EVENTS), TODAY)
        assert sorted(t.date for t in found.transactions) == [START, date(2026, 2, 11), date(2026, 3, 11)]
