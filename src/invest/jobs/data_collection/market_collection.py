"""The first collection of a whole market: each file once, how long it will take, and on where it was after a stop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from invest.domain.market import Market, last_closed_session, market_day
from invest.domain.values import AssetData
from invest.engine import GiveUp
from invest.errors import ConfigError, InvestError, Unreachable
from invest.jobs.data_collection.asset_data import collect
from invest.jobs.data_collection.benchmarks import benchmarks_stale, collect_benchmarks
from invest.jobs.data_collection.discovery import discover
from invest.settings import Settings
from invest.sources import Sources
from invest.store import Store

AT_ONCE = 8  # assets whose parcels are held at a time; the upstreams' rates bound how fast it goes anyway
# Calls that one asset costs an upstream asked asset by asset; the files of the others are fetched once for all.
CALLS: Mapping[str, float] = {"b3": 3, "brapi": 1, "yahoo": 1, "fundamentus": 1, "google_news": 1, "gdelt": 1}


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a collection is. `problem`: why the newest asset could not be collected. `left`: seconds, about."""

    ticker: str
    problem: str | None
    number: int
    of: int
    left: float


@dataclass(frozen=True, slots=True)
class MarketCollected:
    """What came of it. `before`: assets that an earlier run had collected for the same session.

    `lacking`: assets that were stored without what an official source could not give, by that source and its reason.
    """

    collected: int
    before: int
    problems: Mapping[str, str]
    lacking: Mapping[str, Sequence[str]]


def expected_seconds(settings: Settings, sources: Sources, assets: int) -> tuple[float, str | None]:
    """About how long the calls for so many assets take by the slowest upstream's rate, and which one that is."""
    waits = {
        name: assets * calls / settings.source(name).rate for name, calls in CALLS.items() if name in sources.names
    }
    slowest = max(waits, key=lambda name: waits[name], default=None)
    return (waits[slowest], slowest) if slowest else (0.0, None)


async def open_assets(store: Store, sources: Sources, settings: Settings, market: Market) -> tuple[list[str], int]:
    """The market's active assets that were not collected since the last closed session, and how many were.

    Asks B3 which papers are listed first: those on record may be some that were collected one by one. Raises
    `ConfigError`, `Unreachable` where B3 does not answer and none is on record.
    """
    known = await store.assets.list(market=market, limit=1)
    try:
        await discover(store, sources, market_day(settings.now()))
    except Unreachable:
        if not known:
            raise
    assets = [asset.ticker for asset in await store.assets.list(market=market, limit=100_000)]
    if not assets:
        raise ConfigError(f"no asset of {market.value} is listed: name some, as in `invest enqueue collect BTC-BRL`")
    session = last_closed_session(settings.now())
    done = await store.backfills.collected(session)
    return [ticker for ticker in assets if ticker not in done], len(done & set(assets))


async def collect_market(
    store: Store,
    sources: Sources,
    settings: Settings,
    tickers: Sequence[str],
    tell: Callable[[Progress], Awaitable[None]],
    *,
    before: int = 0,
) -> MarketCollected:
    """Collect `tickers`, some at a time; each is marked once it is stored, so that another run goes on from there.

    An asset that cannot be collected is told and left for the next run, and so is one of which an official source did
    not give what it has; `Unreachable` where none could be reached.
    """
    if await benchmarks_stale(store, settings):
        await collect_benchmarks(store, sources, settings)
    session, slots, problems = last_closed_session(settings.now()), asyncio.Semaphore(AT_ONCE), dict[str, str]()
    lacking: dict[str, list[str]] = {}
    started, count = time.monotonic(), 0

    async def one(ticker: str) -> None:
        nonlocal count
        async with slots:
            problem = None
            try:
                unread = lacking_of(settings, await collect(store, sources, settings, ticker))
                for reason in unread:
                    lacking.setdefault(reason, []).append(ticker)
                if not unread:
                    await store.backfills.mark_collected(ticker, session)
            except (GiveUp, InvestError, ValueError) as error:  # one asset's trouble is not the market's
                problem = problems[ticker] = str(error)
            count += 1
            left = (time.monotonic() - started) / count * (len(tickers) - count)
            await tell(Progress(ticker, problem, count, len(tickers), left))

    async with asyncio.TaskGroup() as group:
        for ticker in tickers:
            group.create_task(one(ticker))
    if tickers and len(problems) == len(tickers):
        raise Unreachable(next(iter(problems.values())))
    return MarketCollected(len(tickers) - len(problems), before, problems, lacking)


def lacking_of(settings: Settings, found: AssetData) -> list[str]:
    """The official sources that could not be read for an asset, or not whole, each with its reason."""
    short = (seen for seen in found.sources if seen.lacking or seen.status in ("failed", "rejected"))
    return [f"{seen.source}: {seen.reason}" for seen in short if settings.source(seen.source).official]
