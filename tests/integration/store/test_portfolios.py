"""Portfolios on a real database: nothing is booked twice, nothing that cannot be."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from invest.domain.alerts import Alert, AlertEvent, AlertKind
from invest.domain.brokerage.plan import read_statement
from invest.domain.portfolios.portfolio import Operation, Transaction
from invest.errors import NotFound
from invest.store import Store

T0 = datetime(2026, 3, 31, 20, 0, tzinfo=UTC)
TODAY = date(2026, 3, 31)
HEADER = (
    "Data do Negócio;Tipo de Movimentação;Mercado;Prazo/Vencimento;Instituição;Código de Negociação;"
    "Quantidade;Preço;Valor\n"
)
STATEMENT = f"""{HEADER}02/01/2026;Compra;Mercado à Vista;-;CORRETORA;PETR4;100;30,00;3.000,00
02/01/2026;Compra;Mercado à Vista;-;CORRETORA;PETR4;100;30,00;3.000,00
05/01/2026;Venda;Mercado Fracionário;-;CORRETORA;VALE3F;5;R$ 60,00;R$ 300,00
20/01/2026;Venda;Mercado à Vista;-;CORRETORA;PETR4;50;32,00;1.600,00
""".encode("latin-1")


def buy(quantity: str, price: str = "30.00", ticker: str = "PETR4", day: date = date(2026, 1, 2)) -> Transaction:
    return Transaction(
        date=day, ticker=ticker, operation=Operation.BUY, quantity=Decimal(quantity), price=Decimal(price)
    )


def sell(quantity: str, day: date = date(2026, 1, 5)) -> Transaction:
    return buy(quantity, day=day).model_copy(update={"operation": Operation.SELL})


async def test_a_portfolio_keeps_exact_decimals_and_refuses_what_cannot_be(store: Store) -> None:
    made, plan = await store.portfolios.create("Aposentadoria", [buy("0.12345678", "30.1"), sell("1")])
    assert plan.counts == {"booked": 1, "duplicate": 0, "refused": 1}
    assert plan.rows[1].reason == "sells 1 PETR4 on 2026-01-05, but only 0.12345678 are held then"
    kept = await store.portfolios.get(made.id)
    assert kept is not None
    assert kept.transactions[0].quantity == Decimal("0.12345678")
    assert [row[:2] for row in await store.portfolios.list()] == [(made.id, "Aposentadoria")]
    assert await store.portfolios.get("nope") is None


async def test_transactions_of_several_portfolios_come_in_one_read(store: Store) -> None:
    one, _ = await store.portfolios.create("A", [buy("10"), sell("4")])
    other, _ = await store.portfolios.create("B", [buy("3", ticker="VALE3")])
    found = await store.portfolios.transactions([one.id, other.id, "absent"])
    assert {key: [t.quantity for t in own] for key, own in found.items()} == {
        one.id: [Decimal(10), Decimal(4)],
        other.id: [Decimal(3)],
    }


async def test_a_repeated_creation_by_id_finds_the_first(store: Store) -> None:
    first, _ = await store.portfolios.create("A", [buy("1")], portfolio_id="p1")
    again, plan = await store.portfolios.create("B", [buy("2")], portfolio_id="p1")
    assert (again.name, len(again.transactions), plan.transactions) == ("A", 1, ())
    assert first.id == "p1"


async def test_the_same_statement_twice_books_nothing_twice(store: Store) -> None:
    made, _ = await store.portfolios.create("A")
    statement = read_statement(STATEMENT, today=TODAY)
    shown = await store.portfolios.import_statement(made.id, statement, dry_run=True)
    assert (await store.portfolios.list())[0][3] == 0
    first = await store.portfolios.import_statement(made.id, statement)
    assert first.import_id and shown == first.model_copy(update={"import_id": None})
    assert first.counts == {"booked": 3, "duplicate": 0, "refused": 1}
    assert [(r.line, r.status) for r in first.rows] == [(2, "booked"), (3, "booked"), (4, "refused"), (5, "booked")]
    again = await store.portfolios.import_statement(made.id, statement)
    assert again.counts == {"booked": 0, "duplicate": 3, "refused": 1}
    assert (await store.portfolios.list())[0][3] == 3


async def test_ten_imports_at_once_book_a_statement_once(store: Store) -> None:
    made, _ = await store.portfolios.create("A")
    statement = read_statement(STATEMENT, today=TODAY)
    plans = await asyncio.gather(*(store.portfolios.import_statement(made.id, statement) for _ in range(10)))
    assert sum(p.counts["booked"] for p in plans) == 3
    assert (await store.portfolios.list())[0][3] == 3


async def test_the_same_purchase_again_is_a_duplicate_unless_it_happened_once_more(store: Store) -> None:
    made, _ = await store.portfolios.create("A", [buy("100")])
    assert (await store.portfolios.add(made.id, [buy("100.00")])).counts["duplicate"] == 1
    assert (await store.portfolios.add(made.id, [buy("100")], repeat=True)).counts["booked"] == 1
    kept = await store.portfolios.get(made.id)
    assert kept is not None
    assert [t.quantity for t in kept.transactions] == [Decimal(100), Decimal(100)]
    with pytest.raises(NotFound, match="no portfolio x"):
        await store.portfolios.add("x", [buy("1")])


async def test_two_sales_at_once_never_sell_the_same_shares(store: Store) -> None:
    made, _ = await store.portfolios.create("A", [buy("100")])
    days = [date(2026, 1, 5) + timedelta(days=i) for i in range(8)]
    plans = await asyncio.gather(*(store.portfolios.add(made.id, [sell("60", day)]) for day in days))
    assert sum(p.counts["booked"] for p in plans) == 1


async def test_targets_are_kept_and_checked(store: Store) -> None:
    made, _ = await store.portfolios.create("A", targets={"PETR4": Decimal("0.6")})
    await store.portfolios.set_targets(made.id, {"PETR4": Decimal("0.25"), "VALE3": Decimal("0.75")})
    kept = await store.portfolios.get(made.id)
    assert kept is not None
    assert kept.targets == {"PETR4": Decimal("0.25"), "VALE3": Decimal("0.75")}
    with pytest.raises(ValueError, match="sum to at most 1"):
        await store.portfolios.set_targets(made.id, {"PETR4": Decimal("1.1")})
    with pytest.raises(NotFound):
        await store.portfolios.set_targets("x", {})


async def test_the_latest_snapshot_of_a_day_stays_and_all_go_with_the_portfolio(store: Store) -> None:
    made, _ = await store.portfolios.create("A")
    await store.portfolios.save_snapshot(made.id, TODAY, T0, {"total_value": "10.00"})
    await store.portfolios.save_snapshot(made.id, TODAY, T0 - timedelta(hours=1), {"total_value": "9.00"})
    await store.portfolios.save_snapshot(made.id, TODAY - timedelta(days=1), T0, {"total_value": "8.00"})
    found = await store.portfolios.snapshots(made.id)
    assert [body["total_value"] for _, body in found] == ["8.00", "10.00"]
    await store.portfolios.save_snapshot("gone", TODAY, T0, {})
    assert await store.portfolios.delete(made.id) is True
    assert await store.portfolios.delete(made.id) is False
    assert await store.portfolios.snapshots(made.id) == []


async def test_an_alert_tells_of_each_occasion_once(store: Store) -> None:
    made, _ = await store.portfolios.create("A")
    alert = Alert(
        id="a1",
        kind=AlertKind.PRICE,
        ticker="PETR4",
        portfolio_id=made.id,
        comparison="<",
        level=Decimal(30),
        created_at=T0,
    )
    await store.alerts.save(alert)
    event = AlertEvent(alert_id="a1", occasion="x", ticker="PETR4", kind=alert.kind, message="m", fired_at=T0)
    stray = event.model_copy(update={"alert_id": "gone"})
    assert await store.alerts.record([event, event, stray]) == [event]
    assert await store.alerts.record([event]) == []
    assert await store.alerts.events(portfolio_id=made.id) == [event]
    assert await store.alerts.list(portfolio_id=made.id) == [alert]
    with pytest.raises(NotFound):
        await store.alerts.save(alert.model_copy(update={"id": "a2", "portfolio_id": "gone"}))
    await store.portfolios.delete(made.id)
    assert await store.alerts.list() == []
