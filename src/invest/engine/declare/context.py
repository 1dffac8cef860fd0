"""What a running job is given: who it is, typed dependencies, progress, the results before it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime
from typing import Any, TypeVar, cast, overload

import structlog

from invest.engine.calls import Err, Ok, Outcome
from invest.engine.client import Client
from invest.engine.redis import Inputs
from invest.errors import ConfigError

T = TypeVar("T")


class Resources:
    """Typed dependencies of jobs, opened once per worker by its composition root and closed with it."""

    def __init__(self) -> None:
        self._held: dict[type[Any], Any] = {}
        self._payloads: Callable[[str], Awaitable[bytes | None]] | None = None
        self._checks: list[Callable[[], Awaitable[object]]] = []

    def add(self, instance: T, as_: type[T] | None = None) -> T:
        """Hold an instance under its type (or the type it stands for) and give it back."""
        self._held[as_ or type(instance)] = instance
        return instance

    def add_check(self, check: Callable[[], Awaitable[object]]) -> None:
        """Say how to ask whether a server that jobs need is there; it raises while not."""
        self._checks.append(check)

    def add_payloads(self, find: Callable[[str], Awaitable[bytes | None]]) -> None:
        """Say where to look for the payload of a job that Redis has lost (an eviction, say)."""
        self._payloads = find

    async def payload(self, job_id: str) -> bytes | None:
        """The payload of a job that Redis has lost, or None."""
        return None if self._payloads is None else await self._payloads(job_id)

    @property
    def checked(self) -> bool:
        """Whether there is anything to ask."""
        return bool(self._checks)

    async def check(self) -> None:
        """Ask all of them. Raises what the first one that is away raises."""
        for ask in self._checks:
            await ask()

    def get(self, kind: type[T]) -> T:
        """The held instance. Raises `ConfigError` naming the type that nobody added."""
        try:
            return cast(T, self._held[kind])
        except KeyError:
            raise ConfigError(f"this worker has no {kind.__name__}: the composition root must add it") from None


class Context:
    """The first argument of every job."""

    def __init__(
        self,
        *,
        job_id: str,
        name: str,
        queue: str,
        attempt: int = 1,
        delivery: int = 1,
        enqueued_at: datetime | None = None,
        workflow: str | None = None,
        caller: str | None = None,
        resources: Resources | None = None,
        invest: Client | None = None,
        report: Callable[[str, float, float | None, str], Awaitable[None]] | None = None,
        inputs: Inputs | None = None,
    ) -> None:
        self.job_id = job_id
        self.name = name
        self.queue = queue
        self.attempt = attempt
        self.delivery = delivery
        self.enqueued_at = enqueued_at
        self.workflow = workflow
        self.caller = caller
        self._resources = resources
        self._invest = invest
        self._report = report
        self._inputs = inputs
        self._log: structlog.stdlib.BoundLogger | None = None

    @property
    def fence(self) -> int:
        """Grows with every delivery of this job: store it beside an effect to refuse a stale one (``<=``)."""
        return self.delivery

    @property
    def log(self) -> structlog.stdlib.BoundLogger:
        """A logger that carries job_id, job, queue and attempt."""
        if self._log is None:
            bound = structlog.get_logger("invest.jobs").bind(
                job_id=self.job_id, job=self.name, queue=self.queue, attempt=self.attempt
            )
            self._log = cast("structlog.stdlib.BoundLogger", bound)
        return self._log

    @property
    def invest(self) -> Client:
        """The platform, to enqueue further jobs (a job never waits for another: return a workflow instead)."""
        if self._invest is None:
            raise ConfigError("this context is not attached to a worker")
        return self._invest

    def use(self, kind: type[T]) -> T:
        """A dependency the worker holds open, by type. Raises `ConfigError` if it holds none."""
        if self._resources is None:
            raise ConfigError(f"this worker has no {kind.__name__}: it was started without resources")
        return self._resources.get(kind)

    async def progress(self, done: float, total: float | None = None, message: str = "") -> None:
        """Say how far the job is. Cheap: at most four a second leave the process."""
        if self._report is not None:
            await self._report(self.job_id, done, total, message)

    @overload
    async def previous(self, kind: type[T]) -> T: ...
    @overload
    async def previous(self, kind: Any = None) -> Any: ...
    async def previous(self, kind: Any = None) -> Any:
        """The result of the step before this one in its chain, validated as `kind` (raw JSON without it).

        Raises LookupError where there is none.
        """
        if self._inputs is None:
            raise LookupError(f"{self.name} has no step before it")
        return await self._inputs.value(kind)

    @overload
    async def results(self, kind: type[T]) -> list[Ok[T] | Err]: ...
    @overload
    async def results(self, kind: Any = None) -> list[Outcome[Any]]: ...
    async def results(self, kind: Any = None) -> list[Any]:
        """Every child of the group before this job, in its order, as `Ok` (value validated as `kind`) or `Err`."""
        return [outcome async for outcome in self.iter_results(kind)]

    async def iter_results(self, kind: Any = None) -> AsyncIterator[Any]:
        """`results`, read page by page: for groups of thousands."""
        if self._inputs is None:
            raise LookupError(f"{self.name} has no group before it")
        async for outcome in self._inputs.outcomes(kind):
            yield outcome
