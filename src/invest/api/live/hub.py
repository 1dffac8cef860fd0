"""Server-sent events: one reader of the engine's stream per process, one write per client and tick."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field
from typing import Any

import orjson
import structlog
from aiohttp import web
from redis.asyncio import Redis
from redis.exceptions import RedisError

from invest.api.http import Problem, unavailable
from invest.engine import ended, keys

log = structlog.get_logger("invest.web")
HEARTBEAT = 15.0  # seconds
TICK = 0.2  # seconds between two writes to a client: events in between travel together
PAGE = 1000
MAX_BACKLOG = 20_000  # events sent to a client that comes back; older ones are said to be missing
MAX_BUFFER = 1_000_000  # bytes waiting in one client's socket before it is dropped: it comes back with Last-Event-ID
MAX_CLIENTS = 5_000
EVENT_ID = re.compile(r"\d{1,20}-\d{1,20}")
Position = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Event:
    """One entry of the stream, and its bytes on the wire. Progress has no position: it is live only."""

    position: Position | None
    kind: str
    job_id: str
    queue: str
    frame: bytes


@dataclass(eq=False)
class Client:
    """One open stream."""

    response: web.StreamResponse
    transport: asyncio.Transport
    job_id: str | None = None
    queue: str | None = None
    position: Position = (0, 0)
    live: bool = False
    done: asyncio.Event = field(default_factory=asyncio.Event)

    def wants(self, event: Event) -> bool:
        """Whether the event is for this client."""
        if event.position is not None and event.position <= self.position:
            return False
        if self.queue is not None and event.queue != self.queue:
            return False
        return self.job_id is None or event.job_id == self.job_id

    def send(self, events: list[Event]) -> None:
        """Write those it wants; the stream of one job is done after its final event."""
        wanted = [e for e in events if self.wants(e)]
        self.position = max(self.position, events[-1].position or self.position)
        if wanted:
            self.write(b"".join(e.frame for e in wanted))
            if self.job_id is not None and any(e.kind in FINAL for e in wanted):
                self.done.set()

    def write(self, frame: bytes) -> None:
        """Queue bytes on the socket; a client that does not read is dropped."""
        if self.transport.is_closing():
            self.done.set()
            return
        self.transport.write(b"%x\r\n%b\r\n" % (len(frame), frame))
        if self.transport.get_write_buffer_size() > MAX_BUFFER:
            self.transport.abort()
            self.done.set()


class Hub:
    """Spreads the engine's events over the open streams of this process."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._clients: set[Client] = set()
        self._position: Position | None = None
        self._progress: bytes | str = "0"
        self._tasks: list[asyncio.Task[None]] = []
        self._closing = False

    @property
    def clients(self) -> int:
        """How many streams are open."""
        return len(self._clients)

    async def mark(self) -> Position:
        """Where the stream stands: what happens from now on comes after it."""
        await self._start()
        assert self._position is not None
        return self._position

    async def serve(
        self,
        request: web.Request,
        *,
        job_id: str | None = None,
        queue: str | None = None,
        first: bytes = b"",
        after: Position | None = None,
        ends: bool = False,
    ) -> web.StreamResponse:
        """Stream events until the client leaves or the job ends.

        `first` is sent ahead, then what came after Last-Event-ID or `after`; with `ends` nothing is waited for.
        """
        if self._closing or len(self._clients) >= MAX_CLIENTS:
            raise unavailable("no more event streams can be opened here now")
        after = last_event_id(request) or after
        await self._start()
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        )
        await response.prepare(request)
        await response.write(b"retry: 2000\n\n" + first)
        if request.transport is None:
            return response
        client = Client(response, request.transport, job_id, queue)
        self._clients.add(client)
        try:
            await self._catch_up(client, after)
            if not ends:
                await client.done.wait()
        finally:
            self._clients.discard(client)
        return response

    async def _start(self) -> None:
        if self._position is None:
            try:
                newest = await self._redis.xrevrange(keys.EVENTS, count=1)
                said = await self._redis.xrevrange(keys.PROGRESS_EVENTS, count=1)
            except (RedisError, OSError) as error:
                raise unavailable("Redis does not answer: no events now") from error
            if self._position is None:
                self._position = position_of(newest[0][0]) if newest else (0, 0)
                self._progress = said[0][0] if said else "0"
                self._tasks = [asyncio.create_task(self._read()), asyncio.create_task(self._beat())]

    async def _catch_up(self, client: Client, after: Position | None) -> None:
        """Send what the client missed, then switch it to live without a gap: no await between the two."""
        assert self._position is not None
        client.position = after or self._position
        sent = 0
        while client.position < self._position and sent < MAX_BACKLOG:
            low = f"({client.position[0]}-{client.position[1]}"
            try:
                rows = await self._redis.xrange(keys.EVENTS, min=low, count=PAGE)
            except (RedisError, OSError):
                client.done.set()
                return
            if not rows:
                break
            events = list(map(event_of, rows))
            client.send(events)
            sent += len(events)
        if sent >= MAX_BACKLOG and client.position < self._position:
            client.write(b"event: gap\ndata: {}\n\n")
        client.live = True

    async def _read(self) -> None:
        assert self._position is not None
        while not self._closing:  # redis-py may turn a cancellation into an error of its own
            last: Any = {keys.EVENTS: f"{self._position[0]}-{self._position[1]}", keys.PROGRESS_EVENTS: self._progress}
            try:
                answer: Any = await self._redis.xread(last, count=5 * PAGE, block=1000)
            except (RedisError, OSError, TimeoutError):
                await asyncio.sleep(0 if self._closing else 1)
                continue
            for key, rows in answer or ():
                events = list(map(event_of, rows))
                if key.decode() == keys.PROGRESS_EVENTS:
                    self._progress = rows[-1][0]
                    self._spread(events)
                else:
                    self._position = position_of(rows[-1][0])
                    self._spread(events)
            if answer:
                await asyncio.sleep(TICK)

    def _spread(self, events: list[Event]) -> None:
        whole = b"".join(e.frame for e in events)
        first, last = events[0].position, events[-1].position
        for client in tuple(self._clients):
            if not client.live:
                continue
            everything = client.job_id is None and client.queue is None
            if everything and (first is None or last is None):
                client.write(whole)
            elif everything and first is not None and last is not None and client.position < first:
                client.position = last
                client.write(whole)
            else:
                client.send(events)

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT)
            for client in tuple(self._clients):
                client.write(b": heartbeat\n\n")

    async def close(self) -> None:
        """End all streams; clients come back to another process with their Last-Event-ID."""
        self._closing = True
        for client in tuple(self._clients):
            client.done.set()
        await asyncio.gather(*map(ended, self._tasks))
        self._tasks = []


