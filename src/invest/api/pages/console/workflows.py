"""Workflows as wholes: the newest ones, and running again what failed in one."""

from __future__ import annotations

from urllib.parse import quote

from aiohttp import web

from invest.api.pages.console.rows import rows_of
from invest.api.pages.forms import Form
from invest.api.pages.page import page
from invest.api.pages.rendering import render
from invest.api.pages.visit import Visit
from invest.api.routes import operations
from invest.api.routes.ownership import visible

PAGE = 50


@page("GET", "/ops/workflows", section="ops.workflows", live=True)
async def workflows_page(visit: Visit) -> web.StreamResponse:
    """The newest workflows; each opens as its graph."""
    start = visit.query("start", "0")
    offset = min(int(start), 1_000_000) if start.isdigit() else 0
    found = await visit.services.invest.workflows.page(PAGE + 1, offset)
    shown = await visible(visit.request, found[:PAGE])
    return render(
        visit,
        "console/workflows.html",
        rows=await rows_of(visit, shown),
        next=visit.link(start=offset + PAGE) if len(found) > PAGE else None,
    )


@page("GET", "/ops/workflows/{workflow_id}", section="ops.workflows")
async def workflow_page(visit: Visit) -> web.StreamResponse:
    """A workflow's page is its job's."""
    return visit.go(f"/ops/jobs/{quote(visit.http.match_info['workflow_id'], safe='')}")


@page("POST", "/ops/workflows/{workflow_id}/retry", scope="write", section="ops.workflows")
async def retry_workflow(visit: Visit, form: Form) -> web.StreamResponse:
    """Run again the steps that did not succeed."""
    workflow_id = visit.http.match_info["workflow_id"]
    await visit.ask(operations.retry_workflow, path={"workflow_id": workflow_id})
    message = visit.say("The steps that failed run again; those that succeeded keep their results.")
    return visit.go(f"/ops/jobs/{quote(workflow_id, safe='')}", message)


PAGES = (workflows_page, workflow_page, retry_workflow)
