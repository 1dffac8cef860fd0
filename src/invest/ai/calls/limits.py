"""Limits of the analysts: calls in flight and per minute, money per day, cached answers. Protocols, local versions.

The local versions hold for one process; the workers' are shared through Redis and PostgreSQL.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Protocol
from uuid import uuid4

from invest.ai.errors import CallFailed
from invest.domain.opinions import Opinion, OpinionStatus

PATIENCE = 120.0  # seconds worth waiting for a vendor that asked everyone to, unless a caller says otherwise
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
    """The day's money in US dollars, of every process that shares it: reserved before a call, booked after it."""

    async def reserve(self, most: Decimal, limit: Decimal, payer: str = "", seconds: float | None = None) -> str | None:
        """Hold `most` and give the reservation's id; None where spent and held have reached `limit` (0: no limit).

        `payer` is whose money of the day it is; "" for everybody's. What is not settled within `seconds` (an hour
        unless told) counts as spent.
        """
        ...

    async def settle(self, reservation: str, cost: Decimal) -> None:
        """Book what a reserved call did cost and give back the rest. A reservation is settled once."""
        ...

    async def spent_today(self) -> Decimal:
        """The sum booked so far."""
        ...


@dataclass(frozen=True, slots=True)
class Payer:
    """Who a job works for, and what he may spend on AIs a day in US dollars (0: no limit of his own)."""

    name: str
    limit: Decimal = Decimal(0)


PAYER: ContextVar[Payer | None] = ContextVar("payer", default=None)  # whose money the calls of a task are


@dataclass(frozen=True, slots=True)
class PaidCall:
    """One call as it is written into the ledger. `outcome`: answered, cut (by our timeout) or failed.

    `day`: whose budget it was reserved from, where that is not the day of `at`.
    """

    call_id: str
    at: datetime
    provider: str
    vendor: str
    model: str | None
    model_asked: str
    key: str
    purpose: str
    outcome: str
    tokens_in: int | None
    tokens_out: int | None
    cost_usd: Decimal | None
    price_version: str | None
    seconds: float
    payer: str | None = None
    day: date | None = None


class Ledger(Protocol):
    """Where every paid call is written down."""

    async def record(self, call: PaidCall) -> None:
        """Write `call`. A ledger that cannot be reached must not cost the answer: it logs and returns."""
        ...


class Lessons(Protocol):
    """What servers take, by address and model: learnt once, kept for all."""

    async def get(self, key: str) -> dict[str, Any] | None:
        """What was learnt under `key`."""
        ...

    async def put(self, key: str, lesson: dict[str, Any]) -> None:
        """Keep what was learnt."""
        ...


class Limiter(Protocol):
    """Calls in flight and per minute of each provider."""

    def slot(self, provider: str, patience: float = PATIENCE) -> AbstractAsyncContextManager[None]:
        """Wait for a free slot and hold it. Raises `CallFailed` where the vendor wants more than `patience` seconds."""
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
        self._spent: dict[tuple[date, str], Decimal] = {}
        self._held: dict[str, tuple[str, Decimal]] = {}

    async def reserve(self, most: Decimal, limit: Decimal, payer: str = "", seconds: float | None = None) -> str | None:
        """See `Budget`. A process that ends forgets what it held."""
        held = sum((amount for whose, amount in self._held.values() if whose == payer), Decimal(0))
        if limit and self._sum(payer) + held >= limit:
            return None
        ident = uuid4().hex
        self._held[ident] = payer, most
        return ident

    async def settle(self, reservation: str, cost: Decimal) -> None:
        """See `Budget`."""
        if (held := self._held.pop(reservation, None)) is not None:
            await self.add(cost, held[0])

    async def spent_today(self) -> Decimal:
        """See `Budget`."""
        return self._sum("")

    async def add(self, cost: Decimal, payer: str = "") -> None:
        """Book a cost that nobody reserved."""
        day = self._today()
        kept = {key: spent for key, spent in self._spent.items() if key[0] == day}
        self._spent = kept | {(day, payer): self._sum(payer) + cost}

    def _sum(self, payer: str) -> Decimal:
        return self._spent.get((self._today(), payer), Decimal(0))


