"""Payloads: the bytes upstreams answered, stored once by SHA-256."""
# ruff: noqa: S608 - only the constants of this module are put into its SQL; every value is a parameter

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from invest.domain.values import RawPayload
from invest.store.core import Connection, Database, Record, clean, columns

KEPT = "SELECT sha256 FROM raw_payload WHERE sha256 = ANY($1::text[]) AND body IS NOT NULL"
FIELDS = "sha256, source, url, fetched_at, status, content_type, etag, last_modified, size, sandbox"
PUT = """
INSERT INTO raw_payload AS p (sha256, source, url, fetched_at, last_seen_at, status, content_type, etag, last_modified,
                              size, sandbox, body)
SELECT h, s, u, f, l, c, t, e, m, z, x, b
FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::timestamptz[], $6::int[], $7::text[], $8::text[],
            $9::text[], $10::bigint[], $11::bool[], $12::bytea[]) AS y (h, s, u, f, l, c, t, e, m, z, x, b)
ON CONFLICT (sha256) DO UPDATE
  SET last_seen_at = greatest(p.last_seen_at, excluded.last_seen_at), body = coalesce(p.body, excluded.body)
"""
ANSWERED = """
INSERT INTO upstream_answer AS a (url_hash, url, sha256, etag, last_modified, fetched_at)
SELECT k, u, h, e, m, f
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[]) AS x (k, u, h, e, m, f)
ON CONFLICT (url_hash) DO UPDATE SET sha256 = excluded.sha256, etag = excluded.etag,
  last_modified = excluded.last_modified, fetched_at = excluded.fetched_at
WHERE a.fetched_at <= excluded.fetched_at
"""
BIG = 262_144  # bytes: from here on it is worth asking first whether they are there already
ERROR_STATUS = 400


async def write_payloads(connection: Connection, payloads: Sequence[RawPayload]) -> None:
    """Store what is new and note when the rest was seen again, in the transaction of `connection`."""
    once: dict[str, RawPayload] = {}
    seen: dict[str, datetime] = {}
    for p in payloads:
        if p.sha256 not in once or once[p.sha256].body is None:
            once[p.sha256] = p
        seen[p.sha256] = max(p.fetched_at, seen.get(p.sha256, p.fetched_at))
    if not once:
        return
    rows = [once[sha256] for sha256 in sorted(once)]
    there = await _stored(connection, [p.sha256 for p in rows if p.body is not None and len(p.body) >= BIG])
    digest, source, at, status, etag, modified, size, sandbox = columns(
        rows, "sha256", "source", "fetched_at", "status", "etag", "last_modified", "size", "sandbox"
    )
    urls, types = [clean(p.url) for p in rows], [clean(p.content_type) for p in rows]
    bodies = [None if p.sha256 in there else p.body for p in rows]
    last = [seen[sha256] for sha256 in digest]
    await connection.execute(PUT, digest, source, urls, at, last, status, types, etag, modified, size, sandbox, bodies)
    await _write_answers(connection, payloads)


async def _stored(connection: Connection, hashes: Sequence[str]) -> set[str]:
    """Those of `hashes` whose bytes are here."""
    if not hashes:
        return set()
    return {row["sha256"] for row in await connection.fetch(KEPT, hashes)}


async def _write_answers(connection: Connection, payloads: Sequence[RawPayload]) -> None:
    """Note the newest good answer of each address."""
    newest: dict[str, RawPayload] = {}
    for p in payloads:
        held = newest.get(p.url)
        if p.status < ERROR_STATUS and (held is None or held.fetched_at <= p.fetched_at):
            newest[p.url] = p
    answers = sorted(
        (url_hash(url), clean(url), p.sha256, p.etag, p.last_modified, p.fetched_at) for url, p in newest.items()
    )
    if answers:
        await connection.execute(ANSWERED, *zip(*answers, strict=True))


class Payloads:
    """`store.payloads`."""

    def __init__(self, database: Database) -> None:
        self._db = database
        self._reading = asyncio.Lock()  # one large file at a time is in memory, however many jobs bring it

    async def put_file(self, payload: RawPayload, path: Path) -> None:
        """Keep the bytes of `payload`, which are in a file, unless they are here already. Raises `OSError`."""
        async with self._reading:
            if payload.sha256 not in await self.kept([payload.sha256]):
                await self.put(payload.model_copy(update={"body": await asyncio.to_thread(path.read_bytes)}))

    async def put(self, *payloads: RawPayload) -> None:
        """Keep each payload once; the same bytes again only renew when they were last seen."""
        if payloads:
            await self._db.run(lambda c: write_payloads(c, payloads))

    async def get(self, sha256: str) -> RawPayload | None:
        """One payload with its body, or None."""
        row = await self._db.fetchrow(f"SELECT {FIELDS}, body FROM raw_payload WHERE sha256 = $1", sha256)
        return RawPayload(**dict(row)) if row else None

    async def describe(self, *hashes: str) -> dict[str, RawPayload]:
        """Payloads without their bodies, by hash: for the provenance lines of a report."""
        rows = await self._db.fetch(f"SELECT {FIELDS} FROM raw_payload WHERE sha256 = ANY($1::text[])", list(hashes))
        return {row["sha256"]: RawPayload(**dict(row)) for row in rows}

    async def kept(self, hashes: Sequence[str]) -> set[str]:
        """Those of `hashes` whose bytes are here."""
        return {row["sha256"] for row in await self._db.fetch(KEPT, list(hashes))}

    async def without_body(self) -> set[str]:
        """Hashes whose bytes are not here: only the file on disk, where there is one, has them."""
        rows = await self._db.fetch("SELECT sha256 FROM raw_payload WHERE body IS NULL")
        return {row["sha256"] for row in rows}

    async def latest(self, url: str) -> RawPayload | None:
        """The newest good answer of an address without its body: ETag and Last-Modified for a conditional request."""
        row: Record | None = await self._db.fetchrow(
            "SELECT p.sha256, p.source, a.url, a.fetched_at, p.status, p.content_type, a.etag, a.last_modified, "
            "p.size, p.sandbox FROM upstream_answer a JOIN raw_payload p USING (sha256) WHERE a.url_hash = $1",
            url_hash(url),
        )
        return RawPayload(**dict(row)) if row else None

    async def by_source(self) -> dict[str, tuple[datetime, int]]:
        """When each source gave its last good answer, and how many different ones are kept."""
        rows = await self._db.fetch(
            "SELECT source, max(last_seen_at) AS at, count(*) AS answers FROM raw_payload WHERE status < $1 "
            "GROUP BY source",
            ERROR_STATUS,
        )
        return {row["source"]: (row["at"], row["answers"]) for row in rows}

    async def seen(self, sha256: str, at: datetime) -> None:
        """Note that an upstream confirmed these bytes (304): they count as fresh for cleaning up."""
        await self._db.execute(
            "UPDATE raw_payload SET last_seen_at = greatest(last_seen_at, $2) WHERE sha256 = $1", sha256, at
        )


def url_hash(url: str) -> str:
    """Key of an address; addresses may be longer than an index takes."""
    return hashlib.sha256(url.encode("utf-8", "surrogatepass")).hexdigest()
