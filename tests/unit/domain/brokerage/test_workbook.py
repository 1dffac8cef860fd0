"""Excel workbooks are read as B3 writes them; what is damaged, hostile or too large is refused in one sentence."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from xml.sax.saxutils import escape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from invest.domain.brokerage import workbook as statement_sheets
from invest.domain.brokerage.plan import ImportPlan, plan_import, read_statement
from invest.domain.brokerage.reading import StatementRefused
from invest.domain.brokerage.workbook import read_sheets

TODAY = date(2026, 11, 24)
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
NEGOCIACAO = (
    "Data do Negócio", "Tipo de Movimentação", "Mercado", "Prazo/Vencimento", "Instituição", "Código de Negociação",
    "Quantidade", "Preço", "Valor",
)  # fmt: skip
MOVIMENTACAO = (
    "Entrada/Saída", "Data", "Movimentação", "Produto", "Instituição", "Quantidade", "Preço unitário",
    "Valor da Operação",
)  # fmt: skip
TRADES: Sequence[Sequence[object]] = (
    NEGOCIACAO,
    ("02/01/2026", "Compra", "Mercado à Vista", "-", "CORRETORA", "PETR4", 100, 30.559999999999999, 3056),
    ("05/01/2026", "Compra", "Mercado Fracionário", "-", "CORRETORA", "ITUB4F", 5, 35, 175),
    ("20/01/2026", "Venda", "Mercado à Vista", "-", "CORRETORA", "PETR4", 50, 32.1, 1605),
)
STYLES = (
    f'<styleSheet xmlns="{MAIN}"><numFmts><numFmt numFmtId="164" formatCode="dd/mm/yyyy"/>'
    '<numFmt numFmtId="165" formatCode="[$R$-416] #,##0.00 &quot;day&quot;"/></numFmts>'
    '<cellStyleXfs><xf numFmtId="14"/></cellStyleXfs>'
    '<cellXfs><xf numFmtId="0"/><xf numFmtId="164"/><xf numFmtId="165"/><xf numFmtId="14"/></cellXfs></styleSheet>'
)


def cell(value: object, at: str) -> str:
    """One cell: text inline, figures as numbers, (figure, style) with a style, None as nothing."""
    if value is None:
        return f'<c r="{at}"/>'
    if isinstance(value, tuple):
        return f'<c r="{at}" s="{value[1]}"><v>{value[0]}</v></c>'
    if isinstance(value, int | float):
        return f'<c r="{at}"><v>{value!r}</v></c>'
    return f'<c r="{at}" t="inlineStr"><is><t>{escape(str(value))}</t></is></c>'


def sheet(rows: Sequence[Sequence[object]]) -> str:
    lines = []
    for n, row in enumerate(rows, 1):
        cells = "".join(cell(value, f"{chr(65 + at)}{n}") for at, value in enumerate(row))
        lines.append(f'<row r="{n}">{cells}</row>')
    return f'<worksheet xmlns="{MAIN}"><sheetData>{"".join(lines)}</sheetData></worksheet>'


def packed(parts: Mapping[str, str | bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in parts.items():
            archive.writestr(name, body)
    return file.getvalue()


def workbook(sheets: Mapping[str, str], more: Mapping[str, str | bytes] | None = None, properties: str = "") -> bytes:
    names = list(sheets)
    listed = "".join(f'<sheet name="{escape(n)}" sheetId="{i}" r:id="rId{i}"/>' for i, n in enumerate(names, 1))
    related = "".join(f'<Relationship Id="rId{i}" Target="worksheets/sheet{i}.xml"/>' for i in range(1, len(names) + 1))
    return packed(
        {
            "xl/workbook.xml": f'<workbook xmlns:r="{OFFICE}">{properties}<sheets>{listed}</sheets></workbook>',
            "xl/_rels/workbook.xml.rels": f"<Relationships>{related}</Relationships>",
            "xl/styles.xml": STYLES,
            **{f"xl/worksheets/sheet{i}.xml": sheets[name] for i, name in enumerate(names, 1)},
            **(more or {}),
        }
    )


def planned(data: bytes) -> ImportPlan:
    return plan_import([], read_statement(data, today=TODAY))


def told(plan: ImportPlan) -> list[tuple[date, str | None, str, Decimal, Decimal]]:
    return [(t.date, t.ticker, str(t.operation), t.quantity, t.price) for t in plan.transactions]


def test_the_trades_of_a_workbook_are_booked_with_exact_prices() -> None:
    plan = planned(workbook({"Negociação": sheet(TRADES)}))
    assert (plan.layout, plan.encoding, plan.delimiter) == ("negociacao", "xlsx", None)
    assert told(plan) == [
        (date(2026, 1, 2), "PETR4", "buy", Decimal(100), Decimal("30.56")),
        (date(2026, 1, 5), "ITUB4", "buy", Decimal(5), Decimal(35)),
        (date(2026, 1, 20), "PETR4", "sell", Decimal(50), Decimal("32.1")),
    ]
    assert [row.line for row in plan.rows] == [2, 3, 4]


def test_the_same_statement_as_workbook_and_as_csv_is_booked_once() -> None:
    csv = ";".join(NEGOCIACAO) + (
        "\n02/01/2026;Compra;Mercado à Vista;-;CORRETORA;PETR4;100;30,56;3.056,00"
        "\n05/01/2026;Compra;Mercado Fracionário;-;CORRETORA;ITUB4F;5;R$ 35,00;R$ 175,00"
        "\n20/01/2026;Venda;Mercado à Vista;-;CORRETORA;PETR4;50;32,10;1.605,00\n"
    )
    first = planned(csv.encode())
    again = plan_import(first.transactions, read_statement(workbook({"A": sheet(TRADES)}), today=TODAY))
    assert again.counts == {"booked": 0, "duplicate": 3, "refused": 0}


def test_movements_keep_their_reasons_row_by_row() -> None:
    rows = (
        MOVIMENTACAO,
        ("Credito", "17/07/2026", "Transferência - Liquidação", "BBAS3 - BANCO DO BRASIL S/A", "X", 7, 20.65, 144.55),
        ("Credito", "20/07/2026", "Rendimento", "XPTO11 - FDO INV IMOB", "X", 100, 0.07, 7),
        ("Credito", "21/07/2026", "Empréstimo", "BBAS3 - BANCO DO BRASIL S/A", "X", 7, "-", "-"),
        ("Credito", "21/07/2026", "Desdobro", "BBAS3 - BANCO DO BRASIL S/A", "X", 7, "-", "-"),
        ("Credito", "#N/A", "Dividendo", "BBAS3", "X", 7, 0.1, 0.7),
    )
    plan = planned(workbook({"Movimentação": sheet(rows)}))
    assert [(row.status, row.reason) for row in plan.rows] == [
        ("booked", None),
        ("booked", None),
        ("refused", "lent shares are still held"),
        ("booked", None),
        ("refused", "'#N/A' is no date (dd/mm/yyyy or yyyy-mm-dd)"),
    ]
    assert told(plan)[-1][2:4] == ("split", Decimal(2))


@pytest.mark.parametrize(("properties", "serial"), [("", 46024), ('<workbookPr date1904="1"/>', 44562)])
@pytest.mark.parametrize("style", [1, 3])
def test_a_number_styled_as_a_date_is_that_day(properties: str, serial: int, style: int) -> None:
    rows = (TRADES[0], ((serial, style), *TRADES[1][1:]))
    plan = planned(workbook({"A": sheet(rows)}, properties=properties))
    assert told(plan)[0][0] == date(2026, 1, 2)


def test_a_number_styled_as_money_stays_a_number() -> None:
    rows = (TRADES[0], (*TRADES[1][:7], (30.5, 2), (3050, 2)))
    assert told(planned(workbook({"A": sheet(rows)})))[0][-1] == Decimal("30.5")


def test_a_price_of_three_decimals_is_never_taken_for_thousands() -> None:
    rows = (TRADES[0], (*TRADES[1][:7], 1.234, 123.4))
    assert told(planned(workbook({"A": sheet(rows)})))[0][-1] == Decimal("1.234")


@pytest.mark.parametrize(
    ("figure", "text"),
    [
        (30.559999999999999, "30,56"),
        (31 / 3, "10,33333333"),
        (100.0, "100"),
        (0.5, "0,50"),
        (1.5e-7, "0,00000015"),
        (-3.2, "-3,20"),
        (1e-12, "0"),
        (123456789012.25, "123456789012,25"),
        (1e20, "1" + 20 * "0"),
    ],
)
def test_numbers_come_as_they_were_typed(figure: float, text: str) -> None:
    (only,) = read_sheets(workbook({"A": sheet([(figure,)])}))
    assert only.rows == [(1, [text])]


def test_a_number_beyond_reason_is_a_refused_row() -> None:
    plan = planned(workbook({"A": sheet([TRADES[0], (*TRADES[1][:6], 1e300, 1, 1)])}))
    assert plan.rows[0].reason is not None and "is no number" in plan.rows[0].reason


def test_a_mean_price_with_all_its_digits_is_kept_to_the_eighth() -> None:
    rows = (TRADES[0], (*TRADES[1][:6], 3, 10.333333333333334, 31))
    assert told(planned(workbook({"A": sheet(rows)})))[0][-1] == Decimal("10.33333333")


def test_shared_texts_in_runs_and_cells_left_out_are_read() -> None:
    texts = [*NEGOCIACAO, "02/01/2026", "Compra", "Mercado à Vista", "PETR4"]
    shared = "".join(f"<si><r><t>{t[:3]}</t></r><r><t>{t[3:]}</t></r><rPh><t>sound</t></rPh></si>" for t in texts)
    head = "".join(f'<c r="{chr(65 + i)}3" t="s"><v>{i}</v></c>' for i in range(9))
    row = (
        '<c r="A4" t="s"><v>9</v></c><c r="B4" t="s"><v>10</v></c><c r="C4" t="s"><v>11</v></c>'
        '<c r="F4" t="s"><v>12</v></c><c r="G4"><f>50*2</f><v>100</v></c><c r="H4"><v>3.0E1</v></c>'
    )
    body = f'<worksheet><sheetData><row r="3">{head}</row><row r="4">{row}</row></sheetData></worksheet>'
    data = workbook({"A": body}, {"xl/sharedStrings.xml": f"<sst>{shared}</sst>"})
    plan = planned(data)
    assert told(plan) == [(date(2026, 1, 2), "PETR4", "buy", Decimal(100), Decimal(30))]
    assert plan.rows[0].line == 4


def test_years_on_sheets_of_their_own_are_read_together_and_cover_pages_passed_over() -> None:
    cover = sheet([("Relatório consolidado anual",), ("Nome", "CPF", "Conta")])
    older = sheet([TRADES[0], ("03/03/2025", *TRADES[1][1:])])
    plan = planned(workbook({"Capa": cover, "2025": older, "2026": sheet(TRADES)}))
    assert plan.counts == {"booked": 4, "duplicate": 0, "refused": 0}


def test_two_layouts_in_one_workbook_are_refused_since_they_tell_the_same_trades() -> None:
    rows = (MOVIMENTACAO, ("Credito", "17/07/2026", "Dividendo", "BBAS3", "X", 7, 0.1, 0.7))
    with pytest.raises(StatementRefused, match=r"negociacao in 'N', movimentacao in 'M'.*one sheet at a time"):
        planned(workbook({"N": sheet(TRADES), "M": sheet(rows)}))


DOCTYPE = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]><worksheet><sheetData/></worksheet>'


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"PK\x03\x04", "damaged or protected"),
        (workbook({"A": sheet(TRADES)})[:-40], "damaged or protected"),
        (packed({"word/document.xml": "<x/>"}), "no Excel workbook"),
        (packed({"xl/workbook.xml": "<workbook/>"}), "damaged or protected"),
        (workbook({"A": "<worksheet><sheetData>"}), "no XML"),
        (workbook({"A": DOCTYPE}), "document type"),
        (workbook({"A": sheet(TRADES)}, {"xl/sharedStrings.xml": DOCTYPE}), "document type"),
        (workbook({"A": sheet([("nome", "idade", "cidade"), ("ana", 3, "rio")])}), "its header is nome, idade, cidade"),
        (workbook({"A": sheet([])}), "no header was found"),
        (workbook({"A": sheet(TRADES)}, {"xl/worksheets/sheet1.xml": b"\xff\xfe\x00"}), "damaged"),
    ],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_what_is_no_workbook_is_refused_in_a_sentence(data: bytes, why: str) -> None:
    with pytest.raises(StatementRefused, match=why):
        planned(data)


def test_a_bomb_is_never_unpacked_beyond_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statement_sheets, "MAX_UNPACKED", 1_000_000)
    data = workbook({"A": "<worksheet>" + " " * 50_000_000 + "</worksheet>"})
    assert len(data) < 100_000
    with pytest.raises(StatementRefused, match="unpacks to more than"):
        list(read_sheets(data))


def test_a_sheet_named_many_times_counts_against_the_limit_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statement_sheets, "MAX_UNPACKED", 100_000)
    listed = "".join(f'<sheet name="{n}" r:id="rId1"/>' for n in range(40))
    data = workbook({"A": sheet(TRADES) + " " * 5_000}, {})
    parts = dict.fromkeys(("xl/workbook.xml",), f'<workbook xmlns:r="{OFFICE}"><sheets>{listed}</sheets></workbook>')
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        kept = {name: archive.read(name) for name in archive.namelist()}
    with pytest.raises(StatementRefused, match="unpacks to more than"):
        list(read_sheets(packed({**kept, **parts})))


def test_rows_and_columns_beyond_reason_are_refused_or_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    wide = (
        '<worksheet><sheetData><row r="1"><c r="XFD1"><v>1</v></c><c r="A1"><v>2</v></c></row></sheetData></worksheet>'
    )
    (only,) = read_sheets(workbook({"A": wide}))
    assert only.rows == [(1, ["2"])]
    long = sheet([TRADES[0], *([TRADES[1]] * 1_200)])
    monkeypatch.setattr(statement_sheets, "READ_ROWS", 100)
    with pytest.raises(StatementRefused, match="rows: split it by year"):
        list(read_sheets(workbook({"A": long})))


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=300), st.integers(0, 2_000))
def test_any_damage_gives_a_plan_or_a_refusal(noise: bytes, at: int) -> None:
    whole = workbook({"A": sheet(TRADES)})
    for data in (
        whole[:at] + noise + whole[at:],
        workbook({"A": sheet(TRADES)}, {"xl/styles.xml": noise.decode("latin-1")}),
    ):
        try:
            plan = planned(data)
        except StatementRefused as refused:
            assert str(refused)
        else:
            assert all(row.reason for row in plan.rows if row.status == "refused")


@settings(max_examples=50)
@given(st.lists(st.from_regex(r"-?[0-9]{0,9}(?:\.[0-9]{0,9})?(?:E-?[0-9])?", fullmatch=True), min_size=1, max_size=20))
def test_a_figure_is_shown_as_a_float_would_be_whichever_way_it_is_read(values: list[str]) -> None:
    cells = "".join(f"<row><c><v>{value}</v></c><c><v>x</v></c></row>" for value in values)
    [read] = read_sheets(workbook({"A": f"<worksheet><sheetData>{cells}</sheetData></worksheet>"}))
    assert [row[1][0] for row in read.rows] == [as_float(value) for value in values]


def as_float(value: str) -> str:
    try:
        return statement_sheets._written(float(value))
    except ValueError:
        return value


SHARES = ("Produto", "Instituição", "Conta", "Código de Negociação", "Tipo", "Quantidade", "Preço de Fechamento",
          "Valor Atualizado")  # fmt: skip
LENT = ("Produto", "Instituição", "Natureza", "Quantidade", "Preço de Fechamento", "Valor Atualizado")
BONDS = (
    "Produto",
    "Instituição",
    "Emissor",
    "Código",
    "Indexador",
    "Vencimento",
    "Quantidade",
    "Valor Atualizado CURVA",
)
CDB = ("CDB - CDB126ABC45 - BANCO", "CORRETORA", "BANCO", "CDB126ABC45", "DI", "05/01/2028", 1000, 1012.5)
INCOME = ("Produto", "Pagamento", "Tipo de Evento", "Instituição", "Quantidade", "Preço unitário", "Valor líquido")


def consolidated(petr4: int, fund: int) -> bytes:
    """B3's consolidated report of March: positions by class on sheets of their own, and what was paid."""
    return workbook(
        {
            "Posição - Ações": sheet([SHARES, ("PETR4 - P", "CORRETORA", 1, "PETR4", "PN", petr4, 33.1, petr4 * 33.1)]),
            "Posição - Fundos": sheet([SHARES, ("HGLG11 - H", "CORRETORA", 1, "HGLG11", "CI", fund, 150, fund * 150)]),
            "Posição - Empréstimos": sheet([LENT, ("PETR4 - P", "CORRETORA", "Doador", 10, 33.1, 331),
                                            ("VALE3 - V", "CORRETORA", "Tomador", 99, 60, 5940)]),
            "Posição - Renda Fixa": sheet([BONDS, CDB]),
            "Proventos Recebidos": sheet([INCOME, ("PETR4 - P", "20/03/2026", "Dividendo", "CORRETORA", 50, 1, 50)]),
        }
    )  # fmt: skip


