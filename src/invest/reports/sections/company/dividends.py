"""Dividends by year and the latest events."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from invest.domain.market import ActionKind, CorporateAction
from invest.reports.facts import FactBook
from invest.reports.locale import MISSING, Locale
from invest.reports.views import Bar, Block, Cell, Column, ColumnsChart, Section, Stat, Stats, Table

_YEARS = 6
_EVENTS = 5
_STATS = ("dividends_12m", "dividend_yield", "dividend_yield_5y", "payout")


def dividends_section(actions: Sequence[CorporateAction], today: date, book: FactBook, *, unit: str) -> Section | None:
    """Sums by year of the last day with rights, the yield's figures, and the last events. None without an event.

    `unit`: what one is called (see `unit_of`).
    """
    if not actions:
        return None
    words = book.locale.words
    stats = tuple(
        Stat(label=_label(k, book, unit), text=book.figure(k).text, figure=book.figure(k))
        for k in _STATS
        if book.value(k) is not None
    )
    blocks: list[Block] = [Stats(items=stats)] if stats else []
    chart = year_chart(actions, today, book.locale, unit=unit)
    if chart is not None:
        blocks.append(chart)
    if past := [a for a in actions if a.last_date_with <= today]:
        blocks.append(_events(past, book.locale))
    if not blocks:
        return None
    note = words.t(f"dividends.note_{unit}")
    return Section(id="dividends", title=words.t("dividends.title"), note=note, blocks=tuple(blocks), span=6)


def _label(key: str, book: FactBook, unit: str) -> str:
    """Its name above the figure; what a fund or a receipt pays is paid by its own unit."""
    return book.locale.words.t(f"dividends.per_{unit}") if key == "dividends_12m" else book.shortest(key)


def year_chart(
    actions: Sequence[CorporateAction], today: date, locale: Locale, *, unit: str = "share"
) -> ColumnsChart | None:
    """Cash per share by year; the year that is not over is marked. None without two years of payments."""
    sums: dict[int, Decimal] = defaultdict(Decimal)
    for action in actions:
        if action.kind.in_cash and action.amount is not None and action.last_date_with <= today:
            sums[action.last_date_with.year] += action.amount
    if len(sums) < 2:
        return None
    running = locale.words.t("dividends.so_far", month=locale.month(today.month))
    years = range(max(min(sums), today.year - _YEARS + 1), today.year + 1)
    bars = tuple(
        Bar(
            label=running if year == today.year and (today.month, today.day) < (12, 31) else str(year),
            value=float(sums.get(year, Decimal(0))),
            text=locale.number(sums.get(year, Decimal(0)), 2),
            level=1 if year == today.year else 0,
        )
        for year in years
    )
    items = "; ".join(f"{bar.label}: {bar.text}" for bar in bars)
    return ColumnsChart(
        title=locale.words.t(f"dividends.chart_{unit}"),
        description=locale.words.t("dividends.chart_description", items=items),
        bars=bars,
    )  # fmt: skip


def _events(actions: Sequence[CorporateAction], locale: Locale) -> Table:
    words = locale.words
    latest = sorted(actions, key=lambda a: a.last_date_with, reverse=True)[:_EVENTS]
    columns = (
        Column(label=words.t("dividends.event")),
        Column(label=words.t("dividends.date_with"), align="right"),
        Column(label=words.t("dividends.payment"), align="right"),
        Column(label=words.t("dividends.amount"), align="right"),
    )
    rows = tuple(
        (
            Cell(text=words.t(f"action.{a.kind}")),
            Cell(text=locale.day(a.last_date_with)),
            Cell(text=locale.day(a.payment_date)),
            Cell(text=amount_text(a, locale), strong=True),
        )
        for a in latest
    )
    return Table(caption=words.t("dividends.caption"), columns=columns, rows=rows)


def amount_text(action: CorporateAction, locale: Locale) -> str:
    """Money per share, or what becomes of one share."""
    if action.amount is not None and (action.kind.in_cash or action.factor is None):
        return locale.number(action.amount, 4 if action.amount != round(action.amount, 2) else 2)
    factor = action.factor
    if factor is None or factor <= 0:
        return MISSING
    if action.kind is ActionKind.BONUS:
        return locale.words.t("dividends.factor_bonus", percent=locale.percent(factor - 1, 2))
    whole = factor if factor >= 1 else 1 / factor
    text = locale.number(whole, 0 if abs(whole - round(whole)) < Decimal("0.0001") else 4)
    return locale.words.t("dividends.factor_split" if factor >= 1 else "dividends.factor_reverse", n=text)
