"""One delivery of one job in this process: its limits, and what its end means under its policy."""

from __future__ import annotations

import asyncio
import math
import random
import types
from collections.abc import Callable, Coroutine, Generator, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import orjson
from pydantic import ValidationError
from pydantic_core import PydanticSerializationError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ReadOnlyError
from redis.exceptions import TimeoutError as RedisTimeoutError

from invest.engine.calls import Call, Workflow, chain
from invest.engine.declare import JobType
from invest.engine.errors import (
    ErrorInfo,
    GiveUp,
    InvalidArguments,
    Lost,
    SoftTimeLimitExceeded,
    TimeLimitExceeded,
)
from invest.engine.redis import Claimed, error_json
from invest.errors import PoolFull, ServerAway

AWAY = (ServerAway, RedisConnectionError, RedisTimeoutError, ReadOnlyError)
Action = Literal["succeeded", "failed", "cancelled", "retry", "back", "over", "drop"]
Reason = Literal["cancel", "lease", "shutdown", "hard"]
CRASHES = 3  # deliveries beyond the attempts before a job that kills its workers is buried
MAX_RETRY_AFTER = 86_400.0
AWAY_PAUSE_MS = 2_000  # and up to twice as long: how long a job rests that met a server that is away
SWALLOW_GRACE = 5.0  # seconds a job may take to end after it was cancelled


class InvalidResult(GiveUp):
    """The job returned what its declaration does not allow, or what JSON cannot carry."""


class ResultTooLarge(GiveUp):
    """The result is over the limit: the job should store it and return a reference."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to tell Redis about a delivery that ended."""

    action: Action
    value: bytes = b""
    delay_ms: int = 0
    history: bytes = b""
    error: str = ""
    away: bool = False  # a server of the platform was away: nobody's fault, and others will meet the same


class Run:
    """A claimed job, from claim to verdict. Times in ms are Redis' own."""

    __slots__ = (
        "attempt",
        "begun",
        "body",
        "delivery",
        "ended",
        "enqueued_ms",
        "handbacks",
        "id",
        "job",
        "name",
        "predecessor",
        "queue",
        "reason",
        "soft_fired",
        "started",
        "started_ms",
        "task",
        "timer",
        "token",
        "unknown_since",
        "verdict",
        "workflow",
    )  # fmt: skip

    def __init__(self, claimed: Claimed, worker: str, started_ms: int, started: float) -> None:
        self.id = claimed.id
        self.body = claimed.body
        self.delivery = claimed.delivery
        self.attempt = claimed.attempts + 1
        self.handbacks = claimed.hand_backs
        self.enqueued_ms = claimed.enqueued_ms
        self.name = claimed.name
        self.queue = claimed.queue
        self.workflow = claimed.workflow
        self.predecessor = claimed.predecessor
        self.unknown_since = claimed.unknown_since
        self.token = f"{worker}:{self.delivery}"
        self.started_ms = started_ms
        self.started = started
        self.ended = 0.0
        self.job: JobType[..., Any] | None = None
        self.task: asyncio.Task[None] | None = None
        self.timer: asyncio.TimerHandle | None = None
        self.reason: Reason | None = None
        self.soft_fired = False
        self.begun = False
        self.verdict: Verdict | None = None

    def arm(self, loop: asyncio.AbstractEventLoop, stop: Callable[[Run, Reason], None]) -> None:
        """Start the clock of its limits; `stop` is called at the hard one."""
        job = self.job
        if job is None:
            return
        if job.soft_timeout is not None:
            left = job.timeout - job.soft_timeout
            self.timer = loop.call_later(job.soft_timeout, self._soft, loop, left, stop)
        else:
            self.timer = loop.call_later(job.timeout, stop, self, "hard")

    def _soft(self, loop: asyncio.AbstractEventLoop, left: float, stop: Callable[[Run, Reason], None]) -> None:
        self.timer = loop.call_later(left, stop, self, "hard")
        if self.reason is None and self.task is not None:
            self.soft_fired = True
            self.task.cancel()

    def begin(self) -> None:
        """Its first step. Raises CancelledError if it was told to stop before it: a task cancelled then never runs."""
        self.begun = True
        if self.reason is not None:
            raise asyncio.CancelledError

    def stop(self, reason: Reason) -> None:
        """Cancel it in this process; the first reason counts."""
        if self.reason is None and self.task is not None and not self.task.done():
            self.reason = reason
            if self.begun:
                self.task.cancel()

    def disarm(self) -> None:
        """Stop the clock."""
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None


@types.coroutine
def drive(inner: Coroutine[Any, Any, Any], run: Run) -> Generator[Any, Any, Any]:
    """Await `inner`, turning the cancellation at the soft limit into `SoftTimeLimitExceeded`, once."""
    thrown: BaseException | None = None
    asked = False
    while True:
        try:
            waits_for = inner.send(None) if thrown is None else inner.throw(thrown)
        except StopIteration as stop:
            return stop.value
        try:
            yield waits_for
            thrown = None
        except asyncio.CancelledError as error:
            thrown = error
            if run.soft_fired and not asked and run.reason is None:
                asked = True
                task = asyncio.current_task()
                if task is not None:
                    task.uncancel()
                thrown = SoftTimeLimitExceeded("soft time limit")
        except BaseException as error:  # whatever the loop throws in goes on to the job
            thrown = error


