"""Schedules: in words, their next three runs, what the last one came to; run now, pause, resume."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import datetime
from itertools import islice
from urllib.parse import quote

from aiohttp import web
from cronsim import CronSim

from invest.api.http import invalid
from invest.api.pages.console.cron_words import cron_words
from invest.api.pages.forms import Form
from invest.api.pages.page import page
from invest.api.pages.rendering import render
from invest.api.pages.visit import Visit
from invest.api.routes import operations
from invest.engine import JobStatus, ScheduleEntry
from invest.errors import NotFound

LOOKED = 2_000  # ticks that a condition may refuse before a schedule counts as having no next run
ACTIONS = {
    "run": operations.run_schedule,
    "pause": operations.pause_schedule,
    "resume": operations.resume_schedule,
}


@page("GET", "/ops/schedules", section="ops.schedules", live=True)
async def schedules_page(visit: Visit) -> web.StreamResponse:
    """Every schedule."""
    entries = await visit.listed(operations.list_schedules)
    lasts = await asyncio.gather(*(_last(visit, entry) for entry in entries))
    rows = [
        (entry, cron_words(entry.cron, visit.words), next_runs(visit, entry), last)
        for entry, last in zip(entries, lasts, strict=True)
    ]
    return render(visit, "console/schedules.html", rows=rows)


async def _last(visit: Visit, entry: ScheduleEntry) -> JobStatus | None:
    if entry.last_job is None:
        return None
    with suppress(NotFound):
        return await visit.services.invest.status(entry.last_job)
    return None


def next_runs(visit: Visit, entry: ScheduleEntry, count: int = 3) -> list[datetime]:
    """The next runs of a schedule that is not paused."""
    if entry.paused or entry.next_at is None:
        return []
    registry = visit.services.registry
    condition = registry.condition(registry.job(entry.name))
    later = islice(CronSim(entry.cron, entry.next_at), LOOKED)
    allowed = (tick for tick in later if condition is None or condition(tick))
    return [entry.next_at, *islice(allowed, count - 1)]


@page("POST", "/ops/schedules/{name}", scope="write", section="ops.schedules")
async def act_on_schedule(visit: Visit, form: Form) -> web.StreamResponse:
    """Run one now, pause it, or let it go on."""
    action, name = form.text("action"), visit.http.match_info["name"]
    if action not in ACTIONS:
        raise invalid("action", f"one of {', '.join(ACTIONS)}")
    done = await visit.ask(ACTIONS[action], path={"name": name})
    if action == "run":
        where = f"/ops/jobs/{quote(done.task_id, safe='')}"
        return visit.go(where, visit.say("{name} runs out of turn.", name=name))
    message = "{name} is paused: its times pass without a run." if action == "pause" else "{name} goes on from now."
    return visit.go("/ops/schedules", visit.say(message, name=name))


PAGES = (schedules_page, act_on_schedule)
