"""Tables of bars, and the rows written after them, lock what they touch in one order before anything is written."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from invest.domain.market import Bar, BarTable
from invest.store.market.bars import LOCK, ORIGINS, write_tables


class Locked(Exception):
    """Everything was locked."""


class Recorder:
    """Keeps the statements up to the one that locks the series."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, tuple[Any, ...]]] = []

    async def fetch(self, sql: str, *arguments: Any) -> list[Any]:
        self.sent.append((sql, arguments))
        if sql == LOCK:
            raise Locked
        return []


def table(ticker: str, day: str, payload: str) -> BarTable:
    """One quote."""
    one = np.array([1_000_000])
    return BarTable(
        np.array([ticker]), np.array([day], "datetime64[D]"), one, one, one, one, one, one, one, "cotahist", payload
    )


async def test_origins_and_series_are_locked_at_once_by_payload_and_ticker() -> None:
    tables = [table("PETR4", "2024-03-01", "b"), table("PETR4", "2025-03-03", "a"), table("ABEV3", "2025-03-03", "a")]
    row = Bar("OIBR3", date(2023, 3, 1), None, None, None, Decimal(1), None, None, None, "cotahist", "0")
    sent = Recorder()
    with pytest.raises(Locked):
        await write_tables(sent, tables, lambda _: (1, True), datetime(2026, 3, 31, tzinfo=UTC), [row])
    (origins, first), (series, second) = sent.sent
    assert (origins, first[1]) == (ORIGINS, ["0", "a", "b"])
    assert (series, second) == (LOCK, (["ABEV3", "OIBR3", "PETR4"],))
