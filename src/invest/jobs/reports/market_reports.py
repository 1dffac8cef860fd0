"""The overview of a market: its assets by score, the index, the economy, the news."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any

from pydantic import Field

from invest.domain.analysis import Analysis
from invest.domain.market import Market
from invest.engine import Context
from invest.errors import NotFound
from invest.jobs.analysis import analyse_market
from invest.jobs.loading import index_of
from invest.jobs.queues import NEVER, PERIODIC, REPORTS
from invest.jobs.reports.arguments import Language, Provider, Report
from invest.jobs.reports.keeping import keep, new_report_id, payloads_of
from invest.reports import MarketReportData, build_market_view
from invest.settings import Settings
from invest.store import Store

BARS_BACK = timedelta(days=400)


NEWS_READ = 100  # of which those on what moved are shown


CDI_DAYS = 252  # a rate per day compounds over so many sessions a year


SERIES = {"selic_target": "sgs:432", "cdi_annual": "sgs:12", "ipca_12m": "sgs:13522", "usd_brl": "sgs:1"}


@REPORTS.job(retry=PERIODIC, give_up_on=NEVER)
async def generate_market_overview_async(
    ctx: Context,
    market: Market = Market.STOCKS,
    ai_provider: Provider = "openai",
    top_n: Annotated[int, Field(ge=1, le=50)] = 10,
    language: Language = "pt-BR",
) -> Report:
    """One market: its best assets by score, what moved, and the figures of the economy."""
    return await market_overview(ctx, market, ai_provider, top_n, language)


async def market_overview(ctx: Context, market: Market, ai_provider: str, top_n: int, language: str) -> dict[str, Any]:
    """Analyse the market, write its overview and keep it. Raises `NotFound` where no asset of it was collected."""
    store, settings = ctx.use(Store), ctx.use(Settings)
    analyses = await analyse_market(ctx, market)
    if not analyses:
        raise NotFound(f"no {market.value} were collected yet: queue batch_collect_assets first")
    since = (settings.now() - BARS_BACK).date()
    bars, (index_name, index), news, macro = await asyncio.gather(
        store.bars.read_many(best(analyses, top_n), since=since),
        index_of(
            store, market.kinds[0], since - BARS_BACK
        ),  # twice as far: its average of 200 days starts with the chart
        store.news.latest(limit=NEWS_READ),
        economy(store, settings.now().date()),
    )
    data = MarketReportData(
        report_id=new_report_id(),
        generated_at=datetime.now(UTC),
        language=language,
        sandbox=settings.sandbox,
        ai_provider=ai_provider,
        payloads=await payloads_of(store, analyses),
        market=market.value,
        as_of=max(a.as_of for a in analyses),
        analyses=analyses,
        bars=bars,
        index=index,
        index_name=index_name,
        macro=macro,
        news=news,
        top_n=top_n,
    )
    view = await asyncio.to_thread(build_market_view, data)
    return await keep(ctx, view, tickers=[a.ticker for a in analyses], ai_provider=ai_provider)


def best(analyses: Sequence[Analysis], count: int) -> list[str]:
    """Tickers of the highest scores."""
    scored = [a for a in analyses if a.overall_score is not None]
    return [a.ticker for a in sorted(scored, key=lambda a: -(a.overall_score or 0))[:count]]


async def economy(store: Store, today: date) -> list[tuple[str, float, date, str]]:
    """(name, value, day, source) of the newest points that are not of the future; rates as fractions a year."""
    points = await asyncio.gather(*(store.macro.last(series, on=today) for series in SERIES.values()))
    return [
        (name, in_print(name, float(point.value)), point.day, point.source)
        for name, point in zip(SERIES, points, strict=True)
        if point is not None
    ]


def in_print(name: str, value: float) -> float:
    """A published value in the unit that is printed: percent as fractions, a daily rate as one of the year."""
    if name == "usd_brl":
        return value
    fraction = value / 100
    return float((1 + fraction) ** CDI_DAYS - 1) if name == "cdi_annual" else fraction
