"""Queues and the workers that serve them."""

from __future__ import annotations

import asyncio
from collections import Counter

from aiohttp import web

from invest.api.http import invalid
from invest.api.pages.forms import Form
from invest.api.pages.page import page
from invest.api.pages.rendering import render
from invest.api.pages.visit import Visit
from invest.api.routes import operations

SWITCHES = {
    "pause": (operations.pause_queue, "{queue} is paused: what runs goes on, what waits is kept."),
    "resume": (operations.resume_queue, "{queue} goes on."),
}


@page("GET", "/ops/queues", section="ops.queues", live=True)
async def queues_page(visit: Visit) -> web.StreamResponse:
    """Every queue."""
    queues, workers = await asyncio.gather(visit.listed(operations.list_queues), visit.listed(operations.list_workers))
    alive: Counter[str] = Counter()
    slots: Counter[str] = Counter()
    for worker in workers:
        if worker.alive:
            alive.update(worker.queues)
            slots.update(dict.fromkeys(worker.queues, worker.slots))
    return render(visit, "console/queues.html", queues=queues, alive=alive, slots=slots)


@page("POST", "/ops/queues/{queue}", scope="admin", section="ops.queues")
async def act_on_queue(visit: Visit, form: Form) -> web.StreamResponse:
    """Pause a queue, let it go on, or empty it: that says first how many jobs it is."""
    queue, action = visit.http.match_info["queue"], form.text("action")
    if action in SWITCHES:
        route, message = SWITCHES[action]
        await visit.ask(route, path={"name": queue})
        return visit.go("/ops/queues", visit.say(message, queue=queue))
    if action != "purge":
        raise invalid("action", f"one of purge, {', '.join(SWITCHES)}")
    if not form.ticked("sure"):
        stats = await visit.services.invest.inspect.queues()
        count = stats[queue].waiting + stats[queue].scheduled if queue in stats else 0
        return render(visit, "console/purge.html", queue=queue, count=count)
    count = await visit.services.invest.purge(queue)
    visit.request.audit("purge queue", queue, {"cancelled": count})
    message = visit.say("{n} waiting jobs of {queue} were cancelled.", n=count, queue=queue)
    return visit.go("/ops/queues", message)


@page("GET", "/ops/workers", section="ops.workers", live=True)
async def workers_page(visit: Visit) -> web.StreamResponse:
    """Worker processes heard of in the last minute, and what each runs."""
    workers, running = await asyncio.gather(
        visit.listed(operations.list_workers), visit.services.invest.inspect.active(200)
    )
    by_worker: dict[str, list[str]] = {}
    for job in running:
        by_worker.setdefault(job.worker or "", []).append(job.name)
    return render(visit, "console/workers.html", workers=workers, by_worker=by_worker)


PAGES = (queues_page, act_on_queue, workers_page)
