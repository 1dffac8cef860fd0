"""One request of the protocol's streamable HTTP, answered as JSON: the library speaks ASGI, the API is aiohttp."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, NamedTuple

from invest.extras import require

AS_JSON = {"content-type": "application/json", "accept": "application/json, text/event-stream"}


class Answered(NamedTuple):
    """A whole answer: status and JSON."""

    status: int
    body: bytes


def _application(server: Any) -> Any:
    """The server as an ASGI application. The first one imports the library's web part, so this runs in a thread."""
    security = require("mcp", "mcp.server.transport_security", "the MCP server").TransportSecuritySettings(
        enable_dns_rebinding_protection=False
    )
    return server.streamable_http_app(json_response=True, stateless_http=True, transport_security=security)


async def answered(server: Any, headers: Mapping[str, str], body: bytes) -> Answered:
    """What the MCP server says to a POST. No session is kept: each request stands alone.

    Who may ask was settled before; so the library's own check of host names is off.
    """
    app = await asyncio.to_thread(_application, server)
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "scheme": "http",
        "path": "/mcp", "raw_path": b"/mcp", "query_string": b"", "root_path": "",
        "headers": [(k.lower().encode("latin-1"), v.encode("latin-1")) for k, v in {**headers, **AS_JSON}.items()],
        "client": None, "server": None,
    }  # fmt: skip
    status = 500
    parts: list[bytes] = []
    given = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def receive() -> dict[str, Any]:
        return next(given, {"type": "http.disconnect"})

    async def send(message: dict[str, Any]) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = message["status"]
        else:
            parts.append(message.get("body", b""))

    async with server.session_manager.run():
        await app(scope, receive, send)
    return Answered(status, b"".join(parts))
