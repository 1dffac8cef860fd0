"""Tickers that no source knows, remembered for a day, so that the API refuses them at once."""

from __future__ import annotations

import asyncio
import time

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

KEY = "invest:unknown"  # sorted set: ticker by when it is forgotten


FOR = 86_400.0  # seconds; a code may be listed tomorrow


LOOK_EVERY = 2.0


MOST = 10_000


log = structlog.get_logger("invest.jobs")


async def remember(redis: Redis, ticker: str) -> None:
    """Note that no source knows `ticker`; the oldest notes give way beyond `MOST`."""
    async with redis.pipeline(transaction=True) as pipe:
        pipe.zadd(KEY, {ticker: time.time() + FOR})
        pipe.zremrangebyrank(KEY, 0, -MOST - 1)
        pipe.expire(KEY, int(FOR))
        await pipe.execute()


async def forget(redis: Redis, ticker: str) -> None:
    """A source knows `ticker` after all."""
    await redis.zrem(KEY, ticker)


class UnknownTickers:
    """The remembered codes as one process knows them; asking costs nothing."""

    def __init__(self) -> None:
        self._codes: frozenset[str] = frozenset()

    def __contains__(self, ticker: object) -> bool:
        return ticker in self._codes

    async def refresh(self, redis: Redis) -> None:
        """Read them again."""
        found = await redis.zrangebyscore(KEY, time.time(), "+inf")
        self._codes = frozenset(code.decode() if isinstance(code, bytes) else str(code) for code in found)

    async def follow(self, redis: Redis) -> None:
        """Keep up until cancelled; a Redis that is away leaves what was known."""
        while True:
            try:
                await self.refresh(redis)
            except (RedisError, OSError) as error:
                log.debug("unknown tickers not read", error=str(error))
            await asyncio.sleep(LOOK_EVERY)
