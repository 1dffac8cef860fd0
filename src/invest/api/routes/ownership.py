"""Ownership: a key sees the portfolios it created, and their reports and alerts; keys of scope admin see all.

What a job belongs to is declared with it (``@queue.job(owner=…, scope=…)``) and checked wherever it is started, shown,
stopped or run again. Everything else (market data, analyses, reports about assets) is for every key. What belongs to
another is answered as if it did not exist, so that ids tell nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple, Protocol, TypeVar

from invest.api.http import Problem
from invest.api.request import Request
from invest.engine import Call, Declared, JobStatus, Workflow
from invest.errors import NotFound

WORKFLOWS = frozenset({"chain", "group", "chord"})  # whose they are, their steps say
STEPS = 500  # steps of a workflow read at once
Given = tuple[Sequence[Any], Mapping[str, Any]]  # positional and named arguments


class Named(NamedTuple):
    """What a job's arguments name."""

    portfolios: frozenset[str] = frozenset()
    reports: frozenset[str] = frozenset()
    channels: frozenset[str] = frozenset()
    tasks: frozenset[str] = frozenset()  # other jobs: it belongs to whom they belong to
    over_all: bool = False  # of everybody's things, or of nobody knows whose


class Ran(Protocol):
    """A job as any view of it shows it."""

    @property
    def id(self) -> str:
        """The job's id."""

    @property
    def name(self) -> str | None:
        """The job's name."""


R = TypeVar("R", bound=Ran)


def owner_of(request: Request) -> str | None:
    """Whose portfolios the caller may see: its own id's; None for everybody's."""
    return None if request.caller.allows("admin") else request.caller.id


async def require_portfolio(request: Request, portfolio_id: str) -> None:
    """Raises 404 unless the portfolio is the caller's."""
    if await _closed(request, [Named(portfolios=frozenset({portfolio_id}))]):
        raise Problem(404, f"no portfolio {portfolio_id!r}")


async def guard_portfolio(request: Request, path: Any) -> None:
    """Before a body is read: raises 404 unless the portfolio in the path exists and is the caller's."""
    if not await (await request.services.store()).portfolios.exists(path.portfolio_id, owner=owner_of(request)):
        raise Problem(404, f"no portfolio {path.portfolio_id!r}")


async def require_report(request: Request, report_id: str) -> None:
    """Raises 404 where the report is about a portfolio of another."""
    if await _closed(request, [Named(reports=frozenset({report_id}))]):
        raise Problem(404, f"no report {report_id!r}")


async def require_calls(request: Request, what: Call[Any] | Workflow[Any]) -> None:
    """Raises 404 for a job over what is another's, 403 for one beyond the caller's scope or over everybody's things."""
    calls = list(_calls(what))
    for call in calls:
        _require_scope(request, call.job)
    if owner_of(request) is None:
        return
    named = [_named(call.job, call.args, call.kwargs) for call in calls]
    if any(one.over_all for one in named):
        raise Problem(403, "this is over everybody's portfolios: it needs a key with scope admin")
    if closed := await _closed(request, named):
        raise Problem(404, f"no portfolio, report or channel {min(closed)!r}")
    if not all(await asyncio.gather(*(_tasks_open(request, one.tasks) for one in named))):
        raise Problem(404, "no such task")


async def require_task(request: Request, task_id: str, *, acting: bool = False) -> None:
    """Raises `NotFound` for a task over what is another's, in the words for one that never was.

    `acting`: the caller wants to stop it or run it again, for which its job's scope is needed as well.
    """
    if owner_of(request) is not None:
        await require_status(request, await request.services.invest.status(task_id), acting=acting)


async def require_status(request: Request, status: JobStatus, *, acting: bool = False) -> None:
    """The same for a task whose status is known."""
    if owner_of(request) is None:
        return
    jobs = [status, *await _steps(request, status)]
    if acting:
        for job in jobs:
            if (declared := request.services.registry.find(job.name)) is not None:
                _require_scope(request, declared)
    if not all(await _open(request, jobs)):
        raise NotFound(f"no job {status.id!r}: it never existed, or its record has expired")


async def visible(request: Request, jobs: Iterable[R]) -> list[R]:
    """Those jobs of a list that are not over what is another's."""
    listed = list(jobs)
    if owner_of(request) is None:
        return listed
    return [job for job, is_open in zip(listed, await _open(request, listed), strict=True) if is_open]


