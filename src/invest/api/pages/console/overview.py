"""How the platform is doing: queues, what runs, what failed for good, what comes next."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from aiohttp import web

from invest.api.pages.console.job_filter import JobFilter, find_jobs, group_failures
from invest.api.pages.console.rows import rows_of
from invest.api.pages.page import page
from invest.api.pages.rendering import render
from invest.api.pages.visit import Visit
from invest.api.routes import health, operations

LATEST = 14
LETTERS = 100  # dead letters whose kinds are counted


@page("GET", "/ops", section="ops.overview", live=True)
async def overview(visit: Visit) -> web.StreamResponse:
    """The console's first page."""
    queues, workers, schedules, ready, jobs, letters = await asyncio.gather(
        visit.listed(operations.list_queues),
        visit.listed(operations.list_workers),
        visit.listed(operations.list_schedules),
        visit.ask(health.readyz),
        find_jobs(visit, JobFilter(), LATEST),
        visit.services.invest.dead.page(limit=LETTERS),
    )
    alive = [worker for worker in workers if worker.alive]
    now = datetime.now(UTC)
    schedules.sort(key=lambda entry: (entry.next_at is None, entry.next_at))
    return render(
        visit,
        "console/overview.html",
        queues=[(queue, sum(queue.name in worker.queues for worker in alive)) for queue in queues],
        workers=alive,
        schedules=schedules,
        until={entry.name: visit.words.span(entry.next_at - now) for entry in schedules if entry.next_at},
        ready=ready,
        jobs=await rows_of(visit, jobs.jobs[:LATEST]),
        groups=group_failures(letters.items)[:6],
        more_letters=letters.cursor is not None,
        dead=sum(queue.dead for queue in queues),
    )


PAGES = (overview,)
