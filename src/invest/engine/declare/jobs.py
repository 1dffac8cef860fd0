"""Declaring jobs: ``queue = Queue(...)`` and ``@queue.job(...)``."""

from __future__ import annotations

import inspect
import re
import string
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any, Concatenate, Generic, Literal, ParamSpec, TypeAlias, TypeVar, overload

from cronsim import CronSim, CronSimError

from invest.engine.calls import Call, Rate, Retry, Signature, Workflow, parse_rate
from invest.engine.declare.context import Context

P = ParamSpec("P")
R = TypeVar("R")

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.]{0,99}")
CatchUp: TypeAlias = Literal["latest", "skip", "all"]
Condition: TypeAlias = str | Callable[[datetime], bool]
Scope: TypeAlias = Literal["read", "write", "admin"]
# Parameters and the kinds of things they name, or "everybody": it reads what belongs to all.
Owner: TypeAlias = Mapping[str, str] | Literal["everybody"]


class Queue:
    """A named queue and the defaults of its jobs; times in seconds."""

    def __init__(
        self,
        name: str,
        *,
        concurrency: int = 10,
        timeout: float = 1800,
        soft_timeout: float | None = 1500,
        retry: Retry | None = None,
    ) -> None:
        if not NAME.fullmatch(name):
            raise ValueError(f"queue name {name!r}: letters, digits, _ and . only")
        self.name = name
        self.concurrency = concurrency
        self.timeout = timeout
        self.soft_timeout = soft_timeout
        self.retry = retry or Retry()
        self.jobs: dict[str, JobType[..., Any]] = {}

    def job(
        self,
        *,
        name: str | None = None,
        retry: Retry | None = None,
        key: str | None = None,
        cron: str | None = None,
        cron_args: dict[str, Any] | None = None,
        when: Condition | None = None,
        catch_up: CatchUp = "latest",
        timeout: float | None = None,
        soft_timeout: float | None = None,
        priority: int = 0,
        give_up_on: tuple[type[BaseException], ...] = (),
        max_running: int | None = None,
        rate: str | Rate | None = None,
        result_ttl: float | None = None,
        owner: Owner | None = None,
        scope: Scope = "write",
    ) -> Declare:
        """Declare an async function of a `Context` and JSON-able parameters as a job of this queue.

        `key` makes a job unique while it waits or runs: ``"collect:{ticker}"`` is filled from the arguments.
        `cron` is a crontab line in the market's time zone, `when` a further condition on the tick (the name of a
        registered one, or a function of the aware instant), `catch_up` what to do with ticks missed while nobody ran.
        `give_up_on` fails at once; `max_running` and `rate` hold over all workers.
        `owner` says whose data the job reads or returns, by the parameters that name it (``{"portfolio_id":
        "portfolio"}``); without it the job is everybody's to see. `scope` is what a key needs to start it.
        Raises ValueError for a name declared twice or a wrong cron line or key.
        """

        def make(fn: Callable[..., Any]) -> JobType[..., Any]:
            declared: JobType[..., Any] = JobType(fn, self, name or fn.__name__)
            declared.retry = retry or self.retry
            declared.timeout = timeout or self.timeout
            declared.soft_timeout = _soft(soft_timeout, self.soft_timeout, declared.timeout)
            declared.key = _checked_key(declared, key)
            declared.cron = _checked_cron(declared.name, cron)
            declared.cron_args = cron_args or {}
            declared.when = when
            declared.catch_up = catch_up
            declared.priority = priority
            declared.give_up_on = give_up_on
            declared.max_running = max_running
            declared.rate = parse_rate(rate) if rate is not None else None
            declared.result_ttl = result_ttl
            declared.owner = _checked_owner(declared, owner)
            declared.scope = scope
            from invest.engine.declare.registry import registry

            registry.add(declared)
            self.jobs[declared.name] = declared
            return declared

        return Declare(make)

    def __repr__(self) -> str:
        return f"Queue({self.name!r})"


class Declare:
    """What ``@queue.job(...)`` gives: turns a function into a `JobType`, keeping its types."""

    def __init__(self, make: Callable[[Callable[..., Any]], JobType[..., Any]]) -> None:
        self._make = make

    @overload
    def __call__(self, fn: Callable[Concatenate[Context, P], Awaitable[Workflow[R]]]) -> JobType[P, R]: ...
    @overload
    def __call__(self, fn: Callable[Concatenate[Context, P], Awaitable[R | Workflow[R]]]) -> JobType[P, R]: ...
    def __call__(self, fn: Callable[..., Any]) -> JobType[..., Any]:
        return self._make(fn)


