"""Turns at the AIs, of all workers together: calls in flight, calls per minute, and the waits that vendors ask for."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Final
from uuid import uuid4

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from invest.ai import LocalLimiter, all_taken, too_long

TURN: Final = "invest:ai:turn:"  # + provider: ms of the next turn; + :not-before; + :holders, :waiters: who by when
MAX_PAUSE: Final = 3600.0
LEASE: Final = 15.0  # seconds until the slot of a worker that died is free again; renewed while the call goes on
LOOK: Final = 0.25  # seconds between two looks at slots that are all taken; about as long as a vendor takes to answer
log = structlog.get_logger(__name__)

# KEYS: next turn, not before, holders (by the ms their lease ends), waiters (by the ms they came), when last heard of.
# ARGV: id, step in ms (0: no pace), most at once, lease in ms, ms after which a silent waiter is gone.
# Gives ms to wait (0: the turn is taken), and whether the pace or the vendor asks for them; else all slots are taken.
TAKE_TURN: Final = """
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local id, step, most, lease = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
for _, gone in ipairs(redis.call('ZRANGEBYSCORE', KEYS[5], '-inf', now - ARGV[5])) do
  redis.call('ZREM', KEYS[4], gone)
  redis.call('ZREM', KEYS[5], gone)
end
redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', now)
redis.call('ZADD', KEYS[4], 'NX', now, id)
redis.call('ZADD', KEYS[5], now, id)
for i = 4, 5 do redis.call('PEXPIRE', KEYS[i], 600000) end
local free = most - redis.call('ZCARD', KEYS[3])
local rank = redis.call('ZRANK', KEYS[4], id)
local begins = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), tonumber(redis.call('GET', KEYS[2]) or '0'))
if begins > now then return {begins - now + rank * step, 1} end
if rank >= free then return {-1, 0} end
if step > 0 and rank > 0 then return {rank * step, 1} end
redis.call('ZREM', KEYS[4], id)
redis.call('ZREM', KEYS[5], id)
redis.call('ZADD', KEYS[3], now + lease, id)
redis.call('PEXPIRE', KEYS[3], lease + 60000)
if step > 0 then redis.call('SET', KEYS[1], now + step, 'PX', step + 60000) end
return {0, 0}
"""
# KEYS: holders. ARGV: id, lease in ms.
RENEW: Final = """
local t = redis.call('TIME')
redis.call('ZADD', KEYS[1], 'XX', t[1] * 1000 + math.floor(t[2] / 1000) + ARGV[2], ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2] + 60000)
return 1
"""


class SharedLimiter:
    """Slots, pace and pauses of all workers (`invest.ai.Limiter`), first come first served; without Redis one's own.

    A slot is a lease that its holder renews: the slots of a worker that died are free again after `LEASE` seconds.
    """

    def __init__(
        self, redis: Redis, concurrency: int, per_minute: Mapping[str, float], *, lease: float = LEASE
    ) -> None:
        self._redis = redis
        self._concurrency = concurrency
        self._lease_ms = round(lease * 1000)
        self._local = LocalLimiter(concurrency, per_minute=per_minute)
        self._per_minute = dict(per_minute)
        self._take = redis.register_script(TAKE_TURN)
        self._renew = redis.register_script(RENEW)
        self._pausing: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def slot(self, provider: str, patience: float = 120.0) -> AsyncIterator[None]:
        """Wait for a free slot and this provider's turn among all workers, and hold it while the call goes on.

        Raises `CallFailed` where that would take more than `patience` seconds.
        """
        ident = uuid4().hex
        async with self._local.slot(provider, patience):
            renewing: asyncio.Task[None] | None = None
            try:
                if await self._granted(provider, ident, patience):
                    renewing = asyncio.create_task(self._keep(provider, ident))
                yield
            finally:
                if renewing is not None:
                    renewing.cancel()
                await self._leave(provider, ident)

    def pause(self, provider: str, seconds: float) -> None:
        """Grant no worker a slot for so long: the vendor asked everyone to wait."""
        self._local.pause(provider, seconds)
        task = asyncio.create_task(self._tell_all(provider, min(seconds, MAX_PAUSE)))
        self._pausing.add(task)
        task.add_done_callback(self._pausing.discard)

    async def _granted(self, provider: str, ident: str, patience: float) -> bool:
        """Whether the slot is one that all workers share; False while Redis does not answer."""
        until = time.monotonic() + patience
        rate = self._per_minute.get(provider)
        step = int(60_000 / rate) if rate else 0
        keys = [f"{TURN}{provider}{part}" for part in ("", ":not-before", ":holders", ":waiters", ":heard")]
        argv = (ident, step, self._concurrency, self._lease_ms, self._lease_ms)
        while True:
            try:
                wait_ms, asked = await self._take(keys=keys, args=argv)
            except (RedisError, OSError) as error:
                log.warning("turns of AI calls are this worker's own", error=str(error))
                return False
            if wait_ms == 0:
                return True
            wait = wait_ms / 1000 if asked else LOOK * (0.5 + random.random())  # noqa: S311 - they need not look at once
            if time.monotonic() + wait > until:
                raise too_long(wait) if asked else all_taken(patience)
            await asyncio.sleep(min(wait, self._lease_ms / 3000))

    async def _keep(self, provider: str, ident: str) -> None:
        while True:
            await asyncio.sleep(self._lease_ms / 3000)
            with suppress(RedisError, OSError):
                await self._renew(keys=[f"{TURN}{provider}:holders"], args=[ident, self._lease_ms])

    async def _leave(self, provider: str, ident: str) -> None:
        with suppress(RedisError, OSError):
            async with self._redis.pipeline(transaction=False) as pipe:
                for part in (":holders", ":waiters", ":heard"):
                    pipe.zrem(f"{TURN}{provider}{part}", ident)
                await pipe.execute()

    async def _tell_all(self, provider: str, seconds: float) -> None:
        until = int((time.time() + seconds) * 1000)
        try:
            await self._redis.set(f"{TURN}{provider}:not-before", until, px=int(seconds * 1000) + 1000)
        except (RedisError, OSError) as error:
            log.warning("a vendor's wait was not passed on to other workers", error=str(error))
