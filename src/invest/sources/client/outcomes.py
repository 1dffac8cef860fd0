"""How calls of upstreams ended, counted by all workers in Redis; each worker tells it of many calls at once."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from redis.exceptions import RedisError

from invest.sources.errors import BreakerOpen, BudgetSpent, Busy, SourceDown

OUTCOMES = "invest:source:outcomes"  # hash source:outcome -> calls, since Redis has its data
DAY_OUTCOMES = OUTCOMES + ":"  # + UTC day -> the same of that day
DAYS_KEPT = 3
EVERY = 5.0  # seconds between two tellings


def outcome_of(error: BaseException | None) -> str:
    """The word for how a call ended: ok, down, refused by our own limits, over its budget, or a wrong answer."""
    match error:
        case None:
            return "ok"
        case BreakerOpen() | Busy():
            return "held_back"
        case BudgetSpent():
            return "over_budget"
        case SourceDown():
            return "down"
    return "wrong"


def outcomes_of(at: datetime) -> str:
    """Where the calls of the UTC day of `at` are counted: hash source:outcome -> calls."""
    return f"{DAY_OUTCOMES}{at.astimezone(UTC):%Y-%m-%d}"


class Outcomes:
    """Counts; without a Redis nothing is kept."""

    def __init__(self, redis: Any = None) -> None:
        self._redis = redis
        self._counts: Counter[str] = Counter()
        self._timer: asyncio.TimerHandle | None = None
        self._telling: asyncio.Task[None] | None = None

    def count(self, source: str, outcome: str) -> None:
        """Count one call."""
        if self._redis is None:
            return
        self._counts[f"{source}:{outcome}"] += 1
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(EVERY, self._tell_later)

    def _tell_later(self) -> None:
        self._timer = None
        self._telling = asyncio.ensure_future(self.tell())

    async def tell(self) -> None:
        """Add what was counted to Redis; while that is away the figures are lost, which harms nobody."""
        counts, self._counts = self._counts, Counter()
        if not counts:
            return
        with suppress(RedisError, OSError):
            today = outcomes_of(datetime.now(UTC))
            async with self._redis.pipeline(transaction=False) as pipe:
                for field, number in counts.items():
                    pipe.hincrby(OUTCOMES, field, number)
                    pipe.hincrby(today, field, number)
                pipe.expire(today, DAYS_KEPT * 86_400)
                await pipe.execute()

    async def close(self) -> None:
        """Tell what is left."""
        if self._timer is not None:
            self._timer.cancel()
        if self._telling is not None:
            await self._telling
        await self.tell()
