"""Jobs that write: reports, opinions of several AIs, exports, delivery. The queue `reports`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from invest.domain.market import Market, Ticker
from invest.engine import Context, Ok, Queue, Workflow, chord, group
from invest.jobs import comparing, delivering, holdings, markets, reporting
from invest.jobs.policies import DELIVERY, FAN_OUT_SOON, NEVER, PER_ASSET, PERIODIC, SOFT_TIMEOUT, TIMEOUT
from invest.jobs.results import (
    BatchExported,
    Delivered,
    Exported,
    ExportFailed,
    MultiAi,
    ScheduledReport,
    WeeklyScheduled,
)
from invest.reports import DeliveryRefused
from invest.store import Store

queue = Queue("reports", concurrency=16, timeout=TIMEOUT, soft_timeout=SOFT_TIMEOUT)

TwoOrMore = Annotated[list[Ticker], Field(min_length=2, max_length=20)]
Language = Literal["pt-BR", "en"]
Format = Literal["pdf", "markdown", "html"]
Provider = Annotated[str, Field(min_length=1, max_length=50, pattern=r"^[a-z0-9_-]+$")]
ReportId = Annotated[str, Field(min_length=1, max_length=64)]
Report = dict[str, Any]


@queue.job(retry=PER_ASSET, give_up_on=NEVER)
async def generate_report_async(
    ctx: Context, ticker: Ticker, ai_provider: Provider = "openai", language: Language = "pt-BR"
) -> Report:
    """The report of one asset with one AI's opinion beside the local rules'."""
    return await reporting.asset_report(ctx, ticker, [ai_provider], language, named=ai_provider)


@queue.job(retry=FAN_OUT_SOON, give_up_on=NEVER)
async def generate_multi_ai_analysis(ctx: Context, ticker: Ticker, providers: list[Provider] | None = None) -> MultiAi:
    """What several AIs think of one asset, asked at the same time on the same numbers, and their consensus."""
    return await reporting.multi_ai(ctx, ticker, providers)


@queue.job(retry=PERIODIC, give_up_on=NEVER)
async def generate_comparison_report_async(
    ctx: Context, tickers: TwoOrMore, ai_provider: Provider = "openai", language: Language = "pt-BR"
) -> Report:
    """Several assets side by side."""
    return await comparing.comparison_report(ctx, list(dict.fromkeys(tickers)), ai_provider, language)


@queue.job(retry=PERIODIC, give_up_on=NEVER)
async def export_report_async(
    ctx: Context, report_id: ReportId, format: Format = "pdf", include_charts: bool = True
) -> Exported:
    """A stored report as a real file: kept in PostgreSQL for download and written under the data folder."""
    return await reporting.export(ctx, report_id, format, include_charts)


@queue.job(retry=FAN_OUT_SOON, give_up_on=NEVER)
async def batch_export_reports(
    ctx: Context, report_ids: Annotated[list[ReportId], Field(min_length=1, max_length=1000)], format: Format = "pdf"
) -> Workflow[BatchExported]:
    """Export many reports: one job each, then one that gathers them."""
    unique = list(dict.fromkeys(report_ids))
    children = group((export_report_async(r, format=format) for r in unique), on_failure="continue")
    return chord(children, finish_batch_export(unique))


@queue.job(retry=PERIODIC, give_up_on=NEVER)
async def finish_batch_export(ctx: Context, report_ids: list[ReportId]) -> BatchExported:
    """Gather a batch's exports (the last step of `batch_export_reports`)."""
    exports, errors = [], []
    for report_id, outcome in zip(report_ids, await ctx.results(Exported), strict=True):
        if isinstance(outcome, Ok):
            exports.append(outcome.value)
        else:
            errors.append(ExportFailed(report_id=report_id, error=f"{outcome.error.type}: {outcome.error.message}"))
    return BatchExported(
        total=len(report_ids), success=len(exports), failed=len(errors), exports=exports, errors=errors
    )


@queue.job(retry=PERIODIC, give_up_on=NEVER)
async def generate_market_overview_async(
    ctx: Context,
    market: Market = Market.STOCKS,
    ai_provider: Provider = "openai",
    top_n: Annotated[int, Field(ge=1, le=50)] = 10,
    language: Language = "pt-BR",
) -> Report:
    """One market: its best assets by score, what moved, and the figures of the economy."""
    return await markets.market_overview(ctx, market, ai_provider, top_n, language)


@queue.job(retry=DELIVERY, give_up_on=(*NEVER, DeliveryRefused))
async def deliver_report(
    ctx: Context, report_id: ReportId, channels: list[Literal["email", "webhook"]] | None = None
) -> Delivered:
    """Send a finished report by e-mail and signed webhook, by the channels that are configured (or those named)."""
    return await delivering.deliver(ctx, report_id, channels)


@queue.job(retry=PERIODIC, give_up_on=NEVER)
async def generate_portfolio_report_async(
    ctx: Context,
    portfolio_id: str,
    ai_provider: Provider = "openai",
    include_recommendations: bool = True,
    language: Language = "pt-BR",
) -> Report:
    """One portfolio: value, returns, risk, positions and, where asked for, each position's verdict."""
    return await holdings.portfolio_report(ctx, portfolio_id, ai_provider, language, include_recommendations)


@queue.job(retry=PERIODIC, give_up_on=NEVER)
async def generate_weekly_report_async(ctx: Context, portfolio_id: str, language: Language = "pt-BR") -> Report:
    """One portfolio's week: what moved, what was paid, what changed."""
    return await holdings.weekly_report(ctx, portfolio_id, language)


@queue.job(retry=FAN_OUT_SOON, give_up_on=NEVER, cron="0 6 * * sun")
async def schedule_weekly_reports(ctx: Context, portfolio_ids: list[str] | None = None) -> WeeklyScheduled:
    """Queue the weekly report of each portfolio (all without a list); a rerun in the same week queues none twice."""
    store = ctx.use(Store)
    ids = portfolio_ids if portfolio_ids is not None else await store.portfolios.ids()
    week = datetime.now(UTC).strftime("%G-W%V")
    calls = [generate_weekly_report_async(i).with_options(id=f"weekly:{week}:{i}") for i in ids]
    jobs = await ctx.invest.enqueue_many(calls)
    scheduled = [ScheduledReport(portfolio_id=i, task_id=j.id) for i, j in zip(ids, jobs, strict=True)]
    return WeeklyScheduled(scheduled_count=len(scheduled), scheduled_reports=scheduled, timestamp=datetime.now(UTC))
