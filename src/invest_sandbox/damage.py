"""Apply faults to a request: before the upstream answers, or to its answer."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import date, timedelta
from typing import get_args

from aiohttp import web

from invest_sandbox.context import AI_FAULTS, INJECTION, TODAY, WORLD
from invest_sandbox.faults import AiKind, Fault
from invest_sandbox.refusals import refusal
from invest_sandbox.rescale import garble, rescale
from invest_sandbox.world import is_session

AI_KINDS = frozenset(get_args(AiKind))


async def before(request: web.Request, faults: Sequence[Fault]) -> web.StreamResponse | None:
    """Waits, marks the request, or answers in the upstream's place; None lets the upstream answer."""
    request[AI_FAULTS] = tuple(f.kind for f in faults if f.kind in AI_KINDS)
    for fault in faults:
        match fault.kind:
            case "latency":
                await asyncio.sleep(fault.wait)
            case "hang":
                await asyncio.sleep(fault.wait)
                return web.Response(status=504)
            case "stale":
                request[TODAY] = _earlier(request.app[WORLD].today, fault.days)
            case "injection":
                request[INJECTION] = True
            case "error" | "rate_limit":
                return refusal(request.path, fault)
            case "empty":
                return web.Response(status=200, content_type="text/plain")
            case "redirect":
                return web.Response(status=302, headers={"Location": "http://127.0.0.1:9/elsewhere"})
    return None


def _earlier(day: date, days: int) -> date:
    day -= timedelta(days)
    while not is_session(day):
        day -= timedelta(1)
    return day


async def after(request: web.Request, response: web.StreamResponse, faults: Sequence[Fault]) -> web.StreamResponse:
    """The upstream's answer, damaged as the faults say. Streams that already left are what they are."""
    if not isinstance(response, web.Response) or response.prepared or not isinstance(response.body, bytes):
        return response
    body = response.body
    for fault in faults:
        if fault.kind == "wrong_unit":
            body = await asyncio.to_thread(rescale, body, fault.factor)
        elif fault.kind == "malformed":
            body = garble(body)
    if any(f.kind == "cut" for f in faults):
        return await _cut(request, response, body)
    return response if body is response.body else _replaced(response, body)


def _replaced(response: web.Response, body: bytes) -> web.Response:
    kept = {k: v for k, v in response.headers.items() if k not in ("Content-Length", "Content-Type", "ETag")}
    return web.Response(
        status=response.status,
        body=body,
        content_type=response.content_type,
        charset=response.charset,
        headers=kept,
    )


async def _cut(request: web.Request, response: web.Response, body: bytes) -> web.StreamResponse:
    """Announces the whole body, sends half of it, and drops the connection."""
    out = web.StreamResponse(status=response.status, headers={"Content-Type": response.content_type, "X-Sandbox": "1"})
    out.content_length = len(body) + 64
    await out.prepare(request)
    await out.write(body[: max(1, len(body) // 2)])
    if request.transport is not None:
        request.transport.close()
    return out
