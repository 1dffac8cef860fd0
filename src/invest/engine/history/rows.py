"""A row of the history, and how one is made of an event and of what Redis holds of the job."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any, Final, Protocol, runtime_checkable

from pydantic import Field

from invest.engine.redis import Envelope, Event, Frozen, JobState, Record, fields, printable

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
    """A row of history. Upsert it by `id`, only where `sequence` is not below the stored one: rows may come twice.

    What is None is not known (any more): it must not replace what is.
    """

    id: str
    sequence: int
    name: str
    queue: str
    state: JobState
    attempt: int = 0
    delivery: int = 0
    args: list[Any] | None = None
    kwargs: dict[str, Any] | None = None
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
    expires_at: datetime | None = Field(default=None, description="not to be started after")
    result_ttl: float | None = Field(default=None, description="seconds")
    key: str | None = Field(default=None, description="the unique key it holds")
    priority: int = 0
    plan: dict[str, Any] | None = Field(default=None, description="of a workflow that a caller started")


Sink = Callable[[Sequence[JobRun]], Awaitable[None]]


@runtime_checkable
class Ledger(Protocol):
    """A sink that can also say what it believes to be unfinished: then a gap in the events can be repaired."""

    async def __call__(self, rows: Sequence[JobRun]) -> None: ...

    async def unfinished(self, after: str | None) -> list[JobRun]:
        """A page of jobs without an end, steps of workflows too, by id after `after`."""
        ...


def row_of_event(event: Event, record: Record | None, plan: dict[str, Any] | None) -> JobRun:
    """The job as its record says now; without one as the event says."""
    if record is not None:
        return row_of_record(record, event.sequence, plan)
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


def row_of_record(record: Record, sequence: int, plan: dict[str, Any] | None = None) -> JobRun:
    """The job as its record says now: what `Record.status` says of it, without what the history does not keep."""
    call, error, ttl = record.call, record.error, record.number(fields.RESULT_TTL)
    known = call is not None or record.text(fields.KIND) is not None  # a workflow has no arguments
    call = call or Envelope("?", [], {})
    enqueued, started, finished = record.times
    return JobRun(
        id=printable(record.id),
        sequence=sequence,
        name=record.text(fields.NAME) or call.function,
        queue=record.text(fields.QUEUE) or "",
        state=record.state,
        attempt=record.attempt,
        delivery=record.number(fields.DELIVERIES),
        args=call.args if known else None,
        kwargs=call.kwargs if known else None,
        caller=call.caller,
        enqueued_at=enqueued,
        started_at=started,
        finished_at=finished,
        worker=record.text(fields.WORKER),
        error_type=error.type if error else None,
        error_message=error.message if error else None,
        workflow=record.workflow,
        replay_of=record.text(fields.REPLAY_OF),
        due_at=record.at(fields.DUE),
        expires_at=record.at(fields.EXPIRES_AT),
        result_ttl=ttl / 1000 if ttl else None,
        key=record.text(fields.UNIQUE),
        priority=record.number(fields.PRIORITY),
        plan=plan,
    )
