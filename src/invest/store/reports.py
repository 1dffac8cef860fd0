"""Reports and their exported files."""
# ruff: noqa: S608 - only the constants of this module are put into its SQL; every value is a parameter

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime

from invest.domain.documents import ReportExport, StoredReport
from invest.errors import NotFound
from invest.store.core import Database, Record, clean, from_json, to_json

HEAD = "report_id, report_type, tickers, portfolio_id, language, ai_provider, generated_at, sandbox, kept"
SAVE = f"""
INSERT INTO report AS r ({HEAD}, view, content)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10::text::jsonb, $11)
ON CONFLICT (report_id) DO UPDATE SET view = excluded.view, content = excluded.content,
  generated_at = excluded.generated_at, kept = r.kept OR excluded.kept
"""
EXPORT = """
INSERT INTO report_export (report_id, format, include_charts, filename, content_type, sha256, size, exported_at, body)
SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9 WHERE EXISTS (SELECT 1 FROM report WHERE report_id = $1 FOR KEY SHARE)
ON CONFLICT (report_id, format, include_charts) DO UPDATE SET filename = excluded.filename,
  content_type = excluded.content_type, sha256 = excluded.sha256, size = excluded.size,
  exported_at = excluded.exported_at, body = excluded.body
"""
FILE = "report_id, format, include_charts, filename, content_type, sha256, size, exported_at"


class Reports:
    """`store.reports`."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def save(self, report: StoredReport) -> None:
        """Keep a report by its id; a repeated save replaces it and never un-keeps it."""
        await self._db.execute(
            SAVE,
            report.report_id,
            report.report_type,
            list(report.tickers),
            report.portfolio_id,
            report.language,
            report.ai_provider,
            report.generated_at,
            report.sandbox,
            report.kept,
            to_json(report.view),
            clean(report.content),
        )

    async def get(self, report_id: str) -> StoredReport | None:
        """One report with view model and content, or None."""
        row = await self._db.fetchrow(f"SELECT {HEAD}, view, content FROM report WHERE report_id = $1", report_id)
        return _report(row, view=from_json(row["view"]), content=row["content"]) if row else None

    async def list(
        self,
        *,
        ticker: str | None = None,
        portfolio_id: str | None = None,
        report_type: str | None = None,
        owner: str | None = None,
        before: tuple[datetime, str] | None = None,
        limit: int = 50,
    ) -> list[StoredReport]:
        """Reports without view and content, newest first; `before` = (generated_at, report_id) of the last one seen.

        With `owner` those about portfolios of others are left out.
        """
        at, last = before or (None, "")
        rows = await self._db.fetch(
            f"SELECT {HEAD} FROM report WHERE ($1::text IS NULL OR tickers @> ARRAY[$1]) "
            "AND ($2::text IS NULL OR portfolio_id = $2) AND ($3::text IS NULL OR report_type = $3) "
            "AND ($4::timestamptz IS NULL OR generated_at < $4 OR generated_at = $4 AND report_id > $5) "
            "AND ($7::text IS NULL OR portfolio_id IS NULL "
            "OR EXISTS (SELECT 1 FROM portfolio p WHERE p.id = report.portfolio_id AND p.owner = $7)) "
            "ORDER BY generated_at DESC, report_id LIMIT $6",
            ticker,
            portfolio_id,
            report_type,
            at,
            last,
            limit,
            owner,
        )
        return [_report(row) for row in rows]

    async def keep(self, report_id: str, kept: bool = True) -> bool:
        """Mark a report as kept by a person, or not; False where there is no such report."""
        sql = "UPDATE report SET kept = $2 WHERE report_id = $1"
        return await self._db.execute(sql, report_id, kept) > 0

    async def delete(self, report_id: str) -> bool:
        """Delete a report and its exports; False where there is none."""
        return await self._db.execute("DELETE FROM report WHERE report_id = $1", report_id) > 0

    async def save_export(
        self,
        report_id: str,
        format: str,  # noqa: A002 - the contract's name
        body: bytes,
        *,
        filename: str,
        content_type: str,
        include_charts: bool = True,
        exported_at: datetime | None = None,
    ) -> ReportExport:
        """Keep a file made from a report, replacing an earlier one. Raises `NotFound` where the report is gone."""
        export = ReportExport(
            report_id=report_id,
            format=format,
            include_charts=include_charts,
            filename=clean(filename),
            content_type=content_type,
            sha256=hashlib.sha256(body).hexdigest(),
            size=len(body),
            exported_at=exported_at or datetime.now(UTC),
        )
        values = [getattr(export, name) for name in FILE.split(", ")]
        if not await self._db.execute(EXPORT, *values, body):
            raise NotFound(f"no report {report_id}")
        return export

    async def download(
        self,
        report_id: str,
        format: str,  # noqa: A002 - the contract's name
        *,
        include_charts: bool | None = None,
    ) -> ReportExport | None:
        """The newest file of a format with its bytes, or None."""
        row = await self._db.fetchrow(
            f"SELECT {FILE}, body FROM report_export WHERE report_id = $1 AND format = $2 "
            "AND ($3::bool IS NULL OR include_charts = $3) ORDER BY exported_at DESC LIMIT 1",
            report_id,
            format,
            include_charts,
        )
        return ReportExport(**dict(row)) if row else None

    async def exports(self, report_id: str) -> Sequence[ReportExport]:
        """The files of a report without their bytes."""
        sql = f"SELECT {FILE} FROM report_export WHERE report_id = $1 ORDER BY format, include_charts"
        return [ReportExport(**dict(row)) for row in await self._db.fetch(sql, report_id)]


def _report(row: Record, *, view: object = None, content: str = "") -> StoredReport:
    head = {name: row[name] for name in HEAD.split(", ")}
    return StoredReport(**head, view=view or {}, content=content)
