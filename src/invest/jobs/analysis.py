"""Jobs that compute: analyses, comparisons, rankings, portfolios. The queue `analysis`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import Field

from invest.domain.analysis import Analysis, Comparison, Criterion, ScoreRecord, compare, opportunities, rank
from invest.domain.market import Market, Ticker
from invest.domain.portfolios import PortfolioMetrics
from invest.engine import Context, Ok, Queue, Workflow, chord, group
from invest.jobs import analysing, backtesting, portfolios, track, watching
from invest.jobs.policies import FAN_OUT, NEVER, PER_ANALYSIS, PERIODIC, SOFT_TIMEOUT, TIMEOUT
from invest.jobs.results import (
    AlertsEvaluated,
    BacktestsMade,
    BatchAnalysed,
    OpinionsClosed,
    OpportunitiesFound,
    PortfoliosAnalysed,
    RankingsUpdated,
    TickerError,
)
from invest.settings import Settings
from invest.store import Store

queue = Queue("analysis", concurrency=8, timeout=TIMEOUT, soft_timeout=SOFT_TIMEOUT)

Tickers = Annotated[list[Ticker], Field(min_length=1, max_length=5000)]
TwoOrMore = Annotated[list[Ticker], Field(min_length=2, max_length=50)]
Score = Annotated[float, Field(ge=0, le=10)]
Years = Annotated[int, Field(ge=1, le=15)]


@queue.job(retry=PER_ANALYSIS, give_up_on=NEVER)
async def analyze_asset_async(
    ctx: Context, ticker: Ticker, include_ai: bool = False, cache_result: bool = True
) -> Analysis:
    """Figures, scores and verdict of one asset from what is stored; with `include_ai`, what the AIs think as well."""
    return await analysing.analyse_one(ctx, ticker, include_ai=include_ai, keep=cache_result)


@queue.job(retry=PERIODIC, give_up_on=NEVER)
async def compare_assets_async(ctx: Context, tickers: TwoOrMore, criteria: list[Criterion] | None = None) -> Comparison:
    """Assets side by side, ranked by each criterion, with a winner."""
    unique = list(dict.fromkeys(tickers))
    analyses = await analysing.analyse_many(ctx, unique)
    return compare(list(analyses.values()), criteria=criteria, compared_at=datetime.now(UTC))


@queue.job(retry=FAN_OUT, give_up_on=NEVER)
async def batch_analyze_assets(ctx: Context, tickers: Tickers, include_ai: bool = False) -> Workflow[BatchAnalysed]:
    """Analyse many assets: one job each, then one that gathers them. No slot waits meanwhile."""
    unique = list(dict.fromkeys(tickers))
    children = group((analyze_asset_async(t, include_ai=include_ai) for t in unique), on_failure="continue")
    return chord(children, finish_batch_analyze(unique))


@queue.job(retry=PERIODIC, give_up_on=NEVER)
async def finish_batch_analyze(ctx: Context, tickers: Tickers) -> BatchAnalysed:
    """Gather a batch's analyses (the last step of `batch_analyze_assets`)."""
    analyses: dict[str, dict[str, Any]] = {}
    errors = []
    outcomes = [o async for o in ctx.iter_results(Analysis)]
    for ticker, outcome in zip(tickers, outcomes, strict=True):
        if isinstance(outcome, Ok):
            analyses[ticker] = analysing.brief(outcome.value)
        else:
            errors.append(TickerError(ticker=ticker, error=f"{outcome.error.type}: {outcome.error.message}"))
    return BatchAnalysed(
        total=len(tickers), success=len(analyses), analyses=analyses, errors=errors, timestamp=datetime.now(UTC)
    )


@queue.job(retry=PERIODIC, key="opportunities:{market}", give_up_on=NEVER)
async def detect_opportunities(
    ctx: Context, market: Market = Market.STOCKS, min_score: Score = 7.0
) -> OpportunitiesFound:
    """Assets of a market whose score reaches `min_score`, each with its reasons."""
    analyses = await analysing.analyse_market(ctx, market)
    found = opportunities(analyses, min_score=min_score)
    return OpportunitiesFound(
        market=market.value,
        min_score=min_score,
        opportunities=[o.model_dump(mode="json") for o in found],
        count=len(found),
        backtest=next((a.backtest.verdicts for a in analyses if a.backtest), []),
        timestamp=datetime.now(UTC),
    )


