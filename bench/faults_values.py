"""What a database holds that a fault must not spoil: the values in force, bars, events, statements and series."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import asyncpg

Values = Mapping[tuple[str, ...], Any]

# Key columns first, then what must not change for the worse.
HELD = {
    "consensus": ("ticker, field, basis", "value"),
    "bar": ("ticker, day::text", "row(open, high, low, close, volume)::text"),
    "macro_point": ("series, day::text", "value"),
    "statement_line": (
        "filing::text, statement, consolidated::text, account, period_end::text, coalesce(period_start::text, '')",
        "value",
    ),
    "corporate_action": (
        "ticker, kind, last_date_with::text, source, coalesce(payment_date::text, '')",
        "array_agg(row(amount, factor)::text ORDER BY amount, factor)::text",
    ),
}


async def copied(database: str, name: str) -> str:
    """The address of a copy of `database` under another name."""
    place, _, options = database.partition("?")
    head, _, own = place.rpartition("/")
    connection = await asyncpg.connect(f"{head}/postgres?{options}")
    try:
        await connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        await connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{own}" STRATEGY file_copy')
    finally:
        await connection.close()
    return f"{head}/{name}?{options}"


async def values_of(database: str) -> Values:
    """Everything held, by table and key."""
    found: dict[tuple[str, ...], Any] = {}
    connection = await asyncpg.connect(database)
    try:
        for table, (keys, value) in HELD.items():
            group = " GROUP BY 1, 2, 3, 4, 5" if "agg" in value else ""
            rows = await connection.fetch(f"SELECT {keys}, {value} AS held FROM {table}{group}")
            found |= {(table, *tuple(row)[:-1]): row["held"] for row in rows}
    finally:
        await connection.close()
    return found


def compare(before: Values, truth: Values, after: Values) -> list[str]:
    """What was good before and is now neither as it was nor as it truly is."""
    worse = []
    for key, good in before.items():
        now = after.get(key)
        if now != good and now != truth.get(key):
            worse.append(f"{' '.join(key)}: {good} became {now}")
    return worse
