"""The Python API of jobs: enqueue calls and workflows, follow them, wait for their results."""

from __future__ import annotations

import itertools
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Generic, Self, TypeVar, overload

import orjson
from pydantic import TypeAdapter
from redis.asyncio import Redis

from invest.engine.asking import Asking
from invest.engine.calls import Call, Workflow, acting_for, result_adapter
from invest.engine.errors import (
    ErrorInfo,
    InvalidArguments,
    JobCancelled,
    JobFailed,
    Lost,
    ResultExpired,
    ResultTimeout,
)
from invest.engine.redis import (
    End,
    Ends,
    Event,
    JobState,
    JobStatus,
    NewJob,
    Note,
    Notices,
    Plan,
    Progress,
    check,
    close_redis,
    follow,
    id_bytes,
    id_text,
    job_head,
    keys,
    lay_out,
    new_id,
    open_redis,
    read_records,
    resolve,
    transitions,
)
from invest.errors import NotFound, Unreachable
from invest.settings import Settings, get_settings

R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)
T = TypeVar("T")

BULK = 250
STAGE_PAGE = 150
EDGE_PAGE = 1000
POLL = 1.0
SLICES = 100_000  # more than the largest workflow needs
FRESH, LOOK_AFTER = 0.05, 0.005  # seconds: a job enqueued just now has hardly ended before the client listens
SUCCEEDED = b"succeeded "  # + the result, where it is short


def _batches(calls: Iterable[Call[R]]) -> Iterator[list[Call[R]]]:
    left = iter(calls)
    while batch := list(itertools.islice(left, BULK)):
        yield batch


class Job(Generic[R_co]):
    """A handle on one enqueued job or workflow; making one asks nothing."""

    def __init__(
        self,
        invest: Client,
        job_id: str,
        adapter: TypeAdapter[Any] | None = None,
        *,
        new: bool = True,
        end: End | None = None,
    ) -> None:
        self._invest = invest
        self._adapter = adapter
        self._end = end
        self.id = job_id
        self.new = new
        self._made = time.monotonic()

    async def result(self, timeout: float | None = None) -> R_co:
        """Wait for the result.

        With a timeout, a Redis that is away is waited for as long as it allows. Raises `JobFailed`, `JobCancelled`,
        `ResultTimeout` after `timeout` seconds, `ResultExpired`, `Lost`, `NotFound`, or `Unreachable`.
        """
        fresh = self.new and time.monotonic() - self._made < FRESH
        value = await self._invest.wait(self.id, timeout, end=self._end, look_after=LOOK_AFTER if fresh else 0)
        result: R_co = value if self._adapter is None else self._adapter.validate_python(value)
        return result

    async def status(self) -> JobStatus:
        """Everything known of it. Raises `NotFound`."""
        return await self._invest.status(self.id)

    async def progress(self) -> Progress | None:
        """Its newest progress."""
        return (await self.status()).progress

    async def cancel(self) -> bool:
        """Stop it, or keep it from starting. False if it had already finished; raises `NotFound` for an unknown id."""
        return await self._invest.cancel(self.id)

    def __repr__(self) -> str:
        return f"<Job {self.id}>"


