"""Looking at jobs, queues and workers: every question costs O(log n + page), never a scan."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson

from invest.engine.client import Client
from invest.engine.declare import registry
from invest.engine.redis import Frozen, JobState, JobStatus, id_bytes, id_text, keys, moment, read_statuses, transitions
from invest.errors import ConfigError

MAX_PAGE: Final = 500
INDEX: Final = {
    JobState.SCHEDULED: keys.WAITING,
    JobState.QUEUED: keys.WAITING,
    JobState.RETRYING: keys.RETRYING,
    JobState.RUNNING: keys.RUNNING,
    JobState.SUCCEEDED: keys.DONE,
    JobState.FAILED: keys.FAILED,
    JobState.CANCELLED: keys.CANCELLED,
}

LOOKED: Final = (  # the order of `transitions.look`
    JobState.QUEUED,
    JobState.SCHEDULED,
    JobState.RETRYING,
    JobState.RUNNING,
    JobState.SUCCEEDED,
    JobState.FAILED,
    JobState.CANCELLED,
)
COUNTED: Final = (  # the same of its counts; None: what is no state of its own
    JobState.QUEUED,
    JobState.SCHEDULED,
    None,
    JobState.RETRYING,
    JobState.RUNNING,
    JobState.FAILED,
    JobState.SUCCEEDED,
    None,
    JobState.CANCELLED,
)


class Page(Frozen):
    """Some jobs, and the cursor of the next page (None after the last)."""

    items: list[JobStatus]
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class Glance:
    """Counts of each state, and (id, score) of its first jobs: by due time, of ended ones the newest first."""

    counts: dict[JobState, int]
    ids: dict[JobState, list[tuple[str, int]]]


class QueueStats(Frozen):
    """Depths of one queue: due now, due later (retries too), running, dead letters; age of the oldest due job.

    `runnable`: how many of those due (retries too) could start now, were there free slots: a pause, `max_running` and
    `rate` hold the others back. `oldest_seconds` is the age of the oldest that is not held back.
    """

    name: str
    waiting: int
    scheduled: int
    active: int
    dead: int
    done: int
    oldest_seconds: float | None
    runnable: int | None = None
    paused: bool = False


class WorkerInfo(Frozen):
    """One worker process, as of its last heartbeat; `cell`: the one it works for, where all cells are looked at."""

    id: str
    host: str
    pid: int
    queues: list[str]
    slots: int
    running: int
    done: int
    failed: int
    retried: int
    stopping: bool
    started_at: datetime
    seen_at: datetime
    alive: bool
    cell: str | None = None


class TimelineEntry(Frozen):
    """One thing that happened to a job."""

    at: datetime
    what: str
    detail: str = ""


@dataclass(slots=True)
class _Depths:
    """The sums of one queue over its job names."""

    waiting: int = 0
    scheduled: int = 0
    active: int = 0
    dead: int = 0
    done: int = 0
    runnable: int = 0

    def add(self, name: str, row: Sequence[int]) -> None:
        waiting, later, due_retries, retrying, running, failed, done, parked, _ = row
        self.waiting += waiting
        self.scheduled += later + retrying
        self.active += running
        self.dead += failed
        self.done += done
        self.runnable += _could_run(name, waiting + due_retries, running, parked)

    def stats(self, queue: str, *, paused: bool, oldest: float | None) -> QueueStats:
        return QueueStats(
            name=queue,
            waiting=self.waiting,
            scheduled=self.scheduled,
            active=self.active,
            dead=self.dead,
            done=self.done,
            oldest_seconds=None if paused else oldest,
            runnable=0 if paused else self.runnable,
            paused=paused,
        )


def _could_run(name: str, due: int, running: int, parked: int) -> int:
    """How many of the due jobs of a name its limits would let start now; of a rate, what starts within a second."""
    job = registry.find(name)
    count = due - parked if job is None else due
    if job is not None and job.max_running is not None:
        count = min(count, job.max_running - running)
    if job is not None and job.rate is not None:
        count = min(count, max(1, 1000 // job.rate.interval_ms))
    return max(0, count)


def _age(due: float | None, now: int) -> float | None:
    return None if due is None or due > now else (now - due) / 1000


class Inspector:
    """Questions about what is going on."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._redis = client.redis

    async def names(self, queue: str | None = None) -> dict[str, str]:
        """Job names to queues: those declared here and those ever enqueued."""
        raw = await self._redis.hgetall(keys.NAMES)  # type: ignore[misc] # redis-py: Awaitable | dict
        known = {k.decode("utf-8", "replace"): v.decode("utf-8", "replace") for k, v in raw.items()}
        known |= {job.name: job.queue.name for job in registry.jobs()}
        return {n: q for n, q in sorted(known.items()) if queue is None or q == queue}

    async def _now(self) -> int:
        seconds, micros = await self._redis.time()
        return int(seconds) * 1000 + int(micros) // 1000

    async def jobs(
        self,
        state: JobState,
        *,
        queue: str | None = None,
        name: str | None = None,
        limit: int = 50,
        cursor: str | None = None,
        with_later: bool = False,
    ) -> Page:
        """A page of jobs in one state: waiting ones by due time, finished ones newest first.

        `with_later`: beside the queued ones those that are due later. Raises `ConfigError` for a cursor that is none
        of ours.
        """
        limit = max(1, min(limit, MAX_PAGE))
        names = [name] if name is not None else list(await self.names(queue))
        newest_first = state.final
        found = await self._gather(state, names, limit, read_cursor(cursor), with_later=with_later)
        found.sort(key=lambda pair: pair[:2], reverse=newest_first)
        page = found[:limit]
        statuses = await self.read([job_id for _, job_id in page])
        items = [status for status in statuses if queue is None or status.queue == queue]
        more = len(found) > limit
        return Page(items=items, cursor=f"{page[-1][0]:.0f}:{page[-1][1]}" if more else None)

    async def _gather(
        self,
        state: JobState,
        names: list[str],
        limit: int,
        after: tuple[float, str] | None,
        *,
        with_later: bool,
    ) -> list[tuple[float, str]]:
        now, newest_first = await self._now(), state.final
        low: Any = f"({now}" if state is JobState.SCHEDULED else "-inf"
        high: Any = now if state is JobState.QUEUED and not with_later else "+inf"
        ties = [0] * len(names)
        if after is not None:
            if newest_first:
                high = f"{after[0]:.0f}"
            else:
                low = f"{after[0]:.0f}"
            ties = await self._ties(state, names, after[0])
        async with self._redis.pipeline(transaction=False) as pipe:
            for job_name, tied in zip(names, ties, strict=True):
                key, count = INDEX[state] + job_name, limit + 1 + tied
                if newest_first:
                    pipe.zrevrangebyscore(key, high, low, start=0, num=count, withscores=True)
                else:
                    pipe.zrangebyscore(key, low, high, start=0, num=count, withscores=True)
            rows = await pipe.execute(raise_on_error=False)
        pairs = [(score, id_text(raw)) for row in rows if isinstance(row, list) for raw, score in row]
        if after is None:
            return pairs
        return [p for p in pairs if (p < after if newest_first else p > after)]

    async def _ties(self, state: JobState, names: list[str], score: float) -> list[int]:
        async with self._redis.pipeline(transaction=False) as pipe:
            for job_name in names:
                pipe.zcount(INDEX[state] + job_name, score, score)
            return [int(n) for n in await pipe.execute()]

    async def glance(
        self, most: Mapping[JobState, int], *, queue: str | None = None, name: str | None = None
    ) -> Glance:
        """How many jobs each state has, and the first ids of those states of which some are wanted, in one question."""
        names = [name] if name is not None else list(await self.names(queue))
        found = await self._client.ask(transitions.look([most.get(state, 0) for state in LOOKED], names))
        places = {state: place for place, state in enumerate(COUNTED) if state is not None}
        return Glance(
            counts={state: sum(row[places[state]] for row in found.counts.values()) for state in LOOKED},
            ids=dict(zip(LOOKED, found.heads, strict=True)),
        )

    async def pace(self, each_ms: int, spans: int, *, till_ms: int) -> tuple[list[int], list[int]]:
        """How many jobs succeeded, and how many failed for good, in each of the last spans, the oldest first.

        Counted are those whose records are still in the index.
        """
        return await self._client.ask(transitions.pace(till_ms, each_ms, spans, list(await self.names())))

    async def read(self, ids: Sequence[str]) -> list[JobStatus]:
        """The jobs of these ids, without those whose records have expired."""
        if not ids:
            return []
        return [status for status in await read_statuses(self._redis, list(ids)) if status is not None]

    async def active(self, limit: int = MAX_PAGE) -> list[JobStatus]:
        """What runs now, oldest first."""
        return (await self.jobs(JobState.RUNNING, limit=limit)).items

    async def queues(self) -> dict[str, QueueStats]:
        """Depths of every queue."""
        names = await self.names()
        found, paused = await asyncio.gather(
            self._client.ask(transitions.look([0] * transitions.INDEXES, list(names))),
            self._redis.smembers(keys.PAUSED),  # type: ignore[arg-type] # redis-py: Awaitable | set
        )
        depths = {queue.name: _Depths() for queue in registry.queues()}
        for name, queue in names.items():
            depths.setdefault(queue, _Depths()).add(name, found.counts[name])
        oldest = await self._oldest(list(depths))
        stopped = {raw.decode() for raw in paused}
        return {
            queue: own.stats(queue, paused=queue in stopped, oldest=_age(oldest[queue], found.now))
            for queue, own in sorted(depths.items())
        }

    async def _oldest(self, queues: list[str]) -> dict[str, float | None]:
        """When the oldest job on each queue was due; what limits hold back is on none."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for queue in queues:
                for priority in (1, 0, -1):
                    pipe.zrange(keys.queue_key(queue, priority), 0, 0, withscores=True)
            rows = await pipe.execute(raise_on_error=False)
        found: dict[str, float | None] = {}
        for position, queue in enumerate(queues):
            heads = [row[0][1] for row in rows[position * 3 : position * 3 + 3] if isinstance(row, list) and row]
            found[queue] = min(heads, default=None)
        return found

    async def workers(self) -> list[WorkerInfo]:
        """Worker processes that were heard of in the last minute."""
        now = await self._now()
        seen = await self._redis.zrangebyscore(keys.WORKERS, now - 60_000, "+inf", withscores=True)
        if not seen:
            return []
        beats = await self._redis.mget([keys.WORKER.encode() + raw for raw, _ in seen])
        found = []
        for (raw, score), beat in zip(seen, beats, strict=True):
            if beat is None:
                continue
            heartbeat = orjson.loads(beat)
            heartbeat["started_at"] = moment(heartbeat["started_at"] * 1000)
            alive = now - score < self._client.settings.engine.lease * 1000
            found.append(WorkerInfo(id=raw.decode(), seen_at=moment(score), alive=alive, **heartbeat))
        return found

    async def timeline(self, job_id: str) -> list[TimelineEntry]:
        """What happened to one job, in order. Raises `NotFound`."""
        status = await self._client.status(job_id)
        entries = [TimelineEntry(at=status.enqueued_at, what="enqueued")] if status.enqueued_at else []
        for attempt in status.history:
            if attempt.started_at:
                entries.append(TimelineEntry(at=attempt.started_at, what="started", detail=attempt.worker or ""))
            if attempt.ended_at:
                why = f"{attempt.error.type}: {attempt.error.message}" if attempt.error else attempt.worker or ""
                entries.append(TimelineEntry(at=attempt.ended_at, what=attempt.kind, detail=why))
        starts = {a.started_at for a in status.history}
        if status.started_at and status.started_at not in starts:
            entries.append(TimelineEntry(at=status.started_at, what="started", detail=status.worker or ""))
        if status.finished_at:
            why = f"{status.error.type}: {status.error.message}" if status.error else ""
            entries.append(TimelineEntry(at=status.finished_at, what=status.state.value, detail=why))
        elif status.due_at and not status.started_at:
            entries.append(TimelineEntry(at=status.due_at, what="due"))
        return sorted(entries, key=lambda e: e.at)

    async def position(self, job_id: str) -> int | None:
        """How many jobs of its queue and priority are due before a waiting job; None if it does not wait."""
        status = await self._client.status(job_id)
        if status.state not in (JobState.QUEUED, JobState.SCHEDULED, JobState.RETRYING) or not status.queue:
            return None
        rank = await self._redis.zrank(keys.queue_key(status.queue, status.priority), id_bytes(job_id))
        return None if rank is None else int(rank)


def read_cursor(text: str | None) -> tuple[float, str] | None:
    """Score and id of the entry that a page ended with. Raises `ConfigError`."""
    if text is None:
        return None
    score, colon, job_id = text.partition(":")
    if not colon or not score.isascii() or not score.isdigit():
        raise ConfigError(f"cursor {text[:40]!r} is none of ours: take it from the page before")
    return float(score), job_id
