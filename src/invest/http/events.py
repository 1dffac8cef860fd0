"""Read server-sent events."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson


@dataclass(frozen=True)
class Event:
    """One event of a stream. `id` resumes the stream after it; `data` is its JSON object."""

    id: str
    kind: str
    data: dict[str, Any]


async def parse_events(response: aiohttp.ClientResponse) -> AsyncIterator[Event]:
    """The events of a response of media type text/event-stream, as they arrive. Comments (heartbeats) are skipped."""
    fields: dict[str, str] = {}
    async for raw in response.content:
        line = raw.decode().rstrip("\r\n")
        if not line:
            if "data" in fields:
                yield Event(fields.get("id", ""), fields.get("event", "message"), orjson.loads(fields["data"]))
            fields = {}
        elif not line.startswith(":"):
            name, _, value = line.partition(": ")
            fields[name] = value
