"""Waiting with a time limit, cheaper than an Event under ``wait_for``; and ending a task for certain."""

from __future__ import annotations

import asyncio
from typing import Any


class Signal:
    """Set from anywhere on the loop; `wait` takes it down again."""

    def __init__(self) -> None:
        self._set = False
        self._waiter: asyncio.Future[None] | None = None

    def set(self) -> None:
        """Let the waiting task go on."""
        self._set = True
        self._end(self._waiter)

    async def wait(self, timeout: float) -> bool:
        """Until it is set (True) or `timeout` seconds have passed (False)."""
        if not self._set:
            loop = asyncio.get_running_loop()
            self._waiter = waiter = loop.create_future()
            timer = loop.call_later(timeout, self._end, waiter)
            try:
                await waiter
            finally:
                timer.cancel()
                self._waiter = None
        was, self._set = self._set, False
        return was

    @staticmethod
    def _end(waiter: asyncio.Future[None] | None) -> None:
        if waiter is not None and not waiter.done():
            waiter.set_result(None)


async def ended(task: asyncio.Task[Any]) -> None:
    """Cancel a task until it has ended: a Redis client cancelled within its own time limit can swallow one request."""
    patience = 0.05
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=patience)
        patience = min(2 * patience, 1.0)
    if not task.cancelled():
        task.exception()  # looked at: whoever ends a task wants no more of it
