"""Giving a Redis that lost everything back what the history knows as accepted and not ended."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import structlog
from redis.exceptions import RedisError

from invest.engine.calls import Call, Options
from invest.engine.declare import registry
from invest.engine.errors import InvalidArguments
from invest.engine.history.projector import JobRun
from invest.engine.redis import Plan, keys

if TYPE_CHECKING:
    from invest.engine.client import Invest

log = structlog.get_logger("invest.engine")
BATCH: Final = 500


async def restore(invest: Invest, accepted: Iterable[JobRun]) -> int:
    """Enqueue again, under their own ids, unfinished jobs and workflows that Redis has lost; gives how many.

    What Redis still knows is never doubled. A workflow starts again from its first step, with the ids its steps had:
    effects that are kept by job id stay single. Left out, and named in the log: jobs that are not declared here, and
    workflows whose plan was too large to keep. Steps come back with their workflow, or with the job that handed over.
    """
    open_ = [r for r in accepted if not r.state.final and r.workflow is None]
    calls = [call for row in open_ if row.plan is None and (call := _call_of(row)) is not None]
    count = 0
    try:
        for start in range(0, len(calls), BATCH):
            count += sum(job.new for job in await invest.enqueue_many(calls[start : start + BATCH]))
        for row in open_:
            if row.plan is not None:
                count += await _begin_again(invest, row)
    except RedisError as error:
        log.warning("restore interrupted", error=str(error), restored=count)
        raise
    return count


def _call_of(row: JobRun) -> Call[Any] | None:
    """The call a job was; None where it cannot be made any more."""
    if registry.find(row.name) is None:
        log.warning("not restored: no such job here", job_id=row.id, job=row.name)
        return None
    try:
        call = registry.call_by_name(row.name, row.args, row.kwargs)
    except InvalidArguments as error:
        log.warning("not restored: its arguments are no longer valid", job_id=row.id, job=row.name, error=str(error))
        return None
    due = row.due_at if row.due_at is not None and row.due_at > datetime.now(UTC) else None
    return Call(
        call.job,
        call.args,
        call.kwargs,
        call.payload,
        Options(id=row.id, at=due, priority=row.priority, caller=row.caller),
    )


async def _begin_again(invest: Invest, row: JobRun) -> bool:
    """Lay a workflow down again and start it, unless Redis knows it; whether it did."""
    base = keys.WORKFLOW + row.id
    if await invest.redis.exists(keys.JOB + row.id):
        return False
    try:
        plan = Plan.read(row.plan)
    except ValueError as error:
        log.warning("workflow not restored", job_id=row.id, error=str(error))
        return False
    await invest.redis.delete(*_laid(base))  # what a restore that was cut short left behind
    await invest.lay_down(row.id, plan)
    return await invest.submit(row.id, row.name, plan)


def _laid(base: str) -> Sequence[str]:
    return (base, base + keys.WORKFLOW_NODES, base + keys.WORKFLOW_ROOTS, base + keys.WORKFLOW_OUTCOMES)
