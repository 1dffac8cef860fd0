"""Numbered SQL migrations, applied once, in order, however many processes boot at the same time."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib import resources

import asyncpg

from invest.errors import ConfigError
from invest.settings import DatabaseSettings, Settings
from invest.store.core.address import address_of, connect_arguments
from invest.store.core.database import LOST, Connection, one_line, unreachable

# One number for this schema's lock, taken for the length of the migrating transaction.
LOCK = 7_405_166_201
TABLE = """
CREATE TABLE IF NOT EXISTS schema_migration (
  name text PRIMARY KEY,
  checksum text NOT NULL,
  applied_at timestamptz NOT NULL DEFAULT now()
)
"""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file of migrations/."""

    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """SHA-256 of its text, line ends normalised."""
        return hashlib.sha256(self.sql.replace("\r\n", "\n").encode()).hexdigest()


def known_migrations() -> list[Migration]:
    """The files this version ships, in order of their numbers."""
    folder = resources.files("invest.store") / "migrations"
    files = sorted((f for f in folder.iterdir() if f.name.endswith(".sql")), key=lambda f: f.name)
    return [Migration(f.name, f.read_text(encoding="utf-8")) for f in files]


async def migrate(target: Settings | DatabaseSettings | str) -> list[str]:
    """Apply what is missing, in one transaction under an advisory lock; returns the names applied now.

    Safe to call from many processes at once. Raises `ConfigError` where an applied file was changed since.
    """
    connection = await _connect(target)
    try:
        async with connection.transaction():
            # Waiting for the other replicas is no fault: no limit here, the limits come back for the DDL itself.
            await connection.execute("SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0")
            await connection.execute("SELECT pg_advisory_xact_lock($1)", LOCK)
            await connection.execute("SET LOCAL lock_timeout = '60s'")
            await connection.execute(TABLE)
            missing = _missing(await _applied(connection))
            for migration in missing:
                await _apply(connection, migration)
        return [m.name for m in missing]
    finally:
        await connection.close()


async def pending(target: Settings | DatabaseSettings | str) -> list[str]:
    """Names of the migrations that `migrate` would apply; changes nothing."""
    connection = await _connect(target)
    try:
        if await connection.fetchval("SELECT to_regclass('schema_migration')") is None:
            return [m.name for m in known_migrations()]
        return [m.name for m in _missing(await _applied(connection))]
    finally:
        await connection.close()


async def _connect(target: Settings | DatabaseSettings | str) -> Connection:
    database = target.database if isinstance(target, Settings) else target
    settings = database if isinstance(database, DatabaseSettings) else DatabaseSettings()
    address = address_of(target)
    try:
        return await asyncpg.connect(**connect_arguments(address, settings) | {"command_timeout": 900})
    except (TimeoutError, *LOST) as error:
        raise unreachable(address, error) from None
    except (ValueError, asyncpg.InterfaceError, asyncpg.PostgresError) as error:
        raise ConfigError(f"DATABASE_URL ({address.shown}): {one_line(error)}") from None


async def _applied(connection: Connection) -> dict[str, str]:
    rows = await connection.fetch("SELECT name, checksum FROM schema_migration")
    return {row["name"]: row["checksum"] for row in rows}


def _missing(applied: dict[str, str]) -> list[Migration]:
    """What `applied` lacks. A database ahead of this code (rolling deploy) is fine; a changed file is not."""
    known = known_migrations()
    changed = [m.name for m in known if m.name in applied and applied[m.name] != m.checksum]
    if changed:
        raise ConfigError(
            f"{', '.join(changed)} was changed after it was applied: restore the file and add a new migration instead"
        )
    return [m for m in known if m.name not in applied]


async def _apply(connection: Connection, migration: Migration) -> None:
    try:
        await connection.execute(migration.sql)
    except asyncpg.PostgresError as error:
        raise ConfigError(f"migration {migration.name} failed, nothing was applied: {one_line(error)}") from error
    await connection.execute(
        "INSERT INTO schema_migration (name, checksum) VALUES ($1, $2)", migration.name, migration.checksum
    )
