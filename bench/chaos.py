"""Kill workers, freeze some, restart and empty Redis, take PostgreSQL away, put clocks wrong: nothing lost or twice.

python -m bench.chaos [--kills 500] [--lease 1.0] [--seed 7] [--away 180]   -> bench/out/chaos.json
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import multiprocessing
import os
import random
import signal
import sys
import time
from dataclasses import asdict, dataclass
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from typing import Any

import asyncpg
from redis.exceptions import RedisError

from bench import chaos_jobs as jobs
from bench import outputs
from bench.chaos_audit import audit
from bench.servers import OwnPostgres, OwnValkey
from invest.engine import Call, Invest, JobState, Workflow, chain, chord, group, keys
from invest.errors import InvestError, NotFound
from invest.settings import Settings, load
from invest.store import Store
from invest.store.core.schema import migrate


@dataclass(slots=True)
class Report:
    """What happened. The promises are those of `clean`: each of them 0."""

    kills: int = 0
    jobs: int = 0
    workflows: int = 0
    cancelled: int = 0
    lost: int = 0
    callbacks_twice: int = 0
    effects_twice: int = 0
    effects_missing: int = 0
    wrong_results: int = 0
    stuck: int = 0
    history_differs: int = 0
    rate_exceeded: int = 0
    limit_exceeded: int = 0
    schedules_dead: int = 0
    redis_restarts: int = 0
    redis_emptied: int = 0
    redis_freezes: int = 0
    postgres_restarts: int = 0
    postgres_away_s: float = 0
    freezes: int = 0
    clock_skews: int = 0
    ticks: int = 0
    lease_s: float = 0
    seconds: float = 0

    @property
    def clean(self) -> bool:
        """Whether every promise was kept."""
        effects = self.effects_twice or self.effects_missing or self.wrong_results
        sets = self.stuck or self.history_differs or self.schedules_dead
        limits = self.rate_exceeded or self.limit_exceeded
        return not (self.lost or self.callbacks_twice or effects or sets or limits)


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

    def __init__(self, invest: Invest, store: Store, rng: random.Random) -> None:
        self.invest = invest
        self.rng = rng
        self._store = store
        self.accepted: list[Entry] = []

    async def known_to_history(self, fleet: Fleet, report: Report) -> None:
        """Wait until PostgreSQL knows all that was accepted."""
        left = [e.id for e in self.accepted]
        while left:
            fleet.fill(report)
            with contextlib.suppress(Exception):  # PostgreSQL may be away
                left = [i for i in left if await self._store.jobs.get(i) is None]
            await asyncio.sleep(0.2)

    async def has_ended(self, job_id: str) -> bool:
        """Whether a job has ended, as Redis knows, or the history if Redis does not any more."""
        with contextlib.suppress(Exception):  # either may be away for a moment
            try:
                return (await self.invest.status(job_id)).final
            except NotFound:
                run = await self._store.jobs.get(job_id)
                return run is not None and JobState(run.state).final
        return False

    def _make(self) -> tuple[str, int, Workflow[Any] | Call[Any]]:
        rng = self.rng
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
            "narrow": jobs.chaos_narrow(n).with_options(priority=rng.choice([-1, 0, 1])),
            "rated": jobs.chaos_rated(n).with_options(priority=rng.choice([-1, 0, 1]), expires=600),
            "keyed": jobs.chaos_keyed(rng.randint(0, 3)),
        }
        kind = rng.choice(list(shapes))
        return kind, n, shapes[kind]

    async def submit(self, count: int) -> None:
        """Some more work; what could not be confirmed (Redis is away) does not count as accepted."""
        for _ in range(count):
            kind, size, what = self._make()
            with contextlib.suppress(InvestError, RedisError, OSError):
                job = await self.invest.enqueue(what)
                if job.new:
                    self.accepted.append(Entry(job.id, kind, size))
        if self.accepted and self.rng.random() < 0.5:
            entry = self.rng.choice(self.accepted[-6:])
            with contextlib.suppress(InvestError, RedisError, OSError):
                entry.cancelled |= await self.invest.cancel(entry.id)


async def rampage(report: Report, kills: int, fleet: Fleet, load_: Load, servers: Servers, rng: random.Random) -> None:
    """Kill until it is enough, and let all the rest happen in between."""
    plan = {
        servers.restart_redis: {kills // 4, kills // 2, 3 * kills // 4},
        servers.empty_redis: {kills // 3, 2 * kills // 3},
        servers.freeze_redis: {kills // 5, 4 * kills // 5},
        servers.restart_postgres: {(2 * i + 1) * kills // 10 for i in range(5)},
        servers.take_postgres_away: {2 * kills // 5},
    }
    while report.kills < kills:
        fleet.fill(report)
        await load_.submit(rng.randint(1, 4))
        await asyncio.sleep(rng.random() * 0.12)
        fleet.signal(signal.SIGKILL)
        report.kills += 1
        for happens, moments in plan.items():
            if report.kills in moments:
                await happens()
        if report.kills % max(5, kills // 8) == 0:
            fleet.fill(report)
            await asyncio.sleep(0.5)
            frozen = fleet.signal(signal.SIGSTOP)
            await asyncio.sleep(report.lease_s * 2.2)
            assert frozen.pid is not None
            with contextlib.suppress(ProcessLookupError):
                os.kill(frozen.pid, signal.SIGCONT)
            report.freezes += 1


class Servers:
    """What happens to Redis and PostgreSQL."""

    def __init__(
        self, report: Report, redis: OwnValkey, postgres: OwnPostgres, fleet: Fleet, load_: Load, *, away: float
    ) -> None:
        self._report = report
        self._away = away
        self._redis = redis
        self._postgres = postgres
        self._fleet = fleet
        self._load = load_
        self._rng = load_.rng

    async def restart_redis(self) -> None:
        """Ended, gracefully or not, and started on its append-only file."""
        await asyncio.to_thread(self._redis.stop, self._rng.choice([signal.SIGTERM, signal.SIGKILL]))
        await asyncio.sleep(0.3)
        await asyncio.to_thread(self._redis.start)
        self._report.redis_restarts += 1

    async def empty_redis(self) -> None:
        """All of it is gone at once; whoever restores it is killed, again and again.

        What the history had not learnt of by then cannot come back, so it is given the time to learn.
        """
        await self._load.known_to_history(self._fleet, self._report)
        await self._load.invest.redis.flushall()
        self._report.redis_emptied += 1
        for _ in range(3):
            await asyncio.sleep(0.8)
            self._fleet.signal(signal.SIGKILL)
            self._fleet.fill(self._report)

    async def freeze_redis(self) -> None:
        """It answers nobody for longer than a client waits: requests are sent again."""
        os.kill(self._redis.pid, signal.SIGSTOP)
        asked = asyncio.create_task(self._load.submit(3))
        await asyncio.sleep(2.5)
        os.kill(self._redis.pid, signal.SIGCONT)
        await asked
        self._report.redis_freezes += 1

    async def restart_postgres(self) -> None:
        """Every session cut, recovered from its log."""
        await asyncio.to_thread(self._postgres.restart)
        self._report.postgres_restarts += 1

    async def take_postgres_away(self) -> None:
        """For a while there is none; work comes all the same, and workers are killed."""
        begun = time.monotonic()
        await asyncio.to_thread(self._postgres.end_at_once)
        for i in range(10):
            await asyncio.sleep(self._away / 10)
            await self._load.submit(1)
            if i % 3 == 0:
                self._fleet.signal(signal.SIGKILL)
                self._fleet.fill(self._report)
        await asyncio.to_thread(self._postgres.start_again)
        self._report.postgres_away_s += round(time.monotonic() - begun, 1)


async def settle(report: Report, fleet: Fleet, load_: Load, patience: float) -> None:
    """Leave the workers alone and wait until everything accepted has ended."""
    deadline = time.monotonic() + patience
    open_ = [e.id for e in load_.accepted]
    while open_ and time.monotonic() < deadline:
        fleet.fill(report)
        open_ = [job_id for job_id in open_ if not await load_.has_ended(job_id)]
        await asyncio.sleep(0.3)
    report.lost += len(open_)
    for job_id in open_:
        print("not ended:", next(e for e in load_.accepted if e.id == job_id), flush=True)
    for _ in range(100):  # steps that were told to stop end a moment after their workflow
        if not await load_.invest.inspect.active():
            break
        await asyncio.sleep(0.2)
    for _ in range(100):  # the history takes the last events, also those that killed projectors had been given
        reader = (await load_.invest.redis.xinfo_groups(keys.EVENTS))[0]
        fleet.fill(report)
        if not reader["pending"] and not reader["lag"]:
            break
        await asyncio.sleep(0.2)
    await asyncio.sleep(1)


async def run(
    kills: int, lease: float, seed: int, *, workers: int = 4, patience: float = 120, away: float = 4
) -> Report:
    """The whole thing, on servers of its own."""
    rng = random.Random(seed)
    logging.getLogger("asyncpg.pool").setLevel(logging.CRITICAL)  # that the server is away is what is tried here
    report = Report(lease_s=lease)
    begun = time.monotonic()
    with OwnValkey(durable=True) as server, OwnPostgres() as database:
        await migrate(database.url)
        connection = await asyncpg.connect(database.url)
        await connection.execute(jobs.SCHEMA)
        await connection.close()
        settings: Settings = load(
            redis={"url": server.url, "socket_timeout": 1}, database={"url": database.url}, engine={"lease": lease}
        )
        fleet = Fleet(workers, server.url, database.url, lease, rng)
        try:
            async with Invest.connect(settings) as invest, Store.open(settings, patience=10) as store:
                load_ = Load(invest, store, rng)
                await load_.submit(10)
                servers = Servers(report, server, database, fleet, load_, away=away)
                await rampage(report, kills, fleet, load_, servers, rng)
                await settle(report, fleet, load_, patience)
                fleet.end()
                await audit(report, load_.accepted, invest, store, database.url)
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
    parser.add_argument("--away", type=float, default=180, help="seconds without PostgreSQL")
    options = parser.parse_args()
    print(f"chaos: {options.kills} kills, lease {options.lease} s, seed {options.seed}")
    report = asyncio.run(run(options.kills, options.lease, options.seed, patience=300, away=options.away))
    outputs.write("chaos", asdict(report) | {"seed": options.seed})
    for name, value in asdict(report).items():
        print(f"  {name:<18}{value}")
    sys.exit(0 if report.clean else 1)


if __name__ == "__main__":
    main()
