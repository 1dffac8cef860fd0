"""From the engine's rows to the store's: the history of jobs beyond the hour that results live in Redis."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from invest.domain import job_run
from invest.engine import JobRun
from invest.store import Store


def history_sink(store: Store) -> Callable[[Sequence[JobRun]], Awaitable[None]]:
    """What a `Projector` feeds: it raises while PostgreSQL is away, and the events wait in Redis."""

    async def sink(rows: Sequence[JobRun]) -> None:
        await store.jobs.upsert([kept(row) for row in rows])

    return sink


def kept(row: JobRun) -> job_run.JobRun:
    """One row as it is stored; positional and named arguments together, since both are the caller's words."""
    milliseconds, number = divmod(row.sequence, 1_000_000)
    error = {"type": row.error_type, "message": row.error_message} if row.error_type else None
    return job_run.JobRun(
        id=row.id,
        state=row.state.value,
        name=row.name,
        queue=row.queue,
        args={"args": row.args, "kwargs": row.kwargs},
        attempt=row.attempt,
        deliveries=row.delivery,
        enqueued_at=row.enqueued_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        error=error,
        workflow=row.workflow,
        event_id=f"{milliseconds}-{number}",
    )
