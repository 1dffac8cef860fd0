"""A small platform in one process: sandbox, store, and a way to run jobs as workers do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import aiohttp
import pytest

from invest.engine import Invest, JobState, JobStatus, Worker, registry
from invest.engine.calls import Call
from invest.jobs.names import declare_all
from invest.sandbox import Sandbox
from invest.settings import Settings
from invest.store import Store
from invest.workers.deps import resources

R = TypeVar("R")
QUEUES = ("data_collection", "analysis", "reports")


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
        return await job.result(timeout=30)

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


@pytest.fixture
async def platform(settings: Callable[..., Settings], redis_url: str, database_url: str) -> AsyncIterator[Platform]:
    """A platform over a fresh keyspace, database and sandbox; retries wait next to nothing."""
    declare_all()
    async with Sandbox.start(assets=30, seed=11) as sandbox:
        info = sandbox.url + "/sandbox/info"
        async with aiohttp.ClientSession() as session, session.get(info) as response:
            as_of = (await response.json())["as_of"]
        known = settings(
            redis={"url": redis_url},
            database={"url": database_url},
            sandbox_url=sandbox.url,
            as_of=as_of,
            http={"retries": 1, "backoff": 0.01, "read_timeout": 2.0},
            engine={"grace": 0.5},
        )
        async with Invest.connect(known) as invest, Store.open(known) as store:
            worker = Worker(registry.pick(QUEUES), settings=known, resources=resources, handle_signals=False)
            working = asyncio.create_task(worker.main())
            yield Platform(known, invest, store, sandbox)
            worker.stop()
            await working
