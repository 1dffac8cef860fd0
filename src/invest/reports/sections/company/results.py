"""What a company earned by year and by quarter: revenue and profit as columns, the rest beneath in the same unit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Final

from invest.domain.analysis import History
from invest.domain.filings import Chart, Result
from invest.reports.locale import MISSING, Locale
from invest.reports.views import Block, Cell, Column, Group, GroupsChart, Section, Table

_LEAST: Final = 2  # fewer periods make no picture
_QUARTERS: Final = 6
_UNITS: Final = ((1e9, "billion"), (1e6, "million"), (1e3, "thousand"))


def results_sections(history: History, locale: Locale) -> list[Section]:
    """By year and by quarter; a part with fewer than two periods is left out."""
    parts = (("by_year", history.years), ("by_quarter", history.quarters[-_QUARTERS:]))
    return [_section(name, rows, history.chart, locale) for name, rows in parts if sum(r.known for r in rows) >= _LEAST]


def quarter_name(end: date, locale: Locale) -> str:
    """`1T26`, `1Q26`: by the calendar quarter in which it ends."""
    return locale.words.t("results.quarter", q=(end.month + 2) // 3, yy=f"{end.year % 100:02d}")


def _section(name: str, rows: Sequence[Result], chart: Chart | None, locale: Locale) -> Section:
    words = locale.words
    title = words.t(f"results.{name}")
    unit, unit_name = _unit(rows)
    labels = [str(r.end.year) if name == "by_year" else quarter_name(r.end, locale) for r in rows]
    blocks: tuple[Block, ...] = (
        _chart(title, rows, labels, (unit, words.t(f"results.unit_{unit_name}"), chart), locale),
        _table(title, rows, labels, (unit, chart), locale),
    )
    return Section(id=f"results_{name}", title=title, blocks=blocks, span=6)


def _unit(rows: Sequence[Result]) -> tuple[float, str]:
    """The magnitude of the largest amount: all of a part stand in one unit."""
    largest = max((abs(v) for r in rows for v in (r.revenue, r.net_income) if v is not None), default=0.0)
    return next(((least, name) for least, name in _UNITS if largest >= least), _UNITS[-1])


def _revenue_name(chart: Chart | None, locale: Locale) -> str:
    key = {Chart.BANK: "revenue_bank", Chart.INSURER: "revenue_insurer"}.get(chart or Chart.INDUSTRY, "revenue")
    return locale.words.t(f"results.{key}")


def _amount(value: float | None, unit: float, locale: Locale) -> str:
    """An amount in `unit` with as many decimals as three digits take."""
    if value is None:
        return MISSING
    scaled = value / unit
    return locale.number(scaled, 0 if abs(scaled) >= 100 else 1 if abs(scaled) >= 10 else 2)


def _chart(
    title: str, rows: Sequence[Result], labels: list[str], how: tuple[float, str, Chart | None], locale: Locale
) -> GroupsChart:
    unit, unit_name, chart = how
    revenue, income = _revenue_name(chart, locale), locale.words.t("results.net_income")

    def group(name: str, value: Callable[[Result], float | None]) -> Group:
        values = tuple(value(r) for r in rows)
        texts = tuple("" if v is None else _amount(v, unit, locale) for v in values)
        return Group(name=name, values=values, texts=texts)

    groups = (group(revenue, lambda r: r.revenue), group(income, lambda r: r.net_income))
    text = (
        f"{label}: {revenue} {groups[0].texts[i] or MISSING}, {income} {groups[1].texts[i] or MISSING}"
        for i, label in enumerate(labels)
    )
    return GroupsChart(
        title=locale.words.t("results.chart", title=title),
        description=f"{unit_name}. {'; '.join(text)}.",
        unit=unit_name,
        labels=tuple(labels),
        groups=groups,
    )


def _table(
    title: str, rows: Sequence[Result], labels: list[str], how: tuple[float, Chart | None], locale: Locale
) -> Table:
    """A row per figure that any period has."""
    words, (unit, chart) = locale.words, how
    lines: list[tuple[str, list[str]]] = [
        (_revenue_name(chart, locale), [_amount(r.revenue, unit, locale) for r in rows]),
        (words.t("results.ebitda"), [_amount(r.ebitda, unit, locale) for r in rows]),
        (words.t("results.net_income"), [_amount(r.net_income, unit, locale) for r in rows]),
        (words.t("results.net_margin"), [locale.percent(r.net_margin, 1) for r in rows]),
        (words.t("results.net_debt"), [_amount(r.net_debt, unit, locale) for r in rows]),
        (words.t("results.equity"), [_amount(r.equity, unit, locale) for r in rows]),
    ]
    shown = [(name, texts) for name, texts in lines if any(text != MISSING for text in texts)]
    columns = (
        Column(label=words.t("results.item")),
        *(Column(label=label, align="right") for label in labels),
    )
    body = tuple(
        (Cell(text=name), *(Cell(text=text, strong=i == len(texts) - 1) for i, text in enumerate(texts)))
        for name, texts in shown
    )
    return Table(caption=words.t("results.caption", title=title), columns=columns, rows=body, small=True)
