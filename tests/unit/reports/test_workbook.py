"""Every table of a report as a workbook and as CSV: the same figures, as numbers, and nothing that runs."""

from __future__ import annotations

import csv
import io
import re
import xml.etree.ElementTree as ET
import zipfile
from datetime import date, timedelta
from typing import Literal

import pytest

from invest.domain.analysis import Fact
from invest.reports import ReportView, build_asset_view, build_portfolio_view, export_view
from invest.reports.facts import FactBook
from invest.reports.locale import locale_of
from invest.reports.rendering.tables import Numeric, as_number, format_of, sheets_of
from invest.reports.views import Cell, Column, Section, Table
from tests.builders import reports as build
from tests.builders.report_views import KINDS

SPACE = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def workbook(view: ReportView) -> dict[str, list[dict[str, str]]]:
    """Sheets by name, each a list of rows of texts by column letter; read with the standard library alone."""
    with zipfile.ZipFile(io.BytesIO(export_view(view, "xlsx").body)) as book:
        assert book.testzip() is None
        names = [s.get("name") or "" for s in ET.fromstring(book.read("xl/workbook.xml")).iter(f"{SPACE}sheet")]
        found = {}
        for number, name in enumerate(names, start=1):
            root = ET.fromstring(book.read(f"xl/worksheets/sheet{number}.xml"))
            found[name] = [
                {re.sub(r"[0-9]", "", cell.get("r") or ""): "".join(cell.itertext()) for cell in row.iter(f"{SPACE}c")}
                for row in root.iter(f"{SPACE}row")
            ]
        return found


@pytest.mark.parametrize("kind", KINDS)
def test_a_workbook_has_a_sheet_for_every_table_with_all_its_rows(kind: str) -> None:
    view = KINDS[kind]()
    tables = [b for s in view.sections for b in s.blocks if isinstance(b, Table)]
    book = workbook(view)
    assert len(book) == len(sheets_of(view)) >= len(tables)
    assert all(0 < len(name) <= 31 and not re.search(r"[\[\]:*?/\\\\]", name) for name in book)
    sizes = sorted(len(rows) - 1 for rows in book.values())
    for table in tables:
        assert len(table.rows) + len(table.rest) - bool(table.rest) in sizes


@pytest.mark.parametrize(("language", "shape"), [("pt-BR", "dd/mm/yyyy"), ("en", "d mmm yyyy")])
def test_payments_beyond_those_printed_are_in_the_workbook_and_days_are_days(language: str, shape: str) -> None:
    days = [date(2026, 4, 1) + timedelta(days=n) for n in range(18)]
    coming = tuple(build.announced(payment_date=day) for day in days)
    view = build_portfolio_view(build.portfolio_data(announced=coming, language=language))
    section = view.section("coming")
    assert section is not None
    (table,) = [b for b in section.blocks if isinstance(b, Table)]
    assert len(table.rows) == 11
    (rows,) = [rows for name, rows in workbook(view).items() if name == section.title]
    assert [row["C"] for row in rows[1:]] == [str((day - date(1899, 12, 30)).days) for day in days]
    with zipfile.ZipFile(io.BytesIO(export_view(view, "xlsx").body)) as book:
        assert f'formatCode="{shape}"' in book.read("xl/styles.xml").decode()
    text = export_view(view, "csv").body.decode("utf-8-sig")
    assert all(locale_of(language).day(day) in text for day in days)


def test_a_view_stored_before_tables_had_a_rest_is_shown() -> None:
    view = KINDS["asset"]()
    stored = view.model_dump(mode="json")
    for block in (block for section in stored["sections"] for block in section["blocks"]):
        if block["block"] == "table":
            del block["rest"]
            for cell in (cell for row in block["rows"] for cell in row):
                del cell["exact"]
    old = type(view).model_validate(stored)
    assert export_view(old, "xlsx").body
    assert "ROE" in export_view(old, "csv").body.decode("utf-8-sig")


def test_figures_are_numbers_with_all_their_digits() -> None:
    rows = workbook(KINDS["asset"]())["Fundamentos"]
    roe = next(row for row in rows if row["A"] == "ROE")
    assert float(roe["B"]) == 0.242
    assert float(roe["C"]) == 0.279
    assert roe["E"] == "acima do setor"


