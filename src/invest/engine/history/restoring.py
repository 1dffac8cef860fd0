"""Giving a Redis that lost everything back what the history knows as accepted and not ended."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

import orjson
import structlog
from redis.exceptions import RedisError

from invest.engine.client import Client
from invest.engine.history.rows import JobRun
from invest.engine.redis import NewJob, Plan, keys, transitions

log = structlog.get_logger("invest.engine")
BATCH: Final = 250


async def restore(client: Client, accepted: Iterable[JobRun]) -> int:
    """Enqueue again, under their own ids, unfinished jobs and workflows that Redis has lost; gives how many.

    What Redis still knows is never doubled, so it may be begun again at any time. Each comes back with its options: due
    time, expiry, priority, unique key, how long its result is kept. A job whose key another has taken meanwhile ends as
    cancelled. A workflow starts again from its first step, with the ids its steps had: effects that are kept by job id
    stay single. Left out, and named in the log: jobs whose arguments the history does not know, and workflows whose
    plan was too large to keep. Steps come back with their workflow, or with the job that handed over.
    """
    open_ = [r for r in accepted if not r.state.final and r.workflow is None]
    jobs = [job for row in open_ if row.plan is None and (job := _job_of(client, row)) is not None]
    count = 0
    try:
        for start in range(0, len(jobs), BATCH):
            batch = jobs[start : start + BATCH]
            made = await client.ask(transitions.enqueue(batch, restoring=True))
            count += sum(new for _, new in made)
        for row in open_:
            if row.plan is not None:
                count += await _begin_again(client, row)
    except RedisError as error:
        log.warning("restore interrupted", error=str(error), restored=count)
        raise
    return count


def _job_of(client: Client, row: JobRun) -> NewJob | None:
    """The job as it was accepted; None where that is not known."""
    if not row.name or not row.queue or row.args is None or row.kwargs is None:
        log.warning("not restored: the history does not know its call", job_id=row.id, job=row.name)
        return None
    by = {"by": row.caller} if row.caller else {}
    envelope = orjson.dumps({"t": None, "f": row.name, "a": row.args, "k": row.kwargs, **by})
    due = row.due_at if row.due_at is not None and row.due_at > datetime.now(UTC) else None
    ttl = row.result_ttl or client.settings.engine.result_ttl
    return NewJob(
        id=row.id,
        chosen=True,
        name=row.name,
        queue=row.queue,
        envelope=envelope[:-1] + b',"et":',
        result_ttl=max(1, round(ttl * 1000)),
        priority=row.priority,
        unique=row.key or "",
        at=round(due.timestamp() * 1000) if due else None,
        expires_at=round(row.expires_at.timestamp() * 1000) if row.expires_at else None,
    )


async def _begin_again(client: Client, row: JobRun) -> bool:
    """Lay a workflow down again and start it, unless Redis knows it; whether it did."""
    if await client.redis.exists(keys.JOB + row.id):
        return False
    try:
        plan = Plan.read(row.plan)
    except ValueError as error:
        log.warning("workflow not restored", job_id=row.id, error=str(error))
        return False
    await client.lay_down(row.id, plan)  # what a restore that was cut short laid down stays as it is
    return await client.submit(row.id, row.name, plan, caller=row.caller)
