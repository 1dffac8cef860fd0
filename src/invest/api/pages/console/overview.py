"""How the platform is doing: queues, what runs, what failed for good, what comes next."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from aiohttp import web

from invest.api.pages.console.job_filter import JobFilter, glimpse, group_failures
from invest.api.pages.console.rows import rows_of
from invest.api.pages.page import page
from invest.api.pages.rendering import render
from invest.api.pages.visit import Visit
from invest.api.routes import health, operations
from invest.engine import JobState

LATEST = 14
HOURS = 24
HOUR_MS = 3_600_000
PACE_SECONDS = 30
LETTERS = 100  # dead letters whose kinds are counted


@page("GET", "/ops", section="ops.overview", live=True)
async def overview(visit: Visit) -> web.StreamResponse:
    """The console's first page."""
    queues, workers, schedules, ready, seen, lately = await asyncio.gather(
        visit.listed(operations.list_queues),
        visit.listed(operations.list_workers),
        visit.listed(operations.list_schedules),
        visit.ask(health.readyz),
        glimpse(visit, JobFilter(), LATEST, LETTERS),
        pace(visit),
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
        jobs=await rows_of(visit, seen.found.jobs[:LATEST] if seen.found else []),
        groups=group_failures(seen.letters)[:6],
        more_letters=seen.counts[JobState.FAILED] > LETTERS,
        lately=lately,
        dead=sum(queue.dead for queue in queues),
    )


@dataclass(frozen=True)
class Lately:
    """Jobs that ended in each of the last hours, the oldest first, as a drawing and in figures."""

    succeeded: int
    failed: int
    busiest: int
    bars: Sequence[tuple[datetime, int, int]]


PACE = web.AppKey("pace", list[tuple[float, Lately]])


async def pace(visit: Visit) -> Lately:
    """What ended in the last day by the hour; asked at most twice a minute."""
    now = time.time()
    kept = visit.http.app[PACE]
    if not kept or now - kept[0][0] > PACE_SECONDS:
        till = int(now * 1000) + 1
        done, failed = await visit.services.invest.inspect.pace(HOUR_MS, HOURS, till_ms=till)
        starts = [datetime.fromtimestamp((till - HOUR_MS * (HOURS - i)) / 1000, UTC) for i in range(HOURS)]
        bars = tuple(zip(starts, done, failed, strict=True))
        busiest = max(a + b for a, b in zip(done, failed, strict=True))
        kept[:] = [(now, Lately(sum(done), sum(failed), busiest, bars))]
    return kept[0][1]


def remember_in(app: web.Application) -> None:
    """Give a server the place where it keeps the pace."""
    app[PACE] = []


PAGES = (overview,)
