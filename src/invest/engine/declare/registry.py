"""Every declared job, by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from invest.engine.calls import Call
from invest.engine.declare.job_types import Group, JobType
from invest.errors import ConfigError, NotFound


class UnknownJob(NotFound):
    """No job of that name is declared in this process."""


class Registry:
    """Jobs, their queues, and the conditions their cron lines may name. Filled by importing the job modules."""

    def __init__(self) -> None:
        self._jobs: dict[str, JobType[..., Any]] = {}
        self._queues: dict[str, Group] = {}
        self._conditions: dict[str, Callable[[datetime], bool]] = {}

    def add(self, job: JobType[..., Any]) -> None:
        """Take in a job. Raises ValueError if its name is taken: names are global, queues are not part of them."""
        held = self._jobs.setdefault(job.name, job)
        if held is not job:
            raise ValueError(f"job {job.name} is declared twice: in {held.__module__} and in {job.__module__}")
        self._queues.setdefault(job.queue.name, job.queue)

    def remove(self, *jobs: JobType[..., Any]) -> None:
        """Forget jobs: tests declare their own."""
        for job in jobs:
            self._jobs.pop(job.name, None)
            if not any(j.queue is job.queue for j in self._jobs.values()):
                self._queues.pop(job.queue.name, None)

    def jobs(self) -> list[JobType[..., Any]]:
        """All of them, by queue and name."""
        return sorted(self._jobs.values(), key=lambda j: (j.queue.name, j.name))

    def queues(self) -> list[Group]:
        """All queues that have a job."""
        return sorted(self._queues.values(), key=lambda q: q.name)

    def queue(self, name: str) -> Group:
        """One queue. Raises `NotFound` naming those there are."""
        if name not in self._queues:
            raise NotFound(f"no queue {name!r}; there are: {', '.join(sorted(self._queues)) or 'none'}")
        return self._queues[name]

    def find(self, name: str) -> JobType[..., Any] | None:
        """One job, or None."""
        return self._jobs.get(name)

    def job(self, name: str) -> JobType[..., Any]:
        """One job. Raises `UnknownJob`."""
        if name not in self._jobs:
            raise UnknownJob(f"no job {name!r}; `invest jobs types` lists those there are")
        return self._jobs[name]

    def call_by_name(self, name: str, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None) -> Call[Any]:
        """A call from plain data. Raises `UnknownJob`, or `InvalidArguments` naming each wrong field."""
        return self.job(name)(*args, **(kwargs or {}))

    def add_condition(self, name: str, test: Callable[[datetime], bool]) -> None:
        """Name a condition that cron lines may use, e.g. ``b3_session``; it is given the tick as an aware datetime."""
        self._conditions[name] = test

    def condition(self, job: JobType[..., Any]) -> Callable[[datetime], bool] | None:
        """The test of a job's `when`. Raises `ConfigError` for a name nobody registered."""
        if job.when is None or callable(job.when):
            return job.when
        if job.when not in self._conditions:
            raise ConfigError(f"{job.name}: condition {job.when!r} is not registered (registry.add_condition)")
        return self._conditions[job.when]

    def pick(self, queues: Iterable[Group | str]) -> list[Group]:
        """Queues by name or themselves, in the order given. Raises `NotFound`."""
        return [q if isinstance(q, Group) else self.queue(q) for q in queues]


registry = Registry()
