"""Deleting a thing deletes what was made of it: reports, files and its traces in the history of jobs.

Bars, filings and opinions are about companies and stay. The audit log keeps that something was deleted, and when.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from invest.store.core import Connection, Database, from_json

# Jobs whose arguments name one of the portfolios $1 or reports $2.
NAMED = """
SELECT id FROM job_run WHERE args -> 'kwargs' ? 'portfolio_id' AND args -> 'kwargs' ->> 'portfolio_id' = ANY($1::text[])
UNION SELECT id FROM job_run WHERE args -> 'kwargs' ? 'report_id' AND args -> 'kwargs' ->> 'report_id' = ANY($2::text[])
UNION SELECT id FROM job_run WHERE (args -> 'kwargs' ? 'portfolio_ids' OR args -> 'kwargs' ? 'report_ids')
  AND (args -> 'kwargs' -> 'portfolio_ids' ?| $1::text[] OR args -> 'kwargs' -> 'report_ids' ?| $2::text[])
"""
OWNED: dict[str, str] = {
    "portfolios": "SELECT to_jsonb(p) AS row FROM portfolio p WHERE owner = $1 ORDER BY created_at, id",
    "transactions": "SELECT to_jsonb(t) AS row FROM portfolio_transaction t JOIN portfolio p ON p.id = t.portfolio_id "
    "WHERE p.owner = $1 ORDER BY t.portfolio_id, t.day, t.id",
    "fixed_income": "SELECT to_jsonb(b) AS row FROM portfolio_bond b JOIN portfolio p ON p.id = b.portfolio_id "
    "WHERE p.owner = $1 ORDER BY b.portfolio_id, b.id",
    "fixed_income_rows": "SELECT to_jsonb(r) AS row FROM portfolio_paper_row r JOIN portfolio p "
    "ON p.id = r.portfolio_id WHERE p.owner = $1 ORDER BY r.portfolio_id, r.day, r.id",
    "snapshots": "SELECT to_jsonb(s) AS row FROM portfolio_snapshot s JOIN portfolio p ON p.id = s.portfolio_id "
    "WHERE p.owner = $1 ORDER BY s.portfolio_id, s.day",
    "alerts": "SELECT to_jsonb(a) AS row FROM alert a WHERE owner = $1 ORDER BY created_at, id",
    "alert_events": "SELECT to_jsonb(e) AS row FROM alert_event e JOIN alert a ON a.id = e.alert_id "
    "WHERE a.owner = $1 ORDER BY e.fired_at",
    "channels": "SELECT to_jsonb(c) - 'address' - 'signing_key' AS row FROM channel c WHERE owner = $1 "
    "ORDER BY created_at, id",
    "notices": "SELECT to_jsonb(n) AS row FROM notice n JOIN channel c ON c.id = n.channel_id WHERE c.owner = $1 "
    "ORDER BY n.id",
    "reports": "SELECT to_jsonb(r) AS row FROM report r JOIN portfolio p ON p.id = r.portfolio_id WHERE p.owner = $1 "
    "ORDER BY r.generated_at",
    "jobs": "SELECT to_jsonb(j) AS row FROM job_run j WHERE args ->> 'by' = $1 ORDER BY event_ms",
    "audit": "SELECT to_jsonb(l) AS row FROM audit_log l WHERE actor = $1 ORDER BY id",
    "key": "SELECT to_jsonb(k) - 'key_hash' AS row FROM api_key k WHERE id = $1",
}


@dataclass(slots=True)
class Erased:
    """What was deleted, and what is still elsewhere: files by name, jobs whose results Redis may still have."""

    portfolios: list[str] = field(default_factory=list)
    reports: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    jobs: list[str] = field(default_factory=list)
    alerts: int = 0

    @property
    def found(self) -> bool:
        """Whether there was anything to delete."""
        return bool(self.portfolios or self.reports or self.alerts)


class Erasure:
    """`store.erasure`."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def portfolio(self, portfolio_id: str) -> Erased:
        """Delete a portfolio with its transactions, snapshots, alerts, reports and files; empty where there is none."""
        return await self._db.run(lambda c: _portfolios(c, [portfolio_id]))

    async def report(self, report_id: str) -> Erased:
        """Delete a report with its files; empty where there is none."""
        return await self._db.run(lambda c: _reports(c, [report_id], Erased()))

    async def of_key(self, key_id: str) -> dict[str, list[Any]]:
        """Everything that belongs to an API key, as plain data by kind: for a person who asks what is kept."""
        return {
            kind: [from_json(row["row"]) for row in await self._db.fetch(sql, key_id)] for kind, sql in OWNED.items()
        }

    async def key(self, key_id: str) -> Erased:
        """Delete everything that belongs to a key, and end the key. The audit keeps its lines without who and what."""

        async def work(connection: Connection) -> Erased:
            rows = await connection.fetch("SELECT id FROM portfolio WHERE owner = $1", key_id)
            gone = await _portfolios(connection, [row["id"] for row in rows])
            alerts = await connection.fetch("DELETE FROM alert WHERE owner = $1 RETURNING id", key_id)
            await connection.execute("DELETE FROM channel WHERE owner = $1", key_id)
            own = await connection.fetch("DELETE FROM job_run WHERE args ->> 'by' = $1 RETURNING id", key_id)
            gone.alerts += len(alerts)
            gone.jobs = sorted({*gone.jobs, *(row["id"] for row in own)})
            await connection.execute(
                "UPDATE api_key SET name = 'erased', revoked_at = coalesce(revoked_at, now()) WHERE id = $1", key_id
            )
            await connection.execute(
                "UPDATE audit_log SET actor = 'erased', subject = '', detail = '{}' WHERE actor = $1", key_id
            )
            return gone

        return await self._db.run(work)

    async def file_names(self) -> frozenset[str]:
        """Names of all files that some report has."""
        rows = await self._db.fetch("SELECT DISTINCT filename FROM report_export")
        return frozenset(row["filename"] for row in rows)


