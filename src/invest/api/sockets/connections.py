"""Connections that cannot be held open for nothing: a clock per head, limits in number, problems for what is no HTTP.

aiohttp limits the size of a head but not how long it may take, so slow clients could occupy every connection.
"""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web_protocol import RequestHandler
from aiohttp.web_server import Server

from invest.api.http import Problem, render
from invest.api.sockets.load import Load
from invest.api.sockets.refusing import NUMBER, REFUSAL, is_plain_probe, is_simple, may_refuse
from invest.api.sockets.roster import Roster
from invest.api.sockets.unsent import Unsent
from invest.engine import new_id

HEAD_SECONDS = 10.0  # from connecting, or a request's first byte, to the end of its head
TAKE_SECONDS = 20.0  # in which a client takes at least `TAKE_BYTES` of an answer that waits for it
TAKE_BYTES = 20_000
KEEP_ALIVE = 75.0  # seconds an idle connection stays
REFUSED_PAUSE = 0.2  # seconds until the next request of a connection that was refused is read; it was asked to wait one
LIMITS: dict[str, Any] = {"max_line_size": 8190, "max_field_size": 8190, "max_headers": 100, "lingering_time": 5.0}


class Connection(RequestHandler):
    """One client's connection.

    A request counts from the end of its head: half a head occupies nothing but its connection, which the clock ends.
    """

    __slots__ = (
        "_body",
        "_head_timer",
        "_load",
        "_peer",
        "_resting",
        "_roster",
        "_simple",
        "_slow_timer",
        "_unsent",
        "_wire",
    )

    def __init__(
        self, *args: Any, load: Load | None, roster: Roster | None, unsent: Unsent | None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self._unsent = unsent
        self._slow_timer: asyncio.TimerHandle | None = None
        self._wire: Any = None  # the transport, also after aiohttp has let go of it
        self._peer = ""
        self._head_timer: asyncio.TimerHandle | None = None
        self._load = load
        self._roster = roster
        self._body: Any = None  # the payload of the newest request, which the next bytes may belong to
        self._resting = False  # whether the clock is that of an idle connection
        self._simple = True  # whether all that came so far were whole requests without bodies, one at a time

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start the clock of the first head; refuse a connection too many."""
        super().connection_made(transport)
        name = transport.get_extra_info("peername")
        self._wire, self._peer = transport, str(name[0]) if isinstance(name, tuple) and name else ""
        if self._roster is not None and not self._roster.add(self, self._peer):
            self.force_close()
            return
        self._watch()

    def data_received(self, data: bytes) -> None:
        """Stop the clock when a head is whole; start it at the first byte of the next.

        A process with too much to do says so at once where that is safe: reading a request to refuse it costs two
        fifths of accepting it. The next one of that connection is read a moment later. Safe is a connection whose every
        message ended with its packet, so that nothing of another message can be taken for one.
        """
        if self._simple and not is_simple(data):
            self._simple = False
        load = self._load if self._simple else None
        if load is not None and load.alive and is_plain_probe(data) and self._is_free(load):
            self._calm()
            self.transport.write(load.alive.replace(NUMBER, new_id()[:20].encode()))  # type: ignore[union-attr] # a free connection has one
            self._rest()
            return
        if load is not None and load.full and may_refuse(data) and self._wants_a_head() and self.transport:
            self._calm()
            load.count()
            self.transport.write(REFUSAL)
            self._rest()
            self._pause(self.transport)
            return
        before, of_a_body = self._request_count, self._body is not None and not self._body.is_eof()
        super().data_received(data)
        if self._request_count != before:
            self._head_is_whole()
        elif not of_a_body and (self._head_timer is None or self._resting):
            self._calm()
            self._watch()

    def _pause(self, transport: Any) -> None:
        """Read nothing for a moment: who asks again at once would take the time of those who are served."""
        transport.pause_reading()
        self._loop.call_later(REFUSED_PAUSE, self._read_on)

    def _read_on(self) -> None:
        if self._wire is not None and not self._wire.is_closing():
            self._wire.resume_reading()

    def _is_free(self, load: Load) -> bool:
        """Whether no request is worked on, read, or about to be answered, so that an answer comes in its turn."""
        busy = self._request_in_progress or self._messages or self in load.arrived
        return not busy and self.transport is not None and not (self._force_close or self._close)

    def _rest(self) -> None:
        """Wait for another request, as after one that aiohttp has read: its clock of idle connections starts anew."""
        self._watch(KEEP_ALIVE)
        self._resting = True
        self._next_keepalive_close_time = self._loop.time() + KEEP_ALIVE
        if self._roster is not None:
            self._roster.work(self)
            self._roster.rest(self)

    def _head_is_whole(self) -> None:
        self._calm()
        if self._messages:
            self._body = self._messages[-1][1]
        if self._roster is not None:
            self._roster.work(self)
        if self._load is not None and self._current_request is None:
            self._load.arrived.add(self)

    def pause_writing(self) -> None:
        """The client does not take what is written: its clock begins, and it may be ended to make room."""
        super().pause_writing()
        waiting = self._wire.get_write_buffer_size()
        if self._roster is not None:
            self._roster.rest(self)
        self._watch_taking(waiting)
        if self._unsent is not None:
            self._unsent.add(self, self._peer, waiting)

    def resume_writing(self) -> None:
        """It took nearly all."""
        self._took()
        if self._roster is not None and self._current_request is not None:
            self._roster.work(self)
        super().resume_writing()

    def force_close(self) -> None:
        """End it at once, also where an answer waits to be taken: closing would wait for that."""
        super().force_close()
        if self._paused and self._wire is not None:
            self._wire.abort()

    def _watch_taking(self, waiting: int) -> None:
        self._slow_timer = self._loop.call_later(TAKE_SECONDS, self._check_taking, waiting)

    def _check_taking(self, before: int) -> None:
        """End a client that takes next to nothing of its answer."""
        waiting = self._wire.get_write_buffer_size()
        if before - waiting < TAKE_BYTES:
            self.force_close()
        else:
            self._watch_taking(waiting)

    def _took(self) -> None:
        if self._slow_timer is not None:
            self._slow_timer.cancel()
            self._slow_timer = None
        if self._unsent is not None:
            self._unsent.remove(self)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Stop the clocks."""
        self._calm()
        self._took()
        self._wire = None
        self._begun()
        if self._roster is not None:
            self._roster.remove(self)
        super().connection_lost(exc)

    def _wants_a_head(self) -> bool:
        """Whether nothing is worked on or about to be: aiohttp's task waits for its next message."""
        return self._waiter is not None and not self._waiter.done()

    async def _handle_request(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        self._begun()
        try:
            return await super()._handle_request(request, *args, **kwargs)
        finally:
            if "Content-Encoding" in request.headers and not request.content.is_eof():
                self._lingering_time = 0.0  # unpacking the rest of a bomb, to throw it away, takes seconds
            if self._roster is not None and not self._messages:
                self._roster.rest(self)

    def _begun(self) -> None:
        if self._load is not None:
            self._load.arrived.discard(self)

    def _watch(self, seconds: float | None = None) -> None:
        self._head_timer = self._loop.call_later(HEAD_SECONDS if seconds is None else seconds, self._too_slow)

    def _calm(self) -> None:
        self._resting = False
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _too_slow(self) -> None:
        """End a connection whose head did not come in time; one that is being answered may finish first."""
        self._head_timer = None
        if self._current_request is not None or self._messages:
            self._watch()
        else:
            self.force_close()

    def log_exception(self, *args: Any, **kwargs: Any) -> None:
        """A traceback of what is ours; a body that cannot be decoded is its sender's fault, and the answer says so."""
        if not isinstance(kwargs.get("exc_info"), web.RequestPayloadError | HttpProcessingError | ConnectionError):
            super().log_exception(*args, **kwargs)

    def handle_error(
        self, request: Any, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> web.StreamResponse:
        """What aiohttp itself refuses: a malformed request, or an error outside every handler."""
        if status >= 500 and exc is not None:
            self.log_exception("Error handling request", exc_info=exc)
        detail = "this is no HTTP request we can read" if status == 400 else "an error on our side"
        response = render(Problem(status, detail))
        response.force_close()
        return response


class PatientServer(Server):
    """Makes `Connection`s."""

    load: Load | None = None
    roster: Roster | None = None
    unsent: Unsent | None = None

    def __call__(self) -> RequestHandler:
        """One per accepted socket."""
        return Connection(self, loop=self._loop, load=self.load, roster=self.roster, unsent=self.unsent, **self._kwargs)


class Runner(web.AppRunner):
    """An application runner whose connections have limits."""

    def __init__(self, app: web.Application, *, load: Load, roster: Roster, unsent: Unsent, **options: Any) -> None:
        self._load, self._roster, self._unsent = load, roster, unsent
        super().__init__(app, access_log=None, keepalive_timeout=KEEP_ALIVE, **LIMITS, **options)

    async def _make_server(self) -> Server:
        server = await super()._make_server()
        server.__class__ = PatientServer  # aiohttp has no hook for its connections' class
        assert isinstance(server, PatientServer)
        server.load, server.roster, server.unsent = self._load, self._roster, self._unsent
        return server
