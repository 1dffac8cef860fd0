"""Sweeping: index entries past keeping go, and what should not be is found and mended."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Sequence
from typing import Final

from redis.asyncio import Redis
from redis.exceptions import RedisError

from invest.engine.declare import Group
from invest.engine.redis import ended, id_text, keys, transitions

EVERY: Final = 20  # seconds
FORGOTTEN_AT_ONCE: Final = 400
STEPS: Final = 5_000  # most slices of forgetting in one sweep: two million entries


class Sweeping:
    """Every worker sweeps now and then; each script does a page, and they go on until nothing is left."""

    def __init__(self, queues: Sequence[Group], redis: Redis) -> None:
        self._queues = list(queues)
        self._redis = redis
        self._beats = EVERY - random.randrange(2, 6)  # noqa: S311 - workers that start together need not sweep together
        self._turn = random.randrange(1_000)  # noqa: S311 - the same
        self._task: asyncio.Task[None] | None = None

    def beat(self) -> None:
        """Called every second; begins a sweep when it is time, unless one goes on."""
        self._beats += 1
        if self._beats >= EVERY and (self._task is None or self._task.done()):
            self._beats = 0
            self._task = asyncio.create_task(self._sweep_safely())

    async def close(self) -> None:
        """Leave a sweep that goes on; the next one does the rest."""
        if self._task is not None:
            await ended(self._task)

    async def _sweep_safely(self) -> None:
        with contextlib.suppress(RedisError, OSError, TimeoutError):
            await self.sweep()

    async def sweep(self) -> int:
        """One sweep; gives how many entries were mended."""
        self._turn += 1
        for _ in range(STEPS):
            if not await transitions.forget(FORGOTTEN_AT_ONCE).of(self._redis):
                break
        mended = await transitions.sweep("", "", self._turn).of(self._redis)
        for name, limit in (await self._names()).items():
            mended += await transitions.sweep(name, limit, self._turn).of(self._redis)
        return mended

    async def _names(self) -> dict[str, str]:
        """Every name ever enqueued, and whether it has a limit, as far as this worker knows."""
        raw = await self._redis.hkeys(keys.NAMES)  # type: ignore[misc] # redis-py: Awaitable | list
        found = dict.fromkeys(["?", *map(id_text, raw)], "unknown")
        for queue in self._queues:
            for job in queue.jobs.values():
                found[job.name] = "limited" if job.max_running or job.rate else "unlimited"
        return found
