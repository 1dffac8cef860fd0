"""Deleting what is old and led to nothing kept, measured in rows and bytes.

Never touched: bars, statements, corporate actions, macro series, transactions, opinions and their outcomes, reports
that a person keeps, and any payload that a stored value was read from.
"""
# ruff: noqa: S608 - only the constants of this module are put into its SQL; every value is a parameter

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from invest.store.database import Database

BATCH = 5_000  # rows per transaction, so that no lock is held for long
# A value in force keeps the observation it was read from; everything else of observations only explains the past.
DOOMED: dict[str, str] = {
    "observation": """fetched_at < $1 AND NOT EXISTS (SELECT 1 FROM consensus c WHERE c.ticker = x.ticker
        AND c.field = x.field AND c.basis = x.basis AND c.payload = x.payload)""",
    "news_item": "fetched_at < $1",
    "analysis": """analyzed_at < $1 AND EXISTS (SELECT 1 FROM analysis n WHERE n.ticker = x.ticker
        AND n.analyzed_at > x.analyzed_at)""",
    "report": "generated_at < $1 AND NOT kept",
    "portfolio_snapshot": """calculated_at < $1 AND day <> (date_trunc('month', day) + interval '1 month - 1 day')::date
        AND EXISTS (SELECT 1 FROM portfolio_snapshot n WHERE n.portfolio_id = x.portfolio_id AND n.day > x.day
          AND date_trunc('month', n.day) = date_trunc('month', x.day))""",
    "alert_event": "fired_at < $1",
    "job_run": "finished_at < $1",
    "idempotency_key": "created_at < $1",
    "audit_log": "at < $1 - interval '1 year'",
    "upstream_answer": "fetched_at < $1",
    "raw_payload": """last_seen_at < $1
        AND NOT EXISTS (SELECT 1 FROM observation o WHERE o.payload = x.sha256)
        AND NOT EXISTS (SELECT 1 FROM consensus o WHERE o.payload = x.sha256)
        AND NOT EXISTS (SELECT 1 FROM bar_origin o WHERE o.payload = x.sha256)
        AND NOT EXISTS (SELECT 1 FROM corporate_action o WHERE o.payload = x.sha256)
        AND NOT EXISTS (SELECT 1 FROM statement_line o WHERE o.payload = x.sha256)
        AND NOT EXISTS (SELECT 1 FROM news_item o WHERE o.payload = x.sha256)
        AND NOT EXISTS (SELECT 1 FROM macro_point o WHERE o.payload = x.sha256)
        AND NOT EXISTS (SELECT 1 FROM upstream_answer o WHERE o.sha256 = x.sha256)""",
}
# Exports go with their report: their bytes are counted before the cascade takes them.
EXPORTS = """
SELECT count(*) AS rows, coalesce(sum(pg_column_size(e.*)), 0) AS bytes FROM report_export e
JOIN report x USING (report_id) WHERE generated_at < $1 AND NOT kept
"""


@dataclass(frozen=True, slots=True)
class Cleaned:
    """What went from one table: rows, and the bytes they took as stored (compressed)."""

    rows: int
    bytes: int


class Cleanup:
    """`store.cleanup`."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def run(self, cutoff: datetime, *, dry_run: bool = False) -> Mapping[str, Cleaned]:
        """Delete what is older than `cutoff`, table by table; with `dry_run` only measure it.

        PostgreSQL reuses the space at once and returns it to the disk when autovacuum can.
        """
        exports = await self._db.fetchrow(EXPORTS, cutoff)
        found: dict[str, Cleaned] = {}
        for table, doomed in DOOMED.items():
            found[table] = await self._clean(table, doomed, cutoff, dry_run)
        if exports is not None:
            found["report_export"] = Cleaned(int(exports["rows"]), int(exports["bytes"]))
        return found

    async def _clean(self, table: str, doomed: str, cutoff: datetime, dry_run: bool) -> Cleaned:
        if dry_run:
            row = await self._db.fetchrow(
                f"SELECT count(*) AS rows, coalesce(sum(pg_column_size(x.*)), 0) AS bytes FROM {table} x "
                f"WHERE {doomed}",
                cutoff,
            )
            return Cleaned(int(row["rows"]), int(row["bytes"])) if row else Cleaned(0, 0)
        rows = size = 0
        while True:
            gone = await self._db.fetchrow(
                f"WITH gone AS (DELETE FROM {table} x WHERE ctid = ANY(ARRAY("
                f"SELECT ctid FROM {table} x WHERE {doomed} LIMIT {BATCH})) AND {doomed} "
                "RETURNING pg_column_size(x.*) AS size) "
                "SELECT count(*) AS rows, coalesce(sum(size), 0) AS bytes FROM gone",
                cutoff,
            )
            rows += int(gone["rows"]) if gone else 0
            size += int(gone["bytes"]) if gone else 0
            if not gone or gone["rows"] < BATCH:
                return Cleaned(rows, size)