def test_rates_and_contributions_are_numbers_with_their_formats() -> None:
    data = build.portfolio_data()
    view = build_portfolio_view(data)
    for ident, column in (("positions", 5), ("contribution", 1), ("metrics", 1)):
        section = view.section(ident)
        assert section is not None
        (found,) = [b for b in section.blocks if isinstance(b, Table)]
        sheet = next(s for s in sheets_of(view) if s.name == section.title)
        for row, values in zip(found.rows, sheet.rows, strict=True):
            assert isinstance(values[column], Numeric), row[column].text
    shares = next(s for s in sheets_of(view) if s.name == "Posições")
    weights = {row[0]: row[5] for row in shares.rows}
    for position in data.positions:
        found_weight = weights[f"{position.ticker} ({position.name})"]
        assert isinstance(found_weight, Numeric)
        assert found_weight.value == position.weight
        assert found_weight.format == "#,##0.0%"
    with zipfile.ZipFile(io.BytesIO(export_view(view, "xlsx").body)) as book:
        styles = book.read("xl/styles.xml").decode()
    assert 'formatCode="#,##0.0%"' in styles
    assert "p.p." in styles


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("1.234,56", "#,##0.00"),
        ("R$ 12,00", '"R$ "#,##0.00'),
        ("−3,2%", "#,##0.0%"),
        ("+3,2%", "+#,##0.0%;-#,##0.0%;#,##0.0%"),
        ("+0,42 p.p.", '+#,##0.00" p.p.";-#,##0.00" p.p.";#,##0.00" p.p."'),
        ("R$ 12,3 bi", '"R$ "#,##0'),
        ("412.345", "#,##0"),
        ("2026", "0"),
        ("412", "#,##0"),
        ("sem número", "General"),
    ],
)
def test_a_number_has_the_format_it_is_printed_in(text: str, pattern: str) -> None:
    assert format_of(text, locale_of("pt-BR")) == pattern


@pytest.mark.parametrize("language", ["pt-BR", "en"])
def test_a_difference_in_points_is_in_points(language: Literal["pt-BR", "en"]) -> None:
    fact = Fact(id="f01", key="tracking_difference_1y", value=-0.0123, unit="fraction")
    figure = FactBook((fact,), locale_of(language)).figure_of(fact)
    table = Table(caption="", columns=(Column(label="x"),), rows=((Cell(text=figure.text, figure=figure),),))
    sections = (Section(id="x", title="x", blocks=(table,)),)
    view = KINDS["asset"]().model_copy(update={"language": language, "sections": sections})
    (sheet,) = sheets_of(view)
    shape = format_of(figure.text, locale_of(language))
    assert sheet.rows == ((Numeric(-1.23, shape),),)
    assert not shape.endswith("%")


def test_the_workbook_of_the_same_report_has_the_same_bytes() -> None:
    view = KINDS["asset"]()
    assert export_view(view, "xlsx").body == export_view(view, "xlsx").body


def test_csv_has_the_separators_of_its_language() -> None:
    brazilian = export_view(KINDS["asset"](), "csv").body.decode("utf-8-sig")
    english = export_view(KINDS["asset"](language="en"), "csv").body.decode("utf-8-sig")
    assert ["ROE", "0,242", "0,279", "0,14", "acima do setor"] in list(
        csv.reader(io.StringIO(brazilian), delimiter=";")
    )
    assert ["ROE", "0.242", "0.279", "0.14", "above sector"] in list(csv.reader(io.StringIO(english)))


@pytest.mark.parametrize("text", ["=cmd|' /C calc'!A0", "+1+1", "@SUM(A1)", "-2+3", "\u0000=x", "</t><c>"])
def test_no_text_becomes_a_formula_or_markup(text: str) -> None:
    view = build_asset_view(build.asset_data(news=build.news(3, text)))
    for row in csv.reader(io.StringIO(export_view(view, "csv").body.decode("utf-8-sig")), delimiter=";"):
        assert not [cell for cell in row if cell.startswith(("=", "@", "\t")) or re.match(r"[+-](?![\d])", cell)]
    with zipfile.ZipFile(io.BytesIO(export_view(view, "xlsx").body)) as book:
        for name in book.namelist():
            body = book.read(name)
            ET.fromstring(body)
            assert b"<f>" not in body


@pytest.mark.parametrize(
    ("text", "language", "value"),
    [
        ("1.234,56", "pt-BR", 1234.56),
        ("R$ 12,00", "pt-BR", 12.0),
        ("−R$ 12,00", "pt-BR", -12.0),
        ("−3,2%", "pt-BR", -0.032),
        ("+1,5", "pt-BR", 1.5),
        ("1,234.56", "en", 1234.56),
        ("12,3 bi", "pt-BR", None),
        ("31/03/2026", "pt-BR", None),
        ("2T25", "pt-BR", None),
        ("—", "pt-BR", None),
        ("1.23", "pt-BR", None),
    ],
)
def test_printed_numbers_are_read_back(text: str, language: str, value: float | None) -> None:
    found = as_number(text, locale_of(language))
    assert found == (None if value is None else pytest.approx(value, abs=1e-12))