@queue.job(retry=FAN_OUT, key="rankings:{market}", give_up_on=NEVER)
async def update_asset_rankings(ctx: Context, market: Market = Market.STOCKS) -> RankingsUpdated:
    """Rank the assets of a market by score and keep the ranking for readers."""
    analyses = await analysing.analyse_market(ctx, market)
    ranking = rank(analyses, market)
    store, now = ctx.use(Store), datetime.now(UTC)
    await store.analyses.save_ranking(market.value, ranking.model_dump(mode="json"), now)
    top = ranking.rows[0].ticker if ranking.rows else None
    return RankingsUpdated(market=market.value, assets_ranked=len(ranking.rows), top_asset=top, timestamp=now)


@queue.job(retry=FAN_OUT, key="backtest:{market}", give_up_on=NEVER)
async def backtest_score(ctx: Context, market: Market = Market.STOCKS, years: Years = 5) -> ScoreRecord:
    """What the score of a market was worth on past days, each scored by what was known then; shown beside the score."""
    return await backtesting.backtest_market(ctx, market, years)


@queue.job(retry=FAN_OUT, give_up_on=NEVER, cron="0 3 * * sat")
async def backtest_scores(ctx: Context) -> Workflow[BacktestsMade]:
    """Backtest the score of every market that has assets: one job each, then one that gathers what may be said."""
    store = ctx.use(Store)
    markets = [m for m in Market if await store.assets.list(market=m, active=None, limit=1)]
    children = group((backtest_score(market) for market in markets), on_failure="continue")
    return chord(children, finish_backtests(markets))


@queue.job(retry=PERIODIC, give_up_on=NEVER)
async def finish_backtests(ctx: Context, markets: list[Market]) -> BacktestsMade:
    """Gather what may be said of each market's score (the last step of `backtest_scores`)."""
    verdicts: dict[str, list[str]] = {}
    errors: dict[str, str] = {}
    outcomes = [o async for o in ctx.iter_results(ScoreRecord)]
    for market, outcome in zip(markets, outcomes, strict=True):
        if isinstance(outcome, Ok):
            verdicts[market.value] = outcome.value.verdicts
        else:
            errors[market.value] = f"{outcome.error.type}: {outcome.error.message}"
    return BacktestsMade(verdicts=verdicts, errors=errors, timestamp=datetime.now(UTC))


@queue.job(retry=PERIODIC, key="close-opinions", give_up_on=NEVER, cron="30 21 * * mon-fri")
async def close_opinions(ctx: Context) -> OpinionsClosed:
    """Close AI opinions whose 30, 90 or 180 days are over, against the index: the track record grows by them."""
    closed = await track.close_due(ctx.use(Store), ctx.use(Settings))
    return OpinionsClosed(closed=closed, timestamp=datetime.now(UTC))


@queue.job(retry=PERIODIC, give_up_on=NEVER)
async def calculate_portfolio_metrics(ctx: Context, portfolio_id: str) -> PortfolioMetrics:
    """Value, returns, risk, allocation and income of one portfolio, from its transactions; keeps a snapshot."""
    return await portfolios.measure_and_keep(ctx.use(Store), ctx.use(Settings), portfolio_id)


@queue.job(retry=FAN_OUT, give_up_on=NEVER, cron="0 20 * * *")
async def analyze_all_portfolios(ctx: Context) -> Workflow[PortfoliosAnalysed]:
    """Measure every portfolio: one job each, then one that counts them."""
    ids = await ctx.use(Store).portfolios.ids()
    children = group((calculate_portfolio_metrics(i) for i in ids), on_failure="continue")
    return chord(children, finish_portfolios(len(ids)))


@queue.job(retry=PERIODIC, give_up_on=NEVER)
async def finish_portfolios(ctx: Context, total: int) -> PortfoliosAnalysed:
    """Count the measured portfolios (the last step of `analyze_all_portfolios`)."""
    done = sum([isinstance(o, Ok) async for o in ctx.iter_results()])
    return PortfoliosAnalysed(total_portfolios=total, analyzed=done, failed=total - done, timestamp=datetime.now(UTC))


@queue.job(retry=PERIODIC, key="alerts", give_up_on=NEVER, cron="*/10 * * * *", catch_up="skip")
async def evaluate_alerts(ctx: Context) -> AlertsEvaluated:
    """Look at every alert against the newest data; what fired is kept, each cause once."""
    count, fired = await watching.evaluate_all(ctx.use(Store), ctx.use(Settings))
    return AlertsEvaluated(alerts=count, fired=list(fired), timestamp=datetime.now(UTC))
