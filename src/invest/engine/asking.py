"""Asking Redis for transitions, with the errors of the platform for those of the connection."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Iterable
from typing import Any, TypeVar

from redis.asyncio import Redis
from redis.exceptions import RedisError

from invest.engine.errors import QueueFull
from invest.engine.redis import CONNECTION_ERRORS, Ask, Line, address_of, is_full
from invest.errors import ServerAway
from invest.settings import Settings

T = TypeVar("T")
K = TypeVar("K")


class Asking:
    """A connection to Redis that transitions are asked of."""

    def __init__(self, redis: Redis, settings: Settings) -> None:
        self.redis = redis
        self.settings = settings

    async def accept(self, what: Ask[T]) -> T:
        """A transition that takes work on: as many replicas have it as the settings ask for.

        Raises `Unreachable` where they do not in time (it may run all the same), or `QueueFull`.
        """
        wanted = self.settings.redis.replicas
        if not wanted:
            return await self.ask(what)
        limit = round(self.settings.redis.replicas_timeout * 1000)
        answer, count = await self.guarded(what.replicated(self.redis, wanted, limit))
        if count < wanted:
            message = f"{count} of {wanted} replicas of Redis have what was taken: it may be lost with the primary"
            raise ServerAway(message, server="Redis")
        return answer

    async def ask(self, what: Ask[T]) -> T:
        """One transition. Raises `Unreachable` or `QueueFull`."""
        return await self.guarded(what.of(self.redis))

    async def guarded(self, asked: Awaitable[T]) -> T:
        """The answer to a question. Raises `Unreachable` or `QueueFull` for what the connection raises."""
        try:
            return await asked
        except CONNECTION_ERRORS as error:
            where = address_of(self.settings)
            message = f"Redis at {where} does not answer: {error or type(error).__name__}; check REDIS_URL"
            raise ServerAway(message, server="Redis") from error
        except RedisError as error:
            if is_full(error):
                raise QueueFull("Redis has no room left: new work is refused, try again later") from error
            raise

    async def accept_all(self, asks: Iterable[tuple[K, Ask[T]]]) -> AsyncIterator[tuple[K, T]]:
        """Transitions that take work on, in their order: the next is made while the server is busy with one.

        Each comes with what it was given with. Raises as `accept` does; then those that follow were not asked.
        """
        line = Line(self.redis)
        under_way: tuple[K, Ask[T]] | None = None
        try:
            for what, ask in asks:
                if under_way is not None:
                    yield under_way[0], await self._answer(line, under_way[1])
                under_way = what, ask
                if not self.settings.redis.replicas:
                    await self._send(line, ask)
            if under_way is not None:
                yield under_way[0], await self._answer(line, under_way[1])
        finally:
            await line.close()

    async def _send(self, line: Line, ask: Ask[Any]) -> None:
        with contextlib.suppress(*CONNECTION_ERRORS):  # then it is asked again, and recognised by its request
            await line.send([ask.command(line.prefix)])

    async def _answer(self, line: Line, ask: Ask[T]) -> T:
        if line.busy:
            with contextlib.suppress(*CONNECTION_ERRORS):  # the same
                (answer,) = await line.receive(1)
                if not isinstance(answer, Exception):
                    return ask.read(answer)
        return await self.accept(ask)  # also one that was refused: it is refused again, or the scripts are loaded
