"""Returns by calendar month, a row per year."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final

from invest.domain.analysis import History, ends_month
from invest.domain.portfolios import PeriodReturn
from invest.reports.locale import Locale
from invest.reports.views import Block, Cell, Column, Paragraph, Section, Table

_YEARS: Final = 5
_LEAST: Final = 3  # months


def months_section(history: History, locale: Locale, *, index: bool = True, own: str | None = None) -> Section | None:
    """The newest year first; None with fewer than three months. `index` puts the IBOV's year beside the asset's.

    `own`: the label of an index of the asset's own (a FII's IFIX, what an ETF follows), whose years stand there too.
    """
    words = locale.words
    months = {(m.year, m.month): (m.value, m.whole) for m in history.months}
    totals = {y.year: y.value for y in history.calendar_years}
    beside = {words.t("months_table.ibov"): {y.year: y.ibov for y in history.calendar_years}} if index else {}
    if own and history.own_years:
        beside = {own: {y.year: y.ibov for y in history.own_years}, **beside}
    return _section(months, totals, beside, locale)


def portfolio_months_section(periods: Sequence[PeriodReturn], as_of: date, locale: Locale) -> Section | None:
    """The same of a portfolio, its year beside IBOV and CDI."""
    words = locale.words
    months, totals = {}, {}
    for period in periods:
        year, _, month = period.label.partition("-")
        if month:
            whole = (int(year), int(month)) != (as_of.year, as_of.month) or ends_month(as_of)
            months[int(year), int(month)] = (period.portfolio, whole)
        elif year.isdigit():
            totals[int(year)] = period.portfolio
    years = [p for p in periods if p.label.isdigit()]
    beside = {
        words.t("months_table.ibov"): {int(p.label): p.ibov for p in years},
        words.t("months_table.cdi"): {int(p.label): p.cdi for p in years},
    }
    return _section(months, totals, beside, locale)


def _section(
    months: Mapping[tuple[int, int], tuple[float, bool]],
    totals: Mapping[int, float],
    beside: Mapping[str, Mapping[int, float | None]],
    locale: Locale,
) -> Section | None:
    if len(months) < _LEAST:
        return None
    words = locale.words
    years = sorted({year for year, _ in months}, reverse=True)[:_YEARS]
    compared = {name: of for name, of in beside.items() if any(of.get(year) is not None for year in years)}
    columns = [Column(label=words.t("months_table.year"), width=1)]
    columns += [Column(label=locale.month(n), align="right", width=1) for n in range(1, 13)]
    columns += [Column(label=name, align="right", width=1.1) for name in (words.t("months_table.total"), *compared)]
    rows, running = [], False
    for year in years:
        cells = [Cell(text=str(year), strong=True)]
        for n in range(1, 13):
            value, whole = months.get((year, n), (None, True))
            running = running or not whole
            cells.append(Cell(text=_percent(value, locale) + ("" if whole else "*")))
        cells.append(Cell(text=_percent(totals.get(year), locale), strong=True))
        cells += [Cell(text=_percent(of.get(year), locale), muted=True) for of in compared.values()]
        rows.append(tuple(cells))
    table = Table(caption=words.t("months_table.caption"), columns=tuple(columns), rows=tuple(rows), small=True)
    blocks: tuple[Block, ...] = (table,)
    if running:
        blocks += (Paragraph(text=words.t("months_table.running"), muted=True),)
    title, note = words.t("months_table.title"), words.t("months_table.note")
    return Section(id="months", title=title, note=note, blocks=blocks)


def _percent(value: float | None, locale: Locale) -> str:
    """`+1,2`: the unit stands in the note; nothing where there is no value."""
    return "" if value is None else locale.number(value * 100, 1, signed=True)
