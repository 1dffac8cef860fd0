"""The jobs that are killed: each leaves one effect in PostgreSQL, in one transaction with the proof of being first."""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime

import asyncpg

from invest.engine import (
    Context,
    GiveUp,
    Invest,
    Projector,
    Queue,
    Resources,
    Retry,
    Workflow,
    chord,
    ended,
    group,
    open_redis,
    run_worker,
)
from invest.engine.history import projector
from invest.errors import ServerAway
from invest.settings import Settings, load
from invest.store import Store
from invest.workers import history
from invest.workers.history import history_sink, keep_whole

queue = Queue("chaos", concurrency=12, timeout=20, soft_timeout=None, retry=Retry(retries=8, delay=0.1))

SCHEMA = """
CREATE TABLE effect (job text PRIMARY KEY, fence bigint NOT NULL);
CREATE TABLE account (id int PRIMARY KEY, total bigint NOT NULL);
CREATE TABLE fired (callback text NOT NULL, delivery bigint NOT NULL);
INSERT INTO account SELECT i, 0 FROM generate_series(0, 31) i;
"""
RATE_GAP_MS = 50
MOST_NARROW = 2


def broken(tick: datetime) -> bool:
    """A schedule's condition that always raises."""
    raise RuntimeError("the calendar is away")


@asynccontextmanager
async def resources(settings: Settings) -> AsyncIterator[Resources]:
    """A small pool; beside the jobs the history and the restore of a lost Redis, as in the platform's workers."""
    url = settings.database.url
    assert url is not None
    async with AsyncExitStack() as stack:
        pool = asyncpg.create_pool(url.get_secret_value(), min_size=0, max_size=3, command_timeout=20)
        held = Resources()
        held.add(await stack.enter_async_context(pool), asyncpg.Pool)
        store = await stack.enter_async_context(Store.open(settings))
        redis = open_redis(settings)
        stack.push_async_callback(redis.aclose)
        invest = Invest(redis, settings)
        for work in (Projector(invest, history_sink(store)).run(), keep_whole(invest, store)):
            stack.push_async_callback(ended, asyncio.create_task(work))
        yield held


AWAY = (OSError, asyncpg.PostgresConnectionError, asyncpg.InterfaceError, asyncpg.OperatorInterventionError)


async def affect(ctx: Context) -> None:
    """Add one to an account, once per job however often the job is delivered; PostgreSQL away is no attempt."""
    try:
        await _affect(ctx)
    except AWAY as error:
        raise ServerAway("PostgreSQL is away", server="PostgreSQL") from error


async def _affect(ctx: Context) -> None:
    async with ctx.use(asyncpg.Pool).acquire() as connection, connection.transaction():
        first = await connection.fetchval(
            "INSERT INTO effect VALUES ($1, $2) ON CONFLICT (job) DO NOTHING RETURNING 1", ctx.job_id, ctx.fence
        )
        if first:
            account = int(ctx.job_id[-2:], 16) % 32
            await connection.execute("UPDATE account SET total = total + 1 WHERE id = $1", account)


@queue.job()
async def chaos_step(ctx: Context, value: int, pause: float = 0.0) -> int:
    await asyncio.sleep(pause)
    await affect(ctx)
    return value


@queue.job()
async def chaos_flaky(ctx: Context, value: int) -> int:
    if ctx.attempt < 3:
        raise OSError("an upstream was away")
    await affect(ctx)
    return value


@queue.job()
async def chaos_fatal(ctx: Context, value: int) -> int:
    raise GiveUp(f"never {value}")


@queue.job()
async def chaos_next(ctx: Context) -> int:
    value: int = await ctx.previous(int)
    await asyncio.sleep(random.random() * 0.02)
    await affect(ctx)
    return value + 1


@queue.job()
async def chaos_callback(ctx: Context) -> dict[str, int]:
    """Counts its children; leaves a row per delivery that came this far."""
    good = bad = 0
    async for outcome in ctx.iter_results(int):
        good, bad = (good + 1, bad) if outcome.ok else (good, bad + 1)
    await affect(ctx)
    await ctx.use(asyncpg.Pool).execute("INSERT INTO fired VALUES ($1, $2)", ctx.job_id, ctx.delivery)
    return {"good": good, "bad": bad}


@queue.job(max_running=MOST_NARROW)
async def chaos_narrow(ctx: Context, value: int) -> int:
    await asyncio.sleep(random.random() * 0.05)
    await affect(ctx)
    return value


@queue.job(rate="20/s")
async def chaos_rated(ctx: Context, value: int) -> int:
    await affect(ctx)
    return value


@queue.job(key="chaos:{value}")
async def chaos_keyed(ctx: Context, value: int) -> int:
    await asyncio.sleep(random.random() * 0.05)
    await affect(ctx)
    return value


@queue.job(cron="*/2 * * * * *")
async def chaos_tick(ctx: Context) -> int:
    return 1


@queue.job(cron="*/2 * * * * *", when=broken)
async def chaos_never(ctx: Context) -> int:
    return 1


@queue.job()
async def chaos_batch(ctx: Context, n: int) -> Workflow[dict[str, int]]:
    """Hands over to a chord of n children."""
    await asyncio.sleep(random.random() * 0.02)
    return chord(group([chaos_step(i, 0.005) for i in range(n)], on_failure="continue"), chaos_callback())


def work(redis_url: str, database_url: str, lease: float, skew: float) -> None:
    """One worker process; `skew` seconds is how wrong its clock is."""
    if skew:
        real, real_ns = time.time, time.time_ns
        time.time = lambda: real() + skew
        time.time_ns = lambda: real_ns() + int(skew * 1e9)
    with open(os.devnull, "w") as null:  # noqa: PTH123 - a device
        os.dup2(null.fileno(), 1)
        os.dup2(null.fileno(), 2)
    settings = load(
        redis={"url": redis_url, "socket_timeout": 5},
        database={"url": database_url},
        engine={"lease": lease, "grace": 3},
    )
    asyncio.run(_work(settings))


async def _work(settings: Settings) -> None:
    history.LOOK_EVERY, history.LOCK_SECONDS = 0.5, 3  # type: ignore[misc] # a killed restorer is followed soon
    projector.IDLE_MS = 3_000  # type: ignore[misc] # and so is a killed projector
    await run_worker([queue], settings=settings, resources=resources)
