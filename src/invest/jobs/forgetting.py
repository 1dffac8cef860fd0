"""What an erasure leaves outside PostgreSQL: files of this machine, payloads and results of jobs in Redis."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path

import structlog
from redis.exceptions import RedisError

from invest.engine import Invest, keys
from invest.errors import InvestError, ServerAway
from invest.jobs.exported_files import remove_exports
from invest.jobs.log_lines import LINES
from invest.objects import EXPORTS, open_objects
from invest.store import Erased

FILTERS = "invest:pages:filters:"  # + caller -> hash name -> address of a screener
CALLERS = ("invest:quota:*:", "invest:web:idem:", "invest:web:rate:", FILTERS)  # + caller
log = structlog.get_logger("invest.jobs")


async def forget(invest: Invest, data_dir: Path, gone: Erased) -> None:
    """Stop jobs that still run over what was erased, and drop what Redis kept of them; remove exported files.

    Files on other machines, or in an object store that is away, go with the next cleanup; what a Redis that is away
    keeps goes within its hour.
    """
    try:
        await asyncio.to_thread(remove_exports, data_dir, gone.files)
    except OSError as error:
        log.warning("exported files not removed", error=error.strerror)
    try:
        if (objects := open_objects(invest.settings)) is not None:
            await objects.delete(*(EXPORTS + Path(name).name for name in gone.files))
    except ServerAway as error:
        log.warning("exported objects not removed", error=str(error))
    try:
        for job_id in gone.jobs:
            with suppress(InvestError):
                await invest.cancel(job_id, why="what it was about has been deleted")
        if gone.jobs:
            names = [prefix + job_id for job_id in gone.jobs for prefix in (keys.ARQ_RESULT, keys.ARQ_JOB, LINES)]
            await invest.redis.delete(*names)
    except (RedisError, OSError) as error:
        log.warning("results not removed from Redis", error=type(error).__name__)


async def forget_caller(invest: Invest, caller: str) -> None:
    """Drop what Redis keeps of one caller: its quotas, its kept filters, and answers for its repeated requests."""
    for pattern in CALLERS:
        names = [name async for name in invest.redis.scan_iter(f"{pattern}{caller}*", count=1000)]
        if names:
            await invest.redis.delete(*names)


async def filters_of(invest: Invest, caller: str) -> dict[str, str]:
    """The filters of rankings that a caller kept, by name."""
    kept: dict[bytes, bytes] = await invest.redis.hgetall(FILTERS + caller)  # type: ignore[misc] # Awaitable | dict
    return {name.decode(): where.decode() for name, where in sorted(kept.items())}


async def hand_over_filters(invest: Invest, caller: str, heir: str) -> None:
    """Give the kept filters of a key to the one that replaced it; without Redis they stay where they are."""
    with suppress(RedisError, OSError):
        await invest.redis.rename(FILTERS + caller, FILTERS + heir)
