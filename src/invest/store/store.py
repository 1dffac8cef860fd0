"""The store: one attribute per aggregate over one pool."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from invest.domain.market import OWNER
from invest.domain.values import Harvest
from invest.settings import DatabaseSettings, Settings
from invest.store.alerts import Alerts
from invest.store.analyses import Analyses
from invest.store.audit import Audit
from invest.store.cleanup import Cleanup
from invest.store.commits import Commits
from invest.store.core import Connection, Database, Replica, ReplicatedDatabase, address_of, close_pool, open_pool
from invest.store.erasure import Erasure
from invest.store.harvests import Saved
from invest.store.job_runs import Jobs
from invest.store.keys import Keys
from invest.store.market import (
    Actions,
    Answers,
    Assets,
    Backfills,
    BarStore,
    BookedEvents,
    EventReadings,
    FilingFigures,
    Funds,
    Macro,
    News,
    Observations,
    Payloads,
    RankOf,
    Receipts,
    Statements,
)
from invest.store.notices import Notices
from invest.store.opinions import Opinions
from invest.store.portfolios import Portfolios
from invest.store.reads import AssetReads
from invest.store.reports import Reports
from invest.store.spend import Spend

# A sort of some half a megabyte, more than its memory: it spills into a file that is gone when it ends.
SPILL = "SELECT count(*) FROM (SELECT n FROM generate_series(1, 20000) AS n ORDER BY md5(n::text)) AS sorted"
UNKNOWN_RANK = 50  # of a source that settings.toml does not name


class Store:
    """PostgreSQL by aggregates. Every verb is one transaction, every write may be repeated."""

    def __init__(self, database: Database, rank_of: RankOf, writers: int = 1) -> None:
        self.database = database
        self._commits = Commits(database, rank_of, writers)
        self.assets = Assets(database)
        self.payloads = Payloads(database)
        self.observations = Observations(database)
        self.actions = Actions(database, rank_of)
        self.answers = Answers(database)
        self.booked = BookedEvents(database, rank_of)
        self.backfills = Backfills(database)
        self.event_readings = EventReadings(database)
        self.bars = BarStore(database, self.actions, rank_of)
        self.statements = Statements(database)
        self.figures = FilingFigures(database)
        self.news = News(database)
        self.funds = Funds(database)
        self.receipts = Receipts(database)
        self.macro = Macro(database, rank_of)
        self.asset_reads = AssetReads(self)
        self.analyses = Analyses(database)
        self.opinions = Opinions(database)
        self.reports = Reports(database)
        self.portfolios = Portfolios(database, self.actions, self.assets, self.bars)
        self.alerts = Alerts(database)
        self.notices = Notices(database)
        self.jobs = Jobs(database)
        self.keys = Keys(database)
        self.audit = Audit(database)
        self.spend = Spend(database)
        self.cleanup = Cleanup(database)
        self.erasure = Erasure(database)

    @classmethod
    @asynccontextmanager
    async def open(
        cls, target: Settings | DatabaseSettings | str, *, patience: float = 0, replica: bool = False
    ) -> AsyncIterator[Store]:
        """A store over a pool that is closed at the end.

        `target`: settings (ranks of sources are taken from them), or an address alone, for tests and tools.
        `patience`: seconds every statement waits for a server that has gone away once it was there. `replica`: reads
        for which `may_lag` is set go to the replica that the settings name.
        Raises `Unreachable` or `ConfigError` in one clear line.
        """
        limits = target.database if isinstance(target, Settings) else target
        settings = limits if isinstance(limits, DatabaseSettings) else DatabaseSettings()
        address = address_of(target)
        pool = await open_pool(address, settings)
        try:
            rank_of = ranks(target if isinstance(target, Settings) else None)
            async with AsyncExitStack() as stack:
                database = Database(pool, address, settings, patience)
                if replica and settings.replica_url is not None:
                    database = await _replicated(stack, ReplicatedDatabase(pool, address, settings, patience), settings)
                store = cls(database, rank_of, writers=max(1, settings.pool_max // 2))
                stack.push_async_callback(store._commits.close, settings.acquire_timeout)
                stack.push_async_callback(store.asset_reads.close)
                yield store
        finally:
            await close_pool(pool, settings)

    async def save_harvest(self, harvest: Harvest) -> Saved:
        """Write everything one collection brought: all of it or nothing. Returns once it is committed.

        Harvests of jobs that end together share a transaction (`invest.store.commits`).
        """
        return await self._commits.save(harvest)

    async def ready(self) -> None:
        """Ask the database for one row of the schema. Raises `Unreachable`, or `ConfigError` without a schema."""
        await self.database.fetchval("SELECT count(*) FROM schema_migration")

    async def try_to_write(self) -> None:
        """Write one row, and half a megabyte that is not kept. Raises `Unreachable` where there is no room for them.

        A row fits into a page that is there, so a full disk would be told only by the work that needs another page:
        a sort that spills asks the disk for room, without a trace in tables or in the log.
        """

        async def work(connection: Connection) -> None:
            await connection.execute("UPDATE readiness SET at = now() WHERE id = 1")
            await connection.execute("SET LOCAL work_mem = '64kB'")
            await connection.fetchval(SPILL)

        await self.database.run(work)


async def _replicated(
    stack: AsyncExitStack, database: ReplicatedDatabase, settings: DatabaseSettings
) -> ReplicatedDatabase:
    """The database with its replica, which is watched until the end."""
    database.replica = Replica(settings, Database(database._pool, database._address, settings))
    stack.push_async_callback(database.replica.close)
    watching = asyncio.create_task(database.replica.watch())

    async def end() -> None:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)

    stack.push_async_callback(end)
    return database


def ranks(settings: Settings | None) -> RankOf:
    """How a source's name gives its (rank, official)."""
    known = {name: (s.rank, s.official) for name, s in settings.sources.items()} if settings else {}

    def rank_of(source: str) -> tuple[int, bool]:
        return (0, True) if source == OWNER else known.get(source, (UNKNOWN_RANK, False))

    return rank_of
