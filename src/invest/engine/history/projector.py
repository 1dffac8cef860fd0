"""From the event stream to the history in PostgreSQL: a consumer group that upserts one row per job."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import orjson
import structlog
from pydantic import Field
from redis.exceptions import ResponseError

from invest.engine.redis import Event, Frozen, JobState, JobStatus, keys, parse_event, read_statuses

if TYPE_CHECKING:
    from invest.engine.client import Invest

log = structlog.get_logger("invest.engine")
GROUP: Final = "projector"
BATCH: Final = 500
GATHER: Final = 0.2  # seconds for more events to come: what happens to a job within them makes one row
IDLE_MS: Final = 30_000  # entries a dead projector left unacknowledged are taken over after this
STATE_OF_EVENT: Final = {
    "queued": JobState.QUEUED,
    "started": JobState.RUNNING,
    "retrying": JobState.RETRYING,
    "succeeded": JobState.SUCCEEDED,
    "failed": JobState.FAILED,
    "cancelled": JobState.CANCELLED,
}
OTHER_KINDS: Final = ("handed_over", "handed_back", "workflow", "retried", "lost")


class JobRun(Frozen):
    """A row of history. Upsert it by `id`, only where `sequence` is not below the stored one: rows may come twice."""

    id: str
    sequence: int
    name: str
    queue: str
    state: JobState
    attempt: int = 0
    delivery: int = 0
    args: list[Any] = Field(default_factory=list)
    kwargs: dict[str, Any] = Field(default_factory=dict)
    caller: str | None = None
    enqueued_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    worker: str | None = None
    error_type: str | None = None
    error_message: str | None = None
    workflow: str | None = None
    replay_of: str | None = None
    due_at: datetime | None = None
    priority: int = 0
    plan: dict[str, Any] | None = Field(default=None, description="of a workflow that a caller started")


Sink = Callable[[Sequence[JobRun]], Awaitable[None]]


class Projector:
    """Feeds `sink` with the rows of jobs that something happened to. Any number may run; each event goes to one.

    An event is acknowledged after the sink took its row: a sink that fails (PostgreSQL is down) is tried again with the
    same rows for as long as it takes, while the events wait in the stream.
    """

    def __init__(self, invest: Invest, sink: Sink) -> None:
        self._invest = invest
        self._redis = invest.redis
        self._sink = sink
        self._me = f"{socket.gethostname()}:{os.getpid()}:{os.urandom(3).hex()}"
        self._resume: Any = "0"  # first what this consumer was given before and never acknowledged

    async def run(self) -> None:
        """Until cancelled."""
        pause = 0.5
        while True:
            try:
                if await self.step() < BATCH:
                    await asyncio.sleep(GATHER)
                pause = 0.5
            except Exception as error:  # the sink's own errors are of any kind; the events wait
                log.warning("history is behind", error=f"{type(error).__name__}: {error}")
                self._resume = "0"
                await asyncio.sleep(pause)
                pause = min(pause * 2, 30)

    async def step(self, *, block: float = 2.0) -> int:
        """Take one batch to the sink; gives how many events it was."""
        entries = await self._read(block)
        if not entries:
            return 0
        events = [parse_event(raw, fields) for raw, fields in entries if fields]
        rows = await self.rows(events)
        if rows:
            await self._sink(rows)
        await self._redis.xack(keys.EVENTS, GROUP, *[raw for raw, _ in entries])
        return len(entries)

    async def _read(self, block: float) -> list[Any]:
        try:
            return await self._claimed() or await self._new(block)
        except ResponseError as error:
            if "NOGROUP" not in str(error):
                raise
        try:
            await self._redis.xgroup_create(keys.EVENTS, GROUP, id="0", mkstream=True)
        except ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise
        return []

    async def _claimed(self) -> list[Any]:
        if self._resume is None:
            _, entries, *_ = await self._redis.xautoclaim(keys.EVENTS, GROUP, self._me, IDLE_MS, count=BATCH)
            return list(entries)
        answer = await self._redis.xreadgroup(GROUP, self._me, {keys.EVENTS: self._resume}, count=BATCH)
        entries = list(answer[0][1]) if answer else []
        if not entries:
            self._resume = None
        return entries

    async def _new(self, block: float) -> list[Any]:
        answer = await self._redis.xreadgroup(
            GROUP, self._me, {keys.EVENTS: ">"}, count=BATCH, block=round(block * 1000) or None
        )
        return list(answer[0][1]) if answer else []

    async def rows(self, events: Iterable[Event]) -> list[JobRun]:
        """One row per job among the events, sorted by id, as its record says now (expired: as the event says)."""
        last: dict[str, Event] = {}
        for event in events:
            if event.kind in STATE_OF_EVENT or event.kind in OTHER_KINDS:
                last[event.job_id] = event
        statuses = await read_statuses(self._redis, list(last), results=True)
        plans = await self._plans(last.values())
        pairs = zip(last.values(), statuses, strict=True)
        return sorted((_row(event, status, plans.get(event.job_id)) for event, status in pairs), key=lambda row: row.id)

    async def _plans(self, events: Iterable[Event]) -> dict[str, dict[str, Any]]:
        """The plans of the workflows that were started, by id."""
        ids = [event.job_id for event in events if event.kind in ("workflow", "retried")]
        if not ids:
            return {}
        found = await self._redis.mget([keys.WORKFLOW + one + keys.WORKFLOW_PLAN for one in ids])
        return {one: orjson.loads(raw) for one, raw in zip(ids, found, strict=True) if raw}


def _row(event: Event, status: JobStatus | None, plan: dict[str, Any] | None) -> JobRun:
    if status is None:
        state = STATE_OF_EVENT.get(event.kind, JobState.RUNNING)
        finished = event.at if state.final else None
        return JobRun(
            id=event.job_id,
            sequence=event.sequence,
            name=event.name,
            queue=event.queue,
            state=state,
            finished_at=finished,
        )
    return JobRun(
        id=event.job_id,
        sequence=event.sequence,
        name=status.name,
        queue=status.queue,
        state=status.state,
        attempt=status.attempt,
        delivery=status.delivery,
        args=status.args,
        kwargs=status.kwargs,
        caller=status.caller,
        enqueued_at=status.enqueued_at,
        started_at=status.started_at,
        finished_at=status.finished_at,
        worker=status.worker,
        error_type=status.error.type if status.error else None,
        error_message=status.error.message if status.error else None,
        workflow=status.workflow,
        replay_of=status.replay_of,
        due_at=status.due_at,
        priority=status.priority,
        plan=plan,
    )
