"""A small platform in one process: sandbox, store, and a way to run jobs as workers do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import aiohttp
import pytest
from job_platform import Platform

from invest.engine import Invest, Worker, registry
from invest.jobs.names import declare_all
from invest.sandbox import Sandbox
from invest.settings import Settings
from invest.store import Store
from invest.workers.deps import resources

QUEUES = ("data_collection", "analysis", "reports")


@pytest.fixture
async def platform(settings: Callable[..., Settings], redis_url: str, database_url: str) -> AsyncIterator[Platform]:
    """A platform over a fresh keyspace, database and sandbox; retries wait next to nothing."""
    declare_all()
    async with Sandbox.start(assets=20, seed=11) as sandbox:
        info = sandbox.url + "/sandbox/info"
        async with aiohttp.ClientSession() as session, session.get(info) as response:
            as_of = (await response.json())["as_of"]
        known = settings(
            redis={"url": redis_url},
            database={"url": database_url},
            sandbox_url=sandbox.url,
            as_of=as_of,
            http={"retries": 1, "backoff": 0.01, "read_timeout": 20.0},
            engine={"grace": 0.5},
        )
        async with Invest.connect(known) as invest, Store.open(known) as store:
            worker = Worker(registry.pick(QUEUES), settings=known, resources=resources, handle_signals=False)
            working = asyncio.create_task(worker.main())
            yield Platform(known, invest, store, sandbox)
            worker.stop()
            await working
