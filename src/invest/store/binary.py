"""Bars in PostgreSQL's binary COPY format, written by numpy: no Python object per row.

Rows are fixed width within a group: same length of ticker, same columns missing (PostgreSQL docs, "COPY", "Binary
Format"; `numeric` is base-10000 digits with weight, sign and display scale, src/backend/utils/adt/numeric.c).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from invest.domain.bars import MICRO, BarTable
from invest.store.blocks import WIDTH, Table

SIGNATURE = b"PGCOPY\n\xff\r\n\0" + b"\0" * 8
TRAILER = b"\xff\xff"
POSTGRES_EPOCH = np.datetime64("2000-01-01", "D")
CHUNK = 20_000
PRICES = ("open", "high", "low", "close")
OPTIONAL = ("open", "high", "low", "volume", "turnover", "trades")
ORDER = (*PRICES, "volume", "turnover", "trades")
# length, ndigits, weight, sign, dscale, digits: ten integer digits in three groups, six decimals in two
PRICE = np.dtype([("n", ">i4"), ("head", ">i2", 4), ("digits", ">i2", 5)])
MONEY = np.dtype([("n", ">i4"), ("head", ">i2", 4), ("digits", ">i2", 6)])
INT8 = np.dtype([("n", ">i4"), ("v", ">i8")])
INT4 = np.dtype([("n", ">i4"), ("v", ">i4")])
NULL = np.dtype([("n", ">i4")])
KINDS = {**dict.fromkeys(PRICES, PRICE), "volume": INT8, "turnover": MONEY, "trades": INT4}
Integers = npt.NDArray[np.int64]


def binary_copy(table: BarTable, origin: int) -> Iterator[bytes]:
    """The stream of one COPY of all rows, in parts."""
    yield SIGNATURE
    for group in _groups(table):
        for start in range(0, len(group), CHUNK):
            yield _encoded(group.take(np.arange(start, min(start + CHUNK, len(group)))), origin)
    yield TRAILER


def packed_rows(table: BarTable) -> Table:
    """The same bars as rows of the packed block: divided once, so equal to what reading the exact figure gives."""
    rows = np.empty((len(table), WIDTH))
    rows[:, 0] = table.days.astype(np.int64)
    for at, name in enumerate(PRICES, 1):
        rows[:, at] = _or_nan(getattr(table, name), MICRO)
    rows[:, 5] = _or_nan(table.volume, 1)
    rows[:, 6] = _or_nan(table.turnover, 100)
    return rows


def _or_nan(values: Integers, unit: int) -> npt.NDArray[np.float64]:
    return np.where(values < 0, np.nan, values / unit)


def _groups(table: BarTable) -> Iterator[BarTable]:
    """Rows whose encoding has the same shape."""
    shape = np.char.str_len(table.tickers).astype(np.int64)
    for at, name in enumerate(OPTIONAL):
        shape |= (getattr(table, name) < 0).astype(np.int64) << (8 + at)
    kinds = np.unique(shape)
    for kind in kinds.tolist():
        yield table if len(kinds) == 1 else table.take(shape == kind)


def _encoded(table: BarTable, origin: int) -> bytes:
    width = len(str(table.tickers[0]))
    missing = {name for name in OPTIONAL if getattr(table, name)[0] < 0}
    fields: list[tuple[str, object]] = [("fields", ">i2"), ("nt", ">i4"), ("ticker", f"S{width}"), ("nd", ">i4")]
    fields += [("day", ">i4"), *((name, NULL if name in missing else KINDS[name]) for name in ORDER), ("origin", INT4)]
    rows = np.zeros(len(table), dtype=np.dtype(fields))
    rows["fields"] = 10
    rows["nt"], rows["ticker"] = width, table.tickers.astype(f"S{width}")
    rows["nd"], rows["day"] = 4, (table.days - POSTGRES_EPOCH).astype(np.int64)
    rows["origin"]["n"], rows["origin"]["v"] = 4, origin
    for name in ORDER:
        values: Integers = getattr(table, name)
        if name in missing:
            rows[name]["n"] = -1
        elif name in PRICES:
            _price(rows[name], values)
        elif name == "turnover":
            _money(rows[name], values)
        else:
            rows[name]["n"], rows[name]["v"] = KINDS[name]["v"].itemsize, values
    return rows.tobytes()


def _price(cells: npt.NDArray[np.void], micro: Integers) -> None:
    """Micro-BRL below 10^18 as a numeric: shown with two decimals where that is all there is, else with six."""
    whole, part = np.divmod(micro, MICRO)
    _numeric(cells, weight=2, scale=np.where(part % 10_000 == 0, 2, 6))
    for at, power in enumerate((10**8, 10**4, 1)):
        cells["digits"][:, at] = whole // power % 10_000
    cells["digits"][:, 3], cells["digits"][:, 4] = part // 100, part % 100 * 100


def _money(cells: npt.NDArray[np.void], cents: Integers) -> None:
    whole, part = np.divmod(cents, 100)
    _numeric(cells, weight=4, scale=2)
    for at, power in enumerate((10**16, 10**12, 10**8, 10**4, 1)):
        cells["digits"][:, at] = whole // power % 10_000
    cells["digits"][:, 5] = part * 100


def _numeric(cells: npt.NDArray[np.void], weight: int, scale: npt.NDArray[np.int64] | int) -> None:
    digits = cells["digits"].shape[1]
    cells["n"] = 8 + 2 * digits
    cells["head"][:, 0], cells["head"][:, 1], cells["head"][:, 3] = digits, weight, scale


def table_runs(tickers: npt.NDArray[np.str_]) -> Sequence[tuple[str, int]]:
    """(ticker, rows) of each run in a sorted column."""
    if not len(tickers):
        return []
    starts = np.concatenate(([0], np.flatnonzero(tickers[1:] != tickers[:-1]) + 1, [len(tickers)]))
    return [(str(tickers[a]), int(b - a)) for a, b in itertools.pairwise(starts.tolist())]
