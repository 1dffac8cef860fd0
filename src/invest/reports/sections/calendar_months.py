"""Returns by calendar month, a row per year."""

from __future__ import annotations

from typing import Final

from invest.domain.analysis import History
from invest.reports.locale import Locale
from invest.reports.views import Block, Cell, Column, Paragraph, Section, Table

_YEARS: Final = 5
_LEAST: Final = 3  # months


def months_section(history: History, locale: Locale, *, index: bool = True) -> Section | None:
    """The newest year first; None with fewer than three months. `index` puts the IBOV's year beside the asset's."""
    if len(history.months) < _LEAST:
        return None
    words = locale.words
    years = sorted({m.year for m in history.months}, reverse=True)[:_YEARS]
    by_month = {(m.year, m.month): m for m in history.months}
    totals = {y.year: y for y in history.calendar_years}
    compared = index and any(totals[y].ibov is not None for y in years if y in totals)
    columns = [Column(label=words.t("months_table.year"))]
    columns += [Column(label=locale.month(n), align="right") for n in range(1, 13)]
    columns += [Column(label=words.t("months_table.total"), align="right")]
    columns += [Column(label=words.t("months_table.ibov"), align="right")] if compared else []
    rows, running = [], False
    for year in years:
        cells = [Cell(text=str(year), strong=True)]
        for n in range(1, 13):
            month = by_month.get((year, n))
            mark = "" if month is None or month.whole else "*"
            running = running or mark == "*"
            cells.append(Cell(text="" if month is None else _percent(month.value, locale) + mark))
        total = totals.get(year)
        cells.append(Cell(text=_percent(total.value, locale) if total else "", strong=True))
        if compared:
            cells.append(
                Cell(text=_percent(total.ibov, locale) if total and total.ibov is not None else "", muted=True)
            )
        rows.append(tuple(cells))
    table = Table(caption=words.t("months_table.caption"), columns=tuple(columns), rows=tuple(rows), small=True)
    blocks: tuple[Block, ...] = (table,)
    if running:
        blocks += (Paragraph(text=words.t("months_table.running"), muted=True),)
    title, note = words.t("months_table.title"), words.t("months_table.note")
    return Section(id="months", title=title, note=note, blocks=blocks)


def _percent(value: float, locale: Locale) -> str:
    """`+1,2`: the unit stands in the note."""
    return locale.number(value * 100, 1, signed=True)
