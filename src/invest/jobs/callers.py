"""What one caller (an API key) spends by its jobs: AI calls by day, mails by hour. Counted in Redis by all workers."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from redis.asyncio import Redis

from invest.ai import Payer
from invest.domain.access import Scope
from invest.engine import Context, GiveUp, RetryLater, shared_redis
from invest.settings import Settings
from invest.store import Store

AI_SPENT = "invest:quota:ai:"  # + caller and day: millionths of a US dollar
MAILS = "invest:quota:mails:"  # + caller and hour
MICRO = Decimal(1_000_000)
KEEP = 2 * 86_400  # seconds


async def limited(ctx: Context) -> bool:
    """Whether the job's caller has limits: a key below scope admin. Schedules and this machine have none."""
    if ctx.caller is None:
        return False
    key = await ctx.use(Store).keys.get(ctx.caller)
    return key is not None and not key.allows(Scope.ADMIN)


async def may_ask(ctx: Context) -> None:
    """Before AIs are asked. Raises `GiveUp` where the caller has spent its money of the day."""
    limit = Decimal(str(ctx.use(Settings).quotas.ai_usd_per_day))
    if not (limit and ctx.caller and await limited(ctx)):
        return
    if await ai_spent(shared_redis(ctx.invest), ctx.caller) >= limit:
        raise GiveUp(f"this key's AI budget of US$ {limit:.2f} a day is spent (quotas.ai_usd_per_day): ask tomorrow")


async def payer_of(ctx: Context) -> Payer | None:
    """Whose money the job's AI calls are: they are reserved and booked with every call; None for schedules."""
    if ctx.caller is None:
        return None
    limit = ctx.use(Settings).quotas.ai_usd_per_day if await limited(ctx) else 0
    return Payer(ctx.caller, Decimal(str(limit)))


async def ai_spent(redis: Redis, caller: str) -> Decimal:
    """US dollars a caller spent today; a day ends at midnight UTC."""
    return Decimal(int(await redis.get(ai_key(caller, datetime.now(UTC).date())) or 0)) / MICRO


def ai_key(caller: str, day: date) -> str:
    """Where what a caller spent on a day is counted."""
    return f"{AI_SPENT}{caller}:{day}"


async def count_mail(ctx: Context) -> None:
    """Before a mail is sent. Raises `RetryLater` where the caller has sent its mails of the hour."""
    limit = ctx.use(Settings).quotas.mails_per_hour
    if not (limit and ctx.caller and await limited(ctx)):
        return
    now = datetime.now(UTC)
    key = _mail_key(ctx.caller, now)
    sent = int(await shared_redis(ctx.invest).incr(key))
    await shared_redis(ctx.invest).expire(key, KEEP)
    if sent > limit:
        await shared_redis(ctx.invest).decr(key)
        following = now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
        message = f"this key may send {limit} mails an hour (quotas.mails_per_hour)"
        raise RetryLater((following - now).total_seconds(), message)


async def mails_sent(redis: Redis, caller: str) -> int:
    """Mails a caller sent in this hour."""
    return int(await redis.get(_mail_key(caller, datetime.now(UTC))) or 0)


def _mail_key(caller: str, at: datetime) -> str:
    return f"{MAILS}{caller}:{at:%Y-%m-%dT%H}"
