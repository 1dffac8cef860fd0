"""Looking at and steering the cron lines of every declared job."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any, Final

from invest.engine.client import Client, Job
from invest.engine.declare import JobType, next_tick, registry
from invest.engine.redis import Frozen, keys, moment
from invest.errors import NotFound

PATIENCE: Final = 5.0  # seconds for a condition to answer


class ScheduleEntry(Frozen):
    """One cron line and where it stands; instants are aware, `next_at` in the market's time zone.

    `error` says what keeps its ticks from starting runs: a condition that raises, arguments that do not validate.
    """

    name: str
    queue: str
    cron: str
    when: str | None
    catch_up: str
    paused: bool
    next_at: datetime | None
    last_at: datetime | None
    last_job: str | None
    error: str | None = None


class Schedules:
    """The cron lines of the jobs declared here."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._redis = client.redis

    async def all(self) -> list[ScheduleEntry]:
        """Every cron line with its last and next run."""
        jobs = [job for job in registry.jobs() if job.cron]
        async with self._redis.pipeline(transaction=False) as pipe:
            for job in jobs:
                pipe.hmget(keys.SCHEDULE + job.name, ["ran", "paused", "job", "error"])
            rows = await pipe.execute()
        now = datetime.now(self._client.settings.zone)
        return list(await asyncio.gather(*(self._entry(job, row, now) for job, row in zip(jobs, rows, strict=True))))

    async def _entry(self, job: JobType[..., Any], row: list[bytes | None], now: datetime) -> ScheduleEntry:
        ran, paused, last_job, error = row
        when = job.when if isinstance(job.when, str) or job.when is None else job.when.__name__
        reason = error.decode("utf-8", "replace") if error else None
        upcoming = None
        try:
            if paused != b"1":
                upcoming = await asyncio.wait_for(asyncio.to_thread(next_tick, job, now), PATIENCE)
        except TimeoutError:
            reason = reason or f"its condition did not answer within {PATIENCE:g} s"
        except Exception as raised:  # a condition may raise anything; the other lines are shown all the same
            reason = reason or f"its condition raised {type(raised).__name__}: {raised}"
        return ScheduleEntry(
            name=job.name,
            queue=job.queue.name,
            cron=job.cron or "",
            when=when,
            catch_up=job.catch_up,
            paused=paused == b"1",
            next_at=upcoming,
            last_at=moment(ran),
            last_job=last_job.decode() if last_job else None,
            error=reason,
        )

    async def pause(self, name: str) -> None:
        """Let its ticks pass without a run. Raises `NotFound` for a job without a cron line."""
        await self._set(name, {"paused": "1"})

    async def resume(self, name: str) -> None:
        """The opposite of `pause`; what was missed meanwhile stays missed. Raises `NotFound`."""
        self._scheduled(name)
        seconds, micros = await self._redis.time()
        await self._set(name, {"last": str(int(seconds) * 1000 + int(micros) // 1000), "paused": "0"})

    async def run_now(self, name: str) -> Job[Any]:
        """One run out of turn. Raises `NotFound`."""
        job = self._scheduled(name)
        return await self._client.enqueue(job(**job.cron_args))

    async def _set(self, name: str, values: dict[str, str]) -> None:
        await self._redis.hset(keys.SCHEDULE + self._scheduled(name).name, mapping=values)  # type: ignore[misc] # redis-py: Awaitable

    def _scheduled(self, name: str) -> JobType[..., Any]:
        job = registry.find(name)
        if job is None or job.cron is None:
            raise NotFound(f"no schedule {name!r}; `invest schedule` lists those there are")
        return job
