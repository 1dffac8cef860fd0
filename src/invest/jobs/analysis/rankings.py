"""Rank the assets of a market, and find those whose score is high."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from pydantic import Field

from invest.domain.analysis import opportunities, rank
from invest.domain.market import Market
from invest.engine import Context
from invest.jobs.analysis.analyses import analyse_market
from invest.jobs.queues import ANALYSIS, FAN_OUT, NEVER, PERIODIC
from invest.jobs.results import (
    OpportunitiesFound,
    RankingsUpdated,
)
from invest.store import Store

Score = Annotated[float, Field(ge=0, le=10)]


@ANALYSIS.job(retry=PERIODIC, key="opportunities:{market}", give_up_on=NEVER)
async def detect_opportunities(
    ctx: Context, market: Market = Market.STOCKS, min_score: Score = 7.0
) -> OpportunitiesFound:
    """Assets of a market whose score reaches `min_score`, each with its reasons."""
    analyses = await analyse_market(ctx, market)
    found = opportunities(analyses, min_score=min_score)
    return OpportunitiesFound(
        market=market.value,
        min_score=min_score,
        opportunities=[o.model_dump(mode="json") for o in found],
        count=len(found),
        backtest=next((a.backtest.verdicts for a in analyses if a.backtest), []),
        timestamp=datetime.now(UTC),
    )


@ANALYSIS.job(retry=FAN_OUT, key="rankings:{market}", give_up_on=NEVER)
async def update_asset_rankings(ctx: Context, market: Market = Market.STOCKS) -> RankingsUpdated:
    """Rank the assets of a market by score and keep the ranking for readers."""
    analyses = await analyse_market(ctx, market)
    ranking = rank(analyses, market)
    store, now = ctx.use(Store), datetime.now(UTC)
    await store.analyses.save_ranking(market.value, ranking.model_dump(mode="json"), now)
    top = ranking.rows[0].ticker if ranking.rows else None
    return RankingsUpdated(market=market.value, assets_ranked=len(ranking.rows), top_asset=top, timestamp=now)
