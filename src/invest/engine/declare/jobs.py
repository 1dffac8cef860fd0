"""Declaring jobs: ``queue = Queue(...)`` and ``@queue.job(...)``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Concatenate, ParamSpec, TypeVar, overload

from invest.engine.calls import Owner, Rate, Retry, Scope, Workflow, kept_for, parse_rate
from invest.engine.declare.context import Context
from invest.engine.declare.job_types import (
    CatchUp,
    Condition,
    Group,
    JobType,
    checked_cron,
    checked_key,
    checked_owner,
)
from invest.engine.declare.registry import registry

P = ParamSpec("P")
R = TypeVar("R")


class Queue(Group):
    """A named queue and the defaults of its jobs; times in seconds."""

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
        Raises ValueError for a name declared twice, a wrong cron line or key, or a figure that cannot be.
        """
        _check_figures(timeout, soft_timeout, max_running)
        kept_for("result_ttl", result_ttl)

        def make(fn: Callable[..., Any]) -> JobType[..., Any]:
            declared: JobType[..., Any] = JobType(fn, self, name or fn.__name__)
            declared.retry = retry or self.retry
            declared.timeout = timeout or self.timeout
            declared.soft_timeout = _soft(soft_timeout, self.soft_timeout, declared.timeout)
            declared.key = checked_key(declared, key)
            declared.cron = checked_cron(declared.name, cron)
            declared.cron_args = cron_args or {}
            declared.when = when
            declared.catch_up = catch_up
            declared.priority = priority
            declared.give_up_on = give_up_on
            declared.max_running = max_running
            declared.rate = parse_rate(rate) if rate is not None else None
            declared.result_ttl = result_ttl
            declared.owner = checked_owner(declared, owner)
            declared.scope = scope
            registry.add(declared)
            self.jobs[declared.name] = declared
            return declared

        return Declare(make)


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


def _soft(own: float | None, default: float | None, hard: float) -> float | None:
    soft = own if own is not None else default
    return soft if soft is not None and soft < hard else None


def _check_figures(timeout: float | None, soft_timeout: float | None, max_running: int | None) -> None:
    if timeout is not None and not timeout > 0:
        raise ValueError(f"timeout must be above 0, not {timeout!r}")
    if soft_timeout is not None and not soft_timeout > 0:
        raise ValueError(f"soft_timeout must be above 0, not {soft_timeout!r}")
    if max_running is not None and max_running < 1:
        raise ValueError(f"max_running must be at least 1, not {max_running!r}: pause a queue to hold everything back")