def test_the_consolidated_report_is_held_against_what_is_booked_up_to_its_month() -> None:
    booked = planned(workbook({"N": sheet(TRADES)})).transactions  # 50 PETR4 and 5 ITUB4 are held
    told = plan_import(booked, read_statement(consolidated(40, 7), today=TODAY))
    assert told.remarks == (
        "the positions are held against what is booked up to 31/03/2026: say as_of where it is another day",
        "held here and not in the posição: 5 ITUB4: a sale or a transfer is not imported, or all was redeemed",
    )
    by_status = {status: [r for r in told.rows if r.status == status] for status in ("booked", "duplicate", "refused")}
    assert [(t.ticker, t.operation, t.date) for t in told.transactions] == [
        ("HGLG11", "opening", date(2026, 3, 31)),
        ("PETR4", "dividend", date(2026, 3, 20)),
    ]
    assert [f.amount for f in told.papers] == [Decimal("1012.5")]
    assert [r.reason for r in by_status["duplicate"]] == ["agrees: 50 PETR4 are held"] * 2
    assert [r.reason for r in by_status["refused"]] == ["borrowed shares are somebody else's"]


def test_a_consolidated_report_that_differs_names_the_difference() -> None:
    booked = planned(workbook({"N": sheet(TRADES)})).transactions
    told = plan_import(booked, read_statement(consolidated(90, 7), today=TODAY))
    asked = [r for r in told.rows if r.status == "question"]
    assert len(asked) == 2 and all("the posição says 100 PETR4, 50 are booked" in (r.reason or "") for r in asked)
