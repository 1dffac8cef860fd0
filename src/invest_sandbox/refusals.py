"""Refusals in the wording of the upstream that the sandbox stands for."""

from __future__ import annotations

from typing import Any

import orjson
from aiohttp import web

from invest_sandbox.faults import Fault

BUSY_PAGE = "<html><body><h1>Service Unavailable</h1></body></html>"


def refusal(path: str, fault: Fault) -> web.Response:
    """A 5xx or a 429 as the upstream at `path` sends it."""
    status = 429 if fault.kind == "rate_limit" else fault.status
    headers = {}
    if fault.retry_after is not None and not path.startswith("/ai/gemini"):  # Gemini says it in the body alone
        after = fault.retry_after
        headers["Retry-After"] = f"{after:g}" if isinstance(after, int | float) else after
    body = _body(path, status, fault.retry_after)
    if isinstance(body, str):
        kind = "text/html" if body.startswith("<") else "text/plain"
        return web.Response(status=status, text=body, content_type=kind, headers=headers)
    return web.Response(status=status, body=orjson.dumps(body), content_type="application/json", headers=headers)


def _body(path: str, status: int, after: float | str | None) -> Any:
    """JSON for those who speak it, a page or a line for the others."""
    limited = status == 429
    parts = path.strip("/").split("/")
    match parts[:2]:
        case ["ai", "anthropic"]:
            kind = "rate_limit_error" if limited else "overloaded_error" if status == 529 else "api_error"
            message = (
                "This request would exceed your organization's rate limit." if limited else "Internal server error"
            )
            return {"type": "error", "error": {"type": kind, "message": message}, "request_id": None}
        case ["ai", "gemini"]:
            return _google(status, after)
        case ["ai", _]:
            message = (
                f"Rate limit reached. Please try again in {after or 1}s." if limited else "The server had an error."
            )
            code, kind = ("rate_limit_exceeded", "tokens") if limited else (None, "server_error")
            return {"error": {"message": message, "type": kind, "param": None, "code": code}}
        case ["brapi", *_]:
            return {"error": True, "message": "Too many requests" if limited else "Something went wrong"}
        case ["yahoo", *_]:
            return "Edge: Too Many Requests" if limited else "Service Unavailable"
        case _:
            return BUSY_PAGE


def _google(status: int, after: float | str | None) -> Any:
    error: dict[str, Any] = {"code": status, "message": "Resource has been exhausted (e.g. check quota)."}
    error["status"] = "RESOURCE_EXHAUSTED" if status == 429 else "UNAVAILABLE"
    if after is not None:
        error["details"] = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": f"{after}s"}]
    return {"error": error}
