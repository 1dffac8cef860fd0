"""One job: where in its workflow it stands, what happened, with which arguments, what came of it; run it again."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any
from urllib.parse import quote

from aiohttp import web
from markupsafe import Markup

from invest.api.http import Problem
from invest.api.pages.console.graph import boxes_of, draw_graph, read_edges
from invest.api.pages.console.rows import JobRow, attempts_text, state_text
from invest.api.pages.console.schema_forms import arguments_of, fields_of
from invest.api.pages.forms import Form
from invest.api.pages.page import page
from invest.api.pages.rendering import render
from invest.api.pages.visit import Visit
from invest.api.routes import operations, tasks
from invest.api.routes.ownership import require_status, visible
from invest.domain.job_run import JobRun
from invest.engine import JobState, JobStatus, TimelineEntry
from invest.errors import NotFound
from invest.jobs.log_lines import lines_of

STEPS = 500


@page("GET", "/ops/jobs/{task_id}", section="ops.jobs", live=True)
async def job_page(visit: Visit) -> web.StreamResponse:
    """One job or workflow."""
    task_id = visit.http.match_info["task_id"][:200]
    try:
        status = await visit.services.invest.status(task_id)
    except NotFound:
        return await _remembered(visit, task_id)
    await require_status(visit.request, status)
    timeline, lines, drawn, steps = await asyncio.gather(
        visit.listed(tasks.task_timeline, path={"task_id": status.id}),
        lines_of(visit.services.invest.redis, status.id),
        *_workflow(visit, status),
    )
    failed = [s for s in steps if s.state is JobState.FAILED]
    return render(
        visit,
        "console/job.html",
        job=status,
        row=JobRow(visit, status),
        state_words=state_text(visit, status),
        attempts=attempts_text(visit, status),
        timeline=[e for e, before in zip(timeline, [None, *timeline], strict=False) if not _again(e, before)],
        graph=drawn,
        steps=[JobRow(visit, s) for s in steps[:200]],
        ended=sum(s.final for s in steps),
        failed=[JobRow(visit, s) for s in failed[:20]],
        given=_given(visit, status),
        links=links_of(status),
        lines=lines,
        whole=status.workflow if status.state is JobState.FAILED and status.workflow else None,
    )


def _again(entry: TimelineEntry, before: TimelineEntry | None) -> bool:
    """Whether an entry says what the one before it said: the end of the last attempt is the end of the job."""
    return before is not None and (entry.what, entry.detail) == (before.what, before.detail) and bool(entry.detail)


def _workflow(visit: Visit, status: JobStatus) -> tuple[Any, Any]:
    steps = asyncio.ensure_future(_steps(visit, status))
    return _drawing(visit, status, steps), steps


async def _steps(visit: Visit, status: JobStatus) -> list[JobStatus]:
    """The steps of the workflow that the job is, or belongs to."""
    whole = status.id if status.nodes is not None else status.workflow
    if whole is None:
        return []
    with suppress(NotFound):
        view = await visit.services.invest.workflows.show(whole, limit=STEPS)
        return await visible(visit.request, view.steps)
    return []


async def _drawing(visit: Visit, status: JobStatus, steps: asyncio.Future[list[JobStatus]]) -> Markup:
    found = await steps
    whole = status.id if status.nodes is not None else status.workflow
    if not found or whole is None:
        return Markup("")
    return draw_graph(visit, boxes_of(visit, found, await read_edges(visit, whole)))


def _given(visit: Visit, status: JobStatus) -> dict[str, Any]:
    """The arguments by name: positional ones get the names that the job declares."""
    declared = visit.services.registry.find(status.name)
    names = [p.name for p in declared.signature.parameters] if declared else []
    named = dict(zip(names, status.args, strict=False)) if len(names) >= len(status.args) else {}
    unnamed = {} if named or not status.args else {"args": status.args}
    return named | unnamed | status.kwargs


def links_of(status: JobStatus) -> list[tuple[str, str]]:
    """Pages about what the job worked on: (address, name)."""
    values = {**status.kwargs, **(status.result if isinstance(status.result, dict) else {})}
    found: list[tuple[str, str]] = []
    for name, prefix in (("ticker", "/assets/"), ("report_id", "/reports/"), ("portfolio_id", "/portfolios/")):
        value = values.get(name)
        if isinstance(value, str) and value:
            found.append((prefix + quote(value, safe=""), value))
    return found


async def _remembered(visit: Visit, task_id: str) -> web.StreamResponse:
    """What the history keeps of a job whose record has expired."""
    run: JobRun | None = await (await visit.services.store()).jobs.get(task_id)
    if run is None or not await visible(visit.request, [run]):
        raise Problem(404, visit.say("no job {id}: it never existed, or nothing is kept of it any more", id=task_id))
    return render(visit, "console/past_job.html", run=run)


@page("GET", "/ops/jobs/{task_id}/replay", scope="write", section="ops.jobs")
async def replay_page(visit: Visit) -> web.StreamResponse:
    """The job's arguments as a form."""
    status = await _replayable(visit)
    job = visit.services.registry.job(status.name)
    fields = fields_of(job.signature.parameters_schema, _given(visit, status))
    return render(visit, "console/replay.html", job=status, fields=fields, row=JobRow(visit, status))


@page("POST", "/ops/jobs/{task_id}/replay", scope="write", section="ops.jobs")
async def replay(visit: Visit, form: Form) -> web.StreamResponse:
    """Run the job again with the arguments of the form; a dead letter is replayed, others are enqueued anew."""
    status = await _replayable(visit)
    job = visit.services.registry.job(status.name)
    arguments = arguments_of(job.signature.parameters_schema, form)
    if status.state is JobState.FAILED and status.workflow is None:
        queued = await visit.ask(
            operations.replay_dead_letter, path={"task_id": status.id}, body={"arguments": arguments}
        )
        task_id = queued.task_id
    else:
        queued = await visit.ask(operations.enqueue_job, path={"name": status.name}, body=arguments)
        task_id = queued["task_id"]
    return visit.go(f"/ops/jobs/{quote(task_id, safe='')}", visit.say("It runs again, as this job."))


async def _replayable(visit: Visit) -> JobStatus:
    status = await visit.services.invest.status(visit.http.match_info["task_id"][:200])
    await require_status(visit.request, status, acting=True)
    if visit.services.registry.find(status.name) is None:
        raise Problem(409, visit.say("{name} is not declared here: it cannot be run from this page", name=status.name))
    return status


PAGES = (job_page, replay_page, replay)
