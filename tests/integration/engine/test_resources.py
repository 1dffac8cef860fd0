"""Typed dependencies: opened once per worker, and given back whatever happens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest
from redis.asyncio import Redis

from invest.engine import Context, Invest, JobFailed, Queue, Resources, Retry, registry
from invest.settings import Settings
from tests.integration.engine.engine_kit import drained

Make = Callable[..., Settings]
queue = Queue("kit_resources", concurrency=50, timeout=5, soft_timeout=None, retry=Retry(retries=0))
opened: list[str] = []


@queue.job()
async def res_fail(ctx: Context, how: str) -> int:
    """Takes a connection and ends badly."""
    async with ctx.use(asyncpg.Pool).acquire() as connection:
        await connection.execute("SELECT 1")
        if how == "base":
            raise BaseException("anything")
        if how == "transaction":
            async with connection.transaction():
                await connection.execute("SELECT 1 / 0")
        if how == "hang":
            await connection.execute("SELECT pg_sleep(60)")
        raise ValueError(how)


@queue.job()
async def res_settings(ctx: Context) -> str:
    return ctx.use(Settings).timezone


@queue.job()
async def res_missing(ctx: Context) -> str:
    return str(ctx.use(Redis))


@pytest.fixture(scope="module", autouse=True)
def forgotten() -> Iterator[None]:
    for job in queue.jobs.values():  # again, where this process ran other modules in between
        registry.add(job)
    yield
    registry.remove(*queue.jobs.values())


@pytest.fixture
def known(settings: Make, redis_url: str, database_url: str) -> Settings:
    return settings(redis={"url": redis_url}, database={"url": database_url})


def composition(pools: list[Any]) -> Callable[[Settings], Any]:
    @asynccontextmanager
    async def resources(settings: Settings) -> AsyncIterator[Resources]:
        opened.append("open")
        assert settings.database.url is not None
        async with asyncpg.create_pool(settings.database.url.get_secret_value(), min_size=1, max_size=4) as pool:
            pools.append(pool)
            held = Resources()
            held.add(settings)
            held.add(pool, asyncpg.Pool)
            yield held
            assert pool.get_idle_size() == pool.get_size(), "a connection did not come back"
        opened.append("close")

    return resources


async def test_connections_come_back_after_a_thousand_failing_jobs(known: Settings) -> None:
    pools: list[Any] = []
    opened.clear()
    async with Invest.connect(known) as invest:
        hows = ["value", "base", "transaction"]
        await invest.enqueue_many(res_fail(hows[i % 3]) for i in range(1000))
        worker = await drained(known, [queue], resources=composition(pools))
        assert worker.jobs_failed == 1000
    assert opened == ["open", "close"], "opened once per worker and closed with it"
    assert len(pools) == 1


async def test_a_cancelled_jobs_connection_comes_back(known: Settings) -> None:
    pools: list[Any] = []
    async with Invest.connect(known) as invest:
        jobs = await invest.enqueue_many(res_fail("hang") for _ in range(4))
        working = asyncio.create_task(drained(known, [queue], resources=composition(pools)))
        while len(await invest.inspect.active()) < 4:  # noqa: ASYNC110 - another process's state cannot be awaited
            await asyncio.sleep(0.02)
        for job in jobs:
            await job.cancel()
        await working


async def test_a_held_dependency_is_found_by_type_and_a_missing_one_is_named(known: Settings) -> None:
    async with Invest.connect(known) as invest:
        good, bad = await invest.enqueue(res_settings()), await invest.enqueue(res_missing())
        await drained(known, [queue], resources=composition([]))
        assert await good.result(timeout=5) == "America/Sao_Paulo"
        with pytest.raises(JobFailed, match="no Redis"):
            await bad.result(timeout=5)