def judge(run: Run, error: BaseException, worker: str, elapsed: float) -> Verdict:
    """What a delivery that raised `error` means."""
    if run.reason == "lease":
        return Verdict("drop")
    if run.reason == "shutdown":
        return Verdict("back", history=_history(run, "handed_back", None, worker, elapsed))
    if run.reason == "cancel":
        info = ErrorInfo(type="Cancelled", message="cancelled while it ran")
        return Verdict("cancelled", error_json(info), error="Cancelled")
    job = run.job
    if run.reason is None and (met := away_server(error)) is not None:
        pause, full = round(AWAY_PAUSE_MS * (1 + random.random())), isinstance(met, PoolFull)  # noqa: S311 - jitter
        return Verdict("back", delay_ms=pause, error=type(met).__name__ if full else "ServerAway", away=not full)
    if run.reason == "hard" and job is not None:
        error = TimeLimitExceeded(f"did not end within {job.timeout:g} s")
    retryable = job is not None and may_retry(job, error, timed_out=run.reason == "hard" or run.soft_fired)
    info = ErrorInfo.of(error, retryable=retryable)
    history = _history(run, "failed", info, worker, elapsed)
    if job is not None and retryable and run.attempt <= job.retry.retries:
        wait = retry_after(error)
        delay = job.retry.wait(run.attempt) if wait is None else wait
        return Verdict("retry", error_json(info), round(delay * 1000), history, info.type)
    return Verdict("failed", error_json(info), history=history, error=info.type)


def bury(run: Run, kind: str, message: str, worker: str) -> Verdict:
    """A final failure that is not the job's own doing: no such job, no readable payload, too many crashes."""
    info = ErrorInfo(type=kind, message=message)
    return Verdict("failed", error_json(info), history=_history(run, "failed", info, worker, 0), error=kind)


def _history(run: Run, kind: str, info: ErrorInfo | None, worker: str, elapsed: float) -> bytes:
    entry: dict[str, Any] = {
        "kind": kind,
        "delivery": run.delivery,
        "started_at": run.started_ms,
        "ended_at": run.started_ms + round(elapsed * 1000),
        "worker": worker,
    }
    if info is not None:
        entry["error"] = {"type": info.type, "message": info.message[:500], "retryable": info.retryable}
    return orjson.dumps(entry)


def leaves(error: BaseException) -> Iterator[BaseException]:
    """The exceptions in a group, or the one there is."""
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from leaves(inner)
    else:
        yield error


def away_server(error: BaseException) -> BaseException | None:
    """What says that the platform's own Redis or PostgreSQL was away, however it was wrapped; None for other errors."""
    cause: BaseException | None = error
    for _ in range(10):
        if cause is None:
            return None
        if (met := next((e for e in leaves(cause) if isinstance(e, AWAY)), None)) is not None:
            return met
        cause = cause.__cause__
    return None


def may_retry(job: JobType[..., Any], error: BaseException, *, timed_out: bool) -> bool:
    """Whether another attempt could help: time limits always, else by what the job declares."""
    final = (GiveUp, InvalidArguments, Lost, *job.give_up_on)
    found = list(leaves(error))
    if any(isinstance(e, final) for e in found):
        return False
    return timed_out or any(isinstance(e, (*job.retry.on, asyncio.CancelledError)) for e in found)


def retry_after(error: BaseException) -> float | None:
    """Seconds an upstream asked to wait, if the error (or one in its group) carries ``retry_after``."""
    waits = [getattr(e, "retry_after", None) for e in leaves(error)]
    known = [float(w) for w in waits if isinstance(w, (int, float)) and math.isfinite(w) and w >= 0]
    return min(max(known), MAX_RETRY_AFTER) if known else None


def as_workflow(result: Any) -> Workflow[Any] | None:
    """The workflow a job hands over to, if that is what it returned."""
    if isinstance(result, Workflow):
        return result
    return chain(result) if isinstance(result, Call) else None


def encode_result(job: JobType[..., Any], result: Any, limit: int) -> bytes:
    """The result as JSON. Raises `InvalidResult` or `ResultTooLarge`."""
    adapter = job.signature.result
    try:
        raw = adapter.dump_json(adapter.validate_python(result), warnings="error")
    except (ValidationError, PydanticSerializationError, ValueError, TypeError, RecursionError) as error:
        raise InvalidResult(f"{job.name} returned {type(result).__name__}, which cannot be carried: {error}") from None
    if len(raw) > limit:
        raise ResultTooLarge(
            f"{job.name} returned {len(raw)} bytes, at most {limit} are carried: store it, return its id"
        )
    return raw
