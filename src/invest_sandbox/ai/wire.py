"""What the vendors' endpoints share: reading the body, keys, latency, server-sent events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any

import orjson
from aiohttp import web

from invest_sandbox.context import AI_FAULTS, AI_LATENCY
from invest_sandbox.seeds import unit

Json = dict[str, Any]


async def body_of(request: web.Request) -> Json | None:
    """The request's JSON object, or None where it is none."""
    try:
        body = orjson.loads(await request.read())
    except orjson.JSONDecodeError:
        return None
    return body if isinstance(body, dict) else None


def answer(data: Any, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """A JSON response."""
    return web.Response(status=status, body=orjson.dumps(data), content_type="application/json", headers=headers or {})


def faults_of(request: web.Request) -> tuple[str, ...]:
    """How the AI misbehaves this time."""
    kinds: tuple[str, ...] = request.get(AI_FAULTS, ())
    return kinds


async def think(request: web.Request, vendor: str, *parts: object) -> None:
    """Waits as long as this AI takes: its latency, up to a third more or less, decided by the question."""
    seconds = request.app[AI_LATENCY].get(vendor, 0.0)
    if seconds > 0:
        await asyncio.sleep(seconds * (0.67 + 0.66 * unit("latency", vendor, *parts)))


async def stream(
    request: web.Request, events: Iterable[bytes], headers: dict[str, str], pause: float = 0.0
) -> web.StreamResponse:
    """Server-sent events, one write each."""
    response = web.StreamResponse(
        headers={"Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-cache", **headers}
    )
    await response.prepare(request)
    async for event in _paced(events, pause):
        await response.write(event)
    await response.write_eof()
    return response


async def _paced(events: Iterable[bytes], pause: float) -> AsyncIterator[bytes]:
    for event in events:
        yield event
        if pause:
            await asyncio.sleep(pause)


def data(event: Any) -> bytes:
    """An unnamed event."""
    return b"data: " + orjson.dumps(event) + b"\n\n"


def named(event: Json) -> bytes:
    """An event named by its own type."""
    return b"event: " + str(event["type"]).encode() + b"\n" + data(event)


def text_of(content: Any) -> str:
    """The text of a message's content: a string, or the text parts of a list."""
    if isinstance(content, str):
        return content
    if isinstance(content, dict):
        return str(content.get("text") or "")
    if isinstance(content, list):
        return "\n".join(text_of(part) for part in content)
    return ""


def pick_tool(tools: Iterable[Json], forced: str | None, schema_of: Callable[[Json], Any]) -> tuple[str, Json] | None:
    """The tool to call: the forced one, else the one with most properties (the client's way to ask for structure)."""
    found = [(str(t.get("name")), schema_of(t) or {}) for t in tools if t.get("name")]
    if forced:
        return next(((n, s) for n, s in found if n == forced), None)
    return max(found, key=lambda pair: len(pair[1].get("properties", {})), default=None)
