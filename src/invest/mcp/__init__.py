"""A Model Context Protocol server over the HTTP API: what an AI may look up, and with leave, queue (extra ``mcp``)."""

from __future__ import annotations

from invest.mcp.asgi import answered
from invest.mcp.tools import server_over

__all__ = ["answered", "server_over"]
