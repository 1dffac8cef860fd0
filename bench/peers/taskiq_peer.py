"""taskiq on its list broker (its stream broker acknowledges, and is slower)."""

from __future__ import annotations

import asyncio
import os
import time
from typing import Any

from taskiq.api import run_receiver_task
from taskiq_redis import ListQueueBroker, RedisAsyncResultBackend

from bench.peers import meter

URL = os.environ.get("BENCH_URL", "redis://127.0.0.1:1")
broker: Any = ListQueueBroker(url=URL).with_result_backend(RedisAsyncResultBackend(redis_url=URL, result_ex_time=3600))


@broker.task(task_name="noop")  # type: ignore[untyped-decorator] # the broker is Any
async def noop() -> int:
    """Nothing."""
    return meter.noop()


@broker.task(task_name="nap")  # type: ignore[untyped-decorator] # the same
async def nap() -> int:
    """300 ms of waiting."""
    return await meter.nap(0.3)


@broker.task(task_name="long")  # type: ignore[untyped-decorator] # the same
async def long() -> int:
    """Says when it starts; the first try never ends."""
    meter.noop()
    await asyncio.sleep(1800)
    return 1


def worker(url: str, concurrency: int) -> None:
    """One process."""

    async def main() -> None:
        broker.is_worker_process = True
        await broker.startup()
        await run_receiver_task(broker, max_async_tasks=concurrency, max_prefetch=concurrency)

    meter.on_loop(main)


def client(url: str, what: str, count: int) -> Any:
    """See `meter.command`."""
    return meter.on_loop(lambda: _client(what, count))


async def _client(what: str, count: int) -> Any:
    await broker.startup()
    try:
        if what == "latency":

            async def one() -> None:
                await (await noop.kiq()).wait_result(check_interval=0.001, timeout=30)

            return await meter.timed(count, one)
        task = {"noop": noop, "nap": nap, "long": long}[what]
        begun = time.perf_counter()
        for start in range(0, count, 100):
            await asyncio.gather(*(task.kiq() for _ in range(min(100, count - start))))
        return time.perf_counter() - begun
    finally:
        await broker.shutdown()


if __name__ == "__main__":
    meter.command(worker, client)
