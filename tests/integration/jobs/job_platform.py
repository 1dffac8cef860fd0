"""A small platform in one process, and what tests do to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

import aiohttp
from bench.faults_values import copied

from invest.engine import Invest, JobState, JobStatus, Worker, registry
from invest.engine.calls.calls import Call
from invest.jobs.data_collection.benchmarks import update_benchmarks
from invest.jobs.data_collection.collection import batch_collect_assets
from invest.jobs.declared import declare_all
from invest.settings import Settings
from invest.store import Store
from invest.workers.deps import resources
from invest_sandbox import Sandbox, World, create_app
from invest_sandbox.shelf import Shelf

R = TypeVar("R")
QUEUES = ("data_collection", "analysis", "reports")
COLLECTED = ["PETR4", "VALE3", "ITUB4", "HGLG11"]
_stocks: dict[str, str] = {}  # PostgreSQL server: a database in which COLLECTED was collected


@cache
def market() -> tuple[World, Shelf]:
    """The upstreams' market and the answers made of it so far: one per test process."""
    return World(20, 11, None, None), Shelf()


@dataclass
class Platform:
    """Runs calls to their end."""

    settings: Settings
    invest: Invest
    store: Store
    sandbox: Sandbox

    async def run(self, call: Call[R]) -> R:
        """Enqueue, wait, give the result (or raise what the job failed with)."""
        job = await self.invest.enqueue(call)
        return await job.result(timeout=90)  # a loaded machine is slow, not wrong

    async def outcome(self, call: Call[Any]) -> JobStatus:
        """The status once the job is finished or waits for its next attempt."""
        job = await self.invest.enqueue(call)
        async with asyncio.timeout(30):
            async for _ in self.invest.events("0", block=0.2):
                status = await job.status()
                if status.final or status.state is JobState.RETRYING:
                    return status
        raise AssertionError("the event stream ended")

    async def fault(self, upstream: str, kind: str, **more: Any) -> None:
        """Make one upstream misbehave."""
        async with aiohttp.ClientSession(self.sandbox.url) as session:
            body = {"upstream": upstream, "kind": kind, **more}
            async with session.post("/sandbox/faults", json=body) as response:
                assert response.status < 300, await response.text()

    async def mend(self) -> None:
        """Make all upstreams behave."""
        async with aiohttp.ClientSession(self.sandbox.url) as session:
            await session.delete("/sandbox/faults")


@asynccontextmanager
async def running_platform(
    make: Callable[..., Settings], redis: str, database: str, another: World | None = None
) -> AsyncIterator[Platform]:
    """A platform over this Redis and database, and a sandbox of its own; retries wait next to nothing."""
    declare_all()
    world, shelf = (another, Shelf()) if another is not None else market()
    async with Sandbox.serve(create_app(world, shelf=shelf)) as sandbox:
        known = make(
            redis={"url": redis},
            database={"url": database},
            sandbox_url=sandbox.url,
            as_of=world.now,
            http={"retries": 1, "backoff": 0.01, "read_timeout": 20.0},
            engine={"grace": 0.5},
        )
        async with Invest.connect(known) as invest, Store.open(known) as store:
            worker = Worker(registry.pick(QUEUES), settings=known, resources=resources, handle_signals=False)
            working = asyncio.create_task(worker.main())
            yield Platform(known, invest, store, sandbox)
            worker.stop()
            await working


async def stock(make: Callable[..., Settings], redis: str, empty: str, server: str) -> str:
    """The database of a platform that has collected COLLECTED and the benchmarks: once per process, then copies."""
    if server not in _stocks:
        first = await copied(empty, "jobs_stocked")
        async with running_platform(make, redis, first) as platform:
            await platform.run(update_benchmarks())
            await platform.run(batch_collect_assets(COLLECTED))
        async with Store.open(make(database={"url": first})) as store:
            await store.database.execute("TRUNCATE job_run CASCADE")  # or its copies would take up what ran here
        _stocks[server] = first
    return await copied(_stocks[server], "jobs_copy")
