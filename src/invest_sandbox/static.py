"""Answers of a file server: ETag, Last-Modified, 304, ranges."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime

from aiohttp import web

from invest_sandbox.shelf import Kept

_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


def conditional(request: web.Request, body: Kept, content_type: str, modified: datetime) -> web.Response:
    """`body` as a file server gives it: 304 where the client has it, 206 for a range, 416 for one outside."""
    stamp = modified.astimezone(UTC).replace(microsecond=0)
    tag = body.tag
    headers = {"ETag": tag, "Last-Modified": format_datetime(stamp, usegmt=True), "Accept-Ranges": "bytes"}
    if _unchanged(request, tag, stamp):
        return web.Response(status=304, headers=headers)
    match = _RANGE.fullmatch(request.headers.get("Range", ""))
    if match and (match[1] or match[2]) and request.headers.get("If-Range", tag) == tag:
        size = len(body)
        first = int(match[1]) if match[1] else max(0, size - int(match[2]))
        last = min(int(match[2]) if match[1] and match[2] else size - 1, size - 1)
        if first >= size or last < first:
            return web.Response(status=416, headers=headers | {"Content-Range": f"bytes */{size}"})
        headers["Content-Range"] = f"bytes {first}-{last}/{size}"
        return web.Response(status=206, body=body[first : last + 1], content_type=content_type, headers=headers)
    return web.Response(body=body, content_type=content_type, headers=headers)


def _unchanged(request: web.Request, tag: str, stamp: datetime) -> bool:
    """If-None-Match decides where it is sent, else If-Modified-Since (RFC 9110, 13.2.2)."""
    if known := request.headers.get("If-None-Match"):
        return known.strip() == "*" or tag in [t.strip().removeprefix("W/") for t in known.split(",")]
    since = request.headers.get("If-Modified-Since")
    if not since:
        return False
    try:
        return stamp <= parsedate_to_datetime(since)
    except (ValueError, TypeError):
        return False
