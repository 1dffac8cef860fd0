"""All pages of the site, and the files that they share."""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from invest.api.http import Route
from invest.api.pages import console, desk, entrance, reference
from invest.api.pages.page import Page, page, page_handler
from invest.api.pages.rendering import FILES, counted, static_file
from invest.api.pages.visit import Visit
from invest.api.routes import tasks

FOR_GOOD = "public, max-age=31536000, immutable"


@page("GET", "/live")
async def live(visit: Visit) -> web.StreamResponse:
    """Jobs' events for the page that is open: a browser cannot send a key's header with its stream."""
    stream = await visit.ask(tasks.all_events)
    assert isinstance(stream, web.StreamResponse)
    return stream


def all_pages() -> Sequence[Page]:
    """Every page, in the order in which they are matched."""
    return (*entrance.PAGES, live, *console.PAGES, *desk.PAGES)


async def shared_file(request: web.Request) -> web.Response:
    """The stylesheet or a script; its address changes with its bytes."""
    name = request.match_info["name"]
    if name not in FILES:
        raise web.HTTPNotFound
    caching = FOR_GOOD if "v" in request.query else "no-cache"
    return await counted(request, static_file(name), caching=caching)


def bind_pages(app: web.Application, routes: Sequence[Route]) -> None:
    """Add the pages, /docs, /openapi.json and the shared files."""
    console.remember_in(app)
    desk.remember_in(app)
    for declared in all_pages():
        handler = page_handler(declared)
        app.router.add_route(declared.method, declared.path, handler)
        if declared.method == "GET" and declared is not live:
            app.router.add_route("HEAD", declared.path, handler)
    app.router.add_get("/static/{name}", shared_file)
    reference.bind_reference(app, routes)
