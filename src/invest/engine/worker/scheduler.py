"""Cron lines: every worker keeps the schedule of its queues, and Redis lets one run per tick happen."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from cronsim import CronSim
from redis.exceptions import RedisError

from invest.engine.client import Invest, Job
from invest.engine.declare import JobType, Queue, registry
from invest.engine.redis import Argument, Frozen, job_head, keys, moment, script
from invest.errors import NotFound

log = structlog.get_logger("invest.engine")

CATCH_UP_WINDOW: Final = timedelta(days=7)  # older missed ticks are never caught up
CATCH_UP_LIMIT: Final = 100  # at most so many missed ticks of one job
LONGEST_SLEEP: Final = 20.0


class ScheduleEntry(Frozen):
    """One cron line and where it stands; instants are aware, `next_at` in the market's time zone."""

    name: str
    queue: str
    cron: str
    when: str | None
    catch_up: str
    paused: bool
    next_at: datetime | None
    last_at: datetime | None
    last_job: str | None


def ticks(job: JobType[..., Any], after: datetime) -> Iterator[datetime]:
    """Ticks of a job's cron line after an aware instant, in that instant's time zone.

    Where clocks go back a line at a fixed hour ticks once, where they go forward the skipped hour's tick comes right
    after (Debian's cron). Ticks that the job's condition refuses are left out.
    """
    condition = registry.condition(job)
    assert job.cron is not None
    for tick in CronSim(job.cron, after):
        if condition is None or condition(tick):
            yield tick


def next_tick(job: JobType[..., Any], after: datetime) -> datetime | None:
    """The next tick within a year, or None."""
    horizon = after + timedelta(days=366)
    condition = registry.condition(job)
    assert job.cron is not None
    for tick in CronSim(job.cron, after):
        if tick > horizon:
            return None
        if condition is None or condition(tick):
            return tick
    return None


class Scheduler:
    """Keeps the cron lines of some queues going. Any number may run at once, on clocks that disagree."""

    def __init__(self, invest: Invest, queues: Sequence[Queue]) -> None:
        self._invest = invest
        self._jobs = [job for queue in queues for job in queue.jobs.values() if job.cron]
        self._zone = invest.settings.zone
        for job in self._jobs:
            registry.condition(job)

    async def run(self) -> None:
        """Until cancelled; Redis being away only delays it."""
        while self._jobs:
            try:
                pause = await self.step()
            except (RedisError, OSError, TimeoutError) as error:
                log.warning("schedule delayed", error=str(error))
                pause = 2.0
            await asyncio.sleep(pause)

    async def step(self) -> float:
        """Start what is due; gives the seconds until the next tick, at most `LONGEST_SLEEP`."""
        now = await self.now()
        soonest = now + timedelta(seconds=LONGEST_SLEEP)
        for job in self._jobs:
            upcoming = await self._advance(job, now)
            if upcoming is not None:
                soonest = min(soonest, upcoming)
        return max(0.02, (soonest - await self.now()).total_seconds())

    async def now(self) -> datetime:
        """Redis' clock in the market's time zone: the worker's own may be wrong."""
        seconds, micros = await self._invest.redis.time()
        return datetime.fromtimestamp(seconds + micros / 1e6, self._zone)

    async def _advance(self, job: JobType[..., Any], now: datetime) -> datetime | None:
        raw = await self._invest.redis.hget(keys.SCHEDULE + job.name, "last")  # type: ignore[misc] # redis-py: Awaitable
        upcoming = next_tick(job, now)
        if raw is None:  # first seen: from now on
            await self._mark(job, now, upcoming)
            return upcoming
        last = datetime.fromtimestamp(int(raw) / 1000, self._zone)
        missed = self._missed(job, last, now)
        for position, tick in enumerate(missed):
            late = (now - tick).total_seconds()
            start = job.catch_up == "all" or position == len(missed) - 1
            if job.catch_up == "skip" and late > 60:
                start = False
            await self._tick(job, tick, upcoming, start=start)
        return upcoming

    def _missed(self, job: JobType[..., Any], last: datetime, now: datetime) -> list[datetime]:
        found: list[datetime] = []
        for tick in ticks(job, max(last, now - CATCH_UP_WINDOW)):
            if tick > now:
                break
            found = [*found[-CATCH_UP_LIMIT + 1 :], tick]
        return found

    async def _mark(self, job: JobType[..., Any], now: datetime, upcoming: datetime | None) -> None:
        await self._tick(job, now, upcoming, start=False)

    async def _tick(self, job: JobType[..., Any], tick: datetime, upcoming: datetime | None, *, start: bool) -> None:
        tick_ms = int(tick.timestamp() * 1000)
        call = job(**job.cron_args)
        ttl = job.result_ttl or self._invest.settings.engine.result_ttl
        argv: list[Argument] = [
            job.name,
            tick_ms,
            f"cron:{job.name}:{tick_ms}",
            job.queue.name,
            int(job.priority),
            round(ttl * 1000),
        ]
        following = int(upcoming.timestamp() * 1000) if upcoming else ""
        argv += [job_head(job.name, call.payload), following, "1" if start else "0", job.unique_key(call)]
        started = await script("tick")(self._invest.redis, *argv)
        if started:
            log.info("schedule tick", job=job.name, tick=tick.isoformat())


