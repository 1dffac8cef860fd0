"""Every table of a report, and the values behind its charts, as plain sheets: numbers as numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from invest.reports.locale import MINUS, MISSING, Locale, locale_of
from invest.reports.views import (
    BarsChart,
    Block,
    Cell,
    ColumnsChart,
    DotsChart,
    Figure,
    GroupsChart,
    LinesChart,
    PriceChart,
    ReportView,
    Section,
    Series,
    Table,
)


@dataclass(frozen=True, slots=True)
class Numeric:
    """A number with all its digits, and the format by which a spreadsheet shows it as the report does."""

    value: float
    format: str


@dataclass(frozen=True, slots=True)
class Day:
    """A day as a spreadsheet counts it, and as it is printed."""

    value: date
    text: str
    format: str

    @property
    def serial(self) -> int:
        """Days since 30 December 1899: right from March 1900 on, for which `_day` cares."""
        return (self.value - _EPOCH).days


_EPOCH = date(1899, 12, 30)
_DAY_FORMATS = {"pt-BR": "dd/mm/yyyy", "en": "d mmm yyyy"}
Value = str | float | Numeric | Day


@dataclass(frozen=True, slots=True)
class Sheet:
    """One table: its name, a header, and rows of texts and numbers."""

    name: str
    header: tuple[str, ...]
    rows: tuple[tuple[Value, ...], ...]


def sheets_of(view: ReportView) -> list[Sheet]:
    """The tables of `view` in their order, the appendix's too, and the values behind its charts."""
    locale = locale_of(view.language)
    return [sheet for section in view.sections for sheet in _of_section(section, locale)]


def _of_section(section: Section, locale: Locale) -> Iterator[Sheet]:
    for block in section.blocks:
        if (sheet := _of_block(section.title, block, locale)) is not None:
            yield sheet


def _of_block(title: str, block: Block, locale: Locale) -> Sheet | None:
    match block:
        case Table():
            header = tuple(c.label for c in block.columns)
            return Sheet(title, header, tuple(_row(row, len(header), locale) for row in _all(block)))
        case PriceChart() | LinesChart():
            return _of_lines(title, block, locale)
        case BarsChart() | ColumnsChart() | GroupsChart() | DotsChart():
            return _of_marks(title, block, locale)
        case _:
            return None


def _all(table: Table) -> tuple[tuple[Cell, ...], ...]:
    """Every row, those that are printed as one sum too."""
    return (*table.rows[:-1], *table.rest) if table.rest else table.rows


def _of_lines(title: str, chart: PriceChart | LinesChart, locale: Locale) -> Sheet:
    words = locale.words
    if isinstance(chart, LinesChart):
        names = tuple(line.name or chart.title for line in chart.lines)
        return _series(title, chart.days, names, tuple(line.values for line in chart.lines), locale)
    averages = (words.t("chart.average", n=n) for n in chart.averages)
    names = (words.t("chart.close"), *averages, words.t("chart.volume"))
    return _series(title, chart.days, names, (chart.close, *chart.averages.values(), chart.volume), locale)


def _of_marks(title: str, chart: BarsChart | ColumnsChart | GroupsChart | DotsChart, locale: Locale) -> Sheet:
    words = locale.words
    named = (words.t("portfolio.metric"), words.t("portfolio.value"))
    match chart:
        case GroupsChart():
            rows: tuple[tuple[Value, ...], ...] = tuple(
                (label, *(_known(group.values[i]) for group in chart.groups)) for i, label in enumerate(chart.labels)
            )
            return Sheet(title, (chart.unit, *(group.name for group in chart.groups)), rows)
        case DotsChart():
            rows = tuple((d.label, _known(d.value), _known(d.low), _known(d.high)) for d in chart.dots)
            rows += tuple((level.label, level.value, "", "") for level in chart.levels)
            return Sheet(title, (*named, words.t("export.low"), words.t("export.high")), rows)
        case _:
            return Sheet(title, named, tuple((bar.label, _known(bar.value)) for bar in chart.bars))


