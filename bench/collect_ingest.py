"""How much of a raw COPY's speed is left when bars are stored with everything: origin, series lock, blocks.

The raw COPY streams text made beforehand into the table `bar` alone, its key and checks in place.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import AsyncIterator

import numpy as np

from bench.collect_upstream import names
from invest.domain.market.bars import BarTable
from invest.store import Store
from invest.store.core.tables import COLUMNS

TICKERS, DAYS = 1000, 250
PAYLOAD = "0" * 64
EMPTY = "TRUNCATE bar, bar_origin, bar_block, bar_series"
PART = 65_536


def a_year() -> BarTable:
    """A year of quotes of many assets."""
    random = np.random.default_rng(11)
    rows = TICKERS * DAYS
    close = random.integers(100, 20_000, rows) * 10_000
    days = np.datetime64("2025-01-02", "D") + np.arange(DAYS)
    return BarTable(
        np.repeat(np.array(names(TICKERS)), DAYS),
        np.tile(days, TICKERS),
        close,
        close + 10_000,
        close - 10_000,
        close,
        random.integers(100, 10_000_000, rows),
        random.integers(10_000, 10_000_000_000, rows),
        random.integers(1, 90_000, rows),
        "cotahist",
        PAYLOAD,
    )


def text_of(table: BarTable) -> list[bytes]:
    """The same rows as plain COPY text."""
    lines = "".join("\t".join(map(str, row[:9])) + "\t1\n" for row in table.rows()).encode()
    return [lines[at : at + PART] for at in range(0, len(lines), PART)]


async def copy_raw(store: Store, parts: list[bytes]) -> float:
    """Seconds of COPY alone."""

    async def stream() -> AsyncIterator[bytes]:
        for part in parts:
            yield part

    await store.database.execute(EMPTY)
    begun = time.perf_counter()
    async with store.database.transaction() as connection:
        await connection.copy_to_table("bar", source=stream(), columns=COLUMNS, format="text")
    return time.perf_counter() - begun


async def save_all(store: Store, table: BarTable) -> float:
    """Seconds of the platform's own way."""
    await store.database.execute(EMPTY)
    begun = time.perf_counter()
    stored = await store.bars.save_table(table)
    taken = time.perf_counter() - begun
    assert stored == len(table)
    return taken


async def measure(url: str, rounds: int) -> dict[str, float]:
    """Rows per second of both, taken in turns, medians."""
    table = a_year()
    parts = text_of(table)
    raw, own = [], []
    async with Store.open(url) as store:
        for _ in range(rounds):
            raw.append(await copy_raw(store, parts))
            own.append(await save_all(store, table))
        await store.database.execute(EMPTY)
    rows = len(table)
    return {
        "share": statistics.median(a / b for a, b in zip(raw, own, strict=True)),
        "invest_rows_per_s": rows / statistics.median(own),
        "copy_rows_per_s": rows / statistics.median(raw),
        "rows": rows,
    }
