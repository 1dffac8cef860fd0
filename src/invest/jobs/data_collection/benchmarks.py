"""The indices and the series of the economy, against which everything is measured."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

from invest.domain.market import BENCHMARKS, BY_TICKER, Asset, AssetKind, count_sessions, last_closed_session
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
from invest.sources import Answer, Sources, Want
from invest.store import Store

RATE_LAG = 2  # sessions the central bank's daily rate may be behind the exchange


@DATA_COLLECTION.job(retry=PERIODIC, key="benchmarks", give_up_on=NEVER, cron="30 19 * * mon-fri")
async def update_benchmarks(ctx: Context) -> BenchmarksUpdated:
    """The indices and the series of the economy (CDI, Selic, IPCA, dollar), against which everything is measured."""
    points, bars, outcomes = await collect_benchmarks(ctx.use(Store), ctx.use(Sources), ctx.use(Settings))
    now = datetime.now(UTC)
    return BenchmarksUpdated(macro_points=points, index_bars=bars, timestamp=now, sources=tallies(outcomes))


async def collect_benchmarks(
    store: Store, sources: Sources, settings: Settings
) -> tuple[int, int, list[SourceOutcome]]:
    """Fetch the indices and the series of the economy since what is stored; (new points, new bars, outcomes).

    Indices beyond the usual ones are those that somebody collected once. Raises `Unreachable` where nobody answered.
    """
    now = settings.now()
    since, stored = await asyncio.gather(store.macro.series(), store.assets.list(kinds=[AssetKind.INDEX], limit=500))
    macro = await sources.macro(Want(ticker=INDEX, now=now, asset=asset_of(INDEX)), since)
    points = (await save(store, None, macro)).macro
    tickers = list(dict.fromkeys([*BENCHMARKS, *(a.ticker for a in stored if a.ticker in BY_TICKER)]))
    indices = await asyncio.gather(*(_collect_index(store, sources, ticker, now) for ticker in tickers))
    answers = [*macro, *(answer for _, brought in indices for answer in brought)]
    if not any(answer.usable for answer in answers):
        raise Unreachable("; ".join(dict.fromkeys(describe(answer.outcome) for answer in answers)))
    return points, sum(bars for bars, _ in indices), [answer.outcome for answer in answers]


def asset_of(ticker: str) -> Asset:
    """An index as an asset."""
    index = BY_TICKER.get(ticker)
    return Asset(ticker=ticker, kind=AssetKind.INDEX, name=index.name if index else None)


async def _collect_index(store: Store, sources: Sources, ticker: str, now: datetime) -> tuple[int, list[Answer]]:
    """New closes of one index, and what the sources answered."""
    known, asset = await known_of(store, ticker), asset_of(ticker)
    answers = await sources.collect(replace(known, asset=asset).want(ticker, now, force=False))
    if not any(answer.usable for answer in answers):
        return 0, answers
    chosen = await choose_values(store, answers, known, ticker, now)
    return (await save(store, asset, answers, chosen)).bars, answers


async def benchmarks_stale(store: Store, settings: Settings) -> bool:
    """Whether the index or the daily rate lags the last closed session."""
    session = last_closed_session(settings.now())
    reads = store.asset_reads  # each collection asks
    rate, newest = await asyncio.gather(reads.last_point(CDI), reads.last_day(INDEX))
    lag = count_sessions(rate.day, session) if rate else None
    return newest is None or newest < session or lag is None or lag > RATE_LAG
