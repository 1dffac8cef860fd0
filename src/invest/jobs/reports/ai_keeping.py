"""What the AIs of all workers share through Redis: answers by the hash of their input, and the money spent today."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from pydantic import ValidationError
from redis.asyncio import Redis

from invest.domain.opinions import Opinion

ANSWER = "invest:ai:answer:"


SPENT = "invest:ai:spent:"


MICRO = Decimal(1_000_000)  # money is counted in whole millionths of a dollar: exact, and one INCRBY


KEEP_DAYS = 40


class SharedAnswers:
    """Opinions by the hash of everything that went in (`invest.ai.limits.OpinionCache`)."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def get(self, key: str) -> Opinion | None:
        """The opinion kept under `key`; one that an older version wrote in another shape counts as absent."""
        raw = await self._redis.get(ANSWER + key)
        if raw is None:
            return None
        try:
            return Opinion.model_validate_json(raw)
        except ValidationError:
            return None

    async def put(self, key: str, opinion: Opinion, ttl: float) -> None:
        """Keep `opinion` for `ttl` seconds."""
        if ttl >= 1:
            await self._redis.set(ANSWER + key, opinion.model_dump_json(), ex=int(ttl))


class SharedBudget:
    """What all workers spent today in US dollars (`invest.ai.limits.Budget`); a day ends at midnight UTC."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def _key(self) -> str:
        return f"{SPENT}{datetime.now(UTC):%Y-%m-%d}"

    async def spent_today(self) -> Decimal:
        """The sum so far."""
        return Decimal(int(await self._redis.get(self._key()) or 0)) / MICRO

    async def add(self, cost: Decimal) -> None:
        """Book the cost of one call."""
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.incrby(self._key(), int((cost * MICRO).to_integral_value()))
            pipe.expire(self._key(), KEEP_DAYS * 86400)
            await pipe.execute()
