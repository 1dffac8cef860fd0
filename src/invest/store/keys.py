"""API keys: random, shown once, kept as SHA-256 (a 256-bit random key needs no slow hash)."""
# ruff: noqa: S608 - only the constants of this module are put into its SQL; every value is a parameter

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from invest.domain.access import ApiKey, Scope
from invest.store.core import Connection, Database, Record, clean

PREFIX = "inv_"
FIELDS = "id, name, scopes, created_at, expires_at, revoked_at, last_used_at"
INSERT = "INSERT INTO api_key (id, name, key_hash, scopes, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6)"
PERSON = "person_"  # begins the id of somebody who signs in through a provider: a row without a key that anybody knows
USED_EVERY = timedelta(minutes=1)  # how often a key's last use is written down
MAX_LENGTH = 200


class Keys:
    """`store.keys`."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def create(
        self, name: str, scopes: Iterable[Scope | str], *, expires_at: datetime | None = None
    ) -> tuple[str, ApiKey]:
        """A new key in plain text, which nobody can read again, and what is kept of it."""
        wanted = tuple(sorted({Scope(s) for s in scopes}, key=list(Scope).index))
        if not wanted:
            raise ValueError(f"a key needs at least one scope of {', '.join(Scope)}")
        key_id = secrets.token_hex(4)
        key = ApiKey(id=key_id, name=clean(name), scopes=wanted, created_at=datetime.now(UTC), expires_at=expires_at)
        plain = _plain(key_id)
        await self._db.execute(INSERT, *_row(key, plain))
        return plain, key

    async def rotate(self, key_id: str) -> tuple[str, ApiKey] | None:
        """A new key in the place of an old one: same name, scopes and expiry, its portfolios and alerts handed over.

        The old one is useless at once. None where there is no such key in force, also for a person without one.
        """
        new_id = secrets.token_hex(4)
        plain = _plain(new_id)

        async def work(connection: Connection) -> ApiKey | None:
            if key_id.startswith(PERSON):
                return None
            sql = f"UPDATE api_key SET revoked_at = now() WHERE id = $1 AND revoked_at IS NULL RETURNING {FIELDS}"
            row = await connection.fetchrow(sql, key_id)
            if row is None:
                return None
            fresh = {"id": new_id, "created_at": datetime.now(UTC), "revoked_at": None, "last_used_at": None}
            key = _key(row).model_copy(update=fresh)
            await connection.execute(INSERT, *_row(key, plain))
            await connection.execute("UPDATE portfolio SET owner = $2 WHERE owner = $1", key_id, key.id)
            await connection.execute("UPDATE alert SET owner = $2 WHERE owner = $1", key_id, key.id)
            await connection.execute("UPDATE channel SET owner = $2 WHERE owner = $1", key_id, key.id)
            return key

        made = await self._db.run(work)
        return None if made is None else (plain, made)

    async def admit(self, subject: str, name: str, scope: Scope) -> ApiKey | None:
        """What is kept of somebody whom a provider vouches for, under an id made of `subject`; made at first sight.

        Name and scope become those given. None for one who was revoked here.
        """
        person = PERSON + hashlib.sha256(subject.encode("utf-8", "surrogatepass")).hexdigest()[:16]
        kept = clean(name)[:MAX_LENGTH] or person
        key = ApiKey(id=person, name=kept, scopes=(scope,), created_at=datetime.now(UTC))
        row = await self._db.fetchrow(
            f"{INSERT} ON CONFLICT (id) DO UPDATE SET name = excluded.name, scopes = excluded.scopes, "
            f"last_used_at = excluded.created_at WHERE api_key.revoked_at IS NULL RETURNING {FIELDS}",
            *_row(key, _plain(person)),
        )
        return _key(row) if row else None

    async def verify(self, plain: str, *, now: datetime | None = None) -> ApiKey | None:
        """The key that `plain` is, unless unknown, revoked or expired. Looked up by hash: no timing to learn from."""
        if not plain.startswith(PREFIX) or len(plain) > MAX_LENGTH:
            return None
        moment = now or datetime.now(UTC)
        row = await self._db.fetchrow(
            f"SELECT {FIELDS} FROM api_key WHERE key_hash = $1 AND revoked_at IS NULL "
            "AND (expires_at IS NULL OR expires_at > $2)",
            _digest(plain),
            moment,
        )
        if row is None:
            return None
        if row["last_used_at"] is None or moment - row["last_used_at"] > USED_EVERY:
            await self._db.execute("UPDATE api_key SET last_used_at = $2 WHERE id = $1", row["id"], moment)
        return _key(row)

    async def holdings(self, key_id: str) -> dict[str, int]:
        """How much is stored for a key: portfolios, transactions, alerts."""
        row = await self._db.fetchrow(
            "SELECT (SELECT count(*) FROM portfolio WHERE owner = $1) AS portfolios, (SELECT count(*) FROM "
            "portfolio_transaction t JOIN portfolio p ON p.id = t.portfolio_id WHERE p.owner = $1) AS transactions, "
            "(SELECT count(*) FROM alert WHERE owner = $1) AS alerts",
            key_id,
        )
        return {name: int(row[name]) for name in ("portfolios", "transactions", "alerts")} if row else {}

    async def get(self, key_id: str) -> ApiKey | None:
        """One key by its id, revoked or not; None where there is none."""
        row = await self._db.fetchrow(f"SELECT {FIELDS} FROM api_key WHERE id = $1", key_id)
        return _key(row) if row else None

    async def revoke(self, key_id: str) -> bool:
        """Make a key useless at once; False where there is none or it is revoked already."""
        sql = "UPDATE api_key SET revoked_at = now() WHERE id = $1 AND revoked_at IS NULL"
        return await self._db.execute(sql, key_id) > 0

    async def rename(self, key_id: str, name: str) -> ApiKey | None:
        """Give a key another name; None where there is none in force."""
        sql = f"UPDATE api_key SET name = $2 WHERE id = $1 AND revoked_at IS NULL RETURNING {FIELDS}"
        row = await self._db.fetchrow(sql, key_id, name)
        return None if row is None else _key(row)

    async def readmit(self, person: str) -> bool:
        """Let somebody who signs in through a provider in again; False for a key, which stays revoked for good."""
        if not person.startswith(PERSON):
            return False
        sql = "UPDATE api_key SET revoked_at = NULL WHERE id = $1 AND revoked_at IS NOT NULL AND name <> 'erased'"
        return await self._db.execute(sql, person) > 0

    async def list(self, *, revoked: bool = False) -> list[ApiKey]:
        """Keys by creation; revoked ones only where asked for."""
        rows = await self._db.fetch(
            f"SELECT {FIELDS} FROM api_key WHERE $1 OR revoked_at IS NULL ORDER BY created_at, id", revoked
        )
        return [_key(row) for row in rows]


def _plain(key_id: str) -> str:
    return f"{PREFIX}{key_id}_{secrets.token_urlsafe(32)}"


def _row(key: ApiKey, plain: str) -> tuple[object, ...]:
    return key.id, key.name, _digest(plain), [str(s) for s in key.scopes], key.created_at, key.expires_at


def _digest(plain: str) -> bytes:
    return hashlib.sha256(plain.encode("utf-8", "surrogatepass")).digest()


def _key(row: Record) -> ApiKey:
    return ApiKey(**dict(row))
