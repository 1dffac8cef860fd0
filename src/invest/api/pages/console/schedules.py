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
from invest.api.pages.forms import Form
from invest.api.pages.page import page
from invest.api.pages.rendering import render
from invest.api.pages.visit import Visit
from invest.api.pages.wording import Wording
from invest.api.routes import operations
from invest.engine import JobStatus, ScheduleEntry
from invest.errors import NotFound

NAMED = {"sun": "0", "mon": "1", "tue": "2", "wed": "3", "thu": "4", "fri": "5", "sat": "6"}
DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
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


def cron_words(line: str, words: Wording) -> str:
    """`every 5 min, 10h-17h, Monday to Friday`."""
    parts = line.split()
    if len(parts) != 5:
        return line
    minute, hour, day, month, weekday = parts
    when = _times(minute, hour, words)
    which = _days(weekday, words)
    if when is None or which is None or month != "*" or (day != "*" and not day.isdigit()):
        return line
    on = words.say("on day {n} of the month", n=day) if day != "*" else which
    return ", ".join(part for part in (when, on) if part)


def _times(minute: str, hour: str, words: Wording) -> str | None:  # noqa: PLR0911 - a table of shapes
    hours = "" if hour == "*" else hour
    if minute.startswith("*/") and minute[2:].isdigit():
        message = words.say("every {n} min", n=minute[2:])
        if not hours:
            return message
        first, _, last = hours.partition("-")
        if first.isdigit() and (last or first).isdigit():
            return f"{message}, {words.say('{first}h to {last}h', first=first, last=last or first)}"
        return None
    if not minute.isdigit():
        return None
    if not hours:
        return words.say("every hour, at minute {n}", n=minute)
    if hours.startswith("*/") and hours[2:].isdigit():
        return words.say("every {n} hours", n=hours[2:])
    given = hours.split(",")
    if all(one.isdigit() for one in given):
        return words.say("at {times}", times=", ".join(f"{int(one):02d}:{int(minute):02d}" for one in given))
    return None


def _days(weekday: str, words: Wording) -> str | None:
    if weekday == "*":
        return ""
    for name, digit in NAMED.items():
        weekday = weekday.lower().replace(name, digit)
    first, dash, last = weekday.partition("-")
    if dash and first.isdigit() and last.isdigit():
        return words.say("{first} to {last}", first=words.say(DAYS[int(first)]), last=words.say(DAYS[int(last)]))
    given = weekday.split(",")
    if all(one.isdigit() and int(one) < len(DAYS) for one in given):
        return ", ".join(words.say(DAYS[int(one)]) for one in given)
    return None


PAGES = (schedules_page, act_on_schedule)
