"""The index and the series of the economy, against which everything is measured."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

from invest.domain.market import Asset, AssetKind, count_sessions, last_closed_session
from invest.domain.values import SourceOutcome
from invest.engine import Context
from invest.errors import Unreachable
from invest.jobs.data_collection.asset_data import choose_values, describe, known_of, save
from invest.jobs.data_collection.tallies import tallies
from invest.jobs.loading import CDI, INDEX
from invest.jobs.queues import DATA_COLLECTION, NEVER, PERIODIC
from invest.jobs.results import (
    BenchmarksUpdated,
)
from invest.settings import Settings
from invest.sources import Sources
from invest.store import Store

RATE_LAG = 2  # sessions the central bank's daily rate may be behind the exchange


@DATA_COLLECTION.job(retry=PERIODIC, key="benchmarks", give_up_on=NEVER, cron="30 19 * * mon-fri")
async def update_benchmarks(ctx: Context) -> BenchmarksUpdated:
    """The index and the series of the economy (CDI, Selic, IPCA, dollar), against which everything is measured."""
    points, bars, said = await collect_benchmarks(ctx.use(Store), ctx.use(Sources), ctx.use(Settings))
    now = datetime.now(UTC)
    return BenchmarksUpdated(macro_points=points, index_bars=bars, timestamp=now, sources=tallies(said))


async def collect_benchmarks(
    store: Store, sources: Sources, settings: Settings
) -> tuple[int, int, list[SourceOutcome]]:
    """Fetch the index and the series of the economy since what is stored; (new points, new bars, outcomes)."""
    since, known = await asyncio.gather(store.macro.series(), known_of(store, INDEX))
    asset, now = Asset(ticker=INDEX, kind=AssetKind.INDEX, name="Ibovespa"), settings.now()
    want = replace(known, asset=asset).want(INDEX, now, force=False)
    macro, index = await asyncio.gather(sources.macro(want, since), sources.collect(want))
    chosen = await choose_values(store, index, known, INDEX, now)
    saved = await save(store, asset, [*macro, *index], chosen)
    if not any(g.usable for g in [*macro, *index]):
        raise Unreachable("; ".join(describe(g.outcome) for g in [*macro, *index]))
    return saved.macro, saved.bars, [g.outcome for g in [*macro, *index]]


async def benchmarks_stale(store: Store, settings: Settings) -> bool:
    """Whether the index or the daily rate lags the last closed session."""
    session = last_closed_session(settings.now())
    rate, days = await asyncio.gather(store.macro.last(CDI), store.bars.last_days([INDEX]))
    newest = days.get(INDEX)
    lag = count_sessions(rate.day, session) if rate else None
    return newest is None or newest < session or lag is None or lag > RATE_LAG
