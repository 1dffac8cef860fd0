"""Discover assets: B3's newest session lists every share, unit, fund and receipt."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime

import structlog

from invest.domain.market import market_day
from invest.engine import Context
from invest.errors import Unreachable
from invest.jobs.queues import DATA_COLLECTION, NEVER, PERIODIC
from invest.jobs.results import (
    AssetsDiscovered,
)
from invest.settings import Settings
from invest.sources import SourceError, Sources
from invest.store import Store

log = structlog.get_logger(__name__)


@DATA_COLLECTION.job(retry=PERIODIC, key="discover", give_up_on=NEVER, cron="30 20 * * mon-fri")
async def discover_assets(ctx: Context) -> AssetsDiscovered:
    """Put every share, unit, fund and receipt of B3's newest session on record, to be found and collected."""
    kinds, new = await discover(ctx.use(Store), ctx.use(Sources), market_day(ctx.use(Settings).now()))
    return AssetsDiscovered(
        listed=kinds.total(), new=new, by_kind=dict(sorted(kinds.items())), timestamp=datetime.now(UTC)
    )


async def discover(store: Store, sources: Sources, day: date) -> tuple[Counter[str], int]:
    """Put every paper of B3's newest session on record, and end what was not listed for long.

    Returns (papers by kind, how many were new). Raises `Unreachable`.
    """
    try:
        listed = await sources.listed()
    except SourceError as error:
        raise Unreachable(str(error)) from error
    known = await store.assets.get_many([asset.ticker for asset in listed])
    new = [asset for asset in listed if asset.ticker not in known]
    await store.assets.upsert(*new)
    if listed:
        again, gone = await store.assets.listed([asset.ticker for asset in listed], day)
        log.info("papers listed", listed=len(listed), new=len(new), again=again, gone=gone)
    return Counter(str(asset.kind) for asset in listed), len(new)
