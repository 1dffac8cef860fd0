"""Write the job history from the engine to the store, for the time after results have expired in Redis."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime

import structlog
from redis.exceptions import RedisError

from invest.domain import job_run
from invest.engine import InvalidArguments, Invest, JobRun, JobState, job_head, registry, restore
from invest.errors import InvestError
from invest.store import Store

MARK = "invest:whole"  # gone when Redis lost its data
LOOK_EVERY = 5.0
log = structlog.get_logger("invest.workers")


def history_sink(store: Store) -> Callable[[Sequence[JobRun]], Awaitable[None]]:
    """What a `Projector` feeds: it raises while PostgreSQL is away, and the events wait in Redis."""

    async def sink(rows: Sequence[JobRun]) -> None:
        await store.jobs.upsert([kept(row) for row in rows])

    return sink


async def restore_lost(invest: Invest, store: Store) -> int:
    """Queue again what PostgreSQL knows as accepted and a lost Redis no longer does; how many. None is doubled."""
    restored, last = 0, None
    while page := await store.jobs.unfinished(after=last):
        restored += await restore(invest, [known(run) for run in page])
        last = page[-1]
    return restored


async def keep_whole(invest: Invest, store: Store) -> None:
    """Notice a Redis that has lost everything (its mark is gone) and restore it; until cancelled.

    One worker sets the mark and restores; a Redis that is merely away is waited for.
    """
    while True:
        try:
            if await invest.redis.set(MARK, b"1", nx=True):
                restored = await restore_lost(invest, store)
                log.info("redis was new", restored=restored)
        except (RedisError, InvestError, OSError) as error:
            log.warning("redis could not be looked after", error=str(error))
        await asyncio.sleep(LOOK_EVERY)


async def lost_payload(store: Store, job_id: str) -> bytes | None:
    """The payload of a job that Redis has lost, made again from the history; None for one it does not know."""
    run = await store.jobs.get(job_id)
    if run is None or run.args is None or registry.find(run.name or "") is None:
        return None
    row = known(run)
    try:
        call = registry.call_by_name(row.name, row.args, row.kwargs)
    except InvalidArguments:
        return None
    enqueued = run.enqueued_at or datetime.now(UTC)
    return job_head(call.name, call.payload, row.caller) + b"%d}" % (enqueued.timestamp() * 1000)


def known(run: job_run.JobRun) -> JobRun:
    """A stored row as the engine's; `kept` backwards."""
    given = run.args if isinstance(run.args, dict) else {}
    due = given.get("due_at")
    milliseconds, number = run.order
    return JobRun(
        id=run.id,
        sequence=milliseconds * 1_000_000 + number,
        name=run.name or "",
        queue=run.queue or "",
        state=JobState(run.state),
        args=given.get("args", []),
        kwargs=given.get("kwargs", {}),
        caller=given.get("by"),
        workflow=run.workflow,
        due_at=datetime.fromisoformat(due) if due else None,
        priority=given.get("priority", 0),
        plan=given.get("plan"),
    )


def kept(row: JobRun) -> job_run.JobRun:
    """One row as it is stored; all that the caller said together: arguments, when, how urgent, a workflow's plan."""
    milliseconds, number = divmod(row.sequence, 1_000_000)
    said: dict[str, object] = {"args": row.args, "kwargs": row.kwargs}
    said |= {"by": row.caller} if row.caller else {}
    if not row.state.final:
        waits = row.due_at is not None and row.state in (JobState.SCHEDULED, JobState.QUEUED)
        said |= {"due_at": row.due_at.isoformat()} if row.due_at is not None and waits else {}
        said |= {"priority": row.priority} if row.priority else {}
        said |= {"plan": row.plan} if row.plan is not None else {}
    error = {"type": row.error_type, "message": row.error_message} if row.error_type else None
    told = any(said.values())  # a payload that Redis has lost says nothing: what was known before stays
    return job_run.JobRun(
        id=row.id,
        state=row.state.value,
        name=row.name,
        queue=row.queue,
        args=said if told else None,
        attempt=row.attempt,
        deliveries=row.delivery,
        enqueued_at=row.enqueued_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        error=error,
        workflow=row.workflow,
        event_id=f"{milliseconds}-{number}",
    )
