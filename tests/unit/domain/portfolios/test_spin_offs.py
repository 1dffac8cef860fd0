"""Spin-offs take the part of the cost that the known event tells, booked or not, in whatever words."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from invest.domain.brokerage import plan_import, read_statement
from invest.domain.market import ActionKind, CorporateAction
from invest.domain.portfolios import Known, Operation, Portfolio, PortfolioInput, Transaction, measure, positions_of

D = Decimal
TODAY = date(2026, 11, 27)
EVENT = CorporateAction(
    ticker="OLDD3", kind=ActionKind.SPIN_OFF, last_date_with=date(2026, 3, 10), other="NEWW3", ratio=D("0.5"),
    price_factor=D("0.8"), source="owner", payload="x",
)  # fmt: skip
KNOWN = Known({"OLDD3": (EVENT,)})
HEAD = "Entrada/Saída;Data;Movimentação;Produto;Instituição;Quantidade;Preço unitário;Valor da Operação\n"


def fact(day: str, operation: str, ticker: str, quantity: str, price: str, **more: object) -> Transaction:
    given = {"date": day, "operation": operation, "ticker": ticker, "quantity": quantity, "price": price}
    return Transaction.model_validate(given | more)


BOUGHT = fact("2026-01-05", "buy", "OLDD3", "100", "10.00")
TOLD = [
    [],
    [fact("2026-03-25", "spin_off", "OLDD3", "50", "0.2", other="NEWW3")],
    [fact("2026-03-25", "spin_off", "OLDD3", "50", "0", other="NEWW3")],
    [fact("2026-03-25", "bonus", "NEWW3", "50", "0")],
    [fact("2026-03-25", "buy", "NEWW3", "50", "0")],
]


@pytest.mark.parametrize("told", TOLD)
def test_the_cost_is_shared_however_it_is_told(told: list[Transaction]) -> None:
    sold = fact("2026-03-12", "sell", "OLDD3", "100", "9.00")  # before the new shares were credited
    for facts in ([BOUGHT, *told], [*told, BOUGHT]):
        book = positions_of(facts, KNOWN, TODAY)
        assert {t: (p.quantity, p.cost) for t, p in book.held.items()} == {
            "OLDD3": (D(100), D(800)),
            "NEWW3": (D(50), D(200)),
        }
        after = positions_of([*facts, sold], KNOWN, TODAY)
        assert (after.positions["OLDD3"].realized_gain, after.positions["NEWW3"].cost) == (D(100), D(200))


def test_a_part_of_the_owners_own_stays() -> None:
    own = fact("2026-03-11", "spin_off", "OLDD3", "50", "0.3", other="NEWW3")
    assert positions_of([BOUGHT, own], KNOWN, TODAY).positions["NEWW3"].cost == 300


def test_a_spin_off_that_nobody_booked_is_named_and_proposed() -> None:
    made = Portfolio(id="p", name="P", created_at=datetime(2026, 1, 1, tzinfo=UTC), transactions=(BOUGHT,))
    metrics = measure(PortfolioInput(made, datetime(2026, 11, 27, 22, tzinfo=UTC), actions=KNOWN.actions))
    assert "OLDD3: spin_off of 50 NEWW3, with 20.00% of the cost on 2026-03-11 is not booked; it is counted as one" in (
        metrics.warnings
    )
    (proposal,) = metrics.proposals
    assert (proposal.transaction.operation, proposal.transaction.other) == (Operation.SPIN_OFF, "NEWW3")
    done = made.model_copy(update={"transactions": (BOUGHT, proposal.transaction)})
    assert measure(PortfolioInput(done, datetime(2026, 11, 27, 22, tzinfo=UTC), actions=KNOWN.actions)).proposals == []


def test_b3s_row_of_a_spin_off_takes_the_known_terms_or_asks() -> None:
    row = HEAD + "Credito;25/03/2026;Cisão;NEWW3 - NOVA;CORRETORA A;50;-;-"
    statement = read_statement(row.encode(), today=TODAY)
    (booked,) = plan_import([BOUGHT], statement, known=KNOWN).transactions
    assert (booked.operation, booked.ticker, booked.other, booked.price) == ("spin_off", "OLDD3", "NEWW3", D("0.2"))
    (asked,) = plan_import([BOUGHT], statement, known=Known()).rows
    assert asked.status == "question" and "operation spin_off" in (asked.reason or "")


def test_a_later_import_tells_the_same_spin_off_once() -> None:
    statement = read_statement((HEAD + "Credito;25/03/2026;Cisão;NEWW3 - NOVA;A;50;-;-").encode(), today=TODAY)
    first = plan_import([BOUGHT], statement, known=KNOWN).transactions
    assert plan_import([BOUGHT, *first], statement, known=KNOWN).counts["duplicate"] == 1
