"""How long each script of the engine holds Redis at most, with 20,000 children submitted, cancelled, failed, retried.

python -m bench.scripts [--children 20000]   -> script_ms_max and script_ms in bench/out/queue.json

What counts is the server's own processor time, so that other load on the machine does not: one client asks, one script
at a time. (On an idle machine it is the time that everybody else waits.)
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import orjson

from bench import outputs
from bench.peers.invest_peer import bench_noop
from bench.servers import OwnValkey
from invest.engine import Invest, chord, group
from invest.engine.redis import Ask, Finished, transitions
from invest.engine.redis.scripts import Script
from invest.settings import load

T = TypeVar("T")
CHILDREN = 20_000
QUEUE = "bench"


class Meter:
    """The processor time of a server around each script, by script: the longest, in ms."""

    def __init__(self, pid: int) -> None:
        self._stat = Path(f"/proc/{pid}/task/{pid}/schedstat")
        self.longest: dict[str, float] = {}

    def now(self) -> float:
        """Milliseconds that the server's main thread has run."""
        return int(self._stat.read_text().split()[0]) / 1e6

    def measured(self, call: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        """A script call that is measured; `call` is `Script.__call__`."""

        async def measure(script: Script, redis: Any, *argv: Any) -> Any:
            await script.library.load(redis)  # reading its text the first time is not what it costs
            before = self.now()
            try:
                return await call(script, redis, *argv)
            finally:
                self.longest[script.name] = max(self.longest.get(script.name, 0.0), self.now() - before)

        return measure


async def drive(invest: Invest, children: int) -> None:
    """Every way in which one request has consequences for all children."""
    redis = invest.redis

    async def ask(what: Ask[T]) -> T:
        return await what.of(redis)

    async def claimed(free: int) -> list[Any]:
        claim = await ask(transitions.claim("w", 60_000, free, [(QUEUE, free)], []))
        return [Finished(job.id, f"w:{job.delivery}", "succeeded", b'{"t":1', b"1") for job in claim.jobs]

    def flow() -> Any:
        return chord(group([bench_noop() for _ in range(children)]), bench_noop())

    job = await invest.enqueue(flow())
    await job.cancel()
    job = await invest.enqueue(flow())
    ends = await claimed(128)
    failed = Finished(ends[0].id, ends[0].token, "failed", b'{"t":1', b'{"type":"E","message":"m","retryable":false}')
    await ask(transitions.finish([*ends[1:], failed]))
    await invest.proceed()
    await invest.workflows.retry(job.id)
    await invest.purge(QUEUE)
    await invest.enqueue_many(bench_noop() for _ in range(2_000))
    while ends := await claimed(256):
        for start in range(0, len(ends), 128):
            await ask(transitions.finish(ends[start : start + 128]))


async def script_times(children: int = CHILDREN) -> dict[str, float]:
    """The longest of each script, in ms of the server's time."""
    with OwnValkey() as server:
        settings = load(redis={"url": server.url})
        meter = Meter(server.pid)
        original = Script.__call__
        Script.__call__ = meter.measured(original)  # type: ignore[method-assign,assignment] # measured from outside
        try:
            async with Invest.connect(settings) as invest:
                await drive(invest, children)
        finally:
            Script.__call__ = original  # type: ignore[method-assign]
    return {name: round(ms, 2) for name, ms in sorted(meter.longest.items())}


def main() -> None:
    """Parse, run, print, and add to the figures of the queue."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--children", type=int, default=CHILDREN)
    options = parser.parse_args()
    found = asyncio.run(script_times(options.children))
    report = {"script_ms_max": max(found.values()), "script_ms": found, "script_children": options.children}
    outputs.write("queue", report, part=True)
    print(orjson.dumps(report, option=orjson.OPT_INDENT_2).decode())


if __name__ == "__main__":
    main()
