"""The jobs that are killed: each leaves one effect in PostgreSQL, in one transaction with the proof of being first."""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from invest.engine import Context, GiveUp, Queue, Resources, Retry, Workflow, chord, group, run_worker
from invest.settings import Settings, load

queue = Queue("chaos", concurrency=12, timeout=20, soft_timeout=None, retry=Retry(retries=8, delay=0.1))

SCHEMA = """
CREATE TABLE effect (job text PRIMARY KEY, fence bigint NOT NULL);
CREATE TABLE account (id int PRIMARY KEY, total bigint NOT NULL);
CREATE TABLE fired (callback text NOT NULL, delivery bigint NOT NULL);
INSERT INTO account SELECT i, 0 FROM generate_series(0, 31) i;
"""


@asynccontextmanager
async def resources(settings: Settings) -> AsyncIterator[Resources]:
    """A small pool."""
    url = settings.database.url
    assert url is not None
    async with asyncpg.create_pool(url.get_secret_value(), min_size=1, max_size=3, command_timeout=20) as pool:
        held = Resources()
        held.add(pool, asyncpg.Pool)
        yield held


async def affect(ctx: Context) -> None:
    """Add one to an account, once per job however often the job is delivered."""
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
    await run_worker([queue], settings=settings, resources=resources)
