"""What was read when: years of history and for whom, assets of a first collection, the events of papers by source."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from invest.domain.values import EventReading
from invest.store.core import Connection, Database, columns

UPSERT = """
INSERT INTO event_reading AS e (ticker, source, read_on, mark)
SELECT * FROM unnest($1::text[], $2::text[], $3::date[], $4::text[])
ON CONFLICT (ticker, source) DO UPDATE SET read_on = excluded.read_on, mark = excluded.mark
WHERE e.read_on <= excluded.read_on
"""


async def write_readings(connection: Connection, readings: Iterable[EventReading]) -> None:
    """Note readings, in the transaction of `connection`; an older one changes nothing."""
    newest: dict[tuple[str, str], EventReading] = {}
    for reading in sorted(readings, key=lambda r: (r.ticker, r.source, r.read_on)):
        newest[reading.ticker, reading.source] = reading
    if newest:
        await connection.execute(UPSERT, *columns(newest.values(), "ticker", "source", "read_on", "mark"))


class EventReadings:
    """`store.event_readings`."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def of_many(self, tickers: Sequence[str]) -> dict[str, dict[str, EventReading]]:
        """The newest reading of each paper by each source; papers that no source read are left out."""
        sql = "SELECT ticker, source, read_on, mark FROM event_reading WHERE ticker = ANY($1::text[])"
        found: dict[str, dict[str, EventReading]] = {}
        for row in await self._db.fetch(sql, list(tickers)):
            found.setdefault(row["ticker"], {})[row["source"]] = EventReading(*row)
        return found


class Backfills:
    """`store.backfills`."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def done(self, scope: str) -> dict[int, float]:
        """Years that are done, and the seconds each took."""
        rows = await self._db.fetch("SELECT year, seconds FROM backfill_step WHERE scope = $1", scope)
        return {row["year"]: row["seconds"] for row in rows}

    async def mark(self, scope: str, year: int, rows: int, seconds: float) -> None:
        """Note that a year is done."""
        await self._db.execute(
            "INSERT INTO backfill_step (scope, year, rows, seconds) VALUES ($1, $2, $3, $4) ON CONFLICT (scope, year) "
            "DO UPDATE SET rows = excluded.rows, seconds = excluded.seconds, done_at = now()",
            scope,
            year,
            rows,
            seconds,
        )

    async def collected(self, session: date) -> set[str]:
        """Assets that the collection of a market stored up to `session`."""
        rows = await self._db.fetch("SELECT ticker FROM collected_asset WHERE session >= $1", session)
        return {row["ticker"] for row in rows}

    async def mark_collected(self, ticker: str, session: date) -> None:
        """Note that an asset is stored up to `session`."""
        await self._db.execute(
            "INSERT INTO collected_asset (ticker, session) VALUES ($1, $2) "
            "ON CONFLICT (ticker) DO UPDATE SET session = excluded.session, done_at = now()",
            ticker,
            session,
        )
