"""Macro series: CDI, Selic, IPCA, dollar, expectations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date

import numpy as np

from invest.domain.frozen import bare
from invest.domain.market import MacroColumns, MacroPoint
from invest.store.core import Connection, Database, chunks, columns, texts
from invest.store.market.actions import RankOf

CHUNK = 10_000
UPSERT = """
INSERT INTO macro_point AS m (series, day, value, source, payload, rank)
SELECT s, d, v::numeric, o, p, r
FROM unnest($1::text[], $2::date[], $3::text[], $4::text[], $5::text[], $6::int[]) AS x (s, d, v, o, p, r)
ON CONFLICT (series, day) DO UPDATE
  SET value = excluded.value, source = excluded.source, payload = excluded.payload, rank = excluded.rank
WHERE excluded.rank <= m.rank AND excluded.value IS DISTINCT FROM m.value
RETURNING series
"""
# A series packed by the server: day since 1970-01-01 and value, big-endian; then where the newest value is from.
PACK = """
SELECT string_agg(int4send(day - date '1970-01-01') || float8send(value::float8), ''::bytea ORDER BY day) AS points,
       (array_agg(source ORDER BY day DESC))[1] AS source, (array_agg(payload ORDER BY day DESC))[1] AS payload
FROM macro_point WHERE series = $1 AND ($2::date IS NULL OR day >= $2)
"""
POINT = np.dtype([("day", ">i4"), ("value", ">f8")])


async def write_macro(connection: Connection, points: Iterable[MacroPoint], rank_of: RankOf) -> Counter[str]:
    """Store points in the transaction of `connection`; returns how many were new or revised, by series.

    A worse source never replaces a better one's value.
    """
    once: dict[tuple[str, date], MacroPoint] = {}
    for point in points:
        held = once.get((point.series, point.day))
        if held is None or rank_of(point.source)[0] <= rank_of(held.source)[0]:
            once[point.series, point.day] = point
    changed: Counter[str] = Counter()
    for part in chunks([once[key] for key in sorted(once)], CHUNK):
        series, day, value, source, payload = columns(part, "series", "day", "value", "source", "payload")
        ranks = [rank_of(name)[0] for name in source]
        new = await connection.fetch(UPSERT, series, day, texts(value), source, payload, ranks)
        changed.update(row["series"] for row in new)
    return changed


class Macro:
    """`store.macro`."""

    def __init__(self, database: Database, rank_of: RankOf) -> None:
        self._db = database
        self._rank_of = rank_of

    async def upsert(self, points: Sequence[MacroPoint]) -> int:
        """Keep points; returns how many were new or revised."""
        return (await self._db.run(lambda c: write_macro(c, points, self._rank_of))).total()

    async def read(self, series: str, *, since: date | None = None, until: date | None = None) -> list[MacroPoint]:
        """One series by day, in its own unit."""
        rows = await self._db.fetch(
            "SELECT series, day, value, source, payload FROM macro_point WHERE series = $1 "
            "AND ($2::date IS NULL OR day >= $2) AND ($3::date IS NULL OR day <= $3) ORDER BY day",
            series,
            since,
            until,
        )
        return [bare(MacroPoint, **dict(row)) for row in rows]

    async def columns(self, series: str, *, since: date | None = None) -> MacroColumns:
        """One series as columns, for computing: no object for each of its thousands of days."""
        [(points, source, payload)] = await self._db.fetch(PACK, series, since)
        table = np.frombuffer(points or b"", POINT)
        days = table["day"].astype(np.int64).view("datetime64[D]")
        return MacroColumns(days, table["value"].astype(np.float64), source, payload)

    async def last(self, series: str, *, on: date | None = None) -> MacroPoint | None:
        """The newest value (up to a day), or None. Some series hold future days: give `on` to leave them out."""
        row = await self._db.fetchrow(
            "SELECT series, day, value, source, payload FROM macro_point WHERE series = $1 "
            "AND ($2::date IS NULL OR day <= $2) ORDER BY day DESC LIMIT 1",
            series,
            on,
        )
        return MacroPoint(**dict(row)) if row else None

    async def series(self, prefix: str = "") -> dict[str, date]:
        """The stored series whose name starts with `prefix`, with their newest day."""
        rows = await self._db.fetch(
            "SELECT series, max(day) AS day FROM macro_point WHERE starts_with(series, $1) GROUP BY series "
            "ORDER BY series",
            prefix,
        )
        return {row["series"]: row["day"] for row in rows}
