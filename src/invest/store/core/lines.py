"""Tables of bars as COPY text, written by numpy: no Python object per row.

Lines are of fixed width within a group (same length of ticker, same columns missing, same decimals); numbers carry
leading zeros, which PostgreSQL reads like any others. Text beats the binary format here: a numeric is shorter in it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from invest.domain.market import MICRO, BarTable
from invest.store.core.blocks import WIDTH, Table

CHUNK = 2500  # rows encoded at a time: less than a socket takes, so that the server works meanwhile
PRICES = ("open", "high", "low", "close")
OPTIONAL = ("open", "high", "low", "volume", "turnover", "trades")
CENT = MICRO // 100
TAB, NEWLINE, POINT = b"\t\n."
# The four digits of each number below ten thousand, as one word: a table of it is read faster than digits are divided.
FOUR = np.array([f"{n:04d}" for n in range(10_000)], dtype="S4").view(np.uint32)
NULL = np.frombuffer(rb"\N", dtype=np.uint8)
Integers = npt.NDArray[np.int64]
Text = npt.NDArray[np.uint8]  # rows x characters


def copy_text(table: BarTable, origin: int) -> Iterator[bytes]:
    """The lines of one COPY of all rows, in parts."""
    for group in _groups(table):
        for start in range(0, len(group), CHUNK):
            yield _lines(group.take(np.arange(start, min(start + CHUNK, len(group)))), origin)


def packed_rows(table: BarTable) -> Table:
    """The same bars as rows of the packed block: divided once, so equal to what reading the exact figure gives."""
    rows = np.empty((len(table), WIDTH))
    rows[:, 0] = table.days.astype(np.int64)
    for at, name in enumerate(PRICES, 1):
        rows[:, at] = _or_nan(getattr(table, name), MICRO)
    rows[:, 5] = _or_nan(table.volume, 1)
    rows[:, 6] = _or_nan(table.turnover, 100)
    return rows


def table_runs(tickers: npt.NDArray[np.str_]) -> Sequence[tuple[str, int]]:
    """(ticker, rows) of each run in a sorted column."""
    if not len(tickers):
        return []
    starts = np.concatenate(([0], np.flatnonzero(tickers[1:] != tickers[:-1]) + 1, [len(tickers)]))
    return [(str(tickers[a]), int(b - a)) for a, b in itertools.pairwise(starts.tolist())]


def _or_nan(values: Integers, unit: int) -> npt.NDArray[np.float64]:
    return np.where(values < 0, np.nan, values / unit)


def _groups(table: BarTable) -> Iterator[BarTable]:
    """Rows whose lines have the same shape."""
    shape = np.char.str_len(table.tickers).astype(np.int64)
    for at, name in enumerate(OPTIONAL):
        shape |= (getattr(table, name) < 0).astype(np.int64) << (8 + at)
    fine = np.zeros(len(table), dtype=np.bool_)
    for name in PRICES:
        fine |= getattr(table, name) % CENT > 0
    shape |= fine.astype(np.int64) << 20
    kinds = np.unique(shape)
    for kind in kinds.tolist():
        yield table if len(kinds) == 1 else table.take(shape == kind)


def _lines(table: BarTable, origin: int) -> bytes:
    width = len(str(table.tickers[0]))
    fine = any((getattr(table, name) % CENT > 0).any() for name in PRICES)
    fields: list[Text] = [table.tickers.astype(f"S{width}").view(np.uint8).reshape(-1, width), _days(table)]
    for name in PRICES:
        prices: Integers = getattr(table, name)
        fields.append(_decimal(prices, 6) if fine else _decimal(prices // CENT, 2))
    fields += [_integer(table.volume), _decimal(table.turnover, 2), _integer(table.trades)]
    fields.append(np.frombuffer(str(origin).encode(), dtype=np.uint8)[np.newaxis, :])
    lines = np.full((len(table), sum(f.shape[1] + 1 for f in fields)), TAB, dtype=np.uint8)
    at = 0
    for text in fields:
        lines[:, at : at + text.shape[1]] = text
        at += text.shape[1] + 1
    lines[:, -1] = NEWLINE
    return lines.tobytes()


def _days(table: BarTable) -> Text:
    """``2026-03-31``, looked up: sessions are few."""
    first = table.days.min()
    written = np.datetime_as_string(np.arange(first, table.days.max() + 1)).astype("S10")
    return np.asarray(written.view(np.uint8).reshape(-1, 10)[(table.days - first).astype(np.int64)])


def _integer(values: Integers) -> Text:
    """Digits with leading zeros, or ``\\N`` where the group has none."""
    if values[0] < 0:
        return NULL[np.newaxis, :]
    return _digits(values, len(str(values.max())))


def _digits(values: Integers, width: int) -> Text:
    """The last `width` digits of each number, four at a time."""
    words = -(-width // 4)
    out = np.empty((len(values), words), dtype=np.uint32)
    rest = values
    for at in range(words - 1, -1, -1):
        whole = rest // 10_000
        out[:, at] = FOUR[rest - whole * 10_000]
        rest = whole
    return out.view(np.uint8).reshape(len(values), -1)[:, words * 4 - width :]


def _decimal(values: Integers, places: int) -> Text:
    """Integers of 10^-places as decimals."""
    if values[0] < 0:
        return NULL[np.newaxis, :]
    width = max(len(str(values.max())), places + 1)
    digits = _digits(values, width)
    text = np.empty((len(values), width + 1), dtype=np.uint8)
    text[:, : width - places] = digits[:, : width - places]
    text[:, width - places] = POINT
    text[:, width - places + 1 :] = digits[:, width - places :]
    return text
