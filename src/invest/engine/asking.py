"""Asking Redis for transitions, with the errors of the platform for those of the connection."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Iterable, Sequence
from typing import Any, TypeVar

from redis.asyncio import Redis
from redis.exceptions import ReadOnlyError, RedisError

from invest.engine.errors import QueueFull
from invest.engine.redis import CONNECTION_ERRORS, Ask, Line, address_of, is_full, prefix_of
from invest.errors import ServerAway
from invest.settings import Settings

T = TypeVar("T")
K = TypeVar("K")
REST = 1.0  # seconds
KEEP_FROM = 10  # connections of a pool: of fewer none is kept, the others who ask would wait for it


class Conversation:
    """Commands of many requests in few round trips, over connections that are kept from one to the next.

    Taking a connection from the pool, looking whether it is clean and giving it back costs as much as an exchange.
    Those that rest are given back once nothing was asked for `REST` seconds.
    """

    def __init__(self, redis: Redis) -> None:
        self.prefix = prefix_of(redis)
        self._redis = redis
        self._keeps = redis.connection_pool.max_connections >= KEEP_FROM
        self._resting: list[Line] = []
        self._timer: asyncio.TimerHandle | None = None
        self._giving_back: asyncio.Task[None] | None = None
        self._used = 0.0

    async def ask(self, commands: Sequence[Sequence[Any]]) -> list[Any]:
        """The answers, refusals in their places. Raises what the connection raises; nothing is asked again."""
        line = self._resting.pop() if self._resting else Line(self._redis)
        try:
            answers = await line.exchange(commands)
            if any(isinstance(answer, ReadOnlyError) for answer in answers):
                await line.close(broken=True)  # it leads to a server that is the primary no more
        finally:
            if self._keeps:
                self._rest(line)
            else:
                await line.close()
        return answers

    def _rest(self, line: Line) -> None:
        loop = asyncio.get_running_loop()
        self._used = loop.time()
        self._resting.append(line)
        if self._timer is None:
            self._timer = loop.call_later(REST, self._look)

    def _look(self) -> None:
        """Give connections back, or look again when they may have rested."""
        loop = asyncio.get_running_loop()
        left = self._used + REST - loop.time()
        if left > 0:
            self._timer = loop.call_later(left, self._look)
            return
        self._timer = None
        self._giving_back = loop.create_task(self.close())

    async def close(self) -> None:
        """Give the connections back that rest."""
        lines, self._resting = self._resting, []
        for line in lines:
            await line.close()


class Asking:
    """A connection to Redis that transitions are asked of."""

    def __init__(self, redis: Redis, settings: Settings) -> None:
        self.redis = redis
        self.settings = settings
        self._conversation = Conversation(redis)

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

    async def accept_beside_others(self, what: Ask[T]) -> T:
        """The same of work of many requests that come all the time, over a connection that is kept for them."""
        if not self.settings.redis.replicas:
            with contextlib.suppress(*CONNECTION_ERRORS):  # then it is asked again, and recognised by its request
                (answer,) = await self._conversation.ask([what.command(self._conversation.prefix)])
                if not isinstance(answer, Exception):
                    return what.read(answer)
        return await self.accept(what)  # also one that was refused, as below

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