async def _portfolios(connection: Connection, ids: Sequence[str]) -> Erased:
    gone = Erased()
    rows = await connection.fetch("SELECT report_id FROM report WHERE portfolio_id = ANY($1::text[])", list(ids))
    await _reports(connection, [row["report_id"] for row in rows], gone)
    alerts = await connection.fetch("DELETE FROM alert WHERE portfolio_id = ANY($1::text[]) RETURNING id", list(ids))
    await _forget_notices(connection, "alert:", [row["id"] for row in alerts])
    deleted = await connection.fetch("DELETE FROM portfolio WHERE id = ANY($1::text[]) RETURNING id", list(ids))
    gone.portfolios, gone.alerts = [row["id"] for row in deleted], len(alerts)
    await _forget_jobs(connection, list(ids), [], gone)
    return gone


async def _reports(connection: Connection, ids: Sequence[str], gone: Erased) -> Erased:
    files = await connection.fetch("SELECT filename FROM report_export WHERE report_id = ANY($1::text[])", list(ids))
    rows = await connection.fetch("DELETE FROM report WHERE report_id = ANY($1::text[]) RETURNING report_id", list(ids))
    await _forget_notices(connection, "report:", ids)
    gone.files += [row["filename"] for row in files]
    gone.reports += [row["report_id"] for row in rows]
    await _forget_jobs(connection, [], list(ids), gone)
    return gone


async def _forget_notices(connection: Connection, kind: str, ids: Sequence[str]) -> None:
    """What was told of these reports or alerts; it would go to their owner's channels alone."""
    sql = "DELETE FROM notice WHERE starts_with(key, $1) AND split_part(key, ':', 2) = ANY($2::text[])"
    await connection.execute(sql, kind, list(ids))


async def _forget_jobs(connection: Connection, portfolios: list[str], reports: list[str], gone: Erased) -> None:
    """The history keeps that jobs ran, not over what."""
    rows = await connection.fetch(
        f"UPDATE job_run SET args = NULL, error = NULL WHERE id IN ({NAMED}) RETURNING id",  # noqa: S608 - a constant
        portfolios,
        reports,
    )
    gone.jobs = sorted({*gone.jobs, *(row["id"] for row in rows)})
