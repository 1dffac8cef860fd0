"""Limits of the analysts: calls in flight per provider, money per day, cached answers. Protocols and local versions.

The twins hold for one process; a store-backed cache and budget have the same shape.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Protocol

from invest.ai.errors import CallFailed
from invest.domain.opinions import Opinion, OpinionStatus

PATIENCE = 20.0  # seconds worth waiting for a vendor that asked everyone to; beyond it the next ones give up at once
MAX_PAUSE = 3600.0


class OpinionCache(Protocol):
    """Opinions by the hash of everything that went in."""

    async def get(self, key: str) -> Opinion | None:
        """The opinion kept under `key`, unless it is too old."""
        ...

    async def put(self, key: str, opinion: Opinion, ttl: float) -> None:
        """Keep `opinion` for `ttl` seconds."""
        ...


class Budget(Protocol):
    """What was spent today, in US dollars, by every process that shares it."""

    async def spent_today(self) -> Decimal:
        """The sum so far."""
        ...

    async def add(self, cost: Decimal) -> None:
        """Book the cost of one call."""
        ...


class Limiter(Protocol):
    """Calls in flight per provider."""

    def slot(self, provider: str) -> AbstractAsyncContextManager[None]:
        """Wait for a free slot and hold it. Raises `CallFailed` while the vendor wants to be left alone for long."""
        ...

    def pause(self, provider: str, seconds: float) -> None:
        """Grant no further slot for so long: the vendor asked everyone to wait."""
        ...


class MemoryCache:
    """`OpinionCache` of this process."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._kept: dict[str, tuple[float, Opinion]] = {}
        self._clock = clock

    async def get(self, key: str) -> Opinion | None:
        """See `OpinionCache`."""
        until, opinion = self._kept.get(key, (0.0, None))
        if opinion is not None and until < self._clock():
            del self._kept[key]
            return None
        return opinion

    async def put(self, key: str, opinion: Opinion, ttl: float) -> None:
        """See `OpinionCache`."""
        self._kept[key] = (self._clock() + ttl, opinion)


class MemoryBudget:
    """`Budget` of this process; a day ends at midnight UTC."""

    def __init__(self, today: Callable[[], date] = lambda: datetime.now(UTC).date()) -> None:
        self._today = today
        self._spent: dict[date, Decimal] = {}

    async def spent_today(self) -> Decimal:
        """See `Budget`."""
        return self._spent.get(self._today(), Decimal(0))

    async def add(self, cost: Decimal) -> None:
        """See `Budget`."""
        day = self._today()
        self._spent = {day: self._spent.get(day, Decimal(0)) + cost}


class LocalLimiter:
    """`Limiter` of this process: `concurrency` slots per provider, first come first served."""

    def __init__(self, concurrency: int, patience: float = PATIENCE) -> None:
        self._concurrency = concurrency
        self._patience = patience
        self._slots: dict[str, asyncio.Semaphore] = {}
        self._not_before: dict[str, float] = {}

    @asynccontextmanager
    async def slot(self, provider: str) -> AsyncIterator[None]:
        """See `Limiter`."""
        semaphore = self._slots.setdefault(provider, asyncio.Semaphore(self._concurrency))
        async with semaphore:
            left = self._not_before.get(provider, 0.0) - asyncio.get_running_loop().time()
            if left > self._patience:
                reason = f"rate limited: the vendor asks to wait {left:.0f} s more"
                raise CallFailed(OpinionStatus.UNAVAILABLE, reason, retry_after=left)
            if left > 0:
                await asyncio.sleep(left)
            yield

    def pause(self, provider: str, seconds: float) -> None:
        """See `Limiter`; for an hour at most."""
        until = asyncio.get_running_loop().time() + min(seconds, MAX_PAUSE)
        self._not_before[provider] = max(self._not_before.get(provider, 0.0), until)
