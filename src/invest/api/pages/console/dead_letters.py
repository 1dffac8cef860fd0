"""Jobs that failed for good: grouped with their remedy, or singly; each can be replayed or discarded."""

from __future__ import annotations

import asyncio

from aiohttp import web

from invest.api.pages.console.job_filter import JobFilter, find_jobs, glimpse, group_failures
from invest.api.pages.console.rows import rows_of
from invest.api.pages.page import page
from invest.api.pages.rendering import render
from invest.api.pages.visit import Visit
from invest.engine import JobState

GROUPED = 500


@page("GET", "/ops/dead-letters", section="ops.dead", live=True)
async def dead_letters(visit: Visit) -> web.StreamResponse:
    """The dead letters."""
    wanted = JobFilter.of({**visit.http.query, "state": str(JobState.FAILED)})
    whole = JobFilter(state=JobState.FAILED, queue=wanted.queue)
    found, sample = await asyncio.gather(find_jobs(visit, wanted), glimpse(visit, whole, 0, GROUPED))
    return render(
        visit,
        "console/dead_letters.html",
        wanted=wanted,
        rows=await rows_of(visit, found.jobs),
        groups=group_failures(sample.letters),
        sampled=sample.counts[JobState.FAILED] > GROUPED,
        next=visit.link(cursor=found.cursor) if found.cursor else None,
    )


PAGES = (dead_letters,)
