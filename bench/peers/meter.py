"""What every peer shares: the work, the clock inside the worker, and the command line. Standard library only.

The worker notes when its first job started and its last one ended, and writes that to the file in ``BENCH_OUT`` once
``BENCH_COUNT`` jobs are done: neither start-up nor the way to the client counts.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

LONGEST = 8.0  # seconds of latencies
_first = 0.0
_done = 0


def start() -> None:
    """A job has started."""
    global _first  # noqa: PLW0603 - one worker process, one clock
    if not _first:
        _first = time.perf_counter()


def end() -> None:
    """A job has ended; the last one writes the time."""
    global _done  # noqa: PLW0603 - the same
    _done += 1
    if _done == int(os.environ.get("BENCH_COUNT") or 0):
        draft = Path(os.environ["BENCH_OUT"] + ".new")
        draft.write_text(json.dumps(time.perf_counter() - _first))
        draft.replace(os.environ["BENCH_OUT"])


def noop() -> int:
    """The work of a no-op job."""
    start()
    end()
    return 1


async def nap(seconds: float) -> int:
    """The work of a waiting job."""
    start()
    await asyncio.sleep(seconds)
    end()
    return 1


def nap_blocking(seconds: float) -> int:
    """The same where jobs are threads or processes."""
    start()
    time.sleep(seconds)
    end()
    return 1


def quantiles(seconds: list[float]) -> dict[str, float]:
    """p50, p95, p99 in ms."""
    cuts = statistics.quantiles(seconds, n=100, method="inclusive")
    return {"p50": round(cuts[49] * 1e3, 3), "p95": round(cuts[94] * 1e3, 3), "p99": round(cuts[98] * 1e3, 3)}


async def timed(count: int, one: Callable[[], Awaitable[Any]]) -> dict[str, float]:
    """Latencies of `one`, one after the other, after a few to warm up; as many of `count` as `LONGEST` allows."""
    for _ in range(20):
        await one()
    taken: list[float] = []
    while len(taken) < count and sum(taken) < LONGEST:
        begun = time.perf_counter()
        await one()
        taken.append(time.perf_counter() - begun)
    return quantiles(taken)


def timed_blocking(count: int, one: Callable[[], Any]) -> dict[str, float]:
    """The same for blocking clients."""
    for _ in range(20):
        one()
    taken: list[float] = []
    while len(taken) < count and sum(taken) < LONGEST:
        begun = time.perf_counter()
        one()
        taken.append(time.perf_counter() - begun)
    return quantiles(taken)


def command(worker: Callable[[str, int], None], client: Callable[[str, str, int], Any]) -> None:
    """``worker URL SLOTS`` runs; ``client URL noop|nap|latency|long COUNT`` prints seconds or quantiles as JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("role", choices=["worker", "client"])
    parser.add_argument("url")
    parser.add_argument("rest", nargs="*")
    given = parser.parse_args()
    if given.role == "worker":
        worker(given.url, int(given.rest[0]))
    else:
        print(json.dumps(client(given.url, given.rest[0], int(given.rest[1]))))


def on_loop(main: Callable[[], Awaitable[Any]]) -> Any:
    """Run on uvloop where it is installed."""
    try:
        import uvloop
    except ImportError:
        return asyncio.run(main())  # type: ignore[arg-type] # a coroutine function is passed
    return uvloop.run(main())  # type: ignore[arg-type] # the same
