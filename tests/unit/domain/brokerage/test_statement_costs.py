"""No statement costs more than its size: runs of blanks, nested tags, files without a header."""

from __future__ import annotations

import io
import time
import zipfile
from datetime import date
from decimal import Decimal

import pytest

from invest.domain.brokerage import Statement, StatementRefused, read_statement

TODAY = date(2026, 11, 27)
CPU_SECONDS = 2.0  # each needs less than a quarter of it on a quiet machine
HEADER = "data;ativo;operacao;quantidade;preco\n"
NOTE = "nota de corretagem\n"
RELATIONS = '<Relationships><Relationship Id="r1" Target="worksheets/s.xml"/></Relationships>'
BOOK = '<workbook xmlns:r="r"><sheets><sheet name="a" r:id="r1"/></sheets></workbook>'


def workbook(sheet: str, shared: str = "") -> bytes:
    """A workbook of one sheet."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", BOOK)
        archive.writestr("xl/_rels/workbook.xml.rels", RELATIONS)
        archive.writestr("xl/worksheets/s.xml", sheet)
        if shared:
            archive.writestr("xl/sharedStrings.xml", shared)
    return packed.getvalue()


def nested(tag: str, depth: int = 30_000) -> str:
    """A tag in itself, each with a text."""
    return f"<{tag}>x" * depth + f"</{tag}>" * depth


HOSTILE = {
    "blanks in a number": (HEADER + "01/01/2020;PETR4;compra;1" + " " * 40_000 + "x;10\n").encode(),
    "blanks in every number": (HEADER + ("01/01/2020;PETR4;compra;1" + "\xa0" * 9_000 + "x;10\n") * 400).encode(),
    "blanks behind a cost": (NOTE + ("outras" + " " * 390 + "\n") * 20_000).encode(),
    "blanks behind a digit": ("1" + " " * 3_000_000 + "x\n").encode() * 3,
    "a trade without an end": (NOTE + ("1-BOVESPA C VISTA " + "1 " * 180 + "\n") * 10_000).encode(),
    "tags in a sheet": workbook(f"<worksheet><sheetData>{nested('v')}</sheetData></worksheet>"),
    "tags in the texts": workbook("<worksheet/>", f"<sst>{nested('t')}</sst>"),
    "more cells than anybody fills": workbook(
        "<worksheet><sheetData>" + ("<row>" + "<c><v>1.5</v></c>" * 100 + "</row>") * 9_000 + "</sheetData></worksheet>"
    ),
    "as many cells as are read": workbook(
        "<worksheet><sheetData>" + ("<row>" + "<c><v>1.5</v></c>" * 12 + "</row>") * 20_000 + "</sheetData></worksheet>"
    ),
    "prefixed cells": workbook(
        '<w:worksheet xmlns:w="w">' + ("<w:row>" + "<w:c/>" * 100 + "</w:row>") * 9_000 + "</w:worksheet>"
    ),
    "tags that nobody knows": workbook("<worksheet>" + "<x/>" * 9_000_000 + "</worksheet>"),
    "empty texts": workbook("<worksheet/>", "<sst>" + "<si/>" * 5_000_000 + "</sst>"),
    "markets without a trade": (NOTE + "BOVESPA D\n" * 900_000).encode(),
    "as many markets as are read": (NOTE + "BOVESPA D\n" * 19_999).encode(),
    "as many labels as are read": (NOTE + "outras\n1\n" * 9_999).encode(),
    "labels in one line": (NOTE + ("iss " * 96 + "1,00\n") * 4_900).encode(),
    "trades as long as are read": (NOTE + ("1-BOVESPA C VISTA " + "1 " * 180 + "\n") * 5_200).encode(),
    "lines behind a market": ("\n".join(["1-BOVESPA C VISTA"] + ["a b"] * 2_400_000)).encode(),
    "blank lines": (HEADER + "\n" * 9_900_000).encode(),
    "brackets": b"[" * 9_900_000,
    "no known header": b"a;b;c;d;e;f\n" * 800_000,
    "one cell": b"a" * 9_900_000,
    "nothing but commas": b"," * 9_900_000,
    "a quote that is never closed": b'"' + b"a;b\n" * 2_400_000,
}


def outcome(data: bytes) -> Statement | str:
    """The statement, or why it was refused."""
    try:
        return read_statement(data, today=TODAY)
    except StatementRefused as error:
        return str(error)


@pytest.mark.parametrize("name", HOSTILE)
def test_no_input_costs_more_than_two_seconds(name: str) -> None:
    data = HOSTILE[name]
    begun = time.thread_time()  # of this thread alone: other tests' threads run in the same process
    outcome(data)
    assert time.thread_time() - begun < CPU_SECONDS, name


def test_more_rows_than_are_read_are_refused_and_named() -> None:
    row = "01/01/2020;PETR4;compra;1;10,00\n"
    fits = outcome((HEADER + row * 20_000).encode())
    assert isinstance(fits, Statement) and len(fits.rows) == 20_000
    said = outcome((HEADER + row * 20_001).encode())
    assert isinstance(said, str) and "20,000" in said and "split it by year" in said


@pytest.mark.parametrize(
    ("line", "name", "amount"),
    [
        ("Emolumentos 0,31 D", "emolumentos", "0.31"),
        ("Taxa de liquidação 10.000,00 2,75 D", "taxa de liquidacao", "2.75"),
        ("I.R.R.F. s/ operações, base R$ 1.000,00 0,05", "i.r.r.f. s/ operacoes, base r$ 1.000,00", "0.05"),
        ("Corretagem:   4,90D", "corretagem", "4.90"),
        ("   Outras   bovespa    0,10  D", "outras", "0.10"),
    ],
)
def test_a_notes_costs_are_read_from_the_end_of_the_line(line: str, name: str, amount: str) -> None:
    trade = "1-BOVESPA C VISTA PETROBRAS PN PETR4 100 30,00 3.000,00 D"
    text = f"NOTA DE NEGOCIAÇÃO\nData pregão\n05/01/2026\n{trade}\n{line}\nEmolumentos 0,00 D\n"
    read = read_statement(text.encode(), today=TODAY)
    [fee] = [r.transaction for r in read.rows if r.transaction is not None and r.transaction.ticker is None]
    assert fee.note.startswith(name)
    assert fee.price == Decimal(amount)


def test_a_sum_of_a_note_that_is_no_number_is_named_and_the_trades_stay() -> None:
    note = (
        "NOTA DE CORRETAGEM\nNr. nota 123 Folha 1 Data pregão 02/03/2026\n"
        "1-BOVESPA C VISTA PETROBRAS PN PETR4 100 36,50 3.650,00 D\nEmolumentos 0.18.1,00 D\n"
        "Líquido para 04/03/2026 3.6511.234.567,89 D\n"
    )
    found = read_statement(note.encode(), today=TODAY)
    assert [row.reason for row in found.rows if row.reason] == [
        "'0.18.1,00' is no number: its thousands are not in threes",
        "'3.6511.234.567,89' is no number: its thousands are not in threes",
    ]
    assert [row.transaction.quantity for row in found.rows if row.transaction] == [Decimal(100)]


BEYOND = "9" * 38


@pytest.mark.parametrize(
    "row",
    [
        f"05/01/2026;PETR4;compra;100;36,50;{BEYOND}",
        f"05/01/2026;PETR4;compra;0,0000000000000000000001;36,50;{BEYOND}",
        f"05/01/2026;PETR4;dividendo;100;;{BEYOND}",
    ],
)
def test_figures_beyond_any_amount_refuse_their_row_alone(row: str) -> None:
    good = "05/01/2026;VALE3;compra;100;60,00;6.000,00"
    text = "data;ativo;operacao;quantidade;preco;valor\n" + f"{row}\n{good}\n"
    found = read_statement(text.encode(), today=TODAY)
    assert [r.transaction.ticker for r in found.rows if r.transaction] == ["VALE3"]
    assert [r.line for r in found.rows if r.reason] == [2]


def test_a_receipt_with_a_negative_price_is_refused_where_it_stands() -> None:
    head = "Entrada/Saída;Data;Movimentação;Produto;Instituição;Quantidade;Preço unitário;Valor da Operação\n"
    row = "Credito;09/02/2026;Recibo de Subscrição;MXRF13 - MAXI RENDA;CORRETORA A;4;-1;-\n"
    found = read_statement((head + row).encode(), today=TODAY)
    assert [(r.line, r.reason) for r in found.rows] == [(2, "price: Input should be greater than or equal to 0")]