def _known(value: float | None) -> Value:
    return "" if value is None else value


def _series(title: str, days: Sequence[date], names: Sequence[str], columns: Sequence[Series], locale: Locale) -> Sheet:
    rows = tuple(
        (_day(day, day.isoformat(), "yyyy-mm-dd"), *(_known(column[i]) for column in columns))
        for i, day in enumerate(days)
    )
    return Sheet(title, (locale.words.t("news.date"), *names), rows)


def _row(row: tuple[Cell, ...], width: int, locale: Locale) -> tuple[Value, ...]:
    values: list[Value] = []
    for cell in row:
        values.append(_value(cell, locale))
        values.extend([""] * (cell.span - 1))
    return (*values, *([""] * (width - len(values))))[:width]


def _value(cell: Cell, locale: Locale) -> Value:
    """The whole number behind a cell with the printed format, else the text with its second line."""
    number = _raw(cell.figure) if cell.figure is not None else cell.exact
    if number is None:
        number = as_number(cell.text, locale)
    if number is not None and cell.text != MISSING:
        return Numeric(number, format_of(cell.text, locale))
    if cell.text == MISSING:
        return ""
    if not cell.sub and (day := locale.as_day(cell.text)) is not None:
        return _day(day, cell.text, _DAY_FORMATS[locale.language])
    return f"{cell.text} ({cell.sub})" if cell.sub else cell.text


def _raw(figure: Figure) -> float | None:
    """The number behind a figure, in the unit that is printed: a difference of fractions in points."""
    if figure.raw is None or figure.unit != "fraction" or "%" in figure.text:
        return figure.raw
    return float(Decimal(repr(figure.raw)) * 100)


def _day(day: date, text: str, shape: str) -> Value:
    """A day that spreadsheets know; the text of one before 1901, which they count differently."""
    return Day(day, text, shape) if day.year > 1900 else text


def format_of(text: str, locale: Locale) -> str:
    """The number format of a spreadsheet that prints as `text` does: `R$ 1.234,56` has `"R$ "#,##0.00`.

    What is printed by its magnitude (`12,3 bi`) is shown in full.
    """
    bare = text.removesuffix("*")
    match = re.fullmatch(rf"([+{MINUS}-]?)([^\d+{MINUS}-]*)([+{MINUS}-]?)([\d.,]+)(.*)", bare)
    if match is None:
        return "General"
    sign, before, inner, digits, after = match.groups()
    whole, point, decimals = digits.partition(locale.point)
    ungrouped = whole.isdecimal() and len(whole) > 3  # a year
    shape = ("0" if ungrouped else "#,##0") + (f".{'0' * len(decimals)}" if point else "")
    if after.strip() in {
        locale.words.t(f"magnitude.{name}") for name in ("thousand", "million", "billion", "trillion")
    }:
        shape, after = "#,##0", ""
    shape = f"{_literal(before)}{shape}{'%' if after == '%' else _literal(after)}"
    return f"+{shape};-{shape};{shape}" if "+" in (sign, inner) else shape


def _literal(text: str) -> str:
    """A text within a number format."""
    return f'"{text}"' if text and '"' not in text else ""


def as_number(text: str, locale: Locale) -> float | None:
    """`1.234,56`, `R$ 12,00` or `−3,2%` as a number (percentages as fractions); None for any other text.

    A text with a magnitude (`12,3 bi`) or a date is not taken for a number: it would lose what it says.
    """
    bare = text.removeprefix("R$ ").replace(f"{MINUS}R$ ", MINUS).removesuffix("*")
    group, point = re.escape(locale.group), re.escape(locale.point)
    match = re.fullmatch(rf"([+{MINUS}-]?)(\d{{1,3}}(?:{group}\d{{3}})*|\d+)(?:{point}(\d+))?(%?)", bare)
    if match is None:
        return None
    sign, whole, part, percent = match.groups()
    exact = Decimal(f"{whole.replace(locale.group, '')}.{part or 0}")
    value = float(exact / 100 if percent else exact)
    return -value if sign in (MINUS, "-") else value
