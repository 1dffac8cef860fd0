"""Store whole tables of bars: new rows by COPY, rows that may overlap stored ones one by one."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import date

import numpy as np

from invest.domain.market import BarTable
from invest.store.core.blocks import Known, Packed, add_blocks, packed
from invest.store.core.database import Connection
from invest.store.core.lines import copy_text, packed_rows, table_runs

COLUMNS = ("ticker", "day", "open", "high", "low", "close", "volume", "turnover", "trades", "origin")
SAFE_TICKER = re.compile(r"[A-Z0-9^.-]{1,20}")
Span = tuple[str, date, date]


def in_order(table: BarTable) -> BarTable:
    """Rows sorted by ticker and day. Raises `ValueError` for two bars of one day, or a ticker that cannot be one."""
    ordered = table if _is_sorted(table) else table.take(np.lexsort((table.days, table.tickers)))
    same = (ordered.tickers[1:] == ordered.tickers[:-1]) & (ordered.days[1:] == ordered.days[:-1])
    if same.any():
        at = int(np.flatnonzero(same)[0])
        raise ValueError(f"two bars of {ordered.tickers[at]} on {ordered.days[at]}: the table was not stored")
    for ticker, _ in table_runs(ordered.tickers):
        if not SAFE_TICKER.fullmatch(ticker):
            raise ValueError(f"{ticker!r} is no ticker: the table was not stored")
    return ordered


def _is_sorted(table: BarTable) -> bool:
    """Whether rows come by ticker and day: much sooner seen than sorted again."""
    names, days = table.tickers, table.days
    later = (names[1:] == names[:-1]) & (days[1:] >= days[:-1])
    return bool((later | (names[1:] > names[:-1])).all())


def table_spans(table: BarTable) -> list[Span]:
    """(ticker, first day, last day) of a sorted table."""
    spans, start = [], 0
    for ticker, length in table_runs(table.tickers):
        first, last = table.days[start].astype(object), table.days[start + length - 1].astype(object)
        spans.append((ticker, first, last))
        start += length
    return spans


def placed(table: BarTable, known: Known) -> tuple[BarTable, BarTable, BarTable]:
    """Rows of a sorted table before, inside and after what is stored of their assets; new assets' are all after."""
    position = np.full(len(table), 1, dtype=np.int8)
    start = 0
    for ticker, length in table_runs(table.tickers):
        first, last = known[ticker]
        if first is not None and last is not None:
            days = table.days[start : start + length]
            own = np.where(days > np.datetime64(last, "D"), 1, np.where(days < np.datetime64(first, "D"), -1, 0))
            position[start : start + length] = own
        start += length
    if (position == 1).all():
        nothing = table.take(np.empty(0, dtype=np.intp))
        return nothing, nothing, table
    return table.take(position == -1), table.take(position == 0), table.take(position == 1)


async def add_table(connection: Connection, table: BarTable, origin: int, known: Known, *, before: bool) -> None:
    """COPY rows that can meet no stored one, then their blocks, which are packed while the server takes the rows."""
    if not len(table):
        return
    packing = asyncio.create_task(asyncio.to_thread(_blocks, table))
    try:
        await connection.copy_to_table("bar", source=_stream(table, origin), columns=COLUMNS, format="text")
    finally:
        blocks = await packing
    await add_blocks(connection, blocks, known, before=before)


def _blocks(table: BarTable) -> list[Packed]:
    return packed(table_runs(table.tickers), packed_rows(table))


async def _stream(table: BarTable, origin: int) -> AsyncIterator[bytes]:
    for part in copy_text(table, origin):
        yield part
