"""The audit log: one line per change."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from invest.domain.access import AuditLine
from invest.store.core import Database, clean, clean_or_none, from_json, to_json


class Audit:
    """`store.audit`."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def append(
        self,
        actor: str,
        action: str,
        subject: str,
        *,
        detail: Mapping[str, Any] | None = None,
        request_id: str | None = None,
        at: datetime | None = None,
    ) -> int:
        """Write a line; returns its number. `detail` must hold no secret."""
        number = await self._db.fetchval(
            "INSERT INTO audit_log (at, actor, action, subject, request_id, detail) "
            "VALUES ($1, $2, $3, $4, $5, $6::text::jsonb) RETURNING id",
            at or datetime.now(UTC),
            clean(actor),
            clean(action),
            clean(subject),
            clean_or_none(request_id),
            to_json(dict(detail or {})),
        )
        return int(number)

    async def list(
        self, *, actor: str | None = None, action: str | None = None, before: int | None = None, limit: int = 50
    ) -> list[AuditLine]:
        """Lines, newest first; `before` is the number of the last one seen."""
        rows = await self._db.fetch(
            "SELECT id, at, actor, action, subject, request_id, detail FROM audit_log "
            "WHERE ($1::text IS NULL OR actor = $1) AND ($2::text IS NULL OR action = $2) "
            "AND ($3::bigint IS NULL OR id < $3) ORDER BY id DESC LIMIT $4",
            actor,
            action,
            before,
            limit,
        )
        return [AuditLine(**(dict(row) | {"detail": from_json(row["detail"])})) for row in rows]
