"""How much of its quotas an API key uses, read from PostgreSQL and Redis."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from pydantic import BaseModel, Field
from redis.asyncio import Redis

from invest.api.access.admission import KEPT_KEY
from invest.api.access.quotas import LATER, QUEUED
from invest.domain.access import Scope
from invest.jobs.callers import ai_spent, mails_sent
from invest.settings import QuotaSettings
from invest.store import Store


class QuotaUse(BaseModel):
    """One quota: what is used of it, and the limit; null for none."""

    quota: str = Field(examples=["portfolios"])
    used: Decimal = Field(examples=["3"])
    limit: Decimal | None = Field(examples=["100"])
    per: str = Field(description="total, day (UTC) or hour", examples=["total"])


class KeyUse(BaseModel):
    """What one key uses of what all share. Keys of scope admin have no limits."""

    key_id: str
    quotas: tuple[QuotaUse, ...]


async def use_of(store: Store, redis: Redis, limits: QuotaSettings, key_id: str) -> KeyUse | None:
    """What the key `key_id` uses of each quota; None where there is no such key."""
    key = await store.keys.get(key_id)
    if key is None:
        return None
    held = await store.keys.holdings(key_id)
    queued: Any = await redis.hget(QUEUED + key_id, "#")  # type: ignore[misc] # redis-py: Awaitable | str
    later: Any = await redis.hget(LATER + key_id, "#")  # type: ignore[misc] # the same
    kept = await redis.get(f"{KEPT_KEY}{key_id}:{datetime.now(UTC):%Y-%m-%d}")
    used = {
        "portfolios": (held["portfolios"], limits.portfolios, "total"),
        "transactions": (held["transactions"], limits.transactions, "total"),
        "alerts": (held["alerts"], limits.alerts, "total"),
        "queued_jobs": (queued or 0, limits.queued_jobs, "total"),
        "delayed_jobs": (later or 0, limits.delayed_jobs, "total"),
        "kept_answer_bytes": (kept or 0, limits.kept_answer_bytes, "day"),
        "ai_usd_per_day": (await ai_spent(redis, key_id), limits.ai_usd_per_day, "day"),
        "mails_per_hour": (await mails_sent(redis, key_id), limits.mails_per_hour, "hour"),
    }
    free = key.allows(Scope.ADMIN)
    return KeyUse(
        key_id=key_id,
        quotas=tuple(
            QuotaUse(quota=name, used=_figure(count), limit=None if free or not limit else _figure(limit), per=per)
            for name, (count, limit, per) in used.items()
        ),
    )


def _figure(value: Any) -> Decimal:
    return Decimal(value.decode() if isinstance(value, bytes) else str(value))
