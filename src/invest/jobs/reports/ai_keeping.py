"""What the AIs of all workers share: answers, lessons and money in Redis, the ledger in PostgreSQL."""

from __future__ import annotations

import time
from collections.abc import Awaitable
from datetime import UTC, date, datetime
from decimal import ROUND_CEILING, Decimal
from typing import Any, cast
from uuid import uuid4

import orjson
import structlog
from pydantic import ValidationError
from redis.asyncio import Redis
from redis.exceptions import RedisError

from invest.ai import PaidCall, PaidReply, ledger_away
from invest.domain.opinions import Opinion
from invest.errors import InvestError
from invest.jobs.callers import ai_key
from invest.store import Store

ANSWER = "invest:ai:answer:"
SPENT = "invest:ai:spent:"
HELD = "invest:ai:held:"
LESSON = "invest:ai:lesson:"
PREPAID = "invest:ai:prepaid:"
PREPAID_S = 36 * 3600  # a batch of the evening is read the next day
MICRO = Decimal(1_000_000)  # money is counted in whole millionths of a dollar: exact, and one INCRBY
KEEP_DAYS = 40
LESSON_DAYS = 7  # a server may have been upgraded meanwhile: what it takes is learnt anew
RESERVED_S = 3600  # no call takes longer; what a worker that died had reserved is booked at its most then
log = structlog.get_logger(__name__)

# KEYS: spent, held (id -> most), ends (id by the time it counts as spent), since (when the sum was begun anew, and
# which lost reservations were booked). ARGV: id, most, limit, now, lifetime, keep.
RESERVE = """
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', ARGV[4])) do
  local most = redis.call('HGET', KEYS[2], id)
  if most then redis.call('INCRBY', KEYS[1], most) end
  redis.call('HDEL', KEYS[2], id)
  redis.call('ZREM', KEYS[3], id)
end
local sum = tonumber(redis.call('GET', KEYS[1]) or '0')
for _, most in ipairs(redis.call('HVALS', KEYS[2])) do sum = sum + tonumber(most) end
local limit = tonumber(ARGV[3])
if limit > 0 and sum >= limit then return 0 end
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
redis.call('ZADD', KEYS[3], ARGV[4] + ARGV[5], ARGV[1])
redis.call('SETNX', KEYS[1], '0')
for i = 1, 4 do redis.call('EXPIRE', KEYS[i], ARGV[6]) end
return 1
"""
# KEYS as above. ARGV: id, cost, when it was reserved. A reservation that is gone was booked already, unless it is older
# than a sum that was begun anew from the ledger: then Redis lost it. Without a sum the ledger will give it.
SETTLE = """
local lost = redis.call('HDEL', KEYS[2], ARGV[1]) == 0
if lost then
  local since = tonumber(redis.call('HGET', KEYS[4], 'begun') or '0')
  if tonumber(ARGV[3]) >= since or redis.call('HSETNX', KEYS[4], ARGV[1], '1') == 0 then return 0 end
end
redis.call('ZREM', KEYS[3], ARGV[1])
redis.call('INCRBY', KEYS[1], ARGV[2])
return 1
"""
# KEYS as above. ARGV: the ledger's sum, now, keep.
BEGIN = """
if not redis.call('SET', KEYS[1], ARGV[1], 'NX', 'EX', ARGV[3]) then return 0 end
redis.call('HSET', KEYS[4], 'begun', ARGV[2])
redis.call('EXPIRE', KEYS[4], ARGV[3])
return 1
"""


class SharedAnswers:
    """Opinions by the hash of everything that went in (`invest.ai.OpinionCache`)."""

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


