"""Answers kept under a caller's Idempotency-Key, so that a repeated request does nothing twice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from invest.store.core import Database, clean, from_json, to_json

TTL = timedelta(hours=24)
CLAIM = """
INSERT INTO idempotency_key AS k (owner, key, request_hash, created_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (owner, key) DO UPDATE SET request_hash = excluded.request_hash, created_at = excluded.created_at,
  status = NULL, headers = NULL, body = NULL
WHERE k.created_at < $5
RETURNING 1
"""


@dataclass(frozen=True, slots=True)
class Kept:
    """What stands under a key: `status` is None while the first request is still being worked on."""

    request_hash: str
    status: int | None
    headers: Mapping[str, str]
    body: bytes


class Idempotency:
    """`store.idempotency`."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def claim(self, owner: str, key: str, request_hash: str, *, now: datetime | None = None) -> Kept | None:
        """None: the key is ours now, do the work. Else what stands under it (for 24 h): replay, 409 or 422."""
        moment = now or datetime.now(UTC)
        owner, key = clean(owner), clean(key)
        if await self._db.fetchval(CLAIM, owner, key, request_hash, moment, moment - TTL):
            return None
        row = await self._db.fetchrow("SELECT * FROM idempotency_key WHERE owner = $1 AND key = $2", owner, key)
        if row is None:
            return await self.claim(owner, key, request_hash, now=now)
        return Kept(row["request_hash"], row["status"], from_json(row["headers"]) or {}, row["body"] or b"")

    async def complete(self, owner: str, key: str, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """Keep the answer for the repeats."""
        await self._db.execute(
            "UPDATE idempotency_key SET status = $3, headers = $4::text::jsonb, body = $5 "
            "WHERE owner = $1 AND key = $2",
            clean(owner),
            clean(key),
            status,
            to_json(dict(headers)),
            body,
        )

    async def release(self, owner: str, key: str) -> None:
        """Give the key back after a failure, so that the caller may try again."""
        await self._db.execute(
            "DELETE FROM idempotency_key WHERE owner = $1 AND key = $2 AND status IS NULL", clean(owner), clean(key)
        )
