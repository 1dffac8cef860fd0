"""Jobs that fetch, cross-check and store: the queue `data_collection`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

from pydantic import Field

from invest.domain.market import Ticker
from invest.domain.values import AssetData, SourceOutcome
from invest.engine import Context, GiveUp, Ok, Queue, Workflow, chord, group
from invest.jobs import collecting, refreshing, unknown
from invest.jobs.policies import FAN_OUT, NEVER, PER_ASSET, PERIODIC, SOFT_TIMEOUT, TIMEOUT
from invest.jobs.results import (
    AssetsDiscovered,
    BatchCollected,
    BenchmarksUpdated,
    Cleaned,
    FundamentalsUpdated,
    NewsUpdated,
    PricesUpdated,
    TickerError,
)
from invest.jobs.tallies import tallies
from invest.settings import Settings
from invest.sources import Sources
from invest.store import Store

queue = Queue("data_collection", concurrency=50, timeout=TIMEOUT, soft_timeout=SOFT_TIMEOUT)

Tickers = Annotated[list[Ticker], Field(min_length=1, max_length=5000)]


@queue.job(retry=PER_ASSET, key="collect:{ticker}:{force_update}", give_up_on=NEVER)
async def collect_asset_data_async(ctx: Context, ticker: Ticker, force_update: bool = False) -> AssetData:
    """Every kind of data for one asset, from all sources at once, cross-checked and stored."""
    store, settings = ctx.use(Store), ctx.use(Settings)
    if await refreshing.benchmarks_stale(store, settings):
        await ctx.invest.enqueue(update_benchmarks())
    if not force_update and (fresh := await collecting.still_fresh(store, settings, ticker)):
        return fresh
    try:
        data = await collecting.collect(store, ctx.use(Sources), settings, ticker, force=force_update)
    except GiveUp:
        await unknown.remember(ctx.invest.redis, ticker)
        raise
    await unknown.forget(ctx.invest.redis, ticker)
    return data


@queue.job(
    retry=PERIODIC, key="prices", give_up_on=NEVER, cron="*/5 10-17 * * mon-fri", when="b3_session", catch_up="skip"
)
async def update_market_prices(ctx: Context, tickers: list[Ticker] | None = None) -> PricesUpdated:
    """Newest prices of the given assets, or of all active ones on record, in as few requests as the sources allow."""
    store = ctx.use(Store)
    wanted = tickers if tickers is not None else [a.ticker for a in await refreshing.priced_assets(store)]
    errors, said = await refreshing.update_prices(store, ctx.use(Sources), ctx.use(Settings), wanted, ctx.progress)
    failed = [TickerError(ticker=t, error=e) for t, e in sorted(errors.items())]
    return PricesUpdated(
        total=len(wanted),
        success=len(wanted) - len(failed),
        failed=len(failed),
        errors=failed,
        sources=tallies(said),
    )


@queue.job(retry=PERIODIC, key="fundamentals", give_up_on=NEVER, cron="0 19 * * *")
async def update_fundamentals_batch(ctx: Context, tickers: list[Ticker] | None = None) -> FundamentalsUpdated:
    """Statements filed since the last run, for the given assets or for all companies on record."""
    store = ctx.use(Store)
    wanted = tickers if tickers is not None else [a.ticker for a in await refreshing.companies(store)]
    lines, errors = await refreshing.update_statements(store, ctx.use(Sources), ctx.use(Settings), wanted, ctx.progress)
    failed = [TickerError(ticker=t, error=e) for t, e in sorted(errors.items())]
    return FundamentalsUpdated(
        total=len(wanted),
        success=len(wanted) - len(failed),
        failed=len(failed),
        updated_at=datetime.now(UTC),
        statements=lines,
        errors=failed,
    )


@queue.job(retry=PERIODIC, key="news", give_up_on=NEVER, cron="0 * * * *")
async def update_news_feed(ctx: Context, limit: Annotated[int, Field(ge=1, le=1000)] = 100) -> NewsUpdated:
    """Newest items of every feed, once each, with the assets they name and their tone."""
    collected, sources = await refreshing.update_news(ctx.use(Store), ctx.use(Sources), ctx.use(Settings), limit)
    return NewsUpdated(news_collected=collected, sources=sources, timestamp=datetime.now(UTC))


@queue.job(retry=PERIODIC, key="benchmarks", give_up_on=NEVER, cron="30 19 * * mon-fri")
async def update_benchmarks(ctx: Context) -> BenchmarksUpdated:
    """The index and the series of the economy (CDI, Selic, IPCA, dollar), against which everything is measured."""
    points, bars, said = await refreshing.update_benchmarks(ctx.use(Store), ctx.use(Sources), ctx.use(Settings))
    now = datetime.now(UTC)
    return BenchmarksUpdated(macro_points=points, index_bars=bars, timestamp=now, sources=tallies(said))


@queue.job(retry=PERIODIC, key="discover", give_up_on=NEVER, cron="30 20 * * mon-fri")
async def discover_assets(ctx: Context) -> AssetsDiscovered:
    """Put every share, unit, fund and receipt of B3's newest session on record, to be found and collected."""
    kinds, new = await refreshing.discover(ctx.use(Store), ctx.use(Sources))
    return AssetsDiscovered(
        listed=kinds.total(), new=new, by_kind=dict(sorted(kinds.items())), timestamp=datetime.now(UTC)
    )


