"""Which years of history were read already, for whom: what a backfill goes on from."""

from __future__ import annotations

from datetime import date

from invest.store.core import Database


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
