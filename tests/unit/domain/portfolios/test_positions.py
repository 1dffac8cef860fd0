"""Positions follow from transactions alone, whatever order they come in."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from invest.domain.portfolios.portfolio import Operation, Transaction
from invest.domain.portfolios.positions import derive, natural_key, row_hashes

D = Decimal


def tx(operation: str, quantity: str, price: str, day: int = 1, ticker: str | None = "PETR4") -> Transaction:
    return Transaction(
        date=date(2026, 1, day), ticker=ticker, operation=Operation(operation), quantity=D(quantity), price=D(price)
    )


def test_a_sale_leaves_the_average_price_and_realises_the_difference() -> None:
    book = derive([tx("buy", "100", "10", 1), tx("buy", "100", "20", 2), tx("sell", "50", "18", 3)])
    position = book.positions["PETR4"]
    assert (position.quantity, position.cost, position.average_price) == (D(150), D(2250), D(15))
    assert position.realized_gain == D(150)


def test_a_split_changes_shares_and_not_the_cost() -> None:
    position = derive([tx("buy", "7", "12", 1), tx("split", "2", "0", 2), tx("sell", "14", "7", 3)]).positions["PETR4"]
    assert (position.quantity, position.cost, position.realized_gain) == (D(0), D(0), D(14))


def test_a_reverse_split_divides_the_shares() -> None:
    position = derive([tx("buy", "105", "1", 1), tx("split", "0.1", "0", 2)]).positions["PETR4"]
    assert (position.quantity, position.average_price) == (D("10.5"), D(10))


def test_within_a_day_purchases_come_before_sales() -> None:
    book = derive([tx("sell", "10", "11"), tx("buy", "10", "10")])
    assert book.refused == []
    assert book.positions["PETR4"].realized_gain == D(10)


def test_a_sale_beyond_the_position_is_refused_and_changes_nothing() -> None:
    book = derive([tx("buy", "10", "10", 1), tx("sell", "11", "20", 2), tx("sell", "10", "20", 3)])
    assert [(r.index, r.reason) for r in book.refused] == [
        (1, "sells 11 PETR4 on 2026-01-02, but only 10 are held then")
    ]
    assert book.positions["PETR4"].quantity == 0


def test_income_and_fees_are_counted_apart_from_the_cost() -> None:
    book = derive(
        [
            tx("buy", "10", "10"),
            tx("dividend", "10", "0.5", 2),
            tx("jcp", "10", "0.25", 2),
            tx("fee", "1", "3", 2),
            tx("fee", "1", "8", 2, ticker=None),
        ]
    )
    position = book.positions["PETR4"]
    assert (position.cost, position.income, position.fees, book.account_fees) == (D(100), D("7.5"), D(3), D(8))


def test_what_needs_a_ticker_is_refused_without_one() -> None:
    assert derive([tx("buy", "1", "1", ticker=None)]).refused[0].reason == "a buy needs a ticker"
    assert "none is held" in derive([tx("split", "2", "0")]).refused[0].reason


@st.composite
def histories(draw: st.DrawFn) -> list[Transaction]:
    """Random purchases, sales and splits; some sales are more than is held."""
    size = draw(st.integers(1, 25))
    return [
        tx(
            draw(st.sampled_from(["buy", "buy", "sell", "split"])),
            str(draw(st.sampled_from(["0.5", "2", "3", "10", "70"]))),
            str(draw(st.decimals("0.01", "99", places=2))),
            draw(st.integers(1, 28)),
        )
        for _ in range(size)
    ]


@given(histories(), st.randoms(use_true_random=False))
def test_positions_never_turn_negative_and_order_of_days_does_not_matter(
    history: list[Transaction], dice: object
) -> None:
    book = derive(history)
    assert all(p.quantity >= 0 and p.cost >= 0 for p in book.positions.values())
    by_day: dict[date, list[Transaction]] = {}
    for transaction in history:
        by_day.setdefault(transaction.date, []).append(transaction)
    days = list(by_day)
    dice.shuffle(days)  # type: ignore[attr-defined] # hypothesis gives a random.Random
    again = derive([t for day in days for t in by_day[day]])
    assert {t: (p.quantity, p.cost) for t, p in again.positions.items()} == {
        t: (p.quantity, p.cost) for t, p in book.positions.items()
    }


@given(histories())
def test_money_adds_up(history: list[Transaction]) -> None:
    for position in derive(history).positions.values():
        assert abs(position.bought - position.sold + position.realized_gain - position.cost) < D("1e-15")


def test_the_same_figures_written_otherwise_are_the_same_fact() -> None:
    assert natural_key(tx("buy", "100", "30.00")) == natural_key(tx("buy", "100.0", "30"))
    first, second = row_hashes([tx("buy", "1", "1"), tx("buy", "1.0", "1.00")])
    assert first != second
    assert row_hashes([tx("buy", "1", "1")], taken=[first]) == [second]
