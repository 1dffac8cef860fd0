"""Fixed income from B3's statements: every row becomes money at work, in any order, and nothing twice."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from invest.domain.brokerage import ImportPlan, plan_import, read_statement
from invest.domain.fixed_income import (
    BondKind,
    Curves,
    Index,
    PaperFact,
    Terms,
    as_assets,
    bonds_of,
    paper_of,
    value_of,
)
from invest.domain.market import MacroPoint, RateCurve, sessions_between

D = Decimal
TODAY = date(2026, 11, 27)
DAYS = sessions_between(date(2026, 1, 2), TODAY).astype(object).tolist()
HEAD = "Entrada/Saída;Data;Movimentação;Produto;Instituição;Quantidade;Preço unitário;Valor da Operação\n"
ROWS = [
    "Credito;05/01/2026;Compra;Tesouro Selic 2029;CORRETORA A;0,50;15.000,00;7.500,00",
    "Credito;02/03/2026;Compra;Tesouro Selic 2029;CORRETORA A;0,10;15.300,00;1.530,00",
    "Debito;01/06/2026;Venda;Tesouro Selic 2029;CORRETORA A;0,20;15.800,00;3.160,00",
    "Credito;05/01/2026;COMPRA / VENDA;CDB - CDB126ABC45 - BANCO EXEMPLO S.A.;CORRETORA B;1.000;1,00;1.000,00",
    "Credito;06/07/2026;PAGAMENTO DE JUROS;CDB - CDB126ABC45 - BANCO EXEMPLO S.A.;CORRETORA B;1.000;0,05;50,00",
    "Debito;05/10/2026;VENCIMENTO;CDB - CDB126ABC45 - BANCO EXEMPLO S.A.;CORRETORA B;1.000;1,03;1.030,00",
]
POSITION = (
    "Produto;Instituição;Emissor;Código;Indexador;Data de Emissão;Vencimento;Quantidade;Preço Atualizado CURVA;"
    "Valor Atualizado CURVA\nLCI - 26A00112233 - BANCO EXEMPLO S.A.;CORRETORA B;BANCO EXEMPLO;26A00112233;DI;"
    "05/01/2026;05/01/2028;{units};1,05;{value}\n;;;;;;;;Total;{value}\n"
)


def send(text: str, booked: Sequence[PaperFact] = (), today: date = TODAY, accept: str = "") -> ImportPlan:
    statement = read_statement(text.encode(), today=today)
    return plan_import((), statement, papers=booked, accept="all" if accept else ())


def test_purchases_redemptions_interest_and_maturity_are_booked() -> None:
    plan = send(HEAD + "\n".join(ROWS))
    assert plan.counts == {"booked": 6, "duplicate": 0, "refused": 0}
    found = {b.name: b for b in bonds_of(plan.papers, {}).values()}
    selic, cdb = found["Tesouro Selic 2029"], found["CDB CDB126ABC45 BANCO EXEMPLO S.A."]
    assert (selic.kind, selic.index, selic.amount, [a.amount for a in selic.added]) == (
        BondKind.TESOURO, Index.SELIC, D("7500.00"), [D("1530.00")]
    )  # fmt: skip
    assert value_of(selic, Curves(), date(2026, 6, 1)) == D("6320.00")  # 0.40 at the last price, without any curve
    assert (cdb.index, [i.amount for i in cdb.interest]) == (Index.PRICE, [D("50.00")])
    assert value_of(cdb, Curves(), TODAY) == 0


def test_the_selic_carries_a_treasury_bond_on_from_the_last_price_told() -> None:
    days = sessions_between(date(2026, 1, 2), TODAY).astype(object)
    curve = RateCurve.of(MacroPoint(series="sgs:11", day=d, value=D("0.05"), source="bcb", payload="x") for d in days)
    (selic,) = bonds_of(send(HEAD + "\n".join(ROWS[:3])).papers, {}).values()
    left = len(sessions_between(date(2026, 6, 1), date(2026, 9, 1))) - 1
    value = value_of(selic, Curves(selic=curve, cdi=curve), date(2026, 9, 1))
    assert float(value or 0) == pytest.approx(6320.0 * 1.0005**left, abs=0.02)


def test_a_treasury_bond_at_a_fixed_rate_earns_what_its_price_means() -> None:
    row = "Credito;05/01/2026;Compra;Tesouro Prefixado 2028;A;1;800,00;800,00"
    (bond,) = bonds_of(send(HEAD + row).papers, {}).values()
    assert (bond.index, bond.matures_on) == (Index.FIXED, date(2028, 1, 1))
    assert float(value_of(bond, Curves(), date(2027, 12, 31)) or 0) == pytest.approx(1000, abs=0.5)


def test_what_its_owner_says_of_a_paper_counts() -> None:
    facts = send(HEAD + ROWS[3]).papers
    terms = {facts[0].bond_id: Terms(index=Index.FIXED, rate=D("0.12"))}
    (bond,) = bonds_of(facts, terms).values()
    n = len(sessions_between(date(2026, 1, 5), TODAY)) - 1
    assert float(value_of(bond, Curves(), TODAY) or 0) == pytest.approx(1000 * 1.12 ** (n / 252), abs=0.02)


def test_a_position_opens_agrees_and_asks() -> None:
    opened = send(POSITION.format(units="1.000", value="1.050,00"), today=date(2026, 6, 30))
    assert (opened.layout, opened.rows[0].status, opened.rows[0].fixed_income is not None) == (
        "posicao",
        "booked",
        True,
    )
    assert opened.rows[1].reason == "a line of totals"
    later = POSITION.format(units="1.000", value="1.090,00")
    agreed = send(later, opened.papers)
    assert agreed.rows[0].reason == "agrees; its value of that day counts"
    (bond,) = bonds_of([*opened.papers, *agreed.papers], {}).values()
    assert (bond.matures_on, value_of(bond, Curves(), TODAY)) == (date(2028, 1, 5), D("1090.00"))
    asked = send(POSITION.format(units="1.500", value="1.635,00"), opened.papers)
    assert asked.rows[0].status == "question" and "1000 are booked" in (asked.rows[0].reason or "")
    more = send(POSITION.format(units="1.500", value="1.635,00"), opened.papers, accept="all")
    assert [(f.units, f.amount) for f in more.papers] == [(D(500), D("545.00000000"))]
    less = send(POSITION.format(units="400", value="436,00"), opened.papers, accept="all")
    assert less.rows[0].status == "question" and "redemption is not imported" in (less.rows[0].reason or "")


def test_a_redemption_of_more_than_is_held_is_refused_with_what_to_do() -> None:
    (row,) = send(HEAD + ROWS[2]).rows
    assert row.status == "refused" and "only 0 are held then" in (row.reason or "")
    assert row.advice and "import the statement that holds the purchase" in row.advice


def test_interest_told_by_two_statements_is_booked_once() -> None:
    booked = send(HEAD + "\n".join(ROWS[3:5])).papers
    text = "Produto;Pagamento;Tipo de Evento;Instituição;Quantidade;Preço unitário;Valor líquido\n"
    text += "CDB - CDB126ABC45 - BANCO EXEMPLO S.A.;06/07/2026;PAGAMENTO DE JUROS;CORRETORA B;-;-;50,00\n"
    assert send(text, booked).counts["duplicate"] == 1


@pytest.mark.parametrize(
    ("product", "right"),
    [("PETR4 - PETROBRAS", None), ("LCA - LCA00112233 - BANCO", "LCA00112233"), ("DEB - EXMP12 - EXEMPLO", "EXMP12"),
     ("Tesouro IPCA+ com Juros Semestrais 2040", "Tesouro IPCA+ com Juros Semestrais 2040"), ("CDBX11", None)],
)  # fmt: skip
def test_papers_are_told_from_shares(product: str, right: str | None) -> None:
    found = paper_of(product)
    assert (found[0] if found else None) == right


@settings(max_examples=40, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(1, 6))
def test_order_and_split_of_files_change_nothing(source: random.Random, files: int) -> None:
    """Files in the order of their days, rows of each in any order: the same investments; told twice: the same."""
    whole = bonds_of(send(HEAD + "\n".join(ROWS)).papers, {})
    rows = sorted(ROWS, key=lambda row: (row.split(";")[1].split("/")[::-1], row))
    cuts = sorted(source.sample(range(1, len(rows)), files - 1))
    booked: list[PaperFact] = []
    for start, end in zip([0, *cuts], [*cuts, len(rows)], strict=True):
        part = rows[start:end]
        source.shuffle(part)
        for _ in range(2):
            booked += send(HEAD + "\n".join(part), booked).papers
    source.shuffle(booked)
    assert bonds_of(booked, {}) == whole


def test_units_stay_exact_whatever_prices_a_day_has() -> None:
    """A position stated below the day's purchase, two prices on one day, a full redemption: nothing is left over."""
    rows = [
        "Credito;05/01/2026;Compra;Tesouro IPCA+ 2035;A;1,00;2.000,00;2.000,00",
        "Credito;05/01/2026;Compra;Tesouro IPCA+ 2035;A;0,50;2.040,00;1.020,00",
        "Credito;02/03/2026;Compra;Tesouro IPCA+ 2035;A;0,50;2.100,00;1.050,00",
        "Debito;02/03/2026;Venda;Tesouro IPCA+ 2035;A;1,00;2.080,00;2.080,00",
        "Debito;01/06/2026;Venda;Tesouro IPCA+ 2035;A;1,00;2.200,00;2.200,00",
    ]
    sheet = (
        "Produto;Instituição;Código ISIN;Indexador;Vencimento;Quantidade;Valor Aplicado;Valor bruto;Valor líquido;"
        "Valor Atualizado\nTesouro IPCA+ 2035;A;BR0;IPCA;15/05/2035;1,50;3.020,00;2.950,00;2.940,00;2.950,00\n"
    )
    booked = [*send(HEAD + "\n".join(rows)).papers]
    booked += send(sheet, booked, today=date(2026, 1, 5)).papers
    (bond,) = bonds_of(booked, {}).values()
    facts, _, _ = as_assets({"x": bond}, Curves(), TODAY)
    bought = sum((f.amount for f in facts if f.operation == "buy"), D(0))
    sold = sum((f.amount for f in facts if f.operation == "sell"), D(0))
    assert (round(bought, 2), round(sold, 2)) == (D("4070.00"), D("4280.00"))
    assert value_of(bond, Curves(), TODAY) == 0
    assert value_of(bond, Curves(), date(2026, 3, 2)) == pytest.approx(D("2080"), abs=D("45"))


def test_thousands_of_rows_about_one_paper_are_planned_and_valued() -> None:
    rows = [f"Credito;{d:%d/%m/%Y};Compra;Tesouro Selic 2029;A;0,10;15.000,00;1.500,00" for d in DAYS[:200]] * 8
    rows += [f"Debito;{d:%d/%m/%Y};Venda;Tesouro Selic 2029;A;0,05;15.000,00;750,00" for d in DAYS[:200]] * 4
    rows += ["Debito;02/01/2026;Venda;Tesouro Selic 2031;A;1,00;15.000,00;15.000,00"] * 1_000
    plan = send(HEAD + "\n".join(rows))
    assert plan.counts == {"booked": 2_400, "duplicate": 0, "refused": 1_000}
    (bond,) = bonds_of(plan.papers, {}).values()
    assert value_of(bond, Curves(), TODAY) == pytest.approx(D(120 * 15_000), abs=D(1))
