"""Cells of tables that print a number and keep it whole for workbook and CSV; the row of what is not listed."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import TypedDict, Unpack

from invest.reports.locale import Locale, Number
from invest.reports.views import Cell, Mark


class Look(TypedDict, total=False):
    """How a cell looks beside its number."""

    sub: str | None
    mark: Mark | None
    strong: bool
    muted: bool


def number_cell(
    locale: Locale, value: Number | None, decimals: int = 2, *, signed: bool = False, **look: Unpack[Look]
) -> Cell:
    """A plain number."""
    return Cell(text=locale.number(value, decimals, signed=signed), exact=_exact(value), **look)


def percent_cell(
    locale: Locale, fraction: Number | None, decimals: int = 1, *, signed: bool = False, **look: Unpack[Look]
) -> Cell:
    """A fraction as a percentage."""
    return Cell(text=locale.percent(fraction, decimals, signed=signed), exact=_exact(fraction), **look)


def money_cell(
    locale: Locale, value: Number | None, decimals: int = 2, *, currency: str = "R$", **look: Unpack[Look]
) -> Cell:
    """Money with its currency."""
    return Cell(text=locale.money(value, decimals, currency=currency), exact=_exact(value), **look)


def price_cell(locale: Locale, value: Number | None, *, bare: bool = False, **look: Unpack[Look]) -> Cell:
    """A price in reais; `bare` without the currency, which the column names."""
    text = locale.price(value)
    return Cell(text=text.removeprefix("R$ ") if bare else text, exact=_exact(value), **look)


def quantity_cell(locale: Locale, value: Number | None, **look: Unpack[Look]) -> Cell:
    """A number of shares or coins, without zeros that say nothing."""
    return Cell(text=locale.quantity(value), exact=_exact(value), **look)


def points(part: float | None, locale: Locale) -> str:
    """A difference of returns in points: `+1,23 p.p.`"""
    text = locale.number(None if part is None else part * 100, 2, signed=True)
    return text if part is None else locale.words.t("weekly.points", x=text)


def points_cell(part: float | None, locale: Locale, **look: Unpack[Look]) -> Cell:
    """The same as a cell."""
    return Cell(
        text=points(part, locale), exact=None if part is None else _exact(Decimal(repr(float(part))) * 100), **look
    )


def more_row(count: int, width: int, locale: Locale) -> tuple[tuple[Cell, ...], ...]:
    """The last row of a table of `width` columns that leaves `count` rows out; nothing where none is left out."""
    if count <= 0:
        return ()
    text = locale.words.t("table.more" if count > 1 else "table.more_one", n=count)
    return ((Cell(text=text, muted=True, span=width),),)


def _exact(value: Number | None) -> float | None:
    number = None if value is None else float(value)
    return number if number is not None and math.isfinite(number) else None
