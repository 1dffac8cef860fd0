"""From an HTTP request to its route and back: who asks, may they, is it a repeat, run it, answer, log."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from functools import partial
from typing import Any

import structlog
from aiohttp import web

from invest import sentry, tracing
from invest.api.access import Kept, idempotency_of, is_key
from invest.api.http import (
    ANYBODY,
    LINE,
    Caller,
    Plain,
    Problem,
    Reply,
    Route,
    answer_to_options,
    compress,
    problem_of,
    render,
    route_of,
    to_json_in_turns,
)
from invest.api.request import Request
from invest.api.services import SERVICES, Services
from invest.api.sockets import PROBES
from invest.engine import new_id
from invest.store import may_lag

log = structlog.get_logger("invest.web")
REPLAYED = ("Location", "Content-Type", "Retry-After", "ETag", "Link", "Preference-Applied")
REQUEST_ID = web.RequestKey("request_id", str)
UNTRACED = nullcontext()
HttpHandler = Callable[[web.Request], Awaitable[web.StreamResponse]]
PageOfRefusal = Callable[[web.Request, Exception], web.StreamResponse | None]


def http_handler(route: Route) -> HttpHandler:
    """The aiohttp handler of a route."""

    async def handle(http: web.Request) -> web.StreamResponse:
        services = http.app[SERVICES]
        if route.path in PROBES:
            probe = _incoming(http, services, ANYBODY, route)
            return await answer(route, await route.handler(probe))
        origin = services.keyring.origin(http)
        caller = await services.keyring.caller(
            http, route.access.scope, partial(services.admission.admit, f"guess:{origin}")
        )
        request = _incoming(http, services, caller, route)
        bucket = f"addr:{origin}" if caller is ANYBODY else caller.id
        if caller is ANYBODY or not _is_counted_with_its_claim(http, route):
            request.ticket = await services.admission.admit(bucket)
        try:
            if route.access.guard is not None:
                await route.access.guard(request, route.input.path_of(http))
            response = await _consistently(route, request, bucket)
        finally:
            request.done()
        if not response.prepared:
            assert request.ticket is not None
            response.headers.update(services.admission.headers(request.ticket))
        return response

    return handle


def _is_counted_with_its_claim(http: web.Request, route: Route) -> bool:
    """Whether an idempotent request needs one round trip: nothing is read or looked up before its key is claimed."""
    plain = route.access.guard is None and not http.can_read_body
    return plain and route.method == "POST" and is_key(http.headers.get("Idempotency-Key"))


async def _consistently(route: Route, request: Request, who: str) -> web.StreamResponse:
    """Run it: reads may see a replica, unless the same caller has just written, or seen what a job of his wrote."""
    recent = request.services.recent
    if not recent.needed:
        return await _once(route, request)
    reads = route.method in ("GET", "HEAD")
    lagging = reads and await recent.may_lag(who)
    token = may_lag.set(lagging)
    try:
        return await _once(route, request)
    finally:
        may_lag.reset(token)
        if not reads or "{task_id}" in route.path:
            await recent.wrote(who)


def _incoming(http: web.Request, services: Services, caller: Caller, route: Route) -> Request:
    limits = services.settings.web
    most = limits.max_file_bytes if route.input.files else limits.max_body_bytes
    return Request(http, caller, http[REQUEST_ID], most, services.bodies, services=services)


async def _once(route: Route, request: Request) -> web.StreamResponse:
    """Run the handler, an idempotent request once: its repeats get the answer that was kept."""
    given = request.http.headers.get("Idempotency-Key")
    if given is None or route.method != "POST":
        return await respond(route, request)
    key = idempotency_of(request.caller.id, given)
    hashed = hashlib.sha256(f"{route.method} {request.http.rel_url.raw_path_qs}\n".encode())
    hashed.update(await request.read())
    digest = hashed.hexdigest()[:32]
    admission, uncounted = request.services.admission, request.ticket is None
    claim = await admission.claim(request.caller.id, key, digest, uncounted=uncounted)
    request.ticket = claim.ticket if uncounted else request.ticket
    if claim.kept is None:
        request.job_id = hashlib.sha256(f"{key}\0{claim.name}".encode()).hexdigest()[:32]
        request.claimed = key, digest
        return await _run(route, request, key, digest)
    if claim.kept.body is None:
        raise _too_long(claim.kept)
    headers = {**claim.kept.headers, "Idempotency-Replayed": "true"}
    return Plain(status=claim.kept.status, body=claim.kept.body, headers=headers)


def _too_long(kept: Kept) -> Problem:
    where = kept.headers.get("Location")
    message = f"this request was done before and answered with {kept.status}; that answer was too long to keep"
    headers = {"Idempotency-Replayed": "true"} | ({"Location": where} if where else {})
    return Problem(
        409, message + (f": see {where}" if where else ""), kind="urn:invest:answer-not-kept", headers=headers
    )


async def _run(route: Route, request: Request, key: str, digest: str) -> web.StreamResponse:
    """Run the handler; keep the answer under the key, or give the key back if the server was at fault."""
    try:
        response = await respond(route, request)
    except BaseException as error:
        await _keep_refusal(request, key, digest, error)
        raise
    if not request.noted and isinstance(response, web.Response):
        if key and response.headers.get("Cache-Control") == "no-store":  # an answer with a secret is kept nowhere
            await request.services.admission.release(key)
        else:
            await _keep(request, key, digest, response)
    return response


async def _keep_refusal(request: Request, key: str, digest: str, error: BaseException) -> None:
    problem = problem_of(error)
    if problem is None or problem.status >= 500 or problem.status in (408, 429):
        with suppress(Exception):  # Redis may be what failed; the mark expires by itself
            await request.services.admission.release(key)
    else:
        await _keep(request, key, digest, render(problem, instance=request.path, request_id=request.request_id))


async def _keep(request: Request, key: str, digest: str, response: web.Response) -> None:
    body = response.body if isinstance(response.body, bytes) else b""
    headers = {name: response.headers[name] for name in REPLAYED if name in response.headers}
    kept = Kept(response.status, headers, body)
    with suppress(Exception):  # the work is done; a repeat finds the same job by its derived id
        await request.services.admission.keep(request.caller.id, key, digest, kept)


async def respond(route: Route, request: Request) -> web.StreamResponse:
    """Validate, call the handler, write its value."""
    return await answer(route, await route.handler(request, **await route.arguments(request)))


async def answer(route: Route, value: Any) -> web.StreamResponse:
    """What a handler gave as a response."""
    if isinstance(value, Reply):
        reply = value
    elif isinstance(value, web.StreamResponse):
        return value
    else:
        reply = Reply(value)
    status = reply.status or route.output.status
    if reply.value is None:
        return web.Response(status=status if status != 200 else 204, headers=reply.headers)
    body = reply.value if type(reply.value) is bytes else await to_json_in_turns(reply.value)
    return Plain(status=status, body=body, headers=reply.headers, content_type="application/json")


def _traced(request: web.Request) -> AbstractContextManager[Any]:
    """A span for the request, under the caller's where it sends a traceparent."""
    if not tracing.traced():
        return UNTRACED
    name, parent = f"{request.method} {route_of(request)}", tracing.parent_in(request.headers)
    method, route = request.method, route_of(request)
    return tracing.span(name, kind="SERVER", parent=parent, http__request__method=method, http__route=route)


