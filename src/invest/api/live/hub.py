"""Server-sent events: one reader of the engine's stream per process, one write per client and tick."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Mapping
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
EVENT_ID = re.compile(r"\d{1,20}-\d{1,20}(,[a-z0-9-]{1,40}=\d{1,20}-\d{1,20}){0,50}")
LONGEST_ID = 2_000
Position = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Event:
    """One entry of a cell's stream, and its bytes on the wire. Progress has no position: it is live only."""

    cell: str
    position: Position | None
    kind: str
    job_id: str
    queue: str
    frame: bytes


@dataclass(eq=False)
class Client:
    """One open stream; `place`: how far it is in the stream of each cell."""

    response: web.StreamResponse
    transport: asyncio.Transport
    place: dict[str, Position]
    job_id: str | None = None
    queue: str | None = None
    live: bool = False
    done: asyncio.Event = field(default_factory=asyncio.Event)

    def wants(self, event: Event) -> bool:
        """Whether the event is for this client."""
        if event.position is not None and event.position <= self.place[event.cell]:
            return False
        if self.queue is not None and event.queue != self.queue:
            return False
        return self.job_id is None or event.job_id == self.job_id

    def send(self, events: list[Event]) -> None:
        """Write those of one cell that it wants; the stream of one job is done after its final event."""
        wanted, last = [e for e in events if self.wants(e)], events[-1]
        self.place[last.cell] = max(self.place[last.cell], last.position or self.place[last.cell])
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
    """Spreads the engine's events, of one cell or of all, over the open streams of this process.

    An event's id says how far the streams of all cells were read, so that a client that comes back misses nothing:
    ``ms-n`` of the first cell, then ``,name=ms-n`` of each other one.
    """

    def __init__(self, cells: Mapping[str, Redis]) -> None:
        self._cells = dict(cells)
        self._clients: set[Client] = set()
        self._place: dict[str, Position] = {}
        self._progress: dict[str, bytes | str] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._starting = asyncio.Lock()
        self._closing = False

    @property
    def clients(self) -> int:
        """How many streams are open."""
        return len(self._clients)

    async def mark(self) -> dict[str, Position]:
        """Where the streams stand: what happens from now on comes after it."""
        await self._start()
        return dict(self._place)

    async def serve(
        self,
        request: web.Request,
        *,
        job_id: str | None = None,
        queue: str | None = None,
        first: bytes = b"",
        after: Mapping[str, Position] | None = None,
        ends: bool = False,
    ) -> web.StreamResponse:
        """Stream events until the client leaves or the job ends.

        `first` is sent ahead, then what came after Last-Event-ID or `after`; with `ends` nothing is waited for.
        """
        if self._closing or len(self._clients) >= MAX_CLIENTS:
            raise unavailable("no more event streams can be opened here now")
        seen = last_event_id(request, next(iter(self._cells))) or after or {}
        await self._start()
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        )
        await response.prepare(request)
        await response.write(b"retry: 2000\n\n" + first)
        if request.transport is None:
            return response
        place = {name: seen.get(name, now) for name, now in self._place.items()}  # a cell that is new: from now on
        client = Client(response, request.transport, place, job_id, queue)
        self._clients.add(client)
        try:
            await self._catch_up(client)
            if not ends:
                await client.done.wait()
        finally:
            self._clients.discard(client)
        return response

    async def _start(self) -> None:
        async with self._starting:
            if self._place:
                return
            places = await asyncio.gather(*map(self._newest, self._cells.values()))
            for name, (position, progress) in zip(self._cells, places, strict=True):
                self._place[name], self._progress[name] = position, progress
            self._tasks = [asyncio.create_task(self._read(name)) for name in self._cells]
            self._tasks.append(asyncio.create_task(self._beat()))

    async def _newest(self, redis: Redis) -> tuple[Position, bytes | str]:
        """Where a cell's two streams stand; of one cell among several that is away: the time, as its ids are times."""
        try:
            newest = await redis.xrevrange(keys.EVENTS, count=1)
            progress = await redis.xrevrange(keys.PROGRESS_EVENTS, count=1)
        except (RedisError, OSError) as error:
            if len(self._cells) == 1:
                raise unavailable("Redis does not answer: no events now") from error
            now = round(time.time() * 1000)
            return (now, 0), f"{now}-0"
        return position_of(newest[0][0]) if newest else (0, 0), progress[0][0] if progress else "0"

    async def _catch_up(self, client: Client) -> None:
        """Send what the client missed, then switch it to live without a gap: no await between the two."""
        sent, passed = 0, set[str]()
        while sent < MAX_BACKLOG and (behind := self._behind(client, passed)) is not None:
            low, high = client.place[behind], self._place[behind]
            try:
                rows = await self._cells[behind].xrange(
                    keys.EVENTS, min=f"({low[0]}-{low[1]}", max=f"{high[0]}-{high[1]}", count=PAGE
                )
            except (RedisError, OSError):
                if len(self._cells) == 1:
                    client.done.set()
                    return
                rows = []
                client.write(GAP)
            if not rows:
                passed.add(behind)
                continue
            events = [event_of(row, behind, client.place) for row in rows]
            client.send(events)
            sent += len(events)
        if self._behind(client, passed) is not None:
            client.write(GAP)
        client.live = True

    def _behind(self, client: Client, passed: set[str]) -> str | None:
        """A cell of which the client lacks events."""
        return next((n for n, now in self._place.items() if n not in passed and client.place[n] < now), None)

    async def _read(self, cell: str) -> None:
        while not self._closing:  # redis-py may turn a cancellation into an error of its own
            ms, n = self._place[cell]
            last: Any = {keys.EVENTS: f"{ms}-{n}", keys.PROGRESS_EVENTS: self._progress[cell]}
            try:
                answer: Any = await self._cells[cell].xread(last, count=5 * PAGE, block=1000)
            except (RedisError, OSError, TimeoutError):
                await asyncio.sleep(0 if self._closing else 1)
                continue
            for key, rows in answer or ():
                events = [event_of(row, cell, self._place) for row in rows]
                if key.decode() == keys.PROGRESS_EVENTS:
                    self._progress[cell] = rows[-1][0]
                else:
                    self._place[cell] = position_of(rows[-1][0])
                self._spread(cell, events)
            if answer:
                await asyncio.sleep(TICK)

    def _spread(self, cell: str, events: list[Event]) -> None:
        whole = b"".join(e.frame for e in events)
        first, last = events[0].position, events[-1].position
        for client in tuple(self._clients):
            if not client.live:
                continue
            everything = client.job_id is None and client.queue is None
            if everything and (first is None or last is None):
                client.write(whole)
            elif everything and first is not None and last is not None and client.place[cell] < first:
                client.place[cell] = last
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
GAP = b"event: gap\ndata: {}\n\n"


