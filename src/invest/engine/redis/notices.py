"""Hints over pub/sub: a job is there, a job ended, a job is to stop. Losing one costs a second, never a job."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any, Final

import structlog
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from invest.engine.redis.prefixed import prefix_of
from invest.engine.redis.signal import ended

log = structlog.get_logger("invest.engine")
Listener = Callable[[bytes], None]
IDLE: Final = b"invest:idle"  # a subscription of its own keeps the connection in subscribed mode
SILENCE: Final = 30.0  # seconds without a word before the server is asked whether it is there
AGAIN: Final = 0.2  # seconds between two attempts to connect


class Notices:
    """One subscribed connection, shared by all waiters of the process. Reconnects by itself.

    Only the task that listens opens and closes the connection, everybody else merely writes to it. redis-py's `PubSub`
    lets every caller reconnect it: after a restart two of them did so at once and the connection that lost stayed open,
    with the listener reading from it; and it takes a quiet while of ``socket_timeout`` for a fault of the connection.
    """

    def __init__(self, redis: Redis, *, silence: float = SILENCE) -> None:
        self._redis = redis
        self._prefix = prefix_of(redis)
        self._idle = self._prefix + IDLE
        self._silence = silence
        self._connection: Any = None  # redis-py's own classes share no public type
        self._task: asyncio.Task[None] | None = None
        self._listeners: dict[bytes, set[Listener]] = {}
        self._confirmed: dict[bytes, asyncio.Future[None]] = {}
        self._left: list[bytes] = []
        self._leaving: asyncio.Task[None] | None = None
        self._lock = asyncio.Lock()
        self._live: set[bytes] = set()  # channels that the present connection has confirmed

    def hears(self, channel: str) -> bool:
        """Whether what is told on a channel from now on will be heard, or the listener be woken after a gap."""
        return self._prefix + channel.encode("utf-8", "surrogateescape") in self._live

    async def subscribe(self, channel: str, listener: Listener) -> None:
        """Call `listener` with every message of `channel`; returns when the server confirmed or is gone."""
        name = self._prefix + channel.encode("utf-8", "surrogateescape")
        async with self._lock:
            first = name not in self._listeners
            self._listeners.setdefault(name, set()).add(listener)
            confirmed = self._confirmed.setdefault(name, asyncio.get_running_loop().create_future())
            if self._task is None:
                self._task = asyncio.create_task(self._listen())  # it subscribes to all that are known by then
            elif first:
                await self._send("SUBSCRIBE", name)
        if not confirmed.done():
            await asyncio.wait((confirmed,), timeout=1)

    def leave(self, channel: str, listener: Listener) -> None:
        """The opposite, at once; a channel that nobody listens to any more is given up a little later."""
        name = self._prefix + channel.encode("utf-8", "surrogateescape")
        listeners = self._listeners.get(name, set())
        listeners.discard(listener)
        if not listeners and name in self._listeners:
            self._left.append(name)
            if self._leaving is None or self._leaving.done():
                self._leaving = asyncio.create_task(self._give_up())

    async def _give_up(self) -> None:
        while self._left:
            async with self._lock:
                names = {name for name in self._left if name in self._listeners and not self._listeners[name]}
                self._left.clear()
                for name in names:
                    del self._listeners[name]
                    self._confirmed.pop(name, None)
                if names:
                    await self._send("UNSUBSCRIBE", *names)

    async def _send(self, *command: bytes | str) -> None:
        """Write a command where there is a connection; the next one subscribes to everything anyway. Under the lock."""
        if self._connection is not None and self._connection.is_connected:
            with contextlib.suppress(RedisError, OSError):
                await self._connection.send_command(*command, check_health=False)

    async def _listen(self) -> None:
        again = False
        while True:
            try:
                await self._connected(again)
            except (RedisError, OSError):
                pass  # whoever uses Redis tells that it is away; here it is only waited for
            except Exception as error:  # without this task everybody would wait a second for everything
                log.warning("notices interrupted", error=f"{type(error).__name__}: {error}")
            again = True
            await asyncio.sleep(AGAIN)

    async def _connected(self, again: bool) -> None:
        """One connection from its opening to its end. Raises `RedisError` or `OSError`, whichever ended it."""
        pool = self._redis.connection_pool
        connection: Any = await pool.get_connection()
        try:
            async with self._lock:
                self._connection = connection
                await connection.send_command("SUBSCRIBE", *self._listeners, self._idle, check_health=False)
            await self._read(connection, again)
        finally:
            self._connection = None  # nobody begins to write to it
            self._live.clear()
            async with self._lock:  # nor is anybody still writing
                with contextlib.suppress(RedisError, OSError):
                    await connection.disconnect()
            await pool.release(connection)

    async def _read(self, connection: Any, again: bool) -> None:
        asked = False
        while True:
            response = await connection.read_response(timeout=self._silence, disconnect_on_error=False)
            if response is None and asked:
                raise RedisConnectionError(f"no word from Redis for {2 * self._silence:.0f} s")
            asked = response is None
            if asked:
                async with self._lock:
                    await connection.send_command("PING", check_health=False)
                continue
            self._take(response, again)

    def _take(self, response: list[Any], again: bool) -> None:
        kind, name, *rest = response
        if kind == b"message":
            for listener in tuple(self._listeners.get(name, ())):
                listener(rest[0])
        elif kind == b"subscribe":
            self._confirm(name)
            if name == self._idle and again:
                self._wake_everybody()  # whoever waits has missed what was told in between

    def _confirm(self, name: bytes) -> None:
        self._live.add(name)
        confirmed = self._confirmed.get(name)
        if confirmed is not None and not confirmed.done():
            confirmed.set_result(None)

    def _wake_everybody(self) -> None:
        for listeners in tuple(self._listeners.values()):
            for listener in tuple(listeners):
                listener(b"")

    async def close(self) -> None:
        """Stop listening."""
        for task in (self._leaving, self._task):
            if task is not None:
                await ended(task)
        self._leaving = self._task = None
