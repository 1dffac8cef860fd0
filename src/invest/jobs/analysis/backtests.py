"""The backtest of a market's score from what is stored: every asset, traded or not, every version of every filing."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated

from pydantic import Field

from invest.domain.analysis import (
    AnalysisInput,
    ScoreRecord,
)
from invest.domain.backtest import (
    ScorePanel,
    build_score_panel,
    build_score_record,
    checked_for_future,
    joined,
    judged_score,
    scored_days,
)
from invest.domain.market import Asset, Bars, Market, Prices, market_day
from invest.engine import Context, Workflow
from invest.errors import NotFound
from invest.jobs.fan_out import fan_out, split
from invest.jobs.loading import Shared, backtest_key, load_filings, load_shared
from invest.jobs.queues import ANALYSIS, FAN_OUT, NEVER, PERIODIC
from invest.jobs.results import (
    BacktestsMade,
)
from invest.settings import Settings
from invest.store import Store

PAGE = 50  # assets scored at a time


BARS_BEFORE = timedelta(days=2 * 366)  # of history behind the first score: a year of returns, and room to settle


FILED_BEFORE = timedelta(days=7 * 366)  # six yearly reports, for growth over five


NEWS_KEPT = 5000  # items per asset; older ones are cleaned up


Years = Annotated[int, Field(ge=1, le=15)]


@ANALYSIS.job(retry=FAN_OUT, key="backtest:{market}", give_up_on=NEVER)
async def backtest_score(ctx: Context, market: Market = Market.STOCKS, years: Years = 5) -> ScoreRecord:
    """What the score of a market was worth on past days, each scored by what was known then; shown beside the score."""
    return await backtest_market(ctx, market, years)


@ANALYSIS.job(retry=FAN_OUT, give_up_on=NEVER, cron="0 3 * * sat")
async def backtest_scores(ctx: Context) -> Workflow[BacktestsMade]:
    """Backtest the score of every market that has assets: one job each, then one that gathers the verdicts."""
    store = ctx.use(Store)
    markets = [m for m in Market if await store.assets.list(market=m, active=None, limit=1)]
    return fan_out((backtest_score(market) for market in markets), finish_backtests(markets))


@ANALYSIS.job(retry=PERIODIC, give_up_on=NEVER)
async def finish_backtests(ctx: Context, markets: list[Market]) -> BacktestsMade:
    """Gather the verdict on each market's score (the last step of `backtest_scores`)."""
    names = [market.value for market in markets]
    verdicts, errors = await split(ctx, names, ScoreRecord, lambda record: record.verdicts)
    return BacktestsMade(verdicts=verdicts, errors=errors, timestamp=datetime.now(UTC))


async def backtest_market(ctx: Context, market: Market, years: int) -> ScoreRecord:
    """Score the market on past days by what was known on each, compare, keep. Raises `NotFound` without any asset."""
    store, settings = ctx.use(Store), ctx.use(Settings)
    today = market_day(settings.now())
    days = scored_days(today - timedelta(days=round(years * 365.25)), today)
    assets = await store.assets.list(market=market, active=None)
    shared = await load_shared(store, settings, days[0] - BARS_BEFORE)
    panels: list[ScorePanel] = []
    prices: dict[str, Prices] = {}
    checked = changed = 0
    for at in range(0, len(assets), PAGE):
        inputs = await _past(store, settings, assets[at : at + PAGE], days[0], shared)
        scored = await asyncio.to_thread(_score, inputs, days)
        panels.append(scored.panel)
        prices |= {given.asset.ticker: given.prices for given in inputs}
        checked, changed = checked + scored.checks[0], changed + scored.checks[1]
        await ctx.progress(min(at + PAGE, len(assets)), len(assets), "scoring the past")
    record = None
    if panels:
        record = await asyncio.to_thread(
            build_score_record,
            market,
            joined(panels),
            prices,
            checks=(checked, changed),
            computed_at=datetime.now(UTC),
            sandbox=settings.sandbox,
        )
    if record is None:
        raise NotFound(f"no {market.value} with prices are on record: queue batch_collect_assets first")
    await store.analyses.save_ranking(backtest_key(market), record.model_dump(mode="json"), record.computed_at)
    return record


@dataclass(frozen=True, slots=True)
class _Scored:
    panel: ScorePanel
    checks: tuple[int, int]


def _score(inputs: Sequence[AnalysisInput], days: Sequence[date]) -> _Scored:
    return _Scored(build_score_panel(inputs, days, judged_score), checked_for_future(inputs, days))


async def _past(
    store: Store, settings: Settings, assets: Sequence[Asset], first: date, shared: Shared
) -> list[AnalysisInput]:
    """Everything stored of these assets that a score from `first` on may read, superseded filings too."""
    tickers = [asset.ticker for asset in assets]
    since = first - BARS_BEFORE
    bars, actions, latest, filings, news = await asyncio.gather(
        store.bars.read_many(tickers, since=since),
        store.actions.of_many(tickers),
        store.observations.latest_many(tickers),
        load_filings(store, assets, first - FILED_BEFORE, all_versions=True),
        store.news.latest_many(tickers, since=datetime.combine(since, time.min, UTC), limit=NEWS_KEPT),
    )
    return [
        AnalysisInput(
            asset=asset,
            bars=bars.get(asset.ticker) or Bars.from_rows(asset.ticker, ()),
            now=settings.now(),
            index=shared.index,
            filings=filings.get(asset.cnpj or "", ()),
            actions=actions.get(asset.ticker, ()),
            latest=latest.get(asset.ticker, {}),
            news=news.get(asset.ticker, ()),
            cdi=shared.cdi,
        )
        for asset in assets
    ]
