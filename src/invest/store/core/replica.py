"""Reads from a streaming replica: for those who may see what was true a moment ago, as long as it is near enough."""

from __future__ import annotations

import asyncio
import re
import time
from contextvars import ContextVar
from typing import Any, Final

import structlog

from invest.errors import InvestError
from invest.settings import DatabaseSettings
from invest.store.core.address import Address, address_of
from invest.store.core.database import Database, Record, close_pool, open_pool

log = structlog.get_logger("invest.store")
LOOK_EVERY: Final = 0.5  # seconds between looks at how far behind it is
AWAY_FOR: Final = 2.0  # seconds it is left alone after it failed
WRITES: Final = r"(INSERT|UPDATE|DELETE|MERGE|NEXTVAL|PG_ADVISORY\w*)"
READS: Final = re.compile(rf"\s*(SELECT|WITH)\b(?!.*\b{WRITES}\b)", re.I | re.S)
may_lag: ContextVar[bool] = ContextVar("may_lag", default=False)  # whether who asks may see the replica


class Replica:
    """A replica and how far it is behind; opened when it is first there, left alone while it is not."""

    def __init__(self, settings: DatabaseSettings, primary: Database) -> None:
        assert settings.replica_url is not None
        self._settings = settings.model_copy(update={"url": settings.replica_url, "pool_min": 0})
        self._address: Address = address_of(self._settings)
        self._primary = primary
        self._pool: Any = None
        self._database: Database | None = None
        self._as_of = self._failed_at = -float("inf")

    @property
    def usable(self) -> bool:
        """Whether it has all that the primary had `replica_lag` seconds ago."""
        now = time.monotonic()
        return now - self._as_of < self._settings.replica_lag and now - self._failed_at > AWAY_FOR

    async def read(self, verb: str, sql: str, args: tuple[Any, ...]) -> Any:
        """What one statement gives there. Raises `InvestError`; then it is left alone for a while."""
        assert self._database is not None
        try:
            return await getattr(self._database, verb)(sql, *args)
        except InvestError as error:
            self._failed_at = time.monotonic()
            log.warning("replica left alone: the primary is read", error=str(error))
            raise

    async def watch(self) -> None:
        """Keep knowing how far behind it is, until cancelled."""
        while True:
            try:
                await self._look()
            except (InvestError, OSError) as error:
                log.debug("replica not looked at", error=str(error))
            await asyncio.sleep(LOOK_EVERY)

    async def _look(self) -> None:
        if self._database is None:
            self._pool = await open_pool(self._address, self._settings)
            self._database = Database(self._pool, self._address, self._settings)
        begun = time.monotonic()
        position = await self._primary.fetchval("SELECT pg_current_wal_lsn()::text")
        there = "SELECT pg_is_in_recovery() AND pg_last_wal_replay_lsn() >= $1::text::pg_lsn"
        deadline = begun + self._settings.replica_lag
        while time.monotonic() < deadline:
            if await self._database.fetchval(there, position):
                self._as_of = begun
                return
            await asyncio.sleep(LOOK_EVERY / 10)

    async def close(self) -> None:
        """Close its pool."""
        if self._pool is not None:
            await close_pool(self._pool, self._settings)


class ReplicatedDatabase(Database):
    """The primary, of which single reads go to the replica where `may_lag` says so.

    What is not found there is looked for in the primary: it may have been made just now.
    """

    replica: Replica

    async def fetch(self, sql: str, *args: Any) -> list[Record]:
        """See `Database.fetch`."""
        return await self._lagging("fetch", sql, args) or await super().fetch(sql, *args)

    async def fetchrow(self, sql: str, *args: Any) -> Record | None:
        """See `Database.fetchrow`."""
        return await self._lagging("fetchrow", sql, args) or await super().fetchrow(sql, *args)

    async def fetchval(self, sql: str, *args: Any) -> Any:
        """See `Database.fetchval`."""
        found = await self._lagging("fetchval", sql, args)
        return await super().fetchval(sql, *args) if found is None else found

    async def _lagging(self, verb: str, sql: str, args: tuple[Any, ...]) -> Any:
        if not may_lag.get() or not self.replica.usable or READS.match(sql) is None:
            return None
        try:
            return await self.replica.read(verb, sql, args)
        except InvestError:
            return None
