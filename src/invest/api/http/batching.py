"""Group commit: requests that arrive while round trips are under way share the next one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")
Answer = TypeVar("Answer")
AT_ONCE = 2
USUAL, MOST = 32, 250  # items of a batch


class Batcher(Generic[Item, Answer]):
    """Collects items and hands them to `flush` together, answers in their order.

    A lone item goes out at once; under load the size of a batch follows the length of a round trip. `AT_ONCE` batches
    are under way, each of half of what waits: with one, all requests would move in step, and this process and the
    server would wait for each other by turns. An error of `flush` is raised to every caller of that batch.
    """

    def __init__(self, flush: Callable[[Sequence[Item]], Awaitable[Sequence[Answer]]]) -> None:
        self._flush = flush
        self._waiting: list[tuple[Item, asyncio.Future[Answer]]] = []
        self._running = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._beginning = False  # a task is about to take what waits

    async def add(self, item: Item) -> Answer:
        """The answer to `item`."""
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if not self._beginning:
            self._begin()
        return await future

    def _begin(self) -> None:
        if self._running < AT_ONCE:
            self._beginning = True
            self._running += 1
            task = asyncio.create_task(self._run())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _run(self) -> None:
        self._beginning = False
        try:
            while self._waiting:
                limit = min(MOST, max(USUAL, len(self._waiting) // AT_ONCE))
                batch, self._waiting = self._waiting[:limit], self._waiting[limit:]
                if self._waiting and not self._beginning:
                    self._begin()
                await self._settle(batch)
        finally:
            self._running -= 1

    async def _settle(self, batch: list[tuple[Item, asyncio.Future[Answer]]]) -> None:
        try:
            answers = await self._flush([item for item, _ in batch])
        except Exception as error:  # handed to each waiting request
            for _, future in batch:
                if not future.done():
                    future.set_exception(error)
            return
        except asyncio.CancelledError:
            for _, future in batch:
                future.cancel()
            raise
        for (_, future), answer in zip(batch, answers, strict=True):
            if not future.done():
                future.set_result(answer)

    async def close(self) -> None:
        """Wait for what is under way."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=5)