def outermost(page_of_refusal: PageOfRefusal) -> Any:
    """The one middleware: number the request, turn every error into a problem, refuse overload, log one line.

    `page_of_refusal` makes a page for a person of some errors.
    """

    @web.middleware
    async def handle(request: web.Request, handler: HttpHandler) -> web.StreamResponse:
        if request.method == "OPTIONS" and (answered := answer_to_options(request)) is not None:
            return answered
        started = time.perf_counter()
        services = request.app[SERVICES]
        request_id = request[REQUEST_ID] = new_id()[:20]
        fields = request[LINE] = {}
        tracing.request_id.set(request_id)
        try:
            with services.load.work(refuse=request.path not in PROBES), _traced(request):
                try:
                    response = await handler(request)
                except web.HTTPException as error:
                    page = page_of_refusal(request, error)
                    if page is None:
                        raise
                    response = page
                compress(request, response)
        except Exception as error:
            response = _refused(request, error, request_id)
        if not response.prepared:
            response.headers["X-Request-Id"] = request_id
        seconds = time.perf_counter() - started
        services.meters.observe(request, response.status, seconds)
        fields["method"] = request.method
        fields["path"] = _shown(request)
        fields["status"] = response.status
        fields["ms"] = round(seconds * 1000, 1)
        fields["request_id"] = request_id
        services.requests.write(fields)
        return response

    return handle


def _refused(request: web.Request, error: Exception, request_id: str) -> web.Response:
    """The answer of an error.

    A function of its own: a frame that an error passed through and that keeps it under a name is a circle, which holds
    the request's body until the collector comes, and it comes seldom.
    """
    problem = problem_of(error)
    if problem is None:
        log.exception("request failed", request_id=request_id, method=request.method, path=_shown(request))
        sentry.report(error, route=route_of(request), method=request.method, request_id=request_id)
        problem = Problem(500, f"an error on our side; it is in the log under request_id {request_id}")
    return render(problem, instance=request.rel_url.path, request_id=request_id)


def _shown(http: web.Request) -> str:
    return http.rel_url.raw_path[:300]
