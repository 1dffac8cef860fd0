"""Unit tests of your own jobs: run them in this process, at once, without Redis, PostgreSQL or a worker.

>>> async with eager(Resources()) as invest:
...     job = await invest.enqueue(my_job("PETR4"))
...     assert await job.result() == 42

Arguments are validated and results pass through JSON, as on the way through Redis. What would be tried again is tried
again at once. Schedules, limits (`max_running`, `rate`, time limits), unique keys, delays and priorities do nothing.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar, cast

import orjson
from pydantic import TypeAdapter

from invest.engine import Call, Context, Err, ErrorInfo, GiveUp, JobFailed, JobType, Ok, Resources, Workflow

R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)


@dataclass
class EagerJob(Generic[R_co]):
    """What became of one job or workflow: it has ended when you get it."""

    id: str
    name: str
    attempts: int = 0
    progress: list[tuple[float, float | None, str]] = field(default_factory=list)
    error: ErrorInfo | None = None
    value: Any = None
    read: Any = None

    async def result(self, timeout: float | None = None) -> R_co:
        """Its result as its type. Raises `JobFailed`."""
        if self.error is not None:
            raise JobFailed(self.error, job_id=self.id, attempts=self.attempts)
        return cast(R_co, self.value if self.read is None else self.read(self.value))


@dataclass
class _Inputs:
    """What came before a step, as `Context` asks for it."""

    before: Any
    children: Sequence[Ok[Any] | Err]

    async def value(self, kind: Any = None) -> Any:
        """The step before's value."""
        return self.before if kind is None else TypeAdapter(kind).validate_python(self.before)

    async def outcomes(self, kind: Any = None) -> AsyncIterator[Ok[Any] | Err]:
        """One outcome per member of the group before."""
        adapter = None if kind is None else TypeAdapter(kind)
        for child in self.children:
            if isinstance(child, Err) or adapter is None:
                yield child
            else:
                yield Ok(job_id=child.job_id, value=adapter.validate_python(child.value))


class EagerInvest:
    """Runs what is enqueued while you wait. `jobs` holds every job that ran, in the order in which they ended."""

    def __init__(self, resources: Resources | None = None) -> None:
        self._resources = resources
        self.jobs: list[EagerJob[Any]] = []

    async def enqueue(self, what: Call[R] | Workflow[R]) -> EagerJob[R]:
        """Run a call or a workflow to its end. Raises nothing of what the jobs raise: ask for the result."""
        return await self._run(what, None)

    async def enqueue_many(self, calls: Any) -> list[EagerJob[Any]]:
        """Run several, one after the other."""
        return [await self.enqueue(call) for call in calls]

    async def _run(self, what: Any, inputs: _Inputs | None) -> EagerJob[Any]:
        if isinstance(what, Workflow):
            return await {"chain": self._chain, "group": self._group, "chord": self._chord}[what.kind](what, inputs)
        return await self._call(what, inputs)

    async def _call(self, call: Call[Any], inputs: _Inputs | None) -> EagerJob[Any]:
        declared = cast("JobType[..., Any]", call.job)
        ran: EagerJob[Any] = EagerJob(call.options.id or secrets.token_hex(16), call.name)
        arguments = declared.signature.bind([], orjson.loads(call.payload))

        async def report(_job_id: str, done: float, total: float | None, message: str) -> None:
            ran.progress.append((done, total, message))

        while True:
            ran.attempts += 1
            context = Context(
                job_id=ran.id, name=call.name, queue=declared.queue.name, attempt=ran.attempts, delivery=ran.attempts,
                enqueued_at=datetime.now(UTC), resources=self._resources, invest=cast(Any, self), report=report,
                inputs=cast(Any, inputs),
            )  # fmt: skip
            try:
                value = await declared.fn(context, **arguments)
            except Exception as error:  # a job may raise anything
                final = isinstance(error, (GiveUp, *declared.give_up_on)) or not isinstance(error, declared.retry.on)
                if final or ran.attempts > declared.retry.retries:
                    ran.error = ErrorInfo.of(error)
                    break
            else:
                await self._succeeded(ran, call, value, inputs)
                break
        self.jobs.append(ran)
        return ran

    async def _succeeded(self, ran: EagerJob[Any], call: Call[Any], value: Any, inputs: _Inputs | None) -> None:
        """Keep the result as JSON gives it back; a workflow that the job hands over to is run for its result."""
        if isinstance(value, Call | Workflow):
            further = await self._run(value, inputs)
            ran.value, ran.error, ran.read = further.value, further.error, further.read
            return
        adapter: TypeAdapter[Any] = call.job.signature.result
        ran.value, ran.read = orjson.loads(adapter.dump_json(value)), call.read

    async def _chain(self, flow: Workflow[Any], inputs: _Inputs | None) -> EagerJob[Any]:
        whole: EagerJob[Any] = EagerJob(secrets.token_hex(16), "chain")
        for step in flow.steps:
            ran = await self._run(step, inputs)
            whole.value, whole.error, whole.read = ran.value, ran.error, ran.read
            if ran.error is not None:
                break
            inputs = _Inputs(ran.value, [_outcome(ran)])
        return whole

    async def _group(self, flow: Workflow[Any], inputs: _Inputs | None) -> EagerJob[Any]:
        whole: EagerJob[Any] = EagerJob(secrets.token_hex(16), "group")
        ran = [await self._run(step, inputs) for step in flow.steps]
        failed = [job for job in ran if job.error is not None]
        if len(ran) - len(failed) < flow.need():
            whole.error = failed[0].error
        elif flow.on_failure == "fail_fast":
            whole.value = [job.value for job in ran]
        else:
            whole.value = [_outcome(job).model_dump(mode="json") for job in ran]
        return whole

    async def _chord(self, flow: Workflow[Any], inputs: _Inputs | None) -> EagerJob[Any]:
        children = cast("Workflow[Any]", flow.steps[0])
        ran = [await self._run(step, inputs) for step in children.steps]
        failed = [job for job in ran if job.error is not None]
        if len(ran) - len(failed) < children.need():
            return EagerJob(secrets.token_hex(16), "chord", error=failed[0].error)
        outcomes = [_outcome(job) for job in ran]
        return await self._run(flow.steps[1], _Inputs([job.value for job in ran], outcomes))


def _outcome(ran: EagerJob[Any]) -> Ok[Any] | Err:
    if ran.error is not None:
        return Err(job_id=ran.id, error=ran.error)
    return Ok(job_id=ran.id, value=ran.value)


@asynccontextmanager
async def eager(resources: Resources | None = None) -> AsyncIterator[EagerInvest]:
    """An engine that runs jobs as they are enqueued, with the dependencies that they `use`."""
    yield EagerInvest(resources)
