"""The sheets of a report as a workbook (XLSX) or as one CSV, without a cell that a program would run.

The workbook is written here: a zip of a few small XML files (ECMA-376, SpreadsheetML), without formulas or links.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from invest.reports.rendering.tables import Day, Numeric, Sheet, Value, sheets_of
from invest.reports.views import ReportView

_OWN: Final = 164  # the first number of a format of one's own
_NAME_LIMIT: Final = 31  # characters of a sheet's name in the format
_FORBIDDEN: Final = re.compile(r"[\[\]:*?/\\']")
# XML 1.0 knows no other control characters than these three.
_UNSPEAKABLE: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
# A leading character of these makes a spreadsheet read a text of a CSV as a formula.
_RUNNABLE: Final = ("=", "+", "-", "@", "\t", "\r")


def render_csv(view: ReportView) -> str:
    """All tables under their names, an empty line between them; separators as the report's language has them."""
    brazilian = view.language == "pt-BR"
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";" if brazilian else ",", lineterminator="\r\n")
    for sheet in sheets_of(view):
        writer.writerow([_tame(sheet.name)])
        writer.writerow([_tame(name) for name in sheet.header])
        writer.writerows([_plain(value, comma=brazilian) for value in row] for row in sheet.rows)
        writer.writerow([])
    return "\ufeff" + text.getvalue()


def _plain(value: Value, *, comma: bool) -> str:
    if isinstance(value, str):
        return _tame(value)
    if isinstance(value, Day):
        return value.text
    number = value.value if isinstance(value, Numeric) else value
    text = repr(number) if number != int(number) or abs(number) >= 1e15 else str(int(number))
    return text.replace(".", ",") if comma else text


def _tame(text: str) -> str:
    """`text` so that a spreadsheet shows it: an apostrophe before what it would run."""
    return f"'{text}" if text.startswith(_RUNNABLE) else text


def render_xlsx(view: ReportView) -> bytes:
    """A workbook with a sheet per table."""
    sheets: list[Sheet] = []
    for sheet in sheets_of(view) or [Sheet(view.title, (view.title,), ())]:
        sheets.append(replace(sheet, name=_unique(sheet.name, [s.name for s in sheets])))
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as book:
        for name, text in _parts(sheets):
            info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))  # the same report gives the same bytes
            info.compress_type = zipfile.ZIP_DEFLATED
            book.writestr(info, '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>' + text)
    return made.getvalue()


_MAIN: Final = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_LINKS: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE: Final = "http://schemas.openxmlformats.org/package/2006"
_SHEET_TYPE: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml"


def _parts(sheets: list[Sheet]) -> Iterator[tuple[str, str]]:
    """Names and texts of the files of the package."""
    numbers = range(1, len(sheets) + 1)
    overrides = "".join(
        f'<Override PartName="/xl/worksheets/sheet{n}.xml" ContentType="{_SHEET_TYPE}.worksheet+xml"/>' for n in numbers
    )
    yield (
        "[Content_Types].xml",
        (
            f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels" '
            f'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            f'<Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" '
            f'ContentType="{_SHEET_TYPE}.sheet.main+xml"/><Override PartName="/xl/styles.xml" '
            f'ContentType="{_SHEET_TYPE}.styles+xml"/>{overrides}</Types>'
        ),
    )
    yield (
        "_rels/.rels",
        (
            f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="r1" Type="{_LINKS}/officeDocument" '
            f'Target="xl/workbook.xml"/></Relationships>'
        ),
    )
    names = "".join(f'<sheet name={quoteattr(s.name)} sheetId="{n}" r:id="r{n}"/>' for n, s in enumerate(sheets, 1))
    yield "xl/workbook.xml", f'<workbook xmlns="{_MAIN}" xmlns:r="{_LINKS}"><sheets>{names}</sheets></workbook>'
    targets = "".join(
        f'<Relationship Id="r{n}" Type="{_LINKS}/worksheet" Target="worksheets/sheet{n}.xml"/>' for n in numbers
    )
    style = f'<Relationship Id="s" Type="{_LINKS}/styles" Target="styles.xml"/>'
    yield (
        "xl/_rels/workbook.xml.rels",
        f'<Relationships xmlns="{_PACKAGE}/relationships">{targets}{style}</Relationships>',
    )
    formats = _formats(sheets)
    kinds = "".join(f'<numFmt numFmtId="{_OWN + i}" formatCode={quoteattr(f)}/>' for i, f in enumerate(formats))
    styles = "".join(f'<xf numFmtId="{_OWN + i}" applyNumberFormat="1"/>' for i in range(len(formats)))
    own = f'<numFmts count="{len(formats)}">{kinds}</numFmts>' if formats else ""
    yield (
        "xl/styles.xml",
        (
            f'<styleSheet xmlns="{_MAIN}">{own}'
            '<fonts count="2"><font><sz val="11"/><name val="Calibri"/></font><font><b/>'
            '<sz val="11"/><name val="Calibri"/></font></fonts><fills count="2">'
            '<fill><patternFill patternType="none"/></fill>'
            '<fill><patternFill patternType="gray125"/></fill></fills><borders count="1"><border/></borders>'
            '<cellStyleXfs count="1"><xf/></cellStyleXfs>'
            f'<cellXfs count="{2 + len(formats)}"><xf/><xf fontId="1" applyFont="1"/>{styles}</cellXfs>'
            "</styleSheet>"
        ),
    )
    for n, sheet in enumerate(sheets, 1):
        yield f"xl/worksheets/sheet{n}.xml", _sheet_text(sheet, formats)


