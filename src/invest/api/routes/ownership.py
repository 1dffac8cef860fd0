"""Whose what is: a key sees the portfolios it created and what is made of them; keys of scope admin see all.

Everything else (market data, analyses, reports about assets) is for every key. What belongs to another is answered as
if it did not exist, so that ids tell nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple, Protocol, TypeVar

from invest.api.http.problems import Problem
from invest.api.request import Request
from invest.engine import Call, JobStatus, Workflow
from invest.errors import NotFound

OVER_ALL = frozenset({"analyze_all_portfolios"})  # jobs over everybody's portfolios
OWNED = frozenset({"portfolio_id", "portfolio_ids", "report_id", "report_ids"})  # parameters that name what is owned
STEPS = 500  # steps of a workflow read at once
Given = tuple[Sequence[Any], Mapping[str, Any]]  # positional and named arguments


class Named(NamedTuple):
    """What a job's arguments name."""

    portfolios: frozenset[str] = frozenset()
    reports: frozenset[str] = frozenset()
    over_all: bool = False


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


async def require_report(request: Request, report_id: str) -> None:
    """Raises 404 where the report is about a portfolio of another."""
    if await _closed(request, [Named(reports=frozenset({report_id}))]):
        raise Problem(404, f"no report {report_id!r}")


async def require_calls(request: Request, what: Call[Any] | Workflow[Any]) -> None:
    """Raises 404 for a job over what is another's, 403 for one over everybody's portfolios."""
    if owner_of(request) is None:
        return
    found = [_named(request, call.name, call.args, call.kwargs) for call in _calls(what)]
    if any(named.over_all for named in found):
        raise Problem(403, "this is over everybody's portfolios: it needs a key with scope admin")
    if closed := await _closed(request, found):
        raise Problem(404, f"no portfolio or report {min(closed)!r}")


async def require_task(request: Request, task_id: str) -> None:
    """Raises `NotFound` for a task over what is another's, in the words for one that never was."""
    if owner_of(request) is not None:
        await require_status(request, await request.services.invest.status(task_id))


async def require_status(request: Request, status: JobStatus) -> None:
    """The same for a task whose status is known."""
    if owner_of(request) is None:
        return
    found = await _all_named(request, [status, *await _steps(request, status)])
    if any(named.over_all for named in found) or await _closed(request, found):
        raise NotFound(f"no job {status.id!r}: it never existed, or its record has expired")


async def visible(request: Request, jobs: Iterable[R]) -> list[R]:
    """Those jobs of a list that are not over what is another's."""
    listed = list(jobs)
    if owner_of(request) is None:
        return listed
    found = await _all_named(request, listed)
    closed = await _closed(request, found)
    return [
        job
        for job, named in zip(listed, found, strict=True)
        if not named.over_all and closed.isdisjoint(named.portfolios | named.reports)
    ]


async def _closed(request: Request, found: Sequence[Named]) -> set[str]:
    """The ids among those named that are another's (or nobody's)."""
    owner = owner_of(request)
    portfolios = {name for named in found for name in named.portfolios}
    reports = {name for named in found for name in named.reports}
    if owner is None or not (portfolios or reports):
        return set()
    closed: set[str] = await (await request.services.store()).portfolios.closed(owner, portfolios, reports)
    return closed


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


async def _all_named(request: Request, jobs: Sequence[Ran]) -> list[Named]:
    return list(await asyncio.gather(*(_named_by(request, job) for job in jobs)))


async def _named_by(request: Request, job: Ran) -> Named:
    """What a job's arguments name; one whose arguments are forgotten counts as over everybody's portfolios."""
    name = job.name or ""
    if not OWNED.intersection(_parameters(request, name)):
        return Named(over_all=name in OVER_ALL)
    return _named(request, name, *(_given(job) or await _remembered(request, job.id) or ((), {})))


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


def _parameters(request: Request, name: str) -> list[str]:
    job = request.services.registry.find(name)
    return [p.name for p in job.signature.parameters] if job is not None else []


def _named(request: Request, name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Named:
    """What arguments name, by the names of the job's parameters."""
    given = dict(zip(_parameters(request, name), args, strict=False)) | dict(kwargs)
    owned = [given.get(parameter) for parameter in OWNED.intersection(_parameters(request, name))]
    portfolios = _texts(given.get("portfolio_id")) | _texts(given.get("portfolio_ids"))
    reports = _texts(given.get("report_id")) | _texts(given.get("report_ids"))
    return Named(portfolios, reports, name in OVER_ALL or (bool(owned) and not any(owned)))


def _texts(value: Any) -> frozenset[str]:
    if isinstance(value, str):
        return frozenset({value})
    return frozenset(v for v in value if isinstance(v, str)) if isinstance(value, list | tuple) else frozenset()