@queue.job(retry=PERIODIC, key="cleanup", give_up_on=NEVER, cron="0 2 * * sun")
async def cleanup_old_data(ctx: Context, days_to_keep: Annotated[int, Field(ge=1, le=36500)] = 90) -> Cleaned:
    """Delete what is old and no longer needed, idle files too; never bars, statements, transactions or kept reports."""
    cutoff = datetime.now(UTC) - timedelta(days=days_to_keep)
    store = ctx.use(Store)
    done = await store.cleanup.run(cutoff)
    files = await ctx.use(Sources).prune(spare=await store.payloads.without_body())
    freed = sum(cleaned.bytes for cleaned in done.values()) + files.bytes
    return Cleaned(
        cutoff_date=cutoff,
        tables_cleaned=sorted(table for table, cleaned in done.items() if cleaned.rows),
        rows_deleted=sum(cleaned.rows for cleaned in done.values()),
        space_freed_mb=round(freed / 1e6, 3),
        rows_by_table={table: cleaned.rows for table, cleaned in done.items()},
        files_deleted=files.files,
        files_freed_mb=round(files.bytes / 1e6, 3),
        files_spared_mb=round(files.spared / 1e6, 3),
    )


@queue.job(retry=FAN_OUT, give_up_on=NEVER)
async def batch_collect_assets(ctx: Context, tickers: Tickers, force_update: bool = False) -> Workflow[BatchCollected]:
    """Collect many assets: one job each, then one that counts them. No slot waits meanwhile."""
    unique = list(dict.fromkeys(tickers))
    children = group((collect_asset_data_async(t, force_update=force_update) for t in unique), on_failure="continue")
    return chord(children, finish_batch_collect(unique))


@queue.job(retry=PERIODIC, give_up_on=NEVER)
async def finish_batch_collect(ctx: Context, tickers: Tickers) -> BatchCollected:
    """Count the outcomes of a collected batch (the last step of `batch_collect_assets`)."""
    good, errors, said = [], [], list[SourceOutcome]()
    for ticker, outcome in zip(tickers, await ctx.results(AssetData), strict=True):
        if isinstance(outcome, Ok):
            data = outcome.value
            said += data.sources
            good.append({"ticker": ticker, "sources_count": data.sources_count, "bars_stored": data.bars_stored})
        else:
            errors.append(TickerError(ticker=ticker, error=f"{outcome.error.type}: {outcome.error.message}"))
    return BatchCollected(
        total_count=len(tickers),
        success_count=len(good),
        failed_count=len(errors),
        results=good,
        errors=errors,
        sources=tallies(said),
    )