class MemoryLedger:
    """`Ledger` of this process."""

    def __init__(self) -> None:
        self.calls: list[PaidCall] = []

    async def record(self, call: PaidCall) -> None:
        """See `Ledger`."""
        self.calls.append(call)


class MemoryLessons:
    """`Lessons` of this process."""

    def __init__(self) -> None:
        self._kept: dict[str, dict[str, Any]] = {}

    async def get(self, key: str) -> dict[str, Any] | None:
        """See `Lessons`."""
        return self._kept.get(key)

    async def put(self, key: str, lesson: dict[str, Any]) -> None:
        """See `Lessons`."""
        self._kept[key] = lesson


class LocalLimiter:
    """`Limiter` of this process: slots and calls per minute of each provider, first come first served."""

    def __init__(
        self, concurrency: int, patience: float = PATIENCE, per_minute: Mapping[str, float] | None = None
    ) -> None:
        self._concurrency = concurrency
        self._patience = patience
        self._per_minute = dict(per_minute or {})
        self._slots: dict[str, asyncio.Semaphore] = {}
        self._not_before: dict[str, float] = {}
        self._next_turn: dict[str, float] = {}

    @asynccontextmanager
    async def slot(self, provider: str, patience: float | None = None) -> AsyncIterator[None]:
        """See `Limiter`. A pause that the vendor asks for while one waits is waited out as well."""
        most = self._patience if patience is None else patience
        async with self._slots.setdefault(provider, asyncio.Semaphore(self._concurrency)):
            until = asyncio.get_running_loop().time() + most
            while (wait := self._wait(provider)) > 0:
                if asyncio.get_running_loop().time() + wait > until:
                    raise too_long(wait)
                await asyncio.sleep(wait)
            self._take_turn(provider)
            yield

    def pause(self, provider: str, seconds: float) -> None:
        """See `Limiter`; for an hour at most."""
        until = asyncio.get_running_loop().time() + min(seconds, MAX_PAUSE)
        self._not_before[provider] = max(self._not_before.get(provider, 0.0), until)

    def _wait(self, provider: str) -> float:
        now = asyncio.get_running_loop().time()
        return max(self._not_before.get(provider, 0.0), self._next_turn.get(provider, 0.0)) - now

    def _take_turn(self, provider: str) -> None:
        if rate := self._per_minute.get(provider):
            now = asyncio.get_running_loop().time()
            self._next_turn[provider] = max(self._next_turn.get(provider, 0.0), now) + 60.0 / rate


def ledger_away() -> CallFailed:
    """What a caller hears where nobody can say what was spent today: Redis lost it, the ledger cannot be read."""
    return CallFailed(
        OpinionStatus.UNAVAILABLE, "what was spent today cannot be read: is PostgreSQL up?", code="ledger_away"
    )


def too_long(seconds: float) -> CallFailed:
    """What a caller hears for whom the wait for a turn is too long."""
    return CallFailed(
        OpinionStatus.UNAVAILABLE,
        f"rate limited: the vendor asks to wait {seconds:.0f} s more",
        code="rate_limited",
        values={"detail": f"{seconds:.0f} s", "seconds": f"{seconds:.0f}"},
        retry_after=seconds,
    )


def all_taken(seconds: float) -> CallFailed:
    """What a caller hears who waited `seconds` for one of the calls that may be under way at once."""
    return CallFailed(
        OpinionStatus.UNAVAILABLE,
        f"rate limited: as many calls as ai.concurrency allows were under way for {seconds:.0f} s",
        code="rate_limited",
        values={"detail": f"{seconds:.0f} s", "seconds": f"{seconds:.0f}"},
        retry_after=seconds,
    )
