"""How much of its quotas an API key uses, read from PostgreSQL and Redis."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from invest.api.access import KEPT_KEY, LATER, QUEUED
from invest.engine import Invest
from invest.jobs.callers import ai_spent, mails_sent
from invest.settings import Settings
from invest.store import Store


async def use_of(settings: Settings, key_id: str) -> dict[str, tuple[Any, Any]] | None:
    """(used, limit) by the name of the quota; None where there is no such key."""
    limits = settings.quotas
    async with Store.open(settings) as store, Invest.connect(settings) as invest:
        if await store.keys.get(key_id) is None:
            return None
        held = await store.keys.holdings(key_id)
        redis = invest.redis
        queued = int(await redis.hget(QUEUED + key_id, "#") or 0)  # type: ignore[misc] # redis-py: Awaitable | str
        later = int(await redis.hget(LATER + key_id, "#") or 0)  # type: ignore[misc] # the same
        kept = int(await redis.get(f"{KEPT_KEY}{key_id}:{datetime.now(UTC):%Y-%m-%d}") or 0)
        money, mails = await ai_spent(redis, key_id), await mails_sent(redis, key_id)
    return {
        "portfolios": (held["portfolios"], limits.portfolios),
        "transactions": (held["transactions"], limits.transactions),
        "alerts": (held["alerts"], limits.alerts),
        "queued_jobs": (queued, limits.queued_jobs),
        "delayed_jobs": (later, limits.delayed_jobs),
        "kept_answer_bytes": (kept, limits.kept_answer_bytes),
        "ai_usd_per_day": (float(money), limits.ai_usd_per_day),
        "mails_per_hour": (mails, limits.mails_per_hour),
    }
