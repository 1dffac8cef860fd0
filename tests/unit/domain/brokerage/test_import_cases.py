"""Statements whose reading is awkward: each with the position, the cost and the gain that are right."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from invest.domain.brokerage import ImportPlan, StatementRefused, plan_import, read_statement
from invest.domain.market import ActionKind, Bars, CorporateAction, TickerChange
from invest.domain.portfolios import Book, Known, Operation, Transaction, positions_of

D = Decimal
TODAY = date(2026, 11, 27)
CASES = Path(__file__).resolve().parents[5] / "shared" / "cases" / "portfolio"
NOTHING = Known()
MOV = "Entrada/Saída;Data;Movimentação;Produto;Instituição;Quantidade;Preço unitário;Valor da Operação\n"
NEG = (
    "Data do Negócio;Tipo de Movimentação;Mercado;Prazo/Vencimento;Instituição;Código de Negociação;"
    "Quantidade;Preço;Valor\n"
)


def figures(*values: object) -> tuple[object, ...]:
    return values


def case(name: str) -> bytes:
    found = sorted(CASES.glob(f"{name}-*")) if CASES.is_dir() else []
    if not found:
        pytest.skip(f"the cases of portfolios are not beside the repository ({CASES})")
    return found[0].read_bytes()


def imported(*files: bytes | str, known: Known = NOTHING) -> tuple[list[Transaction], list[ImportPlan]]:
    booked: list[Transaction] = []
    plans = []
    for data in files:
        statement = read_statement(data.encode() if isinstance(data, str) else data, today=TODAY)
        plans.append(plan_import(booked, statement, known=known))
        booked += plans[-1].transactions
    return booked, plans


def book_of(booked: Sequence[Transaction], known: Known = NOTHING) -> Book:
    return positions_of(booked, known, TODAY)


def share_event(ticker: str, kind: ActionKind, last: date, factor: str) -> CorporateAction:
    return CorporateAction(ticker=ticker, kind=kind, last_date_with=last, factor=D(factor), source="b3", payload="x")


def flat(ticker: str, day: date, low: float, high: float) -> Bars:
    one, days = np.ones(1), np.array([day], dtype="datetime64[D]")
    return Bars(ticker, days, one * low, one * high, one * low, one * high, one, one, one)


def test_a_sale_after_a_known_split_is_booked() -> None:
    known = Known({"MGLU3": [share_event("MGLU3", ActionKind.SPLIT, date(2020, 10, 13), "4")]})
    booked, (plan,) = imported(case("I01"), known=known)
    assert plan.counts == {"booked": 2, "duplicate": 0, "refused": 0}
    position = book_of(booked, known).positions["MGLU3"]
    assert figures(position.quantity, position.realized_gain) == (0, 5000)


@pytest.mark.parametrize("split_is_known", [False, True])
@pytest.mark.parametrize("order", [("I03a", "I03b"), ("I03b", "I03a")])
def test_a_split_credited_after_the_sale_counts_before_it(order: tuple[str, str], split_is_known: bool) -> None:
    event = share_event("WEGE3", ActionKind.SPLIT, date(2026, 3, 2), "2")
    known = Known({"WEGE3": [event]}) if split_is_known else NOTHING
    booked, _ = imported(*(case(name) for name in order), known=known)
    position = book_of(booked, known).positions["WEGE3"]
    assert figures(position.quantity, position.realized_gain, position.cost) == (100, 0, 4000)


@pytest.mark.parametrize("order", [("I04a", "I04b"), ("I04b", "I04a")])
def test_the_fills_of_a_day_and_their_settlement_are_one(order: tuple[str, str]) -> None:
    booked, plans = imported(*(case(name) for name in order))
    position = book_of(booked).positions["VALE3"]
    assert figures(position.quantity, position.cost) == (300, 18006)
    assert plans[1].counts["booked"] == 0


def test_thousands_are_told_by_the_other_figures_of_the_file() -> None:
    booked, _ = imported(case("I05"))
    assert [(t.ticker, t.quantity, t.price) for t in booked] == [
        ("PETR4", D(1000), D("30.00")),
        ("VALE3", D(2500), D("1061.50")),
    ]


def test_a_grupamento_of_ten_leaves_a_tenth() -> None:
    booked, _ = imported(case("I08"))
    assert book_of(booked).positions["PETR4"].quantity == 10


def test_columns_of_costs_are_part_of_the_cost() -> None:
    booked, _ = imported(case("I10"))
    position = book_of(booked).positions["PETR4"]
    assert (position.cost, position.fees) == (D("1005.22"), D("5.22"))


@pytest.mark.parametrize(
    ("name", "ticker", "costs", "net"),
    [
        ("I11", "PETR4", "5.80", "3005.80"),
        ("I12", "VALE3", "1.80", "6001.80"),
        ("I13", "PETR4", "0.75", "3000.75"),
    ],
)
def test_a_note_is_read_whole_and_its_net_value_met(name: str, ticker: str, costs: str, net: str) -> None:
    booked, (plan,) = imported(case(name))
    assert plan.counts == {"booked": 2, "duplicate": 0, "refused": 0}
    trade, fee = booked
    assert figures(trade.ticker, trade.quantity) == (ticker, 100)
    assert (fee.operation, fee.price) == (Operation.FEE, D(costs))
    assert book_of(booked).positions[ticker].cost == D(net)


def test_a_subscription_comes_with_its_price() -> None:
    booked, (plan,) = imported(case("I14"))
    position = book_of(booked).positions["MXRF11"]
    assert figures(position.quantity, position.realized_gain) == (0, D("2.00"))
    assert plan.counts["refused"] == 0
    assert not book_of(booked).held


def test_a_renamed_code_is_one_position() -> None:
    change = TickerChange(old="TRPL4", new="ISAE4", changed_on=date(2024, 11, 18), source="b3")
    known = Known(changes=[change])
    booked, (plan,) = imported(case("I15"), known=known)
    assert plan.counts["booked"] == 2
    position = book_of(booked, known).positions
    assert list(position) == ["ISAE4"]
    assert figures(position["ISAE4"].quantity, position["ISAE4"].realized_gain) == (0, -100)


def test_codes_of_receipts_and_rights_are_known() -> None:
    booked, _ = imported(case("I21"))
    assert [(t.ticker, t.operation, t.amount) for t in booked] == [("MXRF14", Operation.DIVIDEND, D("0.12"))]


def test_a_position_of_b3_opens_a_portfolio_and_then_checks_it() -> None:
    booked, (plan,) = imported(case("I22"))
    assert [(t.operation, t.ticker, t.quantity) for t in booked] == [(Operation.OPENING, "PETR4", D(100))]
    assert "cost is not told" in str(plan.rows[0].reason)
    _, (_, again) = imported(case("I22"), case("I22"))
    assert (again.rows[0].status, again.rows[0].reason) == ("duplicate", "agrees: 100 PETR4 are held")
    fewer = case("I22").replace(b";100;", b";150;")
    _, (_, differs) = imported(case("I22"), fewer)
    assert differs.rows[0].status == "question"
    assert "says 150 PETR4, 100 are booked" in str(differs.rows[0].reason)


def test_income_lists_and_older_and_foreign_files_are_read() -> None:
    paid, _ = imported(case("I23"))
    assert [(t.operation, t.date, t.amount) for t in paid] == [(Operation.JCP, date(2026, 2, 20), D("42.50"))]
    cei, _ = imported(case("I24"))
    assert [(t.ticker, t.quantity, t.price, t.date) for t in cei] == [("PETR4", D(10), D("15.00"), date(2018, 1, 5))]
    yahoo, _ = imported(case("I25"))
    assert [(str(t.operation), t.ticker, t.quantity) for t in yahoo] == [
        ("buy", "PETR4", D(100)),
        ("sell", "PETR4", D(50)),
    ]


def test_a_price_that_nobody_paid_is_asked_about() -> None:
    known = Known(bars={"VALE3": flat("VALE3", date(2026, 1, 5), 59.0, 61.5)})
    booked, (plan,) = imported(case("I26"), known=known)
    assert booked == []
    assert plan.rows[0].status == "question"
    assert "60000.00 for one VALE3 lies outside what was paid on 05/01/2026 (58.70 to 61.81)" in str(
        plan.rows[0].reason
    )
    statement = read_statement(case("I26"), today=TODAY)
    assert plan_import([], statement, known=known, accept="all").counts["booked"] == 1
    assert plan_import([], statement, known=known, accept=[2]).counts["booked"] == 1
    right = case("I26").replace(b"60000,00", b"60,00")
    assert plan_import([], read_statement(right, today=TODAY), known=known).counts["booked"] == 1


def test_an_exercised_option_is_a_purchase_at_the_strike() -> None:
    booked, _ = imported(case("I27"))
    position = book_of(booked).positions["PETR4"]
    assert figures(position.quantity, position.realized_gain) == (0, 300)


def test_an_amortisation_lowers_the_cost_and_is_no_income() -> None:
    booked, _ = imported(case("I28"))
    position = book_of(booked).positions["VGHF11"]
    assert figures(position.cost, position.income, position.quantity) == (950, 0, 100)


def test_a_sale_and_a_purchase_back_on_one_day_are_a_day_trade() -> None:
    booked, _ = imported(case("I29"))
    position = book_of(booked).positions["PETR4"]
    assert figures(position.realized_gain, position.day_trades, position.average_price) == (500, 500, 10)


def test_two_brokers_that_traded_alike_are_two_trades() -> None:
    row = "05/01/2026;Compra;Mercado à Vista;-;{};PETR4;100;30,00;3.000,00\n"
    booked, _ = imported(NEG + row.format("CORRETORA A"), NEG + row.format("CORRETORA B"))
    assert book_of(booked).positions["PETR4"].quantity == 200
    again, plans = imported(NEG + row.format("CORRETORA A"), NEG + row.format("CORRETORA A"))
    assert (len(again), plans[1].counts["duplicate"]) == (1, 1)


def test_what_may_be_told_twice_is_asked_about() -> None:
    part = NEG + "05/01/2026;Compra;Mercado à Vista;-;A;VALE3;100;60,00;6.000,00\n"
    whole = MOV + "Credito;07/01/2026;Transferência - Liquidação;VALE3 - VALE;A;300;60,02;18.006,00\n"
    booked, plans = imported(part, whole)
    assert plans[1].rows[0].status == "question"
    assert "100 at 60.00 of that day are booked already" in str(plans[1].rows[0].reason)
    assert book_of(booked).positions["VALE3"].quantity == 100
    other, plans = imported(whole, part)
    assert plans[1].rows[0].status == "duplicate"
    assert book_of(other).positions["VALE3"].quantity == 300


@pytest.mark.parametrize(
    ("word", "figure", "left"),
    [("Grupamento", "10", 10), ("Grupamento", "10:1", 10), ("Grupamento", "0,1", 10), ("Grupamento", "10 para 1", 10),
     ("Desdobramento", "2", 200), ("Desdobramento", "2:1", 200), ("Desdobramento", "1 para 2", 200),
     ("Desdobramento", "0,5", 100), ("Desdobramento", "1", 100), ("Grupamento", "1", 100)],
)  # fmt: skip
def test_a_split_grows_and_a_reverse_split_shrinks(word: str, figure: str, left: int) -> None:
    booked, (plan,) = imported(
        f"Data;Ativo;Evento;Quantidade;Preço\n05/01/2026;PETR4;Compra;100;10,00\n07/01/2026;PETR4;{word};{figure};0\n"
    )
    assert book_of(booked).positions["PETR4"].quantity == left
    if left == 100:
        assert "would not" in str(plan.rows[1].reason)


def test_the_exact_value_wins_over_a_rounded_price() -> None:
    booked, _ = imported(NEG + "05/01/2026;Compra;Mercado à Vista;-;A;VALE3;300;60,02;18.006,55\n")
    assert booked[0].amount == D("18006.55")
    assert book_of(booked).positions["VALE3"].cost == D("18006.55")


def test_figures_written_both_ways_are_refused_where_they_are_doubtful() -> None:
    _, (plan,) = imported(
        "Date,Ticker,Type,Quantity,Price,Amount\n2026-01-05,PETR4,buy,10,30.00,300.00\n"
        '2026-01-06,VALE3,buy,"1,000","60,00","60.000,00"\n'
    )
    assert "may be read two ways" in str(plan.rows[1].reason)
    assert "both as 1.234,56 and as 1,234.56" in plan.remarks[0]


def test_the_order_of_dates_is_told_by_the_file() -> None:
    head = "Date,Ticker,Type,Quantity,Price\n"
    booked, _ = imported(head + "01/15/2026,PETR4,buy,10,30.00\n02/03/2026,PETR4,buy,10,30.00\n")
    assert [t.date for t in booked] == [date(2026, 1, 15), date(2026, 2, 3)]
    sessions, _ = imported(head + "06/02/2026,PETR4,buy,10,30.00\n08/03/2026,PETR4,buy,10,30.00\n")
    assert [t.date for t in sessions] == [date(2026, 6, 2), date(2026, 8, 3)]  # 8 March is a Sunday


def test_dollars_are_refused_by_column_and_by_sign() -> None:
    _, (plan,) = imported("Date,Ticker,Type,Quantity,Price,Currency\n2026-01-05,AAPL34,buy,10,30.00,USD\n")
    assert "only reais are booked" in str(plan.rows[0].reason)
    _, (plan,) = imported("Date,Ticker,Type,Quantity,Price\n2026-01-05,AAPL34,buy,10,US$ 30.00\n")
    assert "is in dollars" in str(plan.rows[0].reason)


def test_a_cancelled_payment_is_taken_back() -> None:
    booked, _ = imported(
        MOV + "Credito;05/01/2026;Transferência - Liquidação;PETR4 - P;A;100;30,00;3.000,00\n"
        "Credito;20/02/2026;Dividendo;PETR4 - P;A;100;1,00;100,00\n"
        "Debito;21/02/2026;Dividendo;PETR4 - P;A;100;1,00;100,00\n"
    )
    assert book_of(booked).positions["PETR4"].income == 0


def test_a_merger_and_a_reverse_split_move_shares_at_their_cost() -> None:
    booked, _ = imported(
        MOV + "Credito;05/01/2026;Transferência - Liquidação;LAME4 - L;A;100;30,00;3.000,00\n"
        "Debito;20/03/2026;Incorporação;LAME4 - L;A;100;-;-\n"
        "Credito;20/03/2026;Incorporação;AMER3 - A;A;18;-;-\n"
        "Debito;20/05/2026;Grupamento;AMER3 - A;A;18;-;-\n"
        "Credito;20/05/2026;Grupamento;AMER3 - A;A;9;-;-\n"
    )
    held = book_of(booked).held
    assert {t: (p.quantity, p.cost) for t, p in held.items()} == {"AMER3": (D(9), D(3000))}


NOTE = """NOTA DE NEGOCIAÇÃO
Nr. nota Folha Data pregão
77 1 18/02/2026
1-BOVESPA C VISTA PETROBRAS PETR4 PN N2 100 30,00 3.000,00 D
1-BOVESPA V VISTA VALE3 ON NM 50 60,00 3.000,00 C
Taxa de liquidação 1,50 D
Emolumentos 0,30 D
I.R.R.F. s/ operações, base R$ 3.000,00 0,15
Líquido para 20/02/2026 {} D
"""


@pytest.mark.parametrize(("net", "asked"), [("1,80", False), ("1,95", False), ("6,70", True)])
def test_a_note_is_held_to_its_own_sum(net: str, asked: bool) -> None:
    known = Known()
    held = [Transaction(date=date(2026, 1, 5), ticker="VALE3", operation=Operation.BUY, quantity=D(50), price=D(50))]
    plan = plan_import(held, read_statement(NOTE.format(net).encode(), today=TODAY), known=known)
    kinds = [str(t.operation) for t in plan.transactions]
    assert kinds == ["buy", "sell", "fee", "tax"]
    assert [r.status for r in plan.rows].count("question") == asked
    if asked:
        assert "-4.90 are not explained" in str(plan.rows[-1].reason)
    book = positions_of([*held, *plan.transactions], known, TODAY)
    assert (book.positions["PETR4"].cost, book.positions["VALE3"].realized_gain) == (D("3000.90"), D("499.10"))
    assert figures(book.taxes, book.account_fees) == (D("0.15"), 0)


def test_a_note_without_a_trade_is_refused() -> None:
    with pytest.raises(StatementRefused, match="no trade could be read"):
        read_statement("NOTA DE NEGOCIAÇÃO\nData pregão\n18/02/2026\nClientes\n".encode(), today=TODAY)


def test_the_day_of_a_note_may_stand_below_its_trades() -> None:
    booked, _ = imported(
        "Nota de corretagem\nBOVESPA 1 C FRACIONARIO ITSA4F PN N1 7 9,50 66,50 D\nData do pregão: 12/07/2024\n"
        "Líquido para 16/07/2024 66,50 D\n"
    )
    assert [(t.ticker, t.date, t.quantity) for t in booked] == [("ITSA4", date(2024, 7, 12), D(7))]


@pytest.mark.parametrize("row", ["1" + " " * 40_000 + "x", "R$" * 20_000, "1-BOVESPA C " * 3_000, "(" * 40_000])
def test_long_rows_are_read_at_once(row: str) -> None:
    import time

    begun = time.process_time()
    texts = (f"data;ativo;operacao;quantidade;preco\n05/01/2026;PETR4;{row};{row};1\n", f"Nota de corretagem\n{row}\n")
    for text in texts:
        try:
            read_statement(text.encode(), today=TODAY)
        except StatementRefused:
            continue
    assert time.process_time() - begun < 1


def test_an_export_of_ghostfolio_is_read() -> None:
    text = """{"meta": {"version": "2"}, "activities": [
    {"symbol": "PETR4.SA", "type": "BUY", "quantity": 100, "unitPrice": 30.5, "fee": 4.9, "currency": "BRL",
     "date": "2026-01-05T00:00:00.000Z", "comment": null},
    {"symbol": "AAPL", "type": "BUY", "quantity": 1, "unitPrice": 200, "fee": 0, "currency": "USD",
     "date": "2026-01-05T00:00:00.000Z"}, "nonsense"]}"""
    booked, (plan,) = imported(text)
    assert [(t.ticker, t.quantity, t.price, t.fees) for t in booked] == [("PETR4", D(100), D("30.5"), D("4.9"))]
    assert "only reais are booked" in str(plan.rows[1].reason)
    with pytest.raises(StatementRefused, match="Ghostfolio"):
        read_statement(b'{"activities": 5}', today=TODAY)
    with pytest.raises(StatementRefused, match="Ghostfolio"):
        read_statement(b'{"activities": ' + b"[" * 100_000, today=TODAY)


def test_a_portfolio_performance_export_is_read() -> None:
    booked, _ = imported(
        "Date,Type,Value,Transaction Currency,Fees,Taxes,Shares,Ticker Symbol,Note\n"
        '2026-01-05T00:00,Buy,"3,054.90",EUR,4.90,0.00,100,PETR4.SA,\n'
        '2026-01-06T00:00,Buy,"3,054.90",BRL,4.90,0.00,100,PETR4.SA,\n'
    )
    assert [(t.ticker, t.quantity, t.amount) for t in booked] == [("PETR4", D(100), D("3050.00"))]


def test_columns_that_only_their_owner_knows_are_read_by_his_names() -> None:
    text = "Quando;Que;Fiz;Quanto;Por;Taxinha\n05/01/2026;PETR4;Compra;100;10,00;4,90\n"
    with pytest.raises(StatementRefused, match="statements/columns"):
        read_statement(text.encode(), today=TODAY)
    own = {
        "Quando": "day",
        "Que": "ticker",
        "Fiz": "operation",
        "Quanto": "quantity",
        "Por": "price",
        "Taxinha": "fees",
    }
    statement = read_statement(text.encode(), today=TODAY, columns=own)
    (t,) = plan_import([], statement).transactions
    assert (t.ticker, t.quantity, t.price, t.fees) == ("PETR4", D(100), D("10.00"), D("4.90"))


def test_what_b3_holds_and_what_is_booked_are_compared_with_a_likely_reason() -> None:
    held = "Produto;Instituição;Conta;Código de Negociação;CNPJ;Tipo;Quantidade;Preço de Fechamento;Valor Atualizado\n"
    bought = NEG + "05/01/2026;Compra;Mercado à Vista;-;A;PETR4;100;30,00;3.000,00\n"
    known = Known({"PETR4": [share_event("PETR4", ActionKind.SPLIT, date(2026, 12, 30), "4")]})
    booked, _ = imported(bought + "05/01/2026;Compra;Mercado à Vista;-;A;VALE3;10;60,00;600,00\n")
    statement = read_statement((held + "PETR4;A;1;PETR4;0;PN;400;8,00;3200,00\n").encode(), today=TODAY)
    plan = plan_import(booked, statement, known=known)
    (row,) = plan.rows
    assert row.status == "question"
    assert "the split of 2026-12-30 is missing" in str(row.reason)
    assert "held here and not in the posição: 10 VALE3" in plan.remarks[0]
    accepted = plan_import(booked, statement, known=Known(), accept="all")
    assert [(t.operation, t.quantity) for t in accepted.transactions] == [(Operation.OPENING, D(300))]
