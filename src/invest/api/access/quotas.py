"""What one API key may use of what all share: stored things, queued jobs. Keys of scope admin are not limited."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any
from weakref import WeakValueDictionary

from redis.asyncio import Redis

from invest.api.http import Caller, LazyStore, Problem
from invest.engine import Call, Workflow, keys
from invest.settings import QuotaSettings

QUEUED = "invest:quota:jobs:"  # + caller: hash of what it queued, job id -> how many jobs it stands for
LATER = "invest:quota:later:"  # + caller: the same of delayed ones
KEPT_FOR = 40 * 86_400  # seconds
# KEYS: hash, what job records begin with. ARGV: limit, how many more.
# What has ended is forgotten only when there is no room left.
ROOM = """
local total = tonumber(redis.call('HGET', KEYS[1], '#') or '0')
if total + ARGV[2] <= tonumber(ARGV[1]) then return 1 end
total = 0
local held = redis.call('HGETALL', KEYS[1])
for i = 1, #held, 2 do
  if held[i] ~= '#' then
    local state = redis.call('HGET', KEYS[2] .. held[i], 's')
    if not state or state == 'succeeded' or state == 'failed' or state == 'cancelled' then
      redis.call('HDEL', KEYS[1], held[i])
    else
      total = total + held[i + 1]
    end
  end
end
redis.call('HSET', KEYS[1], '#', total)
if total + ARGV[2] <= tonumber(ARGV[1]) then return 1 end
return 0
"""


class Quotas:
    """Refuses what goes beyond `[quotas]`."""

    def __init__(self, redis: Redis, stores: LazyStore, settings: QuotaSettings) -> None:
        self._redis = redis
        self._stores = stores
        self._settings = settings
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def storing(
        self, caller: Caller, *, portfolios: int = 0, transactions: int = 0, alerts: int = 0
    ) -> AsyncIterator[None]:
        """Around storing so many more. Raises 429 where that would be too many; one key's requests take turns."""
        if caller.allows("admin"):
            yield
            return
        turn = self._turns.get(caller.id)
        if turn is None:
            turn = self._turns[caller.id] = asyncio.Lock()
        async with turn:
            held = await (await self._stores.get()).keys.holdings(caller.id)
            for name, more in (("portfolios", portfolios), ("transactions", transactions), ("alerts", alerts)):
                limit = getattr(self._settings, name)
                if more and limit and held[name] + more > limit:
                    raise spent(f"this key may have {limit} {name}, it has {held[name]}: delete some first")
            yield

    async def queue(self, caller: Caller, what: Call[Any] | Workflow[Any]) -> None:
        """Before queueing. Raises 429 where the key has too many jobs that have not ended yet."""
        if caller.allows("admin"):
            return
        for key, limit, count, noun in (
            (QUEUED, self._settings.queued_jobs, weight(what), "unfinished"),
            (LATER, self._settings.delayed_jobs, weight(what) if delayed(what) else 0, "delayed"),
        ):
            if not (limit and count):
                continue
            asked: Any = self._redis.eval(ROOM, 2, key + caller.id, keys.JOB, str(limit), str(count))
            if not await asked:
                raise spent(f"this key may have {limit} {noun} jobs: wait for some to end, or cancel them", after=30)

    async def queued(self, caller: Caller, what: Call[Any] | Workflow[Any], job_id: str) -> None:
        """After queueing a new job."""
        if caller.allows("admin"):
            return
        names = [QUEUED, LATER] if delayed(what) else [QUEUED]
        async with self._redis.pipeline(transaction=False) as pipe:
            for name in names:
                pipe.hset(name + caller.id, job_id, str(weight(what)))
                pipe.hincrby(name + caller.id, "#", weight(what))
                pipe.expire(name + caller.id, KEPT_FOR)
            await pipe.execute()


def weight(what: Call[Any] | Workflow[Any]) -> int:
    """How many jobs a call or workflow stands for: a list of assets is a job for each of them."""
    if isinstance(what, Workflow):
        return sum(weight(step) for step in what.steps)
    given: Iterable[Any] = (*what.args, *what.kwargs.values())
    return max([1, *(len(value) for value in given if isinstance(value, list))])


def delayed(what: Call[Any] | Workflow[Any]) -> bool:
    """Whether it is due later."""
    return isinstance(what, Call) and bool(what.options.delay or what.options.at)


def spent(detail: str, *, after: int | None = None) -> Problem:
    """429 for a quota that is used up."""
    headers = {} if after is None else {"Retry-After": str(after)}
    return Problem(429, detail, kind="urn:invest:quota", headers=headers)