def _require_scope(request: Request, job: Declared[Any]) -> None:
    if not request.caller.allows(job.scope):
        raise Problem(403, f"{job.name} needs a key with scope {job.scope}")


async def _open(request: Request, jobs: Sequence[Ran]) -> list[bool]:
    """Which of these jobs the caller may see."""
    named = list(await asyncio.gather(*(_named_by(request, job) for job in jobs)))
    closed = await _closed(request, named)
    followed = await asyncio.gather(*(_tasks_open(request, one.tasks) for one in named))
    return [
        theirs and not one.over_all and closed.isdisjoint(one.portfolios | one.reports | one.channels)
        for one, theirs in zip(named, followed, strict=True)
    ]


async def _tasks_open(request: Request, tasks: Iterable[str]) -> bool:
    """Whether the caller may see all of these tasks; one that is forgotten is nobody's."""
    try:
        for task_id in tasks:
            await require_task(request, task_id)
    except NotFound:
        return False
    return True


async def _closed(request: Request, found: Sequence[Named]) -> set[str]:
    """The ids among those named that are another's (or nobody's)."""
    owner = owner_of(request)
    portfolios = {name for named in found for name in named.portfolios}
    reports = {name for named in found for name in named.reports}
    channels = {name for named in found for name in named.channels}
    if owner is None or not (portfolios or reports or channels):
        return set()
    store = await request.services.store()
    closed: set[str] = await store.portfolios.closed(owner, portfolios, reports) if portfolios or reports else set()
    return closed | (await store.notices.closed(owner, channels) if channels else set())


async def _steps(request: Request, status: JobStatus) -> list[JobStatus]:
    """The steps of a workflow, none of a job."""
    found: list[JobStatus] = []
    most = 2 * status.nodes if status.nodes is not None else 0  # the list of steps holds the knots between jobs as well
    for offset in range(0, most, STEPS):
        found += (await request.services.invest.workflows.show(status.id, limit=STEPS, offset=offset)).steps
    return found


def _calls(what: Call[Any] | Workflow[Any]) -> Iterable[Call[Any]]:
    if isinstance(what, Call):
        yield what
        return
    for step in what.steps:
        yield from _calls(step)


async def _named_by(request: Request, job: Ran) -> Named:
    """What a job names; one that is not declared here, or whose arguments are forgotten, is for admins alone."""
    if job.name in WORKFLOWS:
        return Named()
    declared = request.services.registry.find(job.name or "")
    if declared is None:
        return Named(over_all=True)
    if not isinstance(declared.owner, Mapping):
        return _named(declared, (), {})
    return _named(declared, *(_given(job) or await _remembered(request, job.id) or ((), {})))


def _given(job: Any) -> Given | None:
    """The arguments a view of a job shows; history keeps both kinds in one field."""
    if isinstance(job.args, Mapping):
        given: Given = (job.args.get("args") or (), job.args.get("kwargs") or {})
    else:
        given = (job.args or (), getattr(job, "kwargs", None) or {})
    return given if any(given) else None


async def _remembered(request: Request, job_id: str) -> Given | None:
    """The arguments of a finished job: beside its result while that lives, then in the history."""
    with suppress(NotFound):
        if given := _given(await request.services.invest.status(job_id)):
            return given
    run = await (await request.services.store()).jobs.get(job_id)
    return _given(run) if run is not None else None


def _named(job: Declared[Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> Named:
    """What arguments name, by what the job declares of its parameters; one left out means everybody's."""
    if not isinstance(job.owner, Mapping):
        return Named(over_all=job.owner is not None)
    given = dict(zip((p.name for p in job.signature.parameters), args, strict=False)) | dict(kwargs)
    found: dict[str, frozenset[str]] = {}
    for parameter, kind in job.owner.items():
        found[kind] = found.get(kind, frozenset()) | _texts(given.get(parameter))
    return Named(
        portfolios=found.get("portfolio", frozenset()),
        reports=found.get("report", frozenset()),
        channels=found.get("channel", frozenset()),
        tasks=found.get("task", frozenset()),
        over_all=not any(given.get(parameter) for parameter in job.owner),
    )


def _texts(value: Any) -> frozenset[str]:
    if isinstance(value, str):
        return frozenset({value})
    return frozenset(v for v in value if isinstance(v, str)) if isinstance(value, list | tuple) else frozenset()
