"""`POST /mcp`: the Model Context Protocol for AIs, with the caller's own key."""

from __future__ import annotations

import asyncio
from typing import Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict

from invest.api.http import Problem, Reply, route
from invest.api.request import Request
from invest.errors import ConfigError
from invest.http import Client
from invest.mcp import answered, server_over

PASSED = ("mcp-protocol-version", "mcp-method", "mcp-name", "mcp-session-id")


class McpMessage(BaseModel):
    """A message of the protocol (JSON-RPC 2.0)."""

    model_config = ConfigDict(
        extra="allow", json_schema_extra={"examples": [{"jsonrpc": "2.0", "id": 1, "method": "tools/list"}]}
    )

    jsonrpc: Literal["2.0"]
    method: str | None = None


@route("POST", "/mcp", tag="ai", scope="read", api=False, problems=(501,))
async def model_context(request: Request, body: McpMessage) -> Reply[dict[str, Any]]:
    """Tools for AIs by the Model Context Protocol (streamable HTTP without sessions); read-only below scope write."""
    key = request.http.headers.get("X-Api-Key") or request.http.headers.get("Authorization", "").partition(" ")[2]
    headers = {k: v for k, v in request.http.headers.items() if k.lower() in PASSED}
    try:
        async with Client(_own_address(request), key=key or None) as client:
            # In a thread: the first import of the library takes a second, the schemas of the tools a tenth of one.
            server = await asyncio.to_thread(server_over, client, writes=request.caller.allows("write"))
            status, answer = await answered(server, headers, await request.read())
    except ConfigError as error:
        raise Problem(501, str(error)) from None
    return Reply(orjson.loads(answer) if answer else None, status)


def _own_address(request: Request) -> str:
    """Where this process itself listens: the tools ask the API as any client does."""
    name = request.http.transport.get_extra_info("sockname") if request.http.transport else None
    if isinstance(name, str):
        return f"unix:{name}"
    if not name:
        raise Problem(503, "the connection is gone")
    host = f"[{name[0]}]" if ":" in name[0] else name[0]
    return f"http://{host}:{name[1]}"


ROUTES = (model_context,)