class SharedLessons:
    """What AI servers take (`invest.ai.Lessons`), kept for a week."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def get(self, key: str) -> dict[str, Any] | None:
        """What was learnt under `key`."""
        raw = await self._redis.get(LESSON + key)
        kept = orjson.loads(raw) if raw else None
        return kept if isinstance(kept, dict) else None

    async def put(self, key: str, lesson: dict[str, Any]) -> None:
        """Keep what was learnt."""
        await self._redis.set(LESSON + key, orjson.dumps(lesson), ex=LESSON_DAYS * 86400)


class SharedBudget:
    """The day's money of all workers (`invest.ai.Budget`); a day ends at midnight UTC.

    Reserving and settling are one script each, so workers cannot grant the same money twice. Where Redis lost the
    day's sum, or that of a payer, it starts from the ledger's; without a ledger that can be read nothing is granted.
    """

    def __init__(self, redis: Redis, store: Store | None = None) -> None:
        self._redis = redis
        self._store = store
        self._reserve = redis.register_script(RESERVE)
        self._settle = redis.register_script(SETTLE)
        self._start = redis.register_script(BEGIN)

    async def reserve(self, most: Decimal, limit: Decimal, payer: str = "", seconds: float | None = None) -> str | None:
        """Hold `most`; None where spent and held, of `payer` or of all, have reached `limit` (0: no limit)."""
        day = datetime.now(UTC).date()
        await self._begin(day, payer, limit)
        ident = f"{day}|{payer}|{time.time_ns()}-{uuid4().hex}"
        given = (ident, _micro(most), _micro(limit), int(time.time()), int(seconds or RESERVED_S), KEEP_DAYS * 86400)
        return ident if await self._reserve(keys=_keys(day, payer), args=given) else None

    async def settle(self, reservation: str, cost: Decimal) -> None:
        """Book what a reserved call did cost, on the day it was reserved."""
        day, payer, mark = reservation.split("|")
        at = mark.partition("-")[0] if "-" in mark else time.time_ns()
        given = (reservation, _micro(cost), int(at) // 1000)
        await self._settle(keys=_keys(date.fromisoformat(day), payer), args=given)

    async def spent_today(self) -> Decimal:
        """The sum booked so far; the ledger's where Redis has none."""
        day = datetime.now(UTC).date()
        kept = await self._redis.get(SPENT + str(day))
        if kept is None and self._store is not None:
            return await self._store.spend.of_day(day)
        return Decimal(int(kept or 0)) / MICRO

    async def held_today(self) -> Decimal:
        """The sum of the calls in flight, each at its most."""
        held = await cast("Awaitable[list[bytes]]", self._redis.hvals(HELD + str(datetime.now(UTC).date())))
        return Decimal(sum(int(most) for most in held)) / MICRO

    async def _begin(self, day: date, payer: str, limit: Decimal) -> None:
        """Start the sum of the day from the ledger where Redis has none. Raises `CallFailed` where that cannot be."""
        keys = _keys(day, payer)
        if self._store is None or await self._redis.exists(keys[0]):
            return
        begun = time.time_ns() // 1000  # before the ledger is read: what is settled meanwhile counts at least once
        try:
            sum_so_far = await self._store.spend.of_day(day, payer or None)
        except (InvestError, OSError) as error:
            log.warning("the ledger of AI calls cannot be read", error=str(error))
            if limit:
                raise ledger_away() from None
            return
        await self._start(keys=keys, args=(_micro(sum_so_far), begun, KEEP_DAYS * 86400))


class SharedPrepaid:
    """Answers of batches (`invest.ai.Prepaid`), kept for a day and a half."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def get(self, mark: str) -> PaidReply | None:
        """The answer to the request of this mark; one that cannot be read counts as absent."""
        try:
            raw = await self._redis.get(PREPAID + mark)
            kept = orjson.loads(raw) if raw else None
        except (RedisError, orjson.JSONDecodeError) as error:
            log.warning("answers of batches unreadable", error=str(error))
            return None
        if not isinstance(kept, dict):
            return None
        cost = kept.get("cost")
        return PaidReply(str(kept.get("body")), None if cost is None else Decimal(cost), kept.get("version"))

    async def put(self, mark: str, reply: PaidReply) -> None:
        """Keep an answer."""
        cost = None if reply.cost is None else str(reply.cost)
        kept = {"body": reply.body, "cost": cost, "version": reply.version}
        await self._redis.set(PREPAID + mark, orjson.dumps(kept), ex=PREPAID_S)


class StoredLedger:
    """Every paid call as a row (`invest.ai.Ledger`); one that cannot be written is logged, the answer goes on."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def record(self, call: PaidCall) -> None:
        """Write `call`."""
        try:
            await self._store.spend.record(
                call.call_id,
                call.day or call.at.astimezone(UTC).date(),
                call.provider,
                call.cost_usd or Decimal(0),
                at=call.at,
                vendor=call.vendor,
                model=call.model,
                model_asked=call.model_asked,
                key=call.key,
                purpose=call.purpose,
                outcome=call.outcome,
                tokens_in=call.tokens_in or 0,
                tokens_out=call.tokens_out or 0,
                price_version=call.price_version,
                seconds=call.seconds,
                payer=call.payer,
            )
        except (InvestError, OSError) as error:
            log.error("AI call not written into the ledger", provider=call.provider, error=str(error))


def _keys(day: date, payer: str) -> tuple[str, str, str, str]:
    """Keys of the sum, of what is held, of when that counts as spent, and of a new start: of all, or of one payer."""
    spent, held = (ai_key(payer, day), f"{HELD}{payer}:{day}") if payer else (f"{SPENT}{day}", f"{HELD}{day}")
    return spent, held, f"{held}:ends", f"{held}:since"


def _micro(amount: Decimal) -> int:
    """Whole millionths of a dollar, never too few."""
    return int((amount * MICRO).to_integral_value(ROUND_CEILING))
