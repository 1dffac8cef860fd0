"""Claiming nothing while a server that jobs need is away: what would be claimed could only be handed back."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import Final

import structlog
from redis.exceptions import RedisError

from invest.engine.declare import Resources
from invest.engine.redis import ended
from invest.errors import InvestError

log = structlog.get_logger("invest.engine")
LOOK: Final = 1.0  # seconds between looks at a server that is away
ANSWER: Final = 10.0


class Waiting:
    """Watches the servers that jobs need while one of them is away. `back` is called when all are back."""

    def __init__(self, worker: str, held: Resources | None, back: Callable[[], None]) -> None:
        self._worker = worker
        self._held = held
        self._back = back
        self._task: asyncio.Task[None] | None = None

    @property
    def on(self) -> bool:
        """Whether a server is away."""
        return self._task is not None and not self._task.done()

    def begin(self) -> None:
        """A job met a server that is away."""
        if not self.on and self._held is not None and self._held.checked:
            log.error("a server that jobs need is away: nothing is claimed until it is back", worker=self._worker)
            self._task = asyncio.create_task(self._until_back(self._held))

    async def _until_back(self, held: Resources) -> None:
        begun = time.monotonic()
        while True:
            await asyncio.sleep(LOOK)
            with contextlib.suppress(InvestError, RedisError, OSError, TimeoutError):
                async with asyncio.timeout(ANSWER):
                    await held.check()
                break
        away = round(time.monotonic() - begun)
        log.warning("all servers are back: claiming goes on", worker=self._worker, away=away)
        self._task = None
        self._back()

    async def close(self) -> None:
        """Watch no longer."""
        if self._task is not None:
            await ended(self._task)
