"""The list of jobs: tabs with counts, one filter in the address, failures in groups, and acting on many at once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from aiohttp import web

from invest.api.http import invalid, problem_of
from invest.api.pages.console.job_filter import (
    FINAL,
    ORDER,
    PAGE,
    JobFilter,
    find_jobs,
    glimpse,
    group_failures,
)
from invest.api.pages.console.rows import JobRow, rows_of
from invest.api.pages.entrance import local_path
from invest.api.pages.forms import Form
from invest.api.pages.page import page
from invest.api.pages.rendering import render
from invest.api.pages.visit import Visit
from invest.api.routes import operations, tasks
from invest.engine import JobState, JobStatus

GROUPED = 200  # dead letters that are looked at for groups above the list
MOST = 1_000  # jobs one form may act on
SHOWN = 12  # jobs named in the question
ACTIONS = {
    "cancel": tasks.cancel_task,
    "replay": operations.replay_dead_letter,
    "discard": operations.discard_dead_letter,
}
ENDS = {"cancel": ORDER[:4], "replay": (JobState.FAILED,), "discard": (JobState.FAILED,)}


@page("GET", "/ops/jobs", section="ops.jobs", live=True)
async def jobs_page(visit: Visit) -> web.StreamResponse:
    """Jobs by state."""
    wanted = JobFilter.of(visit.http.query)
    with_groups = wanted.state in (None, JobState.FAILED) and not wanted.narrow and not wanted.cursor
    seen, workers = await asyncio.gather(
        glimpse(visit, wanted, PAGE, GROUPED if with_groups else 0), visit.services.invest.inspect.workers()
    )
    found = seen.found or await find_jobs(visit, wanted)
    return render(
        visit,
        "console/jobs.html",
        wanted=wanted,
        counts=seen.counts,
        order=ORDER,
        rows=await rows_of(visit, found.jobs),
        found=found,
        groups=group_failures(seen.letters)[:8],
        queues=[queue.name for queue in visit.services.registry.queues()],
        workers=sum(worker.alive for worker in workers),
        next=visit.link(cursor=found.cursor) if found.cursor else None,
        final=FINAL,
    )


@page("POST", "/ops/jobs/act", scope="write", section="ops.jobs")
async def act_on_jobs(visit: Visit, form: Form) -> web.StreamResponse:
    """Cancel, replay or discard the ticked jobs or all that the filter finds; says first what and how many."""
    action = form.text("action")
    if action not in ACTIONS:
        raise invalid("action", f"one of {', '.join(ACTIONS)}")
    back = local_path(form.text("back", "/ops/jobs"))
    wanted = JobFilter.of({name: form.text(name) for name in ("state", "queue", "name", "text", "error", "span")})
    ids = form.all("id")[:MOST]
    if not ids and not form.ticked("matching"):
        return visit.go(back, visit.say("No job was chosen: tick some, or act on all that the filter finds."))
    if form.ticked("sure"):
        return visit.go(back, await _act(visit, action, ids))
    chosen, cut = await _chosen(visit, action, ids, wanted)
    return render(
        visit,
        "console/question.html",
        action=action,
        jobs=[JobRow(visit, job) for job in chosen[:SHOWN]],
        ids=[job.id for job in chosen],
        cut=cut,
        back=back,
    )


async def _chosen(visit: Visit, action: str, ids: Sequence[str], wanted: JobFilter) -> tuple[list[JobStatus], bool]:
    """The jobs that the action can act on: the dry run."""
    if ids:
        invest = visit.services.invest
        known = await asyncio.gather(*(invest.status(i) for i in ids), return_exceptions=True)
        return [s for s in known if not isinstance(s, BaseException) and s.state in ENDS[action]], False
    chosen: list[JobStatus] = []
    cut = False
    states = [wanted.state] if wanted.state else ENDS[action]
    for state in states:
        if state in ENDS[action]:
            found = await find_jobs(visit, JobFilter.of(wanted.query() | {"state": str(state)}), MOST // 2)
            chosen += found.jobs
            cut = cut or found.cursor is not None
    return chosen[:MOST], cut or len(chosen) > MOST


async def _act(visit: Visit, action: str, ids: Sequence[str]) -> str:
    """Do it, job by job, and say what came of it."""
    done, refused = 0, []
    for job_id in ids:
        try:
            await visit.ask(ACTIONS[action], path={"task_id": job_id})
            done += 1
        except Exception as error:
            problem = problem_of(error)
            if problem is None or problem.status == 503:
                raise
            refused.append(problem.detail)
    message = visit.say(
        {"cancel": "{n} cancelled", "replay": "{n} replayed", "discard": "{n} discarded"}[action], n=done
    )
    return message + _why(visit, refused)


def _why(visit: Visit, refused: Sequence[str]) -> str:
    if not refused:
        return ""
    why = visit.words.translated(refused[0])
    return visit.say("; {n} left as they are: {why}", n=len(refused), why=why)


PAGES = (jobs_page, act_on_jobs)
