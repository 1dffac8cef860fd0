"""Kill workers, freeze some, restart Redis and PostgreSQL, put clocks wrong: nothing lost, nothing twice.

python -m bench.chaos [--kills 500] [--lease 1.0] [--seed 7]   -> bench/out/chaos.json
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import multiprocessing
import os
import random
import signal
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from typing import Any

import asyncpg
import orjson
from redis.exceptions import RedisError

from bench import chaos_jobs as jobs
from bench.servers import OUT, OwnPostgres, OwnValkey
from invest.engine import Call, Invest, Workflow, chain, chord, group
from invest.errors import InvestError
from invest.settings import Settings, load


@dataclass(slots=True)
class Report:
    """What happened. The promises are `lost`, `callbacks_twice`, `effects_twice` and `wrong_results` all 0."""

    kills: int = 0
    jobs: int = 0
    workflows: int = 0
    cancelled: int = 0
    lost: int = 0
    callbacks_twice: int = 0
    effects_twice: int = 0
    effects_missing: int = 0
    wrong_results: int = 0
    redis_restarts: int = 0
    postgres_restarts: int = 0
    freezes: int = 0
    clock_skews: int = 0
    lease_s: float = 0
    seconds: float = 0

    @property
    def clean(self) -> bool:
        """Whether every promise was kept."""
        return not (
            self.lost or self.callbacks_twice or self.effects_twice or self.effects_missing or self.wrong_results
        )


class Fleet:
    """Worker processes, forked from a server that has everything imported."""

    def __init__(self, size: int, redis_url: str, database_url: str, lease: float, rng: random.Random) -> None:
        self._context: ForkServerContext = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["bench.chaos_jobs"])
        self._args = (redis_url, database_url, lease)
        self._rng = rng
        self.members: list[BaseProcess] = []
        self._size = size

    def fill(self, report: Report) -> None:
        """Replace the dead; now and then by one whose clock is an hour wrong."""
        self.members = [m for m in self.members if m.is_alive()]
        while len(self.members) < self._size:
            skew = self._rng.choice([0, 0, 0, 3600, -3600])
            report.clock_skews += bool(skew)
            process = self._context.Process(target=jobs.work, args=(*self._args, skew), daemon=True)
            process.start()
            self.members.append(process)

    def signal(self, sig: signal.Signals) -> BaseProcess:
        """Send one of them a signal."""
        victim = self._rng.choice(self.members)
        assert victim.pid is not None
        with contextlib.suppress(ProcessLookupError):
            os.kill(victim.pid, sig)
        return victim

    def end(self) -> None:
        """Kill all."""
        for member in self.members:
            member.kill()
            member.join(5)


@dataclass(slots=True)
class Entry:
    """One thing that was accepted."""

    id: str
    kind: str
    size: int
    cancelled: bool = False


class Load:
    """Submits work of every shape and remembers what was accepted."""

    def __init__(self, invest: Invest, rng: random.Random) -> None:
        self._invest = invest
        self._rng = rng
        self.accepted: list[Entry] = []

    def _make(self) -> tuple[str, int, Workflow[Any] | Call[Any]]:
        rng = self._rng
        n = rng.randint(2, 25)
        steps: list[Call[int]] = [jobs.chaos_step(i, rng.random() * 0.05) for i in range(n)]
        mixed = [*steps, jobs.chaos_flaky(1), jobs.chaos_fatal(2)]
        shapes: dict[str, Workflow[Any] | Call[Any]] = {
            "chain": chain(jobs.chaos_step(1), jobs.chaos_next(), jobs.chaos_next()),
            "group": group(steps, on_failure="continue"),
            "chord": chord(mixed, jobs.chaos_callback(), on_failure="continue"),
            "strict": chord(mixed, jobs.chaos_callback(), on_failure="fail_fast"),
            "nested": chain(jobs.chaos_step(1), group(chain(jobs.chaos_next(), jobs.chaos_next()), jobs.chaos_next())),
            "batch": jobs.chaos_batch(n),
            "single": jobs.chaos_flaky(3),
        }
        kind = rng.choice(list(shapes))
        return kind, n, shapes[kind]

    async def submit(self, count: int) -> None:
        """Some more work; what could not be confirmed (Redis is away) does not count as accepted."""
        for _ in range(count):
            kind, size, what = self._make()
            with contextlib.suppress(InvestError, RedisError, OSError):
                job = await self._invest.enqueue(what)
                self.accepted.append(Entry(job.id, kind, size))
        if self.accepted and self._rng.random() < 0.5:
            entry = self._rng.choice(self.accepted[-6:])
            with contextlib.suppress(InvestError, RedisError, OSError):
                entry.cancelled |= await self._invest.cancel(entry.id)


async def rampage(
    report: Report, kills: int, fleet: Fleet, load_: Load, server: OwnValkey, database: OwnPostgres, rng: random.Random
) -> None:
    """Kill until it is enough; in between Redis restarts three times, PostgreSQL five times, some workers freeze."""
    restarts = {kills // 4, kills // 2, 3 * kills // 4}
    crashes = {(2 * i + 1) * kills // 10 for i in range(5)}
    while report.kills < kills:
        fleet.fill(report)
        await load_.submit(rng.randint(1, 4))
        await asyncio.sleep(rng.random() * 0.12)
        fleet.signal(signal.SIGKILL)
        report.kills += 1
        if report.kills in restarts:
            await asyncio.to_thread(server.stop, rng.choice([signal.SIGTERM, signal.SIGKILL]))
            await asyncio.sleep(0.3)
            await asyncio.to_thread(server.start)
            report.redis_restarts += 1
        if report.kills in crashes:
            await asyncio.to_thread(database.restart)
            report.postgres_restarts += 1
        if report.kills % max(5, kills // 8) == 0:
            fleet.fill(report)
            await asyncio.sleep(0.5)
            frozen = fleet.signal(signal.SIGSTOP)
            await asyncio.sleep(report.lease_s * 2.2)
            assert frozen.pid is not None
            with contextlib.suppress(ProcessLookupError):
                os.kill(frozen.pid, signal.SIGCONT)
            report.freezes += 1


async def settle(report: Report, fleet: Fleet, load_: Load, invest: Invest, patience: float) -> None:
    """Leave the workers alone and wait until everything accepted has ended."""
    deadline = time.monotonic() + patience
    open_ = [e.id for e in load_.accepted]
    while open_ and time.monotonic() < deadline:
        fleet.fill(report)
        still = []
        for job_id in open_:
            status = await invest.status(job_id)
            if not status.final:
                still.append(job_id)
        open_ = still
        await asyncio.sleep(0.3)
    report.lost += len(open_)
    for _ in range(50):  # steps that were told to stop end a moment after their workflow
        if not await invest.inspect.active():
            break
        await asyncio.sleep(0.2)


async def audit(report: Report, load_: Load, invest: Invest, database_url: str) -> None:
    """Compare what was promised with what is there."""
    report.workflows = len(load_.accepted)
    report.cancelled = sum(e.cancelled for e in load_.accepted)
    events = [f async for f in _events(invest)]
    started = {f[b"id"] for f in events if f[b"e"] == b"queued" and f[b"n"].startswith(b"chaos_")}
    report.jobs = len(started)
    ended = Counter(f[b"id"] for f in events if f[b"e"] in (b"succeeded", b"failed", b"cancelled"))
    report.lost += sum(1 for job_id in started if job_id not in ended)
    callbacks = {f[b"id"] for f in events if f[b"n"] == b"chaos_callback"}
    report.callbacks_twice = sum(1 for c in callbacks if ended[c] > 1)
    succeeded = {f[b"id"].decode() for f in events if f[b"e"] == b"succeeded"}
    connection = await asyncpg.connect(database_url)
    try:
        effects = {r["job"] for r in await connection.fetch("SELECT job FROM effect")}
        total = await connection.fetchval("SELECT sum(total) FROM account")
    finally:
        await connection.close()
    report.effects_twice = int(total) - len(effects)
    leaves_effect = {f[b"id"].decode() for f in events if f[b"n"] in EFFECTIVE}
    report.effects_missing = len((succeeded & leaves_effect) - effects)
    for entry in load_.accepted:
        report.wrong_results += not await _right(invest, entry)


EFFECTIVE = (b"chaos_step", b"chaos_flaky", b"chaos_next", b"chaos_callback")


async def _right(invest: Invest, entry: Entry) -> bool:
    status = await invest.status(entry.id)
    if status.state.value != "succeeded":
        poisoned = status.error is not None and status.error.type == "Poisoned"
        return entry.cancelled or poisoned or entry.kind == "strict"
    result = status.result
    if entry.kind in ("chord", "batch"):
        extra = 2 if entry.kind == "chord" else 0
        return bool(result["good"] + result["bad"] == entry.size + extra)
    if entry.kind == "group":
        return len(result) == entry.size
    return bool(result == {"chain": 3, "nested": [3, 2], "single": 3}[entry.kind])


async def _events(invest: Invest) -> Any:
    last: Any = "-"
    while page := await invest.redis.xrange("invest:events", min=last, count=5000):
        for _, fields in page:
            yield fields
        last = b"(" + page[-1][0]


async def run(kills: int, lease: float, seed: int, *, workers: int = 4, patience: float = 120) -> Report:
    """The whole thing, on servers of its own."""
    rng = random.Random(seed)
    report = Report(lease_s=lease)
    begun = time.monotonic()
    with OwnValkey(durable=True) as server, OwnPostgres() as database:
        connection = await asyncpg.connect(database.url)
        await connection.execute(jobs.SCHEMA)
        await connection.close()
        settings: Settings = load(redis={"url": server.url, "socket_timeout": 5}, engine={"lease": lease})
        fleet = Fleet(workers, server.url, database.url, lease, rng)
        try:
            async with Invest.connect(settings) as invest:
                load_ = Load(invest, rng)
                await load_.submit(10)
                await rampage(report, kills, fleet, load_, server, database, rng)
                await settle(report, fleet, load_, invest, patience)
                fleet.end()
                await audit(report, load_, invest, database.url)
        finally:
            fleet.end()
    report.seconds = round(time.monotonic() - begun, 1)
    return report


def main() -> None:
    """Parse, run, write, and say by the exit status whether every promise was kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--lease", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    options = parser.parse_args()
    print(f"chaos: {options.kills} kills, lease {options.lease} s, seed {options.seed}")
    report = asyncio.run(run(options.kills, options.lease, options.seed))
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / "chaos.json").write_bytes(orjson.dumps(asdict(report) | {"seed": options.seed}, option=orjson.OPT_INDENT_2))
    for name, value in asdict(report).items():
        print(f"  {name:<18}{value}")
    sys.exit(0 if report.clean else 1)


if __name__ == "__main__":
    main()
