"""A flag that one task waits for, with a time limit; much cheaper than an Event under ``wait_for``."""

from __future__ import annotations

import asyncio


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
