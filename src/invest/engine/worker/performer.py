"""Performing a claimed job: read its payload, give it a context, run it within its limits, judge the end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from typing import Any

import structlog

from invest import sentry, tracing
from invest.engine.calls import acting_for
from invest.engine.client import Client
from invest.engine.declare import Context, Resources, registry
from invest.engine.redis import CorruptPayload, Inputs, id_bytes, keys, moment, read_job
from invest.engine.worker.execution import CRASHES, Reason, Run, Verdict, as_workflow, bury, drive, encode_result, judge

log = structlog.get_logger("invest.engine")
Report = Callable[[str, float, float | None, str], Awaitable[None]]
UNKNOWN_PAUSE_MS = 2000
HISTORY_LAG_MS = 30_000  # how long the history may take to learn of a job
UNKNOWN = b"unknown"  # a hand-back of a job that is not declared here


def _from(origin: tracing.Origin, run: Run) -> AbstractContextManager[Any]:
    """A span for the run under the request's; its id and the request's in its log lines, that one in jobs it queues."""
    structlog.contextvars.bind_contextvars(job_id=run.id)
    if origin.request_id is not None:
        tracing.request_id.set(origin.request_id)
        structlog.contextvars.bind_contextvars(request_id=origin.request_id)
    return tracing.span(f"job {run.name}", kind="CONSUMER", parent=origin.traceparent, job__id=run.id)


class Performer:
    """Runs one delivery after another for a worker."""

    def __init__(
        self,
        worker: str,
        client: Client,
        resources: Resources | None,
        *,
        report: Report,
        stop: Callable[[Run, Reason], None],
    ) -> None:
        self._worker = worker
        self._client = client
        self._resources = resources
        self._settings = client.settings
        self._report = report
        self._stop = stop

    async def perform(self, run: Run) -> Verdict:
        """Run it and return what its end means. Never raises, also where the job does."""
        try:
            run.begin()
            if run.body is None and (back := await self._recover(run)) is not None:
                return back
            early = self._unfit(run)
            if early is not None:
                return early
            envelope = read_job(run.body)
            job = run.job
            assert job is not None
            arguments = job.signature.bind(envelope.args, envelope.kwargs)
            run.arm(asyncio.get_running_loop(), self._stop)
            acting_for.set(envelope.caller)  # each run is a task, and so a context, of its own
            with _from(tracing.arrived(envelope.origin), run):
                result = await drive(job.fn(self._context(run, envelope.caller), **arguments), run)
            return await self._succeeded(run, result)
        except CorruptPayload as error:
            run.body = None  # nothing of it can go into the result's envelope
            return bury(run, "CorruptPayload", str(error), self._worker)
        except BaseException as error:  # a job may raise anything; nothing of it may reach the worker
            verdict = judge(run, error, self._worker, time.monotonic() - run.started)
            if verdict.action in ("failed", "retry"):
                log.info("job failed", job_id=run.id, job=run.name, attempt=run.attempt, error=verdict.error)
            if verdict.action == "failed":
                sentry.report(error, job=run.name, job_id=run.id)
            return verdict

    async def _recover(self, run: Run) -> Verdict | None:
        """Put a payload that Redis lost back; a verdict where the history may learn of it in a moment."""
        if self._resources is None:
            return None
        run.body = await self._resources.payload(run.id)
        if run.body is not None:
            await self._client.redis.set(keys.ARQ_JOB.encode() + id_bytes(run.id), run.body)
            log.warning("payload put back: Redis had lost it", job_id=run.id, job=run.name)
            return None
        young = run.started_ms - run.enqueued_ms < HISTORY_LAG_MS
        return Verdict("back", delay_ms=UNKNOWN_PAUSE_MS) if young else None

    def _unfit(self, run: Run) -> Verdict | None:
        """The verdict on a job that cannot be run here at all; None for one that can.

        Raises `CorruptPayload` for one that no process could: its payload would spoil the result's envelope.
        """
        run.job = registry.find(run.name)
        if run.job is None and run.body is not None:
            run.job = registry.find(read_job(run.body).function)
        if run.job is None:
            if run.name == "?" or run.body is not None:
                read_job(run.body)
            return self._unknown(run)
        if run.delivery - run.handbacks > run.job.retry.retries + 1 + CRASHES:
            message = f"its worker died or lost it {run.delivery - run.handbacks - 1} times while it ran"
            read_job(run.body)
            return bury(run, "Poisoned", message, self._worker)
        return None

    def _unknown(self, run: Run) -> Verdict:
        waited = 0 if run.unknown_since is None else (run.started_ms - run.unknown_since) / 1000
        if waited >= self._settings.engine.unknown_job_wait:
            message = f"no worker knew a job {run.name!r} for {waited:.0f} s"
            return bury(run, "UnknownJob", message, self._worker)
        pause = min(UNKNOWN_PAUSE_MS, round(self._settings.engine.unknown_job_wait * 250))
        return Verdict("back", UNKNOWN, delay_ms=pause)

    def _context(self, run: Run, caller: str | None) -> Context:
        inputs = None
        if run.workflow is not None and run.predecessor is not None:
            inputs = Inputs(self._client.redis, run.workflow, run.predecessor)
        return Context(
            job_id=run.id,
            name=run.name,
            queue=run.queue,
            attempt=run.attempt,
            delivery=run.delivery,
            enqueued_at=moment(run.enqueued_ms),
            workflow=run.workflow,
            caller=caller,
            resources=self._resources,
            invest=self._client,
            report=self._report,
            inputs=inputs,
        )

    async def _succeeded(self, run: Run, result: Any) -> Verdict:
        if run.reason == "hard":  # it swallowed its cancellation and answered too late
            raise asyncio.CancelledError
        job = run.job
        assert job is not None
        workflow = as_workflow(result)
        if workflow is None:
            return Verdict("succeeded", encode_result(job, result, self._settings.engine.max_result_bytes))
        staged = f"{run.id}.{run.delivery}"
        await self._client.stage(workflow, staged, parent=run.id, caller=acting_for.get())
        return Verdict("over", staged.encode())
