"""Widths of a table's columns and heights of its rows, told beforehand so that the typesetter need not measure cells.

The typesetter sets a cell up to three times: for the column's width, for the row's height, and at last. Widths are
estimated on the safe side; what may need a second line, or does not fit, is left for it to measure.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from invest.reports.charts import text_width
from invest.reports.views import Cell, Column, Table

# As report.typ sets tables: points of type, above and below a line, between columns, of a mark and of a column's name.
_SIZES: Final = {True: (7.9, 2.0), False: (8.6, 2.7)}
_GAP: Final = 6.4
_MARK: Final = 1.25  # of the size of type: a triangle of another font and what keeps it apart
_SPARK: Final = 46.0
_NEARLY: Final = 1.12
_SHAPES: Final = "▲▼"  # of another font, and wider than a letter
_NAME: Final = 7.2
_TRACKING: Final = 0.35
_LEADING: Final = 0.5  # between two lines, of the size of type
_SUB: Final = 0.83  # a second line's size of the first's
_CAPITALS: Final = 0.66  # of the size of type: how tall a line of a table is
_STRONG: Final = 1.04


class Sizes(NamedTuple):
    """Points by column, of the head, by row; null: the typesetter has to find out, 0: the column stretches."""

    columns: list[float | None]
    head: float | None
    rows: list[float | None]


def sizes_of(table: Table, width: float) -> Sizes:
    """The sizes of `table` in a column of text `width` points wide."""
    size, pad = _SIZES[table.small]
    given = [column.width for column in table.columns]
    if any(given):
        shares = [width * share / sum(given) for share in given] if all(given) else None
        columns: list[float | None] = [None] * len(given)
    else:
        columns, shares = _columns(table, width, size)
    if shares is None:
        return Sizes(columns, None, [None] * len(table.rows))
    fits = all(_head(c.label) + _GAP <= share for c, share in zip(table.columns, shares, strict=True))
    line, second = size * _CAPITALS + 2 * pad, size * (_LEADING + _SUB * _CAPITALS)
    rows = [
        round(line + second * any(cell.sub for cell in row), 2) if _fits(row, shares, size) else None
        for row in table.rows
    ]
    return Sizes(columns, round(_NAME * _CAPITALS + 2 * pad, 2) if fits else None, rows)


def _columns(table: Table, width: float, size: float) -> tuple[list[float | None], list[float] | None]:
    """As wide as their longest cell, the stretched one as wide as is left.

    Where that is too little all are unknown, and the widest takes what is left: its cells go on on a second line.
    """
    stretch = stretched(table.columns)
    whole = [row for row in table.rows if len(row) == len(table.columns)]
    needed = [
        max([_head(column.label), *(_needs(row[i], size) for row in whole)]) + _GAP
        for i, column in enumerate(table.columns)
    ]
    left = width - sum(needed) + needed[stretch]
    if left < needed[stretch]:
        close = sum(needed) <= width * _NEARLY  # estimates are on the safe side: it will fit
        taking = stretch if close else max(range(len(needed)), key=needed.__getitem__)
        return [0 if i == taking else None for i in range(len(needed))], None
    columns: list[float | None] = [0 if i == stretch else round(w, 1) for i, w in enumerate(needed)]
    return columns, [left if i == stretch else w for i, w in enumerate(needed)]


def stretched(columns: tuple[Column, ...]) -> int:
    """The second column where the first is a mere key (`#`, a reference), else the first."""
    return 1 if len(columns) > 1 and len(columns[0].label) <= 4 and columns[1].align == "left" else 0


def _needs(cell: Cell, size: float) -> float:
    """Points of a cell on one line; more than there are where it takes several or holds more than text."""
    if cell.refs or cell.anchor:
        return 1e4
    first = text_width(cell.text, size) * (_STRONG if cell.strong else 1.0) + (_MARK * size if cell.mark else 0.0)
    first += _SPARK if cell.spark else 0.0
    second = cell.sub or ""
    return max(first, text_width(second, size * _SUB) * 1.03 + size * _SUB * sum(second.count(s) for s in _SHAPES))


def _head(label: str) -> float:
    """Points of a column's name: capital letters with their tracking, of medium weight."""
    return text_width(label.upper(), _NAME) * _STRONG * 1.03 + _TRACKING * len(label)


def _fits(row: tuple[Cell, ...], shares: list[float], size: float) -> bool:
    """Whether every cell is plain text whose lines need no other."""
    at = 0
    for cell in row:
        room = sum(shares[at : at + cell.span])
        at += cell.span
        if _needs(cell, size) + _GAP > room:
            return False
    return True
