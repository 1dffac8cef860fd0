"""Collect one asset or many: ask every source at once, cross-check, store."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from invest.domain.market import Ticker
from invest.domain.values import AssetData, SourceOutcome
from invest.engine import Context, GiveUp, Workflow, shared_redis
from invest.jobs.data_collection.asset_data import collect, known_of, still_fresh
from invest.jobs.data_collection.benchmarks import benchmarks_stale, update_benchmarks
from invest.jobs.data_collection.tallies import tallies
from invest.jobs.data_collection.unknown import forget, remember
from invest.jobs.fan_out import fan_out, split
from invest.jobs.queues import DATA_COLLECTION, FAN_OUT, NEVER, PER_ASSET, PERIODIC
from invest.jobs.results import (
    BatchCollected,
    TickerError,
)
from invest.settings import Settings
from invest.sources import Sources
from invest.store import Store

Tickers = Annotated[list[Ticker], Field(min_length=1, max_length=5000)]


@DATA_COLLECTION.job(retry=PER_ASSET, key="collect:{ticker}:{force_update}", give_up_on=NEVER)
async def collect_asset_data_async(ctx: Context, ticker: Ticker, force_update: bool = False) -> AssetData:
    """Every kind of data for one asset, from all sources at once, cross-checked and stored."""
    store, settings = ctx.use(Store), ctx.use(Settings)
    if await benchmarks_stale(store, settings):
        await ctx.invest.enqueue(update_benchmarks())
    known = await known_of(store, ticker)
    if not force_update and (fresh := still_fresh(known, settings, ticker)):
        return fresh
    try:
        data = await collect(store, ctx.use(Sources), settings, ticker, force=force_update, known=known)
    except GiveUp:
        await remember(shared_redis(ctx.invest), ticker)
        raise
    await forget(shared_redis(ctx.invest), ticker)
    return data


@DATA_COLLECTION.job(retry=FAN_OUT, give_up_on=NEVER)
async def batch_collect_assets(ctx: Context, tickers: Tickers, force_update: bool = False) -> Workflow[BatchCollected]:
    """Collect many assets: one job each, then one that counts them. No slot waits meanwhile."""
    unique = list(dict.fromkeys(tickers))
    return fan_out(
        (collect_asset_data_async(t, force_update=force_update) for t in unique), finish_batch_collect(unique)
    )


@DATA_COLLECTION.job(retry=PERIODIC, give_up_on=NEVER)
async def finish_batch_collect(ctx: Context, tickers: Tickers) -> BatchCollected:
    """Count the outcomes of a collected batch (the last step of `batch_collect_assets`)."""
    outcomes: list[SourceOutcome] = []

    def line(data: AssetData) -> dict[str, Any]:
        outcomes.extend(data.sources)
        return {"ticker": data.ticker, "sources_count": data.sources_count, "bars_stored": data.bars_stored}

    collected, errors = await split(ctx, tickers, AssetData, line)
    return BatchCollected(
        total_count=len(tickers),
        success_count=len(collected),
        failed_count=len(errors),
        results=list(collected.values()),
        errors=[TickerError(ticker=ticker, error=error) for ticker, error in errors.items()],
        sources=tallies(outcomes),
    )
