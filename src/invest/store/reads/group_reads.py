"""Group reads: those who ask at about the same time are answered by one read.

While a read is under way, the requests that arrive form the next one; it begins after they arrived, so nobody gets
what was read before he asked. A lone request waits for nobody.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextvars import Context
from typing import Generic, TypeVar

from invest.errors import ServerAway

V = TypeVar("V")


class GroupReads(Generic[V]):
    """Answers requests for some keys each by `read`, which takes the sorted keys of many and gives what it found.

    `together`: keys in one read, unless one request alone asks for more.
    """

    def __init__(self, read: Callable[[Sequence[str]], Awaitable[Mapping[str, V]]], together: int) -> None:
        self._read = read
        self._together = together
        self._waiting: list[tuple[Sequence[str], asyncio.Future[dict[str, V]]]] = []
        self._reading: asyncio.Task[None] | None = None
        self.reads = 0  # so many were made

    async def get(self, keys: Sequence[str]) -> dict[str, V]:
        """What `read` finds for `keys`. Raises what it raises for them, whatever others asked for."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[dict[str, V]] = loop.create_future()
        self._waiting.append((keys, done))
        if self._reading is None:
            # A context of its own: what is bound to one job's log lines is nothing of the others'.
            self._reading = loop.create_task(self._run(), context=Context())
        return await done

    async def close(self) -> None:
        """End the read under way; whoever waits for one is cancelled."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)

    async def _run(self) -> None:
        batch: list[tuple[Sequence[str], asyncio.Future[dict[str, V]]]] = []
        try:
            await asyncio.sleep(0)  # requests of the same turn of the loop go together
            while batch := self._next():
                await self._answer(batch)
        finally:
            self._reading = None  # at once: a callback's turn later, nobody would read what came meanwhile
            for _, done in (*batch, *self._waiting):
                done.cancel()  # without effect on those who were answered
            self._waiting = []

    def _next(self) -> list[tuple[Sequence[str], asyncio.Future[dict[str, V]]]]:
        """The requests of the next read, in order of arrival."""
        batch: list[tuple[Sequence[str], asyncio.Future[dict[str, V]]]] = []
        keys: set[str] = set()
        waiting = [request for request in self._waiting if not request[1].done()]  # the others were cancelled
        for request in waiting:
            if batch and len(keys | set(request[0])) > self._together:
                break
            batch.append(request)
            keys |= set(request[0])
        self._waiting = waiting[len(batch) :]
        return batch

    async def _answer(self, batch: Sequence[tuple[Sequence[str], asyncio.Future[dict[str, V]]]]) -> None:
        keys = sorted({key for wanted, _ in batch for key in wanted})
        self.reads += 1
        try:
            found = await self._read(keys)
        except ServerAway as error:
            for _, done in batch:
                if not done.done():
                    done.set_exception(error.copy())  # one error that several tasks raise mixes their tracebacks
            return
        except Exception as error:
            if len(batch) == 1:
                if not batch[0][1].done():
                    batch[0][1].set_exception(error)
                return
            for request in batch:  # the one whose facts cannot be read fails alone
                await self._answer([request])
            return
        for wanted, done in batch:
            if not done.done():
                done.set_result({key: found[key] for key in wanted if key in found})