class JobType(Generic[P, R]):
    """A declared job. Calling it gives a `Call`: data, nothing runs."""

    retry: Retry
    timeout: float
    soft_timeout: float | None
    key: str | None = None
    cron: str | None = None
    cron_args: dict[str, Any]
    when: Condition | None = None
    catch_up: CatchUp = "latest"
    priority: int = 0
    give_up_on: tuple[type[BaseException], ...] = ()
    max_running: int | None = None
    rate: Rate | None = None
    result_ttl: float | None = None
    owner: Owner | None = None
    scope: Scope = "write"

    def __init__(self, fn: Callable[..., Any], queue: Queue, name: str) -> None:
        if not inspect.iscoroutinefunction(fn):
            raise TypeError(f"{name}: a job is an async function (async def)")
        if not NAME.fullmatch(name):
            raise ValueError(f"job name {name!r}: letters, digits, _ and . only")
        self.fn = fn
        self.queue = queue
        self.name = name
        self.signature = Signature(name, fn)
        self.__doc__ = fn.__doc__
        self.__name__ = name
        self.__module__ = fn.__module__

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Call[R]:
        """The call as data. Raises `InvalidArguments` naming each argument that does not validate."""
        return Call(self, args, kwargs, self.signature.encode(args, kwargs))

    def bound(self, **kwargs: Any) -> tuple[Call[R], dict[str, Any]]:
        """The call, and its validated arguments with those by default. Raises `InvalidArguments`."""
        values, payload = self.signature.both(kwargs)
        return Call(self, (), kwargs, payload), values

    @property
    def summary(self) -> str:
        """First line of the docstring."""
        return (self.__doc__ or "").strip().partition("\n")[0]

    @property
    def description(self) -> dict[str, Any]:
        """The declaration as JSON: for the CLI, OpenAPI and the dashboard."""
        return {
            "name": self.name,
            "queue": self.queue.name,
            "summary": self.summary,
            "retries": self.retry.retries,
            "delay": self.retry.delay,
            "timeout": self.timeout,
            "soft_timeout": self.soft_timeout,
            "cron": self.cron,
            "when": self.when if isinstance(self.when, str) or self.when is None else self.when.__name__,
            "catch_up": self.catch_up if self.cron else None,
            "key": self.key,
            "priority": self.priority,
            "max_running": self.max_running,
            "owner": dict(self.owner) if isinstance(self.owner, Mapping) else self.owner,
            "scope": self.scope,
            "rate": None if self.rate is None else {"limit": self.rate.limit, "per": self.rate.per},
            "parameters": self.signature.parameters_schema,
            "result": self.signature.result_schema,
        }

    def unique_key(self, call: Call[Any]) -> str:
        """The filled-in key of a call; empty without one. Long ones stay as they are: Redis takes them."""
        if self.key is None:
            return ""
        return f"{self.name}:" + self.key.format(**self.signature.bind(call.args, call.kwargs))

    def __repr__(self) -> str:
        return f"<job {self.queue.name}.{self.name}>"


def _soft(own: float | None, default: float | None, hard: float) -> float | None:
    soft = own if own is not None else default
    return soft if soft is not None and soft < hard else None


def _checked_key(job: JobType[..., Any], key: str | None) -> str | None:
    if key is None:
        return None
    known = {p.name for p in job.signature.parameters}
    for _, field, _, _ in string.Formatter().parse(key):
        if field is not None and field.partition(".")[0].partition("[")[0] not in known:
            raise ValueError(f"{job.name}: key {key!r} names {field!r}, which is no parameter")
    return key


def _checked_owner(job: JobType[..., Any], owner: Owner | None) -> Owner | None:
    known = {p.name for p in job.signature.parameters}
    if isinstance(owner, Mapping) and (wrong := sorted(owner.keys() - known)):
        raise ValueError(f"{job.name}: owner names {wrong[0]!r}, which is no parameter")
    return owner


def _checked_cron(name: str, line: str | None) -> str | None:
    if line is None:
        return None
    from datetime import UTC

    try:
        next(CronSim(line, datetime.now(UTC)))
    except (CronSimError, StopIteration):
        raise ValueError(f"{name}: cron {line!r} is no crontab line, or never comes true") from None
    return line
