"""Reports of several assets side by side."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from invest.domain.analysis import compare
from invest.engine import Context
from invest.jobs.analysing import analyse_many, ask
from invest.jobs.reporting import keep, new_report_id, payloads_of, providers_for
from invest.reports import ComparisonReportData, build_comparison_view
from invest.settings import Settings
from invest.store import Store

BARS_BACK = timedelta(days=400)


async def comparison_report(ctx: Context, tickers: Sequence[str], ai_provider: str, language: str) -> dict[str, Any]:
    """Analyse every asset, ask the named AI about each at the same time, rank, write and keep."""
    store, settings = ctx.use(Store), ctx.use(Settings)
    analyses = list((await analyse_many(ctx, tickers)).values())
    comparison = compare(analyses, compared_at=datetime.now(UTC))
    providers = providers_for(settings, [ai_provider])
    asked = await asyncio.gather(*(ask(ctx, a, providers, language) for a in analyses))
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
        opinions=[o for said in asked for o in said.opinions],
        ai_consensus={said.consensus.ticker: said.consensus for said in asked},
        payloads=await payloads_of(store, analyses),
    )
    view = await asyncio.to_thread(build_comparison_view, data)
    return await keep(ctx, view, tickers=tickers, ai_provider=ai_provider)
