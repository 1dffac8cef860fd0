"""The stream of what happens to jobs: for live views, and for the history in PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

from redis.asyncio import Redis

from invest.engine.redis import keys
from invest.engine.redis.records import moment
from invest.engine.redis.states import Frozen


class Event(Frozen):
    """One event; ids (``ms-n``) order them.

    `kind` is queued, started, progress, succeeded, failed, cancelled, retrying, lost, handed_back, handed_over,
    replayed, discarded, retried or workflow.
    """

    id: str
    kind: str
    job_id: str
    name: str
    queue: str
    detail: str
    at: datetime

    @property
    def sequence(self) -> int:
        """The id as one growing number."""
        return sequence_of(self.id)


def sequence_of(event_id: str) -> int:
    """``ms-n`` as ms * 10^6 + n: grows with the stream and fits 64 bits."""
    ms, _, n = event_id.partition("-")
    return int(ms) * 1_000_000 + min(int(n or 0), 999_999)


def parse_event(raw_id: bytes, fields: dict[bytes, bytes]) -> Event:
    """An event from the stream's entry."""
    text = {k.decode(): v.decode("utf-8", "backslashreplace") for k, v in fields.items()}
    event_id = raw_id.decode()
    at = moment(event_id.partition("-")[0])
    assert at is not None
    return Event(
        id=event_id,
        kind=text.get("e", ""),
        job_id=text.get("id", ""),
        name=text.get("n", ""),
        queue=text.get("q", ""),
        detail=text.get("x", ""),
        at=at,
    )


async def follow(redis: Redis, after: str = "$", *, block: float = 5.0) -> AsyncIterator[Event | None]:
    """Events after id `after` (``$``: from now on, ``0``: all that are kept), without end.

    Progress has a stream of its own, with ids of its own: to go on later, remember the id of the last other event.
    None comes every `block` seconds of silence, so that a listener can send a keep-alive or stop.
    """
    last: dict[Any, Any] = {}
    for key in (keys.EVENTS, keys.PROGRESS_EVENTS):
        newest = await redis.xrevrange(key, count=1) if after == "$" else None
        last[key.encode()] = after if newest is None else newest[0][0] if newest else "0"
    while True:
        answer = await redis.xread({**last}, count=200, block=round(block * 1000))
        if not answer:
            yield None
            continue
        found = []
        for key, rows in answer:
            last[key] = rows[-1][0]
            found += [parse_event(raw_id, fields) for raw_id, fields in rows]
        for event in sorted(found, key=lambda e: e.sequence):
            yield event
