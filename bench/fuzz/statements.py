"""Readers of statements and notes that `bench.fuzz` attacks, through to the plan of the import."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from xml.sax.saxutils import escape

from tests.unit.domain.brokerage import test_fixed_income_statements as fixed
from tests.unit.domain.brokerage.test_statement_costs import workbook

from bench.fuzz.target import Target
from invest.domain.brokerage import StatementRefused, plan_import, read_statement
from invest.statement_pdf import text_of

TODAY = date(2026, 3, 31)
TRADES = (
    "Data do Negócio;Tipo de Movimentação;Mercado;Prazo/Vencimento;Instituição;"
    "Código de Negociação;Quantidade;Preço;Valor\n"
    "02/03/2026;Compra;Mercado à Vista;-;CORRETORA A;PETR4;100;36,50;3.650,00\n"
    "03/03/2026;Venda;Mercado Fracionário;-;CORRETORA A;VALE3F;7;61,20;428,40\n"
).encode()
MOVES = (
    "Entrada/Saída;Data;Movimentação;Produto;Instituição;Quantidade;Preço unitário;Valor da Operação\n"
    "Credito;20/03/2026;Dividendo;PETR4 - PETROBRAS;CORRETORA A;100;0,50;50,00\n"
    "Credito;21/03/2026;Desdobro;WEGE3 - WEG;CORRETORA A;100;-;-\n"
).encode()
NOTE = (
    "NOTA DE CORRETAGEM\nNr. nota 123 Folha 1 Data pregão 02/03/2026\n"
    "1-BOVESPA C VISTA PETROBRAS PN N2 100 36,50 3.650,00 D\n"
    "Taxa de liquidação 0,91 D\nEmolumentos 0,18 D\nLíquido para 04/03/2026 3.651,09 D\n"
).encode()
PAPERS = "\n".join((fixed.HEAD.strip(), *fixed.ROWS)).encode()
POSITION = fixed.POSITION.format(units="1.000", value="1.050,00").encode()


def _planned(data: bytes) -> object:
    """A statement, read and held against an empty portfolio, with every question answered by yes."""
    statement = read_statement(data, today=TODAY)
    return plan_import((), statement), plan_import((), statement, accept="all")


def _sheet(table: bytes) -> bytes:
    """The sheet of an Excel workbook that holds the table."""
    rows = (line.split(";") for line in table.decode("utf-8", "replace").splitlines())
    cells = ("".join(f'<c t="inlineStr"><is><t>{escape(cell)}</t></is></c>' for cell in row) for row in rows)
    return f"<worksheet><sheetData>{''.join(f'<row>{row}</row>' for row in cells)}</sheetData></worksheet>".encode()


def _workbook(sheet: bytes) -> bytes:
    return workbook(sheet.decode("utf-8", "replace"))


def _one_page(lines: bytes) -> bytes:
    """A PDF of one page with these lines of text."""
    shown = b"".join(b"(%s) Tj 0 -12 Td " % line for line in lines.splitlines())
    stream = b"BT /F1 9 Tf 40 800 Td " + shown + b"ET"
    parts = (
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        b"<</Length %d>>stream\n%s\nendstream" % (len(stream), stream),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    )
    body = b"".join(b"%d 0 obj%s endobj\n" % (number, part) for number, part in enumerate(parts, 1))
    return b"%PDF-1.4\n" + body + b"trailer<</Root 1 0 R/Size 6>>\n%%EOF"


def targets() -> Iterator[Target]:
    """Every reader of what a broker or B3 gives an investor."""
    rows, refused = (TRADES, MOVES, PAPERS, POSITION), (StatementRefused,)
    sheets = tuple(_sheet(table) for table in rows)
    yield Target("statement_rows", _planned, rows, refused)
    yield Target("statement_note", _planned, (NOTE,), refused)
    yield Target("statement_book", lambda data: _planned(_workbook(_sheet(data))), rows, refused)
    yield Target("statement_sheet", lambda data: _planned(_workbook(data)), sheets, refused)
    yield Target("statement_zip", _planned, tuple(_workbook(sheet) for sheet in sheets), refused)
    yield Target("statement_pdf", text_of, (_one_page(NOTE),), refused)
