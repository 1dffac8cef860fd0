"""Delete old rows that nothing kept refers to; counts rows and bytes.

Never touched: bars, statements, corporate actions, macro series, transactions, opinions and their outcomes, reports
that a person keeps, and any payload that a stored value or a report leads back to.
"""
# ruff: noqa: S608 - only the constants of this module are put into its SQL; every value is a parameter

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from invest.store.core import Database, Record

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
    "notice": "created_at < $1",
    "job_run": "finished_at < $1",
    "idempotency_key": "created_at < $1",
    "audit_log": "at < $1::timestamptz - interval '1 year'",
    "upstream_answer": "fetched_at < $1",
    "raw_payload": """last_seen_at < $1
        AND NOT EXISTS (SELECT 1 FROM observation o WHERE o.payload = x.sha256)
        AND NOT EXISTS (SELECT 1 FROM consensus o WHERE o.payload = x.sha256)
        AND NOT EXISTS (SELECT 1 FROM bar_origin o WHERE o.payload = x.sha256)
        AND NOT EXISTS (SELECT 1 FROM corporate_action o WHERE o.payload = x.sha256)
        AND NOT EXISTS (SELECT 1 FROM statement_line o WHERE o.payload = x.sha256)
        AND NOT EXISTS (SELECT 1 FROM news_item o WHERE o.payload = x.sha256)
        AND NOT EXISTS (SELECT 1 FROM macro_point o WHERE o.payload = x.sha256)
        AND NOT EXISTS (SELECT 1 FROM upstream_answer o WHERE o.sha256 = x.sha256)
        AND x.sha256 NOT IN (SELECT j ->> 'payload' FROM consensus c, jsonb_array_elements(c.body -> 'rejected') AS j)
        AND x.sha256 NOT IN (SELECT m[1] FROM report r, regexp_matches(r.view::text, '[0-9a-f]{64}', 'g') AS m)""",
}
# Exports go with their report: they are counted before the cascade takes them.
EXPORTS = "EXISTS (SELECT 1 FROM report r WHERE r.report_id = x.report_id AND r.generated_at < $1 AND NOT r.kept)"
ROW_HEADER = 24  # bytes PostgreSQL adds to every row


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
        found = {"report_export": await self._measure("report_export", EXPORTS, cutoff)}
        for table, doomed in DOOMED.items():
            work = self._measure if dry_run else self._delete
            found[table] = await work(table, doomed, cutoff)
        return found

    async def _measure(self, table: str, doomed: str, cutoff: datetime) -> Cleaned:
        size = await self._size(table)
        row = await self._db.fetchrow(
            # nosec B608 - tables and conditions are those of DOOMED
            f"SELECT count(*) AS rows, coalesce(sum({size}), 0) AS bytes FROM {table} x WHERE {doomed}",
            cutoff,
        )
        return _cleaned(row)

    async def _delete(self, table: str, doomed: str, cutoff: datetime) -> Cleaned:
        size = await self._size(table)
        sql = f"""
        WITH gone AS (
          DELETE FROM {table} x WHERE ctid = ANY(ARRAY(SELECT ctid FROM {table} x WHERE {doomed} LIMIT {BATCH}))
          AND {doomed} RETURNING {size} AS size
        ) SELECT count(*) AS rows, coalesce(sum(size), 0) AS bytes FROM gone
        """  # nosec B608 - tables and conditions are those of DOOMED
        rows = size_freed = 0
        while True:
            gone = _cleaned(await self._db.fetchrow(sql, cutoff))
            rows, size_freed = rows + gone.rows, size_freed + gone.bytes
            if gone.rows < BATCH:
                return Cleaned(rows, size_freed)

    async def _size(self, table: str) -> str:
        """SQL for the stored size of a row; sizes of large values are read from their headers, not from the values."""
        columns = await self._db.fetch(
            "SELECT quote_ident(attname) AS name FROM pg_attribute "
            "WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
            table,
        )
        parts = (f"coalesce(pg_column_size(x.{row['name']}), 0)" for row in columns)
        return " + ".join((str(ROW_HEADER), *parts))


def _cleaned(row: Record | None) -> Cleaned:
    return Cleaned(int(row["rows"]), int(row["bytes"])) if row else Cleaned(0, 0)