class Client(Asking):
    """An open connection to the jobs on Redis. It knows calls, and no registry: a job's `Context` has one."""

    def __init__(self, redis: Redis, settings: Settings) -> None:
        super().__init__(redis, settings)
        self.notices = Notices(redis)
        self.ends = Ends(self.notices)

    @classmethod
    @asynccontextmanager
    async def connect(cls, settings: Settings | None = None) -> AsyncIterator[Self]:
        """Connect, check that Redis answers, and close at the end. Raises `ConfigError` or `Unreachable`."""
        settings = settings or get_settings()
        redis = open_redis(settings)
        invest = cls(redis, settings)
        try:
            await check(redis, settings)
            yield invest
        finally:
            await invest.close()

    def events(self, after: str = "$", *, block: float = 5.0) -> AsyncIterator[Event | None]:
        """What happens to jobs from event `after` on (``$``: now); None in silence. See `engine.events.follow`."""
        return follow(self.redis, after, block=block)

    async def close(self) -> None:
        """Close the connections."""
        await self.notices.close()
        await self._conversation.close()
        await close_redis(self.redis)

    @overload
    async def enqueue(self, what: Call[R], *, caller: str | None = None) -> Job[R]: ...
    @overload
    async def enqueue(self, what: Workflow[R], *, caller: str | None = None) -> Job[R]: ...
    async def enqueue(self, what: Call[Any] | Workflow[Any], *, caller: str | None = None) -> Job[Any]:
        """Put a call on its queue, or start a workflow, on behalf of `caller` (in a job: of the job's own caller).

        A call whose id or unique key is already taken by an unfinished job gives that job (`Job.new` is False).
        Raises `InvalidArguments` for too large arguments, `QueueFull`, or `Unreachable`.
        """
        if isinstance(what, Workflow):
            return await self._start(what, caller or acting_for.get())
        call = what.with_options(caller=caller) if caller else what
        job = self.new_job(call, own=True)
        end = self.ends.expect(job.id) if not job.chosen else None
        ((job_id, new),) = await self.accept(transitions.enqueue([job]))
        return Job(self, job_id, call.job.signature.result, new=new, end=end if new else None)

    async def enqueue_batch(self, calls: Sequence[Call[R]], notes: Sequence[Note | None] = ()) -> list[Job[R]]:
        """Up to 250 calls in one round trip, taken whole or not at all; for those that come again and again.

        `notes` are none, or one or None for each call.
        """
        asked = transitions.enqueue([self.new_job(call) for call in calls], notes=notes)
        made = await self.accept_beside_others(asked)
        return self._jobs(calls, made)

    def _jobs(self, calls: Sequence[Call[R]], made: Sequence[tuple[str, bool]]) -> list[Job[R]]:
        pairs = zip(calls, made, strict=True)
        return [Job(self, job_id, call.job.signature.result, new=new) for call, (job_id, new) in pairs]

    async def enqueue_many(self, calls: Iterable[Call[R]]) -> list[Job[R]]:
        """Many calls in few round trips, in their order; each batch of 250 is taken whole or not at all."""
        jobs: list[Job[R]] = []
        made = ((batch, transitions.enqueue([self.new_job(c) for c in batch])) for batch in _batches(calls))
        async for batch, answer in self.accept_all(made):
            jobs += self._jobs(batch, answer)
        return jobs

    async def enqueue_after(self, job_id: str, call: Call[R]) -> Job[R]:
        """Have a call run when a job has ended, however it ends: at once where it has, or is no longer known.

        Raises `InvalidArguments`, `QueueFull`, or `Unreachable`.
        """
        job = self.new_job(call)
        new = await self.accept(transitions.follow(job_id, job))
        return Job(self, job.id, call.job.signature.result, new=new)

    def new_job(self, call: Call[Any], *, own: bool = False) -> NewJob:
        """A call as the engine enqueues it; `own`: its end is heard. Raises `InvalidArguments` if it is too large."""
        job, options = call.job, call.options
        self._check_size(call)
        ttl = options.result_ttl or job.result_ttl or self.settings.engine.result_ttl
        return NewJob(
            id=options.id or (self.ends.new_id() if own else new_id()),
            chosen=options.id is not None,
            unique=job.unique_key(call) if job.key is not None else "",
            name=job.name,
            queue=job.queue.name,
            priority=int(options.priority if options.priority is not None else job.priority),
            delay=round(options.delay * 1000) if options.delay else 0,
            at=round(options.at.timestamp() * 1000) if options.at else None,
            expires=round(options.expires * 1000) if options.expires is not None else None,
            result_ttl=round(ttl * 1000),
            envelope=job_head(job.name, call.payload, options.caller or acting_for.get(), options.origin),
        )

    def _check_size(self, call: Call[Any]) -> None:
        limit = self.settings.engine.max_argument_bytes
        if len(call.payload) > limit:
            message = (
                f"{len(call.payload)} bytes of arguments, at most {limit} are taken: store the data and pass its id"
            )
            raise InvalidArguments(call.name, [{"loc": (), "msg": message, "type": "too_large"}])

    async def _start(self, workflow: Workflow[R], caller: str | None) -> Job[R]:
        workflow_id = new_id()
        plan = await self.stage(workflow, workflow_id, parent=workflow_id, caller=caller)
        await self.submit(workflow_id, workflow.kind, plan, caller=caller)
        return Job(self, workflow_id, result_adapter(workflow))

    async def stage(self, workflow: Workflow[Any], workflow_id: str, *, parent: str, caller: str | None = None) -> Plan:
        """Lay a workflow's nodes down without starting it; the engine's own step of `enqueue` and of handing over."""
        layout = lay_out(workflow, parent)
        for node in layout.nodes.values():
            if node.call is not None:
                self._check_size(node.call)
        plan = layout.plan(self.settings.engine.result_ttl, caller)
        await self.lay_down(workflow_id, plan)
        return plan

    async def lay_down(self, workflow_id: str, plan: Plan) -> None:
        """Stage the nodes of a plan, in pages; laid down again it changes nothing."""
        for page in plan.pages(STAGE_PAGE):
            await self.ask(transitions.stage(workflow_id, plan.last, page))
        for node, kind, before, ids in plan.edges(EDGE_PAGE):
            await self.ask(transitions.edges(workflow_id, node, kind, before, ids))

    async def submit(self, workflow_id: str, kind: str, plan: Plan, *, caller: str | None = None) -> bool:
        """Start what was laid down; False if it was started before."""
        ttl = round(self.settings.engine.result_ttl * 1000)
        asked = transitions.submit(workflow_id, kind, ttl, job_head(kind, b"{}", caller), plan.kept())
        started, left = await self.accept(asked)
        if left:
            await self.proceed()
        return started

    async def proceed(self) -> None:
        """Do what the scripts left for later slices, until nothing is left; a worker would do it within a second."""
        for _ in range(SLICES):
            if not await self.ask(transitions.proceed()):
                return

    def job(self, job_id: str) -> Job[Any]:
        """A handle on a job by its id; nothing is asked."""
        return Job(self, job_id)

    async def status(self, job_id: str) -> JobStatus:
        """Everything known of a job or workflow. Raises `NotFound`."""
        record = (await self.guarded(read_records(self.redis, [job_id], results="whole")))[0]
        if record is None:
            raise NotFound(f"no job {job_id!r}: it never existed, or its record has expired")
        status = record.status()
        if status.nodes == 0:
            status = await self.with_nodes(status)
        if record.reference is None:
            return status
        try:
            return status.model_copy(update={"result": await self.guarded(resolve(self.redis, record.reference))})
        except Lost as error:
            return status.model_copy(update={"error": ErrorInfo(type="Lost", message=str(error))})

    async def with_nodes(self, status: JobStatus) -> JobStatus:
        """A workflow's status with the number of its steps, all and ended."""
        sub = await self.guarded(self.redis.hget(keys.JOB + status.id, "sub"))  # type: ignore[arg-type] # redis-py: Awaitable | str
        total, ended = await self.guarded(self.redis.hmget(keys.WORKFLOW + id_text(sub or b""), "total", "ended"))  # type: ignore[arg-type] # the same
        counts = {"nodes": int(total or 0), "nodes_done": int(ended or 0)}
        if status.progress is None and status.started_at is not None:
            at = status.finished_at or status.started_at
            counts["progress"] = Progress(done=counts["nodes_done"], total=counts["nodes"], message="", at=at)  # type: ignore[assignment] # mixed values
        return status.model_copy(update=counts)

    async def cancel(self, job_id: str, *, why: str = "cancelled") -> bool:
        """Cancel a job or a whole workflow; a running job is asked to stop. False if it had finished.

        Raises `NotFound` for an unknown id.
        """
        reply = (await self.ask(transitions.cancel(why, [job_id])))[0]
        if reply == "unknown":
            raise NotFound(f"no job {job_id!r}: it never existed, or its record has expired")
        await self.proceed()
        return reply != "final"

    async def wait(
        self, job_id: str, timeout: float | None = None, *, end: End | None = None, look_after: float = 0
    ) -> Any:
        """The raw JSON result of a job; see `Job.result`.

        `end`: where its end has been listened for since before it was enqueued. `look_after`: seconds to wait for the
        message that it has ended before looking whether it had come already.
        """
        if end is not None:
            return await self._wait_for_end(job_id, end, timeout, POLL)
        end, channel = End(), keys.FINISHED + job_id
        await self.ends.listen()
        await self.notices.subscribe(channel, end.take)
        try:
            return await self._wait_for_end(job_id, end, timeout, look_after)
        finally:
            self.notices.leave(channel, end.take)

    async def _wait_for_end(self, job_id: str, end: End, timeout: float | None, pause: float) -> Any:
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            if end.message is None and pause:
                await end.signal.wait(pause if left is None else min(pause, left))
            if end.message is not None and end.message.startswith(SUCCEEDED):
                return orjson.loads(end.message[len(SUCCEEDED) :])
            result, pause = end.message, POLL
            ready, value = await self._patient_peek(job_id, deadline)
            if ready:
                return value
            if end.message is result:  # no more came while it was asked: wait for the next message
                end.message = None
                if deadline is not None and time.monotonic() >= deadline:
                    raise ResultTimeout(f"job {job_id} did not finish within {timeout:g} s")

    async def _patient_peek(self, job_id: str, deadline: float | None) -> tuple[bool, Any]:
        """`_peek`; while there is time left, a Redis that is away means not yet."""
        try:
            return await self._peek(job_id)
        except Unreachable:
            if deadline is None or time.monotonic() >= deadline:
                raise
            return False, None

    async def _peek(self, job_id: str) -> tuple[bool, Any]:
        """Whether the job has ended, and its value; raises what it ended with."""
        raw_id = id_bytes(job_id)
        async with self.redis.pipeline(transaction=False) as pipe:
            pipe.get(keys.ARQ_RESULT.encode() + raw_id)
            pipe.hget(keys.JOB.encode() + raw_id, "s")  # type: ignore[arg-type] # redis-py takes bytes as well
            pipe.exists(keys.ARQ_JOB.encode() + raw_id)
            raw, state, waiting = await self.guarded(pipe.execute())
        if raw is not None:
            envelope = orjson.loads(raw)
            if envelope.get("s"):
                value = envelope.get("r")
                return True, await self.guarded(resolve(self.redis, value)) if envelope.get("ref") else value
            error = ErrorInfo.model_validate(envelope.get("r") or {"type": "Unknown", "message": "it gave no reason"})
            self._raise(job_id, error, int(envelope.get("t") or 0), cancelled=bool(envelope.get("c")))
        if state is None and not waiting:
            raise NotFound(f"no job {job_id!r}: it never existed, or its record has expired")
        if state is not None and state.decode() in (JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED):
            status = await self.status(job_id)
            if status.error is not None and status.state is not JobState.SUCCEEDED:
                self._raise(job_id, status.error, status.attempt, cancelled=status.state is JobState.CANCELLED)
            raise ResultExpired(f"job {job_id} {status.state.value} at {status.finished_at}; its result has expired")
        return False, None

    def _raise(self, job_id: str, error: ErrorInfo, attempts: int, *, cancelled: bool) -> None:
        if cancelled:
            raise JobCancelled(job_id, error.message)
        raise JobFailed(error, job_id=job_id, attempts=attempts)
