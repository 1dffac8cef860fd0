"""Share work in flight: concurrent callers of the same key await one task, which survives the cancellation of its
first caller.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(slots=True)
class Flights:
    """Work in progress by key."""

    _running: dict[str, asyncio.Task[Any]] = field(default_factory=dict)

    async def join(self, key: str, work: Callable[[], Awaitable[T]]) -> T:
        """The result of `work`, started here unless it already runs under `key`. Its error reaches all who wait."""
        task = self._running.get(key)
        if task is None:
            task = self._running[key] = asyncio.ensure_future(_run(work))
            task.add_done_callback(lambda done: self._landed(key, done))
        result: T = await asyncio.shield(task)
        return result

    def _landed(self, key: str, task: asyncio.Task[Any]) -> None:
        self._running.pop(key, None)
        if not task.cancelled():
            task.exception()  # looked at, so that nobody waiting is no warning

    async def close(self) -> None:
        """End what still runs."""
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _run(work: Callable[[], Awaitable[T]]) -> T:
    return await work()
