"""A row of the history, and how one is made of an event and of what Redis holds of the job."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any, Final, Protocol, runtime_checkable

from pydantic import Field

from invest.engine.redis import Event, Frozen, JobState, Record, fields

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
    """The job as its record says now."""
    status = record.status()
    known = record.call is not None or record.text(fields.KIND) is not None  # a workflow has no arguments
    ttl = record.number(fields.RESULT_TTL)
    return JobRun(
        id=status.id,
        sequence=sequence,
        name=status.name,
        queue=status.queue,
        state=status.state,
        attempt=status.attempt,
        delivery=status.delivery,
        args=status.args if known else None,
        kwargs=status.kwargs if known else None,
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
        expires_at=status.expires_at,
        result_ttl=ttl / 1000 if ttl else None,
        key=status.key,
        priority=status.priority,
        plan=plan,
    )
