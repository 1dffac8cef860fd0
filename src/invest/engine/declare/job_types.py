"""A declared job: what it is called, how it runs, and the calls it gives."""

from __future__ import annotations

import inspect
import re
import string
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Generic, Literal, ParamSpec, TypeAlias, TypeVar

from cronsim import CronSim, CronSimError

from invest.engine.calls import Call, Owner, Rate, Retry, Scope, Signature

P = ParamSpec("P")
R = TypeVar("R")

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.]{0,99}")
CatchUp: TypeAlias = Literal["latest", "skip", "all"]
Condition: TypeAlias = str | Callable[[datetime], bool]


class Group:
    """A named set of declared jobs with the defaults of how they run; times in seconds. `Queue` declares into it."""

    def __init__(
        self,
        name: str,
        *,
        concurrency: int = 10,
        timeout: float = 1800,
        soft_timeout: float | None = 1500,
        retry: Retry | None = None,
    ) -> None:
        """Raises ValueError for a name or a figure that cannot be."""
        if not NAME.fullmatch(name):
            raise ValueError(f"queue name {name!r}: letters, digits, _ and . only")
        if concurrency < 1 or not timeout > 0:
            raise ValueError(f"queue {name}: concurrency must be at least 1 and timeout above 0")
        self.name = name
        self.concurrency = concurrency
        self.timeout = timeout
        self.soft_timeout = soft_timeout
        self.retry = retry or Retry()
        self.jobs: dict[str, JobType[..., Any]] = {}

    def __repr__(self) -> str:
        return f"Queue({self.name!r})"


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

    def __init__(self, fn: Callable[..., Any], queue: Group, name: str) -> None:
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
        """The filled-in key of a call; empty without one. Parts are escaped: other arguments give another key."""
        if self.key is None:
            return ""
        return f"{self.name}:" + fill_key(self.key, self.signature.bind(call.args, call.kwargs))

    def __repr__(self) -> str:
        return f"<job {self.queue.name}.{self.name}>"


class _Escaping(string.Formatter):
    """Fills a template so that what separates two parts cannot be taken for a piece of one."""

    def __init__(self, separators: set[str]) -> None:
        self._separators = separators

    def format_field(self, value: Any, format_spec: str) -> str:
        if value is None:
            return "%-"
        text = str(super().format_field(value, format_spec))
        return "".join(f"%{ord(c):x};" if c in self._separators else c for c in text)


def fill_key(template: str, values: dict[str, Any]) -> str:
    """A unique key from its template: ``{a}:{b}`` of "x:y" and "z" is not that of "x" and "y:z"."""
    parts = list(string.Formatter().parse(template))
    separators, pieces = {"%"}, []
    for (literal, field, spec, conversion), following in zip(parts, [*parts[1:], ("", None, "", None)], strict=True):
        pieces.append(literal.replace("{", "{{").replace("}", "}}"))
        if field is not None:
            pieces.append("{" + field + (f"!{conversion}" if conversion else "") + (f":{spec}" if spec else "") + "}")
            if following[0]:
                separators.add(following[0][0])
            elif following[1] is not None:
                separators.add("|")
                pieces.append("|")
    return _Escaping(separators).vformat("".join(pieces), (), values)


def checked_key(job: JobType[..., Any], key: str | None) -> str | None:
    if key is None:
        return None
    known = {p.name for p in job.signature.parameters}
    for _, field, _, _ in string.Formatter().parse(key):
        if field is not None and field.partition(".")[0].partition("[")[0] not in known:
            raise ValueError(f"{job.name}: key {key!r} names {field!r}, which is no parameter")
    return key


def checked_owner(job: JobType[..., Any], owner: Owner | None) -> Owner | None:
    """Whose data a job reads or returns. Raises ValueError for a parameter it does not have."""
    known = {p.name for p in job.signature.parameters}
    if isinstance(owner, Mapping) and (wrong := sorted(owner.keys() - known)):
        raise ValueError(f"{job.name}: owner names {wrong[0]!r}, which is no parameter")
    return owner


def checked_cron(name: str, line: str | None) -> str | None:
    if line is None:
        return None
    try:
        next(CronSim(line, datetime.now(UTC)))
    except (CronSimError, StopIteration):
        raise ValueError(f"{name}: cron {line!r} is no crontab line, or never comes true") from None
    return line
