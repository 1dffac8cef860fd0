"""From a request to a page: who asks, may they, is the form ours, run it; an error is a page that says what to do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal
from urllib.parse import quote

import structlog
from aiohttp import web
from yarl import URL

from invest.api.access import require_scope
from invest.api.http import ANYBODY, Problem, ScopeName, problem_of, title_of
from invest.api.pages.forms import Form, read_form
from invest.api.pages.rendering import render
from invest.api.pages.session import (
    FORM_FIELD,
    KEY_COOKIE,
    check_form,
    forget,
    key_in,
    language_of,
    seed_of,
    theme_of,
    token_of,
)
from invest.api.pages.visit import Visit
from invest.api.pages.wording import Wording
from invest.api.request import Request
from invest.api.services import SERVICES
from invest.api.serving import REQUEST_ID

log = structlog.get_logger("invest.web")
PageHandler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True)
class Page:
    """One page or form. The handler takes a `Visit`, and of a POST its `Form` as well."""

    method: Literal["GET", "POST"]
    path: str
    scope: ScopeName | None
    section: str
    live: bool
    file: bool
    handler: Callable[..., Awaitable[web.StreamResponse]]


def page(
    method: Literal["GET", "POST"],
    path: str,
    *,
    scope: ScopeName | None = "read",
    section: str = "",
    live: bool = False,
    file: bool = False,
) -> Callable[[Callable[..., Awaitable[web.StreamResponse]]], Page]:
    """Declare a page. `live`: its numbers follow the jobs' events; `file`: its form may carry a statement."""

    def make(handler: Callable[..., Awaitable[web.StreamResponse]]) -> Page:
        return Page(method, path, scope, section, live, file, handler)

    return make


def page_handler(declared: Page) -> PageHandler:
    """The aiohttp handler of a page."""

    async def handle(http: web.Request) -> web.StreamResponse:
        visit = visit_of(http, declared)
        try:
            await _enter(visit, declared)
            if declared.method == "GET":
                return await declared.handler(visit)
            form = await read_form(visit.request)
            check_form(http, form.text(FORM_FIELD))
            return await declared.handler(visit, form)
        except Exception as error:
            return refused(visit, error)
        finally:
            visit.request.done()

    return handle


def visit_of(http: web.Request, declared: Page | None = None) -> Visit:
    """The visit of a request, before anybody knows who asks."""
    services, limits = http.app[SERVICES], http.app[SERVICES].settings.web
    is_file = declared is not None and declared.file
    limit = limits.max_file_bytes if is_file else limits.max_body_bytes
    request = Request(http, ANYBODY, http[REQUEST_ID], limit, services.bodies, services=services)
    seed = seed_of(http)
    return Visit(
        request=request,
        words=Wording(language_of(http)),
        theme=theme_of(http),
        token=token_of(seed, key_in(http)),
        seed=seed,
        signed_in=False,
        section=declared.section if declared else "",
        live=declared.live if declared else False,
    )


async def _enter(visit: Visit, declared: Page) -> None:
    """Find out who asks. Raises 401, 403, 421, 429."""
    services, http = visit.services, visit.http
    origin = services.keyring.origin(http)
    charge = partial(services.admission.admit, f"guess:{origin}")
    key = key_in(http)
    lowest = None if declared.scope is None else "read"  # who it is, also where the page is not for them
    caller = await services.keyring.caller(http, lowest, charge, given=key)
    visit.request.caller = caller
    visit.signed_in = key is not None and services.keyring.required
    await services.admission.admit(f"addr:{origin}" if caller is ANYBODY else caller.id)
    if services.keyring.required and declared.scope is not None:
        require_scope(caller, declared.scope)


def refused(visit: Visit, error: Exception) -> web.StreamResponse:
    """The page of an error: what, where, the next step; sign-in where a key is what is missing."""
    problem = problem_of(error)
    if problem is None:
        request_id = visit.request.request_id
        log.exception("page failed", request_id=request_id, path=visit.http.rel_url.raw_path[:300])
        problem = Problem(500, visit.say("an error on our side; the log has it under {id}", id=request_id))
    if problem.status == 401 and visit.http.method == "GET":
        return _to_sign_in(visit)
    response = render(
        visit,
        "error.html",
        status=problem.status,
        problem=problem,
        title=visit.say(title_of(problem.status)),
        back=_form_of(visit.http),
    )
    response.headers.update({k: v for k, v in problem.headers.items() if k in ("Retry-After", "Allow")})
    return response


def _form_of(http: web.Request) -> str:
    """The page of this site whose form was sent; empty where none is named."""
    given = URL(http.headers.get("Referer", "")) if http.method == "POST" else URL()
    return given.raw_path_qs if given.host and given.authority == http.host else ""


def _to_sign_in(visit: Visit) -> web.Response:
    response = web.Response(status=303, headers={"Location": f"/signin?next={quote(visit.here, safe='')}"})
    if key_in(visit.http) is not None:
        forget(response, KEY_COOKIE)
    return response


def is_for_people(http: web.Request) -> bool:
    """Whether a browser asks for a page, not a program for the API."""
    return not http.path.startswith("/api/") and "text/html" in http.headers.get("Accept", "")


def page_of_refusal(request: web.Request, error: Exception) -> web.StreamResponse | None:
    """An address that does not exist is answered to a browser with a page; None for every other error."""
    if isinstance(error, web.HTTPException) and error.status in (404, 405) and is_for_people(request):
        return refused(visit_of(request), error)
    return None


__all__: list[Any] = ["Form", "Page", "is_for_people", "page", "page_handler", "page_of_refusal", "refused"]
