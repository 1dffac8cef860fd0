"""Bars packed for reading: per asset and year one run of rows of seven big-endian doubles.

Columns: day since 1970-01-01, open, high, low, close, volume (shares), turnover (BRL); NaN where there is none.
A thousand assets over five years come as 70 MB in one answer and need no parsing.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from datetime import date
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from invest.domain.market import Bars
from invest.store.core.database import Connection

WIDTH = 7
ROW = np.dtype(">f8")
EPOCH = date(1970, 1, 1).toordinal()
Table = npt.NDArray[np.float64]
Known = Mapping[str, tuple[date | None, date | None]]

# The same rows as `packed` makes, built by the server from what it stores.
REBUILD = """
INSERT INTO bar_block (ticker, year, data)
SELECT b.ticker, y.year, string_agg(
  float8send((b.day - date '1970-01-01')::float8) || float8send(coalesce(b.open, 'NaN')::float8)
  || float8send(coalesce(b.high, 'NaN')::float8) || float8send(coalesce(b.low, 'NaN')::float8)
  || float8send(b.close::float8) || float8send(coalesce(b.volume::float8, 'NaN'))
  || float8send(coalesce(b.turnover, 'NaN')::float8), ''::bytea ORDER BY b.day)
FROM unnest($1::text[], $2::int[]) AS y (ticker, year)
JOIN bar b ON b.ticker = y.ticker AND b.day >= make_date(y.year, 1, 1) AND b.day < make_date(y.year + 1, 1, 1)
GROUP BY b.ticker, y.year
ON CONFLICT (ticker, year) DO UPDATE SET data = excluded.data
"""
# New bars lie wholly before or wholly after what the block holds.
JOIN = """
INSERT INTO bar_block AS b (ticker, year, data)
SELECT t, y, d FROM unnest($1::text[], $2::int[], $3::bytea[]) AS x (t, y, d)
ON CONFLICT (ticker, year) DO UPDATE SET data = {joined}
"""
APPEND = JOIN.format(joined="b.data || excluded.data")
PREPEND = JOIN.format(joined="excluded.data || b.data")
READ = """
SELECT ticker, data FROM bar_block
WHERE ($1::text[] IS NULL OR ticker = ANY($1)) AND ($2::int IS NULL OR year >= $2) ORDER BY ticker, year
"""


class Packed(NamedTuple):
    """New rows of one asset and year."""

    ticker: str
    year: int
    data: bytes


def packed(runs: Sequence[tuple[str, int]], table: Table) -> list[Packed]:
    """Rows sorted by ticker and day as one run of bytes per ticker and year; `runs` is (ticker, number of rows)."""
    blocks = []
    years = table[:, 0].astype("datetime64[D]").astype("datetime64[Y]").astype(int) + 1970
    rows = table.astype(ROW)
    start = 0
    for ticker, length in runs:
        own = years[start : start + length]
        cuts = [0, *(np.flatnonzero(np.diff(own)) + 1).tolist(), length]
        for a, b in itertools.pairwise(cuts):
            blocks.append(Packed(ticker, int(own[a]), rows[start + a : start + b].tobytes()))
        start += length
    return blocks


async def add_blocks(connection: Connection, blocks: Sequence[Packed], known: Known, *, before: bool) -> None:
    """Join new rows to the blocks they lie before or after, in the caller's transaction.

    `known`: first and last stored day of each series, as it was locked. A year beyond them has no block yet: its rows
    are copied in, at half the cost of an insert that looks for one.
    """
    fresh = [block for block in blocks if _is_first_of_its_year(block, known)]
    if fresh:
        await connection.copy_records_to_table("bar_block", records=fresh, columns=Packed._fields)
    held = [block for block in blocks if not _is_first_of_its_year(block, known)] if len(fresh) < len(blocks) else ()
    if held:
        sql = PREPEND if before else APPEND
        await connection.execute(sql, [b[0] for b in held], [b[1] for b in held], [b[2] for b in held])


def _is_first_of_its_year(block: Packed, known: Known) -> bool:
    first, last = known[block.ticker]
    return first is None or last is None or not first.year <= block.year <= last.year


async def rebuild_blocks(connection: Connection, years: set[tuple[str, int]]) -> None:
    """Build the blocks of these assets and years from the stored rows, in the caller's transaction."""
    if years:
        order = sorted(years)
        await connection.execute(REBUILD, [t for t, _ in order], [y for _, y in order])


def columns_of(ticker: str, data: bytes, since: date | None = None) -> Bars:
    """One asset's joined blocks as columns, with factor 1."""
    table: Table = np.frombuffer(data, dtype=ROW).reshape(-1, WIDTH)
    if since is not None and len(table):
        table = table[int(np.searchsorted(table[:, 0], since.toordinal() - EPOCH)) :]
    # One pass: native byte order, and each column contiguous as TA-Lib wants it.
    day, opened, high, low, close, volume, turnover = np.ascontiguousarray(table.T, dtype=np.float64)
    days = day.astype(np.int64).view("datetime64[D]")
    return Bars(ticker, days, opened, high, low, close, volume, turnover, np.ones(len(days)))
