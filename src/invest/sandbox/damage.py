"""How faults change a request's course: before the upstream answers, and the answer itself."""

from __future__ import annotations

import asyncio
import io
import re
import zipfile
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Any, get_args

import orjson
from aiohttp import web

from invest.sandbox.context import AI_FAULTS, INJECTION, TODAY, WORLD
from invest.sandbox.faults import AiKind, Fault
from invest.sandbox.world.sessions import is_session

AI_KINDS = frozenset(get_args(AiKind))


async def before(request: web.Request, faults: Sequence[Fault]) -> web.StreamResponse | None:
    """Waits, marks the request, or answers in the upstream's place; None lets the upstream answer."""
    request[AI_FAULTS] = tuple(f.kind for f in faults if f.kind in AI_KINDS)
    for fault in faults:
        match fault.kind:
            case "latency" | "hang":
                await asyncio.sleep(fault.seconds)
            case "stale":
                request[TODAY] = _earlier(request.app[WORLD].today, fault.days)
            case "injection":
                request[INJECTION] = True
            case "error" | "rate_limit":
                return _refusal(request, fault)
            case "empty":
                return web.Response(status=200, content_type="text/plain")
            case "redirect":
                return web.Response(status=302, headers={"Location": "http://127.0.0.1:9/elsewhere"})
    if any(f.kind == "hang" for f in faults):
        return web.Response(status=504)
    return None


def _earlier(day: date, days: int) -> date:
    day -= timedelta(days)
    while not is_session(day):
        day -= timedelta(1)
    return day


def _refusal(request: web.Request, fault: Fault) -> web.Response:
    """A 5xx or a 429 in the words of whom it stands for."""
    status = 429 if fault.kind == "rate_limit" else fault.status
    headers = {}
    if fault.retry_after is not None and not request.path.startswith("/ai/gemini"):
        after = fault.retry_after
        headers["Retry-After"] = str(int(after)) if isinstance(after, float) and after == int(after) else str(after)
    body = _error_body(request.path, status, fault.retry_after)
    if isinstance(body, str):
        return web.Response(status=status, text=body, content_type="text/plain", headers=headers)
    return web.Response(status=status, body=orjson.dumps(body), content_type="application/json", headers=headers)


def _error_body(path: str, status: int, after: float | str | None) -> Any:
    limited = status == 429
    if path.startswith("/ai/anthropic"):
        kind = "rate_limit_error" if limited else "overloaded_error" if status == 529 else "api_error"
        message = "This request would exceed your organization's rate limit." if limited else "Internal server error"
        return {"type": "error", "error": {"type": kind, "message": message}, "request_id": None}
    if path.startswith("/ai/gemini"):
        detail = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": f"{after}s"}
        code = "RESOURCE_EXHAUSTED" if limited else "UNAVAILABLE"
        error: dict[str, Any] = {
            "code": status,
            "message": "Resource has been exhausted (e.g. check quota).",
            "status": code,
        }
        return {"error": error | ({"details": [detail]} if after is not None else {})}
    if path.startswith("/ai/"):
        message = f"Rate limit reached. Please try again in {after or 1}s." if limited else "The server had an error."
        code = "rate_limit_exceeded" if limited else None
        return {
            "error": {"message": message, "type": "tokens" if limited else "server_error", "param": None, "code": code}
        }
    if path.startswith("/brapi"):
        return {"error": True, "message": "Too many requests" if limited else "Something went wrong"}
    if path.startswith("/yahoo"):
        return "Edge: Too Many Requests" if limited else "Service Unavailable"
    return "<html><body><h1>Service Unavailable</h1></body></html>"


async def after(request: web.Request, response: web.StreamResponse, faults: Sequence[Fault]) -> web.StreamResponse:
    """The upstream's answer, damaged as the faults say. Streams that already left are what they are."""
    if not isinstance(response, web.Response) or response.prepared or not isinstance(response.body, bytes):
        return response
    for fault in faults:
        if fault.kind == "wrong_unit":
            response = _replaced(response, rescale(response.body, fault.factor))  # type: ignore[arg-type]  # bytes here
        elif fault.kind == "malformed":
            response = _replaced(response, garble(response.body))  # type: ignore[arg-type]  # bytes here
        elif fault.kind == "cut":
            return await _cut(request, response)
    return response


def _replaced(response: web.Response, body: bytes) -> web.Response:
    kept = {k: v for k, v in response.headers.items() if k not in ("Content-Length", "Content-Type", "ETag")}
    return web.Response(
        status=response.status,
        body=body,
        content_type=response.content_type,
        charset=response.charset,
        headers=kept,
    )


def garble(body: bytes) -> bytes:
    """Neither JSON nor XML nor a zip any more: its second half comes first, without the last bytes."""
    half = len(body) // 2
    return body[half:-3] + b'\x00<html>"' + body[:half]


async def _cut(request: web.Request, response: web.Response) -> web.StreamResponse:
    """Announces the whole body, sends half of it, and drops the connection."""
    body = bytes(response.body) if isinstance(response.body, bytes) else b""
    out = web.StreamResponse(status=response.status, headers={"Content-Type": response.content_type})
    out.content_length = len(body) + 64
    out.headers["X-Sandbox"] = "1"
    await out.prepare(request)
    await out.write(body[: max(1, len(body) // 2)])
    if request.transport is not None:
        request.transport.close()
    return out


# Names of money, volume and shares in JSON of brapi, Yahoo and B3.
_MONEY = re.compile(
    rb'("(?:regularMarketPrice|regularMarketOpen|regularMarketDay(?:High|Low)|regularMarketPreviousClose|open|high|low|'
    rb'close|adjustedClose|rate|valueCash|priceEarnings|totalRevenue|netIncome|bidPrice|valor)":\s*"?)(-?\d+(?:[.,]\d+)?)'
)


def rescale(body: bytes, factor: float) -> bytes:
    """`body` with its money multiplied: JSON by field name, COTAHIST and CVM zips inside their members."""
    if body[:2] == b"PK":
        return _rescaled_zip(body, factor)

    def multiplied(match: re.Match[bytes]) -> bytes:
        comma = b"," in match[2]
        value = float(match[2].replace(b",", b".")) * factor
        text = f"{value:.8g}" if abs(value) < 1e15 else f"{value:.0f}"
        return match[1] + (text.replace(".", ",") if comma else text).encode()

    return _MONEY.sub(multiplied, body)


def _rescaled_zip(body: bytes, factor: float) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(body)) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            change: Callable[[bytes], bytes] = _quote if name.upper().endswith(".TXT") else _account
            lines = source.read(name).split(b"\r\n")
            target.writestr(name, b"\r\n".join(_each(line, change, factor) for line in lines))
    return out.getvalue()


def _each(line: bytes, change: Callable[..., bytes], factor: float) -> bytes:
    return change(line, factor) if line else line


def _quote(line: bytes, factor: float = 1.0) -> bytes:
    """A COTAHIST quote with its five prices multiplied."""
    if line[:2] != b"01":
        return line
    for at in (56, 69, 82, 95, 108):
        line = line[:at] + b"%013d" % min(10**13 - 1, round(int(line[at : at + 13]) * factor)) + line[at + 13 :]
    return line


_VALUE = re.compile(rb";(-?\d+\.\d{10});([SN])$")


def _account(line: bytes, factor: float = 1.0) -> bytes:
    """A CVM account with its value multiplied."""
    return _VALUE.sub(lambda m: b";%.10f;%s" % (float(m[1]) * factor, m[2]), line)
