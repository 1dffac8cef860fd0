"""This platform's engine, everything on: leases, fencing, index, events, metrics, validation."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import structlog

from bench.peers import meter
from invest.engine import Context, Invest, Ok, Queue, Retry, run_worker
from invest.settings import Settings, load

queue = Queue("bench", concurrency=10, timeout=1800, soft_timeout=1500, retry=Retry(retries=3, delay=0.1))


@queue.job()
async def bench_noop(ctx: Context) -> int:
    """Nothing."""
    return meter.noop()


@queue.job()
async def bench_nap(ctx: Context) -> int:
    """300 ms of waiting."""
    return await meter.nap(0.3)


@queue.job()
async def bench_wait(ctx: Context) -> int:
    """50 ms of waiting."""
    return await meter.nap(0.05)


@queue.job()
async def bench_gathered(ctx: Context) -> int:
    """How many of the jobs before it have succeeded."""
    return sum([isinstance(outcome, Ok) async for outcome in ctx.iter_results(int)])


@queue.job()
async def bench_long(ctx: Context) -> int:
    """Says when it starts; the first delivery never ends."""
    meter.noop()
    if ctx.delivery == 1:
        await asyncio.sleep(1800)
    return 1


def settings_of(url: str) -> Settings:
    """As shipped, but for the address."""
    return load(redis={"url": url})


def worker(url: str, concurrency: int) -> None:
    """One process."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    meter.on_loop(lambda: run_worker([queue], settings=settings_of(url), concurrency=concurrency))


def client(url: str, what: str, count: int) -> Any:
    """See `meter.command`."""
    return meter.on_loop(lambda: _client(url, what, count))


async def _client(url: str, what: str, count: int) -> Any:
    async with Invest.connect(settings_of(url)) as invest:
        if what == "latency":

            async def one() -> None:
                await (await invest.enqueue(bench_noop())).result(timeout=30)

            return await meter.timed(count, one)
        job = {"noop": bench_noop, "nap": bench_nap, "long": bench_long}[what]
        begun = time.perf_counter()
        await invest.enqueue_many(job() for _ in range(count))
        return time.perf_counter() - begun


if __name__ == "__main__":
    meter.command(worker, client)
