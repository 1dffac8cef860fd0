"""Borrowed shares sold and bought back later: the gain is of the day of the purchase, and no position is touched."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from invest.domain.market import ActionKind, CorporateAction
from invest.domain.portfolios import SHORT, Known, Portfolio, PortfolioInput, Transaction, measure, positions_of
from invest.domain.taxes import State, TaxInput, tax_year

D = Decimal
TODAY = date(2026, 11, 27)
NOW = datetime(2026, 11, 27, 22, tzinfo=UTC)


def fact(day: str, operation: str, quantity: str, price: str, **more: object) -> Transaction:
    given = {"date": day, "ticker": "PETR4", "operation": operation, "quantity": quantity, "price": price}
    return Transaction.model_validate(given | more)


SOLD = fact("2026-01-05", "sell", "100", "30.00", note=SHORT, fees="1.00")


def test_a_purchase_covers_the_oldest_short_sale_and_the_rest_is_bought() -> None:
    facts = [SOLD, fact("2026-02-05", "buy", "60", "28.00"), fact("2026-03-05", "buy", "100", "29.00", fees="2.00")]
    for told in (facts, facts[::-1]):
        book = positions_of(told, Known(), TODAY)
        held = book.positions["PETR4"]
        # 60 x (30 - 28) - 0.60; 40 x (30 - 29) - 0.40 - 0.80; 60 stay at 29.00 with 1.20 of costs
        assert (held.quantity, held.cost, held.realized_gain) == (D(60), D("1741.20"), D("158.20"))
        assert not book.refused and not book.shorts
    assert {e.kind for e in book.journal} == {"short", "buy"}


def test_an_open_short_sale_is_named_and_counts_nowhere() -> None:
    made = Portfolio(id="p", name="P", created_at=NOW, transactions=(SOLD,))
    paid = CorporateAction(
        ticker="PETR4",
        kind=ActionKind.DIVIDEND,
        last_date_with=date(2026, 1, 20),
        amount=D(1),
        source="b3",
        payload="x",
    )
    metrics = measure(PortfolioInput(made, NOW, actions={"PETR4": (paid,)}))
    assert "PETR4: 100 sold short and not bought back yet; it counts once it is" in metrics.warnings
    assert not metrics.realized_gain and not metrics.income_not_booked and not metrics.positions


def test_its_result_is_told_and_left_out_of_the_tax() -> None:
    told = tax_year(TaxInput([SOLD, fact("2026-02-05", "buy", "100", "28.00")], TODAY), 2026)
    february = told.months[1]
    assert february.state is State.INCOMPLETE and not february.tax and not february.lines
    assert "result of 199.00, which is in no tax" in told.flags[0].message


@pytest.mark.parametrize("note", ["", "venda"])
def test_a_sale_beyond_the_position_stays_refused_without_its_owners_word(note: str) -> None:
    book = positions_of([SOLD.model_copy(update={"note": note})], Known(), TODAY)
    assert len(book.refused) == 1
