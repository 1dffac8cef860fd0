"""streaQ; its idle timeout is the lease that is asked for (``BENCH_LEASE``), else its own 60 s."""

from __future__ import annotations

import asyncio
import os
import time
from typing import Any

from streaq import Worker

from bench.peers import meter

app: Any = Worker(
    redis_url=os.environ.get("BENCH_URL", "redis://127.0.0.1:1"),
    concurrency=int(os.environ.get("BENCH_SLOTS", "10")),
    idle_timeout=float(os.environ.get("BENCH_LEASE", "60")),
)


@app.task(timeout=1800)  # type: ignore[untyped-decorator] # the app is Any
async def noop() -> int:
    """Nothing."""
    return meter.noop()


@app.task(timeout=1800)  # type: ignore[untyped-decorator] # the app is Any
async def nap() -> int:
    """300 ms of waiting."""
    return await meter.nap(0.3)


@app.task(timeout=1800, max_tries=3)  # type: ignore[untyped-decorator] # the app is Any
async def long() -> int:
    """Says when it starts; the first try never ends."""
    meter.noop()
    await asyncio.sleep(1800)
    return 1


def worker(url: str, concurrency: int) -> None:
    """One process."""
    app.run_sync()


def client(url: str, what: str, count: int) -> Any:
    """See `meter.command`."""
    return asyncio.run(_client(what, count))


async def _client(what: str, count: int) -> Any:
    async with app:
        if what == "latency":

            async def one() -> None:
                await (await noop.enqueue()).result(30)

            return await meter.timed(count, one)
        task = {"noop": noop, "nap": nap, "long": long}[what]
        begun = time.perf_counter()
        for start in range(0, count, 1000):
            await app.enqueue_many([task.enqueue() for _ in range(min(1000, count - start))])
        return time.perf_counter() - begun


if __name__ == "__main__":
    meter.command(worker, client)