def position_of(raw: bytes | str) -> Position:
    """A stream id as numbers."""
    text = raw.decode() if isinstance(raw, bytes) else raw
    ms, _, seq = text.partition("-")
    return int(ms), int(seq)


def last_event_id(request: web.Request, first: str) -> dict[str, Position] | None:
    """Where a client that comes back stopped, by cell. Raises 422 for what is no id."""
    given = request.headers.get("Last-Event-ID") or request.query.get("last_event_id")
    if not given:
        return None
    if len(given) > LONGEST_ID or not EVENT_ID.fullmatch(given):
        raise Problem(422, "Last-Event-ID: expected an id of this stream", kind="urn:invest:invalid")
    head, *others = given.split(",")
    place = {first: position_of(head)}
    for part in others:
        name, _, position = part.partition("=")
        place[name] = position_of(position)
    return place


def event_of(row: tuple[bytes, dict[bytes, bytes]], cell: str, place: Mapping[str, Position]) -> Event:
    """An entry of a cell's stream as an event, for who is at `place` in the other streams.

    A job's progress is part of it; results and errors are not.
    """
    raw_id, fields = row
    kind = text_of(fields.get(b"e"))
    job_id, queue = text_of(fields.get(b"id")), text_of(fields.get(b"q"))
    data: dict[str, Any] = {"task_id": job_id, "name": text_of(fields.get(b"n")), "queue": queue}
    if kind == "progress":
        data["progress"] = _loads(fields.get(b"x"))
    if kind == "progress":  # of a stream of its own: no id that a client could come back with
        return Event(cell, None, kind, job_id, queue, frame_of(kind, data))
    own = raw_id.decode()
    ids = [(name, own if name == cell else f"{at[0]}-{at[1]}") for name, at in place.items()]
    event_id = ",".join(text if number == 0 else f"{name}={text}" for number, (name, text) in enumerate(ids))
    return Event(cell, position_of(raw_id), kind, job_id, queue, frame_of(kind, data, event_id))


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