class Schedules:
    """Looking at and steering the cron lines of every declared job."""

    def __init__(self, invest: Invest) -> None:
        self._invest = invest

    async def all(self) -> list[ScheduleEntry]:
        """Every cron line with its last and next run."""
        jobs = [job for job in registry.jobs() if job.cron]
        async with self._invest.redis.pipeline(transaction=False) as pipe:
            for job in jobs:
                pipe.hmget(keys.SCHEDULE + job.name, ["ran", "paused", "job"])
            rows = await pipe.execute()
        now = datetime.now(self._invest.settings.zone)
        return [self._entry(job, row, now) for job, row in zip(jobs, rows, strict=True)]

    def _entry(self, job: JobType[..., Any], row: list[bytes | None], now: datetime) -> ScheduleEntry:
        ran, paused, last_job = row
        when = job.when if isinstance(job.when, str) or job.when is None else job.when.__name__
        return ScheduleEntry(
            name=job.name,
            queue=job.queue.name,
            cron=job.cron or "",
            when=when,
            catch_up=job.catch_up,
            paused=paused == b"1",
            next_at=None if paused == b"1" else next_tick(job, now),
            last_at=moment(ran),
            last_job=last_job.decode() if last_job else None,
        )

    async def pause(self, name: str) -> None:
        """Let its ticks pass without a run. Raises `NotFound` for a job without a cron line."""
        await self._set_paused(name, "1")

    async def resume(self, name: str) -> None:
        """The opposite of `pause`; what was missed meanwhile stays missed. Raises `NotFound`."""
        seconds, micros = await self._invest.redis.time()
        now_ms = int(seconds) * 1000 + int(micros) // 1000
        await self._invest.redis.hset(keys.SCHEDULE + self._scheduled(name).name, "last", str(now_ms))  # type: ignore[misc] # redis-py: Awaitable
        await self._set_paused(name, "0")

    async def run_now(self, name: str) -> Job[Any]:
        """One run out of turn. Raises `NotFound`."""
        job = self._scheduled(name)
        return await self._invest.enqueue(job(**job.cron_args))

    async def _set_paused(self, name: str, flag: str) -> None:
        await self._invest.redis.hset(keys.SCHEDULE + self._scheduled(name).name, "paused", flag)  # type: ignore[misc] # redis-py: Awaitable

    def _scheduled(self, name: str) -> JobType[..., Any]:
        job = registry.find(name)
        if job is None or job.cron is None:
            raise NotFound(f"no schedule {name!r}; `invest schedule` lists those there are")
        return job
