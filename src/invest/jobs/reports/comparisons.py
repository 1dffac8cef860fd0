"""Reports of several assets side by side."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from pydantic import Field

from invest.domain.analysis import compare
from invest.domain.market import Ticker
from invest.engine import Context
from invest.jobs.analysis import analyse_many
from invest.jobs.queues import NEVER, PERIODIC, REPORTS
from invest.jobs.reports.arguments import Language, Provider, Report
from invest.jobs.reports.asset_reports import ask_of
from invest.jobs.reports.keeping import keep, new_report_id, payloads_of
from invest.reports import ComparisonReportData, build_comparison_view
from invest.settings import Settings
from invest.store import Store

BARS_BACK = timedelta(days=400)


TwoOrMore = Annotated[list[Ticker], Field(min_length=2, max_length=20)]


@REPORTS.job(retry=PERIODIC, give_up_on=NEVER)
async def generate_comparison_report_async(
    ctx: Context, tickers: TwoOrMore, ai_provider: Provider = "openai", language: Language = "pt-BR"
) -> Report:
    """Several assets side by side."""
    return await comparison_report(ctx, list(dict.fromkeys(tickers)), ai_provider, language)


async def comparison_report(ctx: Context, tickers: Sequence[str], ai_provider: str, language: str) -> dict[str, Any]:
    """Analyse every asset, ask the named AI about each at the same time, rank, write and keep."""
    store, settings = ctx.use(Store), ctx.use(Settings)
    analyses = list((await analyse_many(ctx, tickers)).values())
    comparison = compare(analyses, compared_at=datetime.now(UTC))
    asked = await asyncio.gather(*(ask_of(ctx, a, [ai_provider], language) for a in analyses))
    bars = await store.bars.read_many(tickers, since=(settings.now() - BARS_BACK).date())
    data = ComparisonReportData(
        report_id=new_report_id(),
        generated_at=datetime.now(UTC),
        language=language,
        sandbox=settings.sandbox,
        ai_provider=ai_provider,
        analyses=analyses,
        bars=bars,
        comparison=comparison,
        opinions=[o for answers in asked for o in answers.opinions],
        benchmarks=[answers.benchmark for answers in asked if answers.benchmark is not None],
        ai_consensus={answers.consensus.ticker: answers.consensus for answers in asked},
        payloads=await payloads_of(store, analyses),
    )
    view = await asyncio.to_thread(build_comparison_view, data)
    return await keep(ctx, view, tickers=tickers, ai_provider=ai_provider)
