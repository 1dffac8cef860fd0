"""Stock arq at its best: JSON by orjson, the fastest poll that does not spin, results kept, a pipelined client."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import orjson
from arq import Worker, create_pool
from arq.connections import RedisSettings
from arq.constants import default_queue_name, job_key_prefix
from arq.jobs import serialize_job
from arq.utils import timestamp_ms

from bench.peers import meter

JSON: dict[str, Any] = {"job_serializer": orjson.dumps, "job_deserializer": orjson.loads}


async def noop(ctx: dict[Any, Any]) -> int:
    """Nothing."""
    return meter.noop()


async def nap(ctx: dict[Any, Any]) -> int:
    """300 ms of waiting."""
    return await meter.nap(0.3)


async def long(ctx: dict[Any, Any]) -> int:
    """Says when it starts; the first try never ends."""
    meter.noop()
    await asyncio.sleep(1800)
    return 1


def worker(url: str, concurrency: int) -> None:
    """One process."""

    async def main() -> None:
        settings = RedisSettings.from_dsn(url)
        options: dict[str, Any] = {"max_jobs": concurrency, "poll_delay": 0.005, "job_timeout": 1800, **JSON}
        await Worker([noop, nap, long], redis_settings=settings, **options).async_run()

    meter.on_loop(main)


def client(url: str, what: str, count: int) -> Any:
    """See `meter.command`."""
    return meter.on_loop(lambda: _client(url, what, count))


async def _client(url: str, what: str, count: int) -> Any:
    pool = await create_pool(RedisSettings.from_dsn(url), **JSON)
    try:
        if what == "latency":

            async def one() -> None:
                job = await pool.enqueue_job("noop")
                assert job is not None
                await job.result(timeout=30, poll_delay=0.001)

            return await meter.timed(count, one)
        begun = time.perf_counter()
        now = timestamp_ms()
        for start in range(0, count, 1000):
            async with pool.pipeline(transaction=False) as pipe:
                for n in range(start, min(start + 1000, count)):
                    body = serialize_job(what, (), {}, None, now, serializer=orjson.dumps)
                    pipe.psetex(f"{job_key_prefix}{what}{n}", 86_400_000, body)
                    pipe.zadd(default_queue_name, {f"{what}{n}": now})
                await pipe.execute()
        return time.perf_counter() - begun
    finally:
        await pool.aclose()


if __name__ == "__main__":
    meter.command(worker, client)
