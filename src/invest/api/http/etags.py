"""ETags: what a client has already need not be sent again."""

from __future__ import annotations

import hashlib

from aiohttp import web


def etag_of(body: bytes) -> str:
    """A weak validator of a body."""
    return f'W/"{hashlib.sha256(body).hexdigest()[:24]}"'


def etag_matches(http: web.Request, etag: str) -> bool:
    """Whether If-None-Match names `etag` (weak comparison, RFC 9110)."""
    given = http.headers.get("If-None-Match", "")
    bare = etag.removeprefix("W/")
    return given.strip() == "*" or any(part.strip().removeprefix("W/") == bare for part in given.split(","))
