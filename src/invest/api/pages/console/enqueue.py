"""Forms made from the jobs' signatures: choose a job, fill in its arguments, queue it now or later."""

from __future__ import annotations

from urllib.parse import quote

from aiohttp import web

from invest.api.http import invalid
from invest.api.pages.console.schema_forms import arguments_of, fields_of
from invest.api.pages.forms import Form
from invest.api.pages.page import page
from invest.api.pages.rendering import render
from invest.api.pages.visit import Visit
from invest.api.routes import operations


@page("GET", "/ops/enqueue", section="ops.enqueue")
async def jobs_to_enqueue(visit: Visit) -> web.StreamResponse:
    """All declared jobs by queue."""
    by_queue: dict[str, list[operations.JobDescription]] = {}
    for job in await visit.listed(operations.list_job_types):
        by_queue.setdefault(job.queue, []).append(job)
    return render(visit, "console/enqueue.html", by_queue=by_queue)


@page("GET", "/ops/enqueue/{name}", section="ops.enqueue")
async def enqueue_page(visit: Visit) -> web.StreamResponse:
    """The form of one job; parameters of the address fill it in."""
    job = await visit.ask(operations.get_job_type, path={"name": visit.http.match_info["name"]})
    given = {name: visit.query(name) for name in job.parameters.get("properties", {}) if name in visit.http.query}
    return render(visit, "console/enqueue_job.html", job=job, fields=fields_of(job.parameters, given))


@page("POST", "/ops/enqueue/{name}", scope="write", section="ops.enqueue")
async def enqueue(visit: Visit, form: Form) -> web.StreamResponse:
    """Queue it."""
    job = await visit.ask(operations.get_job_type, path={"name": visit.http.match_info["name"]})
    options: dict[str, str] = {}
    if delay := form.text("delay"):
        if not delay.replace(".", "", 1).isdigit():
            raise invalid("delay", "a number of seconds")
        options["delay"] = delay
    if priority := form.text("priority"):
        options["priority"] = priority
    arguments = arguments_of(job.parameters, form)
    queued = await visit.ask(operations.enqueue_job, path={"name": job.name}, query=options, body=arguments)
    return visit.go(f"/ops/jobs/{quote(queued['task_id'], safe='')}", visit.say("{name} is queued.", name=job.name))


PAGES = (jobs_to_enqueue, enqueue_page, enqueue)
