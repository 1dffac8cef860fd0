"""Tell an address that a task has ended: a job of its own, released by the end of the task."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import Field

from invest.engine import (
    Call,
    Context,
    JobCancelled,
    JobFailed,
    JobState,
    ResultExpired,
    ResultTimeout,
    Retry,
    RetryLater,
)
from invest.errors import ConfigError, NotFound
from invest.jobs.queues import NEVER, REPORTS
from invest.reports import DeliveryRefused, post_webhook
from invest.settings import Settings
from invest.store import Store

TELLING = Retry(retries=8, delay=5)  # with doubling pauses: about twenty minutes in all
PATIENCE = 60.0  # seconds to wait for a task that has not ended: only after Redis was restored
TaskId = Annotated[str, Field(min_length=1, max_length=200)]
Url = Annotated[str, Field(min_length=1, max_length=2000)]


@REPORTS.job(retry=TELLING, give_up_on=(*NEVER, DeliveryRefused), max_running=8, owner={"task_id": "task"})
async def tell_callback(ctx: Context, task_id: TaskId, url: Url) -> int:
    """Post to an address that a task has ended (Standard Webhooks, signed); the status it was taken with."""
    settings = ctx.use(Settings)
    if settings.delivery.webhook_secret is None:
        raise ConfigError("no WEBHOOK_SECRET to sign messages with")
    return await post_webhook(
        url,
        settings.delivery.webhook_secret.get_secret_value(),
        f"msg_{task_id}",
        await event_of(ctx, task_id, sandbox=settings.sandbox),
        now=datetime.now(UTC),
        timeout=settings.delivery.timeout,
        allow_private=settings.web.webhook_private,
    )


def telling(task_id: str, url: str, caller: str | None) -> Call[int]:
    """The call for a task and an address: the same two are the same job, so that repeats tell once."""
    ident = hashlib.sha256(f"{task_id}\0{url}".encode()).hexdigest()[:32]
    return tell_callback(task_id, url).with_options(id=f"cb{ident}", caller=caller)


async def event_of(ctx: Context, task_id: str, *, sandbox: bool) -> dict[str, Any]:
    """The message to a subscriber: how the task ended and where to read it, without the result itself."""
    state, name, error, finished = await _end_of(ctx, task_id)
    return {
        "type": f"task.{state.value}",
        "timestamp": (finished or datetime.now(UTC)).isoformat(),
        "data": {
            "task_id": task_id,
            "name": name,
            "state": state.contract,
            "error": error,
            "status_url": f"/api/v1/tasks/{task_id}/status",
            "sandbox": sandbox,
        },
    }


async def _end_of(ctx: Context, task_id: str) -> tuple[JobState, str, str | None, datetime | None]:
    """How a task ended, from Redis or, where that has forgotten it, from the history. Raises `NotFound`."""
    with suppress(NotFound):
        status = await ctx.invest.status(task_id)
        if not status.final:
            status = await _ended(ctx, task_id)
        return status.state, status.name, status.error.message if status.error else None, status.finished_at
    run = await ctx.use(Store).jobs.get(task_id)
    if run is None or run.finished_at is None:
        raise NotFound(f"nothing is known of task {task_id!r} any more")
    message = run.error.get("message") if isinstance(run.error, dict) else None
    return JobState(run.state), run.name or "", message, run.finished_at


async def _ended(ctx: Context, task_id: str) -> Any:
    with suppress(JobFailed, JobCancelled, ResultExpired, ResultTimeout):
        await ctx.invest.wait(task_id, PATIENCE)
    status = await ctx.invest.status(task_id)
    if not status.final:
        raise RetryLater(PATIENCE, f"task {task_id} has not ended yet")
    return status
