"""How much of its quotas an API key uses, read from PostgreSQL and Redis."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, Field

from invest.api.access.admission import KEPT_KEY
from invest.api.access.quotas import LATER, QUEUED
from invest.domain.access import Scope
from invest.jobs.callers import ai_spent, mails_sent
from invest.settings import QuotaSettings
from invest.store import Store


class QuotaUse(BaseModel):
    """One quota: what is used of it, and its limit in the same unit."""

    quota: str = Field(examples=["portfolios"])
    used: float
    limit: float = Field(description="0: none, as for keys of scope admin")


async def use_of(store: Store, redis: Any, limits: QuotaSettings, key_id: str) -> list[QuotaUse] | None:
    """What a key uses of each quota; None where there is no such key."""
    key = await store.keys.get(key_id)
    if key is None:
        return None
    return await use_by(store, redis, limits, key_id, limited=Scope.ADMIN not in key.scopes)


async def use_by(store: Store, redis: Any, limits: QuotaSettings, key_id: str, *, limited: bool) -> list[QuotaUse]:
    """What a caller uses of each quota; `limited` unless it is an admin."""
    held = await store.keys.holdings(key_id)
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    used: dict[str, float] = {
        "portfolios": held["portfolios"],
        "transactions": held["transactions"],
        "alerts": held["alerts"],
        "queued_jobs": int(await redis.hget(QUEUED + key_id, "#") or 0),
        "delayed_jobs": int(await redis.hget(LATER + key_id, "#") or 0),
        "kept_answer_bytes": int(await redis.get(f"{KEPT_KEY}{key_id}:{today}") or 0),
        "ai_usd_per_day": float(await ai_spent(redis, key_id)),
        "mails_per_hour": await mails_sent(redis, key_id),
    }
    return [
        QuotaUse(quota=name, used=value, limit=float(getattr(limits, name)) if limited else 0.0)
        for name, value in used.items()
    ]
