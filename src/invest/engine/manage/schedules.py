"""Looking at and steering the cron lines of every declared job."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
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
    """The cron lines of the jobs declared here.

    `at` gives the client of the cell where lines of a queue tick; without it there is but the one of `client`.
    """

    def __init__(self, client: Client, at: Callable[[str], Client] | None = None) -> None:
        self._client = client
        self._at = at or (lambda _queue: client)

    async def all(self) -> list[ScheduleEntry]:
        """Every cron line with its last and next run."""
        jobs = [job for job in registry.jobs() if job.cron]
        parts: dict[Client, list[JobType[..., Any]]] = {}
        for job in jobs:
            parts.setdefault(self._at(job.queue.name), []).append(job)
        rows: dict[str, list[bytes | None]] = {}
        for part in await asyncio.gather(*(_read(client, some) for client, some in parts.items())):
            rows |= part
        now = datetime.now(self._client.settings.zone)
        return list(await asyncio.gather(*(self._entry(job, rows[job.name], now) for job in jobs)))

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
        client = self._at(self._scheduled(name).queue.name)
        seconds, micros = await client.redis.time()
        await self._set(name, {"last": str(int(seconds) * 1000 + int(micros) // 1000), "paused": "0"})

    async def run_now(self, name: str) -> Job[Any]:
        """One run out of turn. Raises `NotFound`."""
        job = self._scheduled(name)
        return await self._client.enqueue(job(**job.cron_args))

    async def _set(self, name: str, values: dict[str, str]) -> None:
        job = self._scheduled(name)
        await self._at(job.queue.name).redis.hset(keys.SCHEDULE + job.name, mapping=values)  # type: ignore[misc] # redis-py: Awaitable

    def _scheduled(self, name: str) -> JobType[..., Any]:
        job = registry.find(name)
        if job is None or job.cron is None:
            raise NotFound(f"no schedule {name!r}; `invest schedule` lists those there are")
        return job


async def _read(client: Client, jobs: Sequence[JobType[..., Any]]) -> dict[str, list[bytes | None]]:
    """What one cell notes of these lines."""
    async with client.redis.pipeline(transaction=False) as pipe:
        for job in jobs:
            pipe.hmget(keys.SCHEDULE + job.name, ["ran", "paused", "job", "error"])
        rows = await pipe.execute()
    return {job.name: row for job, row in zip(jobs, rows, strict=True)}