FINAL = frozenset({"succeeded", "failed", "cancelled"})


def position_of(raw: bytes | str) -> Position:
    """A stream id as numbers."""
    text = raw.decode() if isinstance(raw, bytes) else raw
    ms, _, seq = text.partition("-")
    return int(ms), int(seq)


def last_event_id(request: web.Request) -> Position | None:
    """Where a client that comes back stopped. Raises 422 for what is no id."""
    given = request.headers.get("Last-Event-ID") or request.query.get("last_event_id")
    if not given:
        return None
    if not EVENT_ID.fullmatch(given):
        raise Problem(422, "Last-Event-ID: expected an id of this stream", kind="urn:invest:invalid")
    return position_of(given)


def event_of(row: tuple[bytes, dict[bytes, bytes]]) -> Event:
    """A stream entry as an event. A job's progress is part of it; results and errors are not."""
    raw_id, fields = row
    event_id, kind = raw_id.decode(), text_of(fields.get(b"e"))
    job_id, queue = text_of(fields.get(b"id")), text_of(fields.get(b"q"))
    data: dict[str, Any] = {"task_id": job_id, "name": text_of(fields.get(b"n")), "queue": queue}
    if kind == "progress":
        data["progress"] = _loads(fields.get(b"x"))
    if kind == "progress":  # of a stream of its own: no id that a client could come back with
        return Event(None, kind, job_id, queue, frame_of(kind, data))
    return Event(position_of(raw_id), kind, job_id, queue, frame_of(kind, data, event_id))


def frame_of(kind: str, data: Any, event_id: str = "") -> bytes:
    """One event on the wire."""
    head = f"id: {event_id}\n" if event_id else ""
    name = re.sub(r"[^a-z_]", "", kind) or "message"
    return f"{head}event: {name}\ndata: ".encode() + orjson.dumps(data, default=str) + b"\n\n"


def text_of(raw: bytes | None) -> str:
    """Bytes from Redis as text that JSON can carry."""
    return (raw or b"").decode("utf-8", "backslashreplace")


def _loads(raw: bytes | None) -> Any:
    try:
        return orjson.loads(raw or b"null")
    except orjson.JSONDecodeError:
        return None
