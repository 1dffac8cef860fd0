"""Hints over pub/sub: a job is there, a job ended, a job is to stop. Losing one costs a second, never a job."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.exceptions import RedisError

from invest.engine.signal_wait import ended

Listener = Callable[[bytes], None]
IDLE = "invest:idle"  # a subscription of its own keeps the connection in subscribed mode


class Notices:
    """One subscribed connection, shared by whoever in the process waits for something. Reconnects by itself."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._pubsub: PubSub | None = None
        self._task: asyncio.Task[None] | None = None
        self._listeners: dict[bytes, set[Listener]] = {}
        self._confirmed: dict[bytes, asyncio.Future[None]] = {}
        self._left: list[bytes] = []
        self._leaving: asyncio.Task[None] | None = None
        self._lock = asyncio.Lock()

    async def subscribe(self, channel: str, listener: Listener) -> None:
        """Call `listener` with every message of `channel`; returns when the server confirmed or is gone."""
        name = channel.encode("utf-8", "surrogateescape")
        async with self._lock:
            first = name not in self._listeners
            self._listeners.setdefault(name, set()).add(listener)
            confirmed = self._confirmed.setdefault(name, asyncio.get_running_loop().create_future())
            with contextlib.suppress(RedisError, OSError):
                if self._pubsub is None:
                    self._pubsub = self._redis.pubsub()
                    await self._pubsub.subscribe(IDLE)
                if first:
                    await self._pubsub.subscribe(name)
            if self._task is None and self._pubsub is not None:
                self._task = asyncio.create_task(self._listen(self._pubsub))
        if not confirmed.done():
            await asyncio.wait((confirmed,), timeout=1)

    def leave(self, channel: str, listener: Listener) -> None:
        """The opposite, at once; a channel that nobody listens to any more is given up a little later."""
        name = channel.encode("utf-8", "surrogateescape")
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
                if self._pubsub is not None and names:
                    with contextlib.suppress(RedisError, OSError):
                        await self._pubsub.unsubscribe(*names)

    async def _listen(self, pubsub: PubSub) -> None:
        while True:
            try:
                message = await pubsub.get_message(timeout=None)
            except (RedisError, OSError):
                await asyncio.sleep(0.2)  # the next read reconnects and subscribes again
                self._wake_everybody()
                continue
            if message is None:
                continue
            name = message["channel"]
            if message["type"] == "subscribe":
                confirmed = self._confirmed.get(name)
                if confirmed is not None and not confirmed.done():
                    confirmed.set_result(None)
            elif message["type"] == "message":
                for listener in tuple(self._listeners.get(name, ())):
                    listener(message["data"])

    def _wake_everybody(self) -> None:
        for listeners in tuple(self._listeners.values()):
            for listener in tuple(listeners):
                listener(b"")

    async def close(self) -> None:
        """Stop listening."""
        if self._leaving is not None:
            await ended(self._leaving)
        if self._task is not None:
            await ended(self._task)
            self._task = None
        if self._pubsub is not None:
            with contextlib.suppress(RedisError, OSError):
                await self._pubsub.aclose()  # type: ignore[no-untyped-call] # redis-py leaves it untyped
            self._pubsub = None
