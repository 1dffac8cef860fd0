"""SAQ; where a lease is asked for (``BENCH_LEASE``), it looks for stuck jobs as often."""

from __future__ import annotations

import asyncio
import os
import time
from typing import Any

from saq import Job, Queue, Worker

from bench.peers import meter

LEASE = round(float(os.environ.get("BENCH_LEASE", "10")))  # SAQ takes whole seconds


async def noop(ctx: Any) -> int:
    """Nothing."""
    return meter.noop()


async def nap(ctx: Any) -> int:
    """300 ms of waiting."""
    return await meter.nap(0.3)


async def long(ctx: Any) -> int:
    """Says when it starts; the first try never ends."""
    meter.noop()
    await asyncio.sleep(1800)
    return 1


def worker(url: str, concurrency: int) -> None:
    """One process."""

    async def main() -> None:
        queue = Queue.from_url(url)
        await queue.connect()
        sweep: Any = {"sweep": LEASE} if "BENCH_LEASE" in os.environ else None
        await Worker(queue, functions=[noop, nap, long], concurrency=concurrency, timers=sweep).start()

    meter.on_loop(main)


def client(url: str, what: str, count: int) -> Any:
    """See `meter.command`."""
    return meter.on_loop(lambda: _client(url, what, count))


async def _client(url: str, what: str, count: int) -> Any:
    queue = Queue.from_url(url)
    await queue.connect()
    try:
        if what == "latency":

            async def one() -> None:
                job = await queue.enqueue(Job("noop", timeout=1800))
                assert job is not None
                while not job.completed:  # its own waiting can miss a job that ends before it listens
                    await asyncio.sleep(0.0005)
                    await job.refresh()

            return await meter.timed(count, one)
        begun = time.perf_counter()
        heartbeat = 0 if what != "long" else LEASE
        for start in range(0, count, 100):
            size = min(100, count - start)
            calls = (queue.enqueue(Job(what, timeout=1800, heartbeat=heartbeat, retries=3)) for _ in range(size))
            await asyncio.gather(*calls)
        return time.perf_counter() - begun
    finally:
        await queue.disconnect()


if __name__ == "__main__":
    meter.command(worker, client)
