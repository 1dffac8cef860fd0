"""Reports of portfolios: as they stand, and week by week."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from invest.domain.analysis import Recommendation, recommend
from invest.domain.market import CorporateAction, market_day
from invest.engine import Context
from invest.jobs.analysis import change_over, report_data
from invest.jobs.loading import results_due
from invest.jobs.queues import FAN_OUT_SOON, NEVER, PERIODIC, REPORTS
from invest.jobs.reports.arguments import Language, Provider, Report
from invest.jobs.reports.keeping import keep, new_report_id
from invest.jobs.results import (
    ScheduledReport,
    WeeklyScheduled,
)
from invest.reports import (
    PortfolioReportData,
    WeeklyReportData,
    build_portfolio_view,
    build_weekly_view,
)
from invest.settings import Settings
from invest.store import Store

WEEK = timedelta(days=7)


NEWS_READ = 20  # of each asset; the most telling ones are shown


PAID_AFTER = timedelta(days=200)  # a payment may come so long after its last day with rights


@REPORTS.job(retry=PERIODIC, give_up_on=NEVER, owner={"portfolio_id": "portfolio"})
async def generate_portfolio_report_async(
    ctx: Context,
    portfolio_id: str,
    ai_provider: Provider = "openai",
    include_recommendations: bool = True,
    language: Language = "pt-BR",
) -> Report:
    """One portfolio: value, returns, risk, positions and, where asked for, each position's verdict."""
    return await portfolio_report(ctx, portfolio_id, ai_provider, language, include_recommendations)


@REPORTS.job(retry=PERIODIC, give_up_on=NEVER, owner={"portfolio_id": "portfolio"})
async def generate_weekly_report_async(ctx: Context, portfolio_id: str, language: Language = "pt-BR") -> Report:
    """One portfolio's week: what moved, what was paid, what changed."""
    return await weekly_report(ctx, portfolio_id, language)


@REPORTS.job(retry=FAN_OUT_SOON, give_up_on=NEVER, cron="0 6 * * sun", owner={"portfolio_ids": "portfolio"})
async def schedule_weekly_reports(ctx: Context, portfolio_ids: list[str] | None = None) -> WeeklyScheduled:
    """Queue the weekly report of each portfolio (all without a list); a rerun in the same week queues none twice."""
    store = ctx.use(Store)
    ids = portfolio_ids if portfolio_ids is not None else await store.portfolios.ids()
    week = datetime.now(UTC).strftime("%G-W%V")
    calls = [generate_weekly_report_async(i).with_options(id=f"weekly:{week}:{i}") for i in ids]
    jobs = await ctx.invest.enqueue_many(calls)
    scheduled = [ScheduledReport(portfolio_id=i, task_id=j.id) for i, j in zip(ids, jobs, strict=True)]
    return WeeklyScheduled(scheduled_count=len(scheduled), scheduled_reports=scheduled, timestamp=datetime.now(UTC))


async def portfolio_report(
    ctx: Context, portfolio_id: str, ai_provider: str, language: str, recommend: bool
) -> dict[str, Any]:
    """Measure, write, keep. With `recommend` each position carries its latest verdict. Raises `NotFound`."""
    data = await _data(ctx, portfolio_id, language, recommend=recommend)
    view = await asyncio.to_thread(build_portfolio_view, replace(data, ai_provider=ai_provider))
    tickers = [p.ticker for p in data.positions]
    return await keep(ctx, view, tickers=tickers, ai_provider=ai_provider, portfolio_id=portfolio_id)


async def _data(ctx: Context, portfolio_id: str, language: str, *, recommend: bool) -> PortfolioReportData:
    return await report_data(
        ctx.use(Store),
        ctx.use(Settings),
        portfolio_id,
        report_id=new_report_id(),
        language=language,
        recommend=recommend,
    )


async def weekly_report(ctx: Context, portfolio_id: str, language: str) -> dict[str, Any]:
    """The week up to now of one portfolio: what moved, what was paid, what changed, what was written."""
    store, settings = ctx.use(Store), ctx.use(Settings)
    data = await _data(ctx, portfolio_id, language, recommend=True)
    end = market_day(settings.now())
    start = end - WEEK
    tickers = [p.ticker for p in data.positions]
    bars, actions, news, changes, due = await asyncio.gather(
        store.bars.read_many(tickers, since=start - WEEK),
        store.actions.of_many(tickers, since=start - PAID_AFTER),
        store.news.latest_many(tickers, since=settings.now() - WEEK, limit=NEWS_READ),
        _changes(store, tickers, start),
        results_due(store, settings, tickers),
    )
    events = [a for of_one in actions.values() for a in of_one]
    week = WeeklyReportData(
        report_id=data.report_id,
        generated_at=data.generated_at,
        language=language,
        sandbox=data.sandbox,
        portfolio=data,
        week_start=start,
        week_end=end,
        week_return=_week(data, "portfolio", start),
        index_return=_week(data, "ibov", start),
        week_returns={t: change_over([d.item() for d in b.days], b.adjusted.tolist(), start) for t, b in bars.items()},
        changes=changes,
        contributions=data.week_contributions,
        coming=events,
        results_due=due,
        payments=[a for a in events if a.kind.in_cash and _within(a, start, end)],
        news=list({n.id: n for items in news.values() for n in items}.values()),
    )
    view = await asyncio.to_thread(build_weekly_view, week)
    return await keep(ctx, view, tickers=tickers, ai_provider=None, portfolio_id=portfolio_id)


def _within(action: CorporateAction, start: date, end: date) -> bool:
    """Whether rights to it ended or it was paid between `start` and `end`."""
    days = (action.last_date_with, action.payment_date)
    return any(day is not None and start <= day <= end for day in days)


def _week(data: PortfolioReportData, curve: str, start: date) -> float | None:
    values = data.curves.get(curve)
    return change_over(list(data.curve_days), list(values), start) if values else None


async def _changes(store: Store, tickers: list[str], start: date) -> list[tuple[str, str, str]]:
    """(ticker, verdict before the week, verdict now) where they differ."""
    found = []
    for ticker, history in (await store.analyses.verdicts(tickers)).items():
        before = next(((score, word) for at, score, word in history if market_day(at) < start), None)
        newest = history[0][1:]
        if before is not None and verdict_changed(before, newest):
            found.append((ticker, before[1], newest[1]))
    return found


def verdict_changed(before: tuple[float | None, str], now: tuple[float | None, str]) -> bool:
    """Whether two verdicts, each a score and its word, differ by today's rule as well as by their words.

    A word stored before scores had one decimal was cut from two: of 7.97, then a buy, and 8.0 nothing changed.
    """
    return before[1] != now[1] and _word(*before) != _word(*now)


def _word(score: float | None, stored: str) -> str:
    unsure = Recommendation.INSUFFICIENT_DATA
    return unsure if stored == unsure else recommend(score, coverage=1.0)