def _formats(sheets: list[Sheet]) -> dict[str, int]:
    """Number formats in the order they occur, each with its number among the cell styles."""
    used = (v.format for s in sheets for row in s.rows for v in row if isinstance(v, Numeric | Day))
    return {name: i for i, name in enumerate(dict.fromkeys(f for f in used if f != "General"), 2)}


def _sheet_text(sheet: Sheet, formats: Mapping[str, int]) -> str:
    widths = "".join(
        f'<col min="{i}" max="{i}" width="{width}" customWidth="1"/>' for i, width in enumerate(_widths(sheet), 1)
    )
    head = f'<row r="1">{"".join(_cell_text(text, 1, i, 1) for i, text in enumerate(sheet.header))}</row>'
    rows = "".join(
        f'<row r="{n}">{"".join(_cell_text(v, n, i, _style(v, formats)) for i, v in enumerate(row) if v != "")}</row>'
        for n, row in enumerate(sheet.rows, 2)
    )
    frozen = '<pane ySplit="1" topLeftCell="A2" state="frozen"/>'
    pane = f'<sheetViews><sheetView workbookViewId="0">{frozen}</sheetView></sheetViews>'
    return f'<worksheet xmlns="{_MAIN}">{pane}<cols>{widths}</cols><sheetData>{head}{rows}</sheetData></worksheet>'


def _widths(sheet: Sheet) -> list[int]:
    columns = range(len(sheet.header))
    longest = [max(len(_shown(row[i])) for row in (sheet.header, *sheet.rows)) for i in columns]
    return [min(max(n + 2, 8), 60) for n in longest] or [10]


def _shown(value: Value) -> str:
    """About as long as a spreadsheet shows it."""
    if isinstance(value, Day):
        return value.text
    if isinstance(value, Numeric):
        return f"{value.value:,.2f}" if value.format != "General" else str(value.value)
    return str(value)


def _style(value: Value, formats: Mapping[str, int]) -> int:
    return formats.get(value.format, 0) if isinstance(value, Numeric | Day) else 0


def _cell_text(value: Value, row: int, column: int, styled: int) -> str:
    place = f"{_letters(column)}{row}"
    style = f' s="{styled}"' if styled else ""
    if isinstance(value, str):
        text = escape(_UNSPEAKABLE.sub("", value))
        return f'<c r="{place}" t="inlineStr"{style}><is><t xml:space="preserve">{text}</t></is></c>'
    number = value.value if isinstance(value, Numeric) else value.serial if isinstance(value, Day) else value
    return f'<c r="{place}"{style}><v>{number!r}</v></c>'


def _letters(column: int) -> str:
    """0 is A, 25 Z, 26 AA."""
    text = ""
    while column >= 0:
        text = chr(65 + column % 26) + text
        column = column // 26 - 1
    return text


def _unique(name: str, taken: list[str]) -> str:
    """`name` as a valid sheet name, distinct from those before it."""
    base = _FORBIDDEN.sub(" ", _UNSPEAKABLE.sub("", name)).strip()[:_NAME_LIMIT] or "Tabela"
    known = {t.lower() for t in taken}
    if base.lower() not in known:
        return base
    numbered = (f"{base[: _NAME_LIMIT - len(str(n)) - 1]} {n}" for n in range(2, len(known) + 3))
    return next(candidate for candidate in numbered if candidate.lower() not in known)
