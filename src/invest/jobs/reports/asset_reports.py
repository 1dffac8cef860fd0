"""Reports of one asset: analysis and opinions -> view -> Markdown, stored whole, exported on demand."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from invest.domain.analysis import Analysis, history_of, is_asked
from invest.domain.market import Asset, AssetKind, Delisting, Ticker, market_day
from invest.domain.opinions import AiConsensus
from invest.engine import Context
from invest.jobs.analysis import Answers, analyse_one, ask, track_rows
from invest.jobs.loading import load_inputs, peers_of
from invest.jobs.queues import NEVER, PER_ASSET, REPORTS
from invest.jobs.reports.arguments import Language, Provider, Report
from invest.jobs.reports.keeping import keep, new_report_id, payloads_of
from invest.reports import (
    AssetReportData,
    build_asset_view,
)
from invest.settings import Settings
from invest.store import Store

DOLLAR = "sgs:1"  # PTAX, sale: BRL for one US dollar


WORTHS_BACK = timedelta(days=5 * 366)


DOLLAR_BACK = timedelta(days=400)


NEWS_READ = 30  # of which the most telling ones are shown


DIVIDEND_YEARS = 5  # whole years of dividends beside the running one


async def asset_report(
    ctx: Context, ticker: str, providers: Sequence[str] | None, language: str, *, named: str | None
) -> dict[str, Any]:
    """Analyse, ask, write and keep; the contract's shape of a report, with its Markdown as `content`."""
    analysis = await analyse_one(ctx, ticker, include_ai=False, keep=True)
    answers = await ask_of(ctx, analysis, providers, language)
    return await write_asset_report(ctx, analysis, answers, language, named=named)


async def ask_of(ctx: Context, analysis: Analysis, providers: Sequence[str] | None, language: str) -> Answers:
    """What the AIs say; nobody is asked whether an index, or an ETF that follows the IBOV, beats the IBOV."""
    if not is_asked(analysis):
        nobody = AiConsensus(ticker=analysis.ticker, asked=0, answered=0, quorum=False, headline="0 of 0 answered")
        return Answers((), nobody)
    return await ask(ctx, analysis, providers, language)


async def write_asset_report(
    ctx: Context, analysis: Analysis, answers: Answers, language: str, *, named: str | None
) -> dict[str, Any]:
    """Write the report of an analysis and its opinions."""
    data = await asset_data(ctx, analysis, answers, language, named)
    view = await asyncio.to_thread(build_asset_view, data)
    return await keep(ctx, view, tickers=[analysis.ticker], ai_provider=named)


async def asset_data(
    ctx: Context, analysis: Analysis, answers: Answers, language: str, named: str | None
) -> AssetReportData:
    """Everything the report of one asset shows, read at once."""
    data = await stored_of_asset(ctx.use(Store), ctx.use(Settings), analysis, language, report_id=new_report_id())
    return replace(
        data,
        ai_provider=named,
        opinions=answers.opinions,
        ai_consensus=answers.consensus,
        benchmark=answers.benchmark,
        objection=answers.objection.argument if answers.objection else None,
        objection_by=answers.objection.provider if answers.objection else None,
    )


async def stored_of_asset(
    store: Store, settings: Settings, analysis: Analysis, language: str, *, report_id: str
) -> AssetReportData:
    """What is stored of an asset beside its analysis, for its report and its page: all but what the AIs say."""
    ticker, since = analysis.ticker, settings.now().date().replace(month=1, day=1)
    inputs, actions, news, latest, track, peers = await asyncio.gather(
        load_inputs(store, settings, [ticker]),
        store.actions.of(ticker, since=since.replace(year=since.year - DIVIDEND_YEARS)),
        store.news.latest(ticker, limit=NEWS_READ),
        store.observations.latest(ticker),
        track_rows(store),
        peers_of(store, analysis),
    )
    given = inputs[ticker]
    dollar, holdings, programme, worths, ended = await asyncio.gather(
        store.macro.read(DOLLAR, since=(settings.now() - DOLLAR_BACK).date()),
        store.funds.portfolio(ticker),
        store.receipts.programme(ticker),
        unit_worths(store, analysis.kind, ticker, settings.now()),
        delisting_of(store, given.asset),
    )
    return AssetReportData(
        report_id=report_id,
        generated_at=datetime.now(UTC),
        language=language,
        sandbox=settings.sandbox,
        payloads=await payloads_of(store, [analysis], latest.values()),
        analysis=analysis,
        bars=given.bars,
        asset=given.asset,
        history=await asyncio.to_thread(history_of, given, dollar, worths),
        peers=peers,
        holdings=holdings,
        programme=programme,
        delisting=ended,
        actions=actions,
        news=news,
        track_record=track,
        quality=list(latest.values()),
    )


async def delisting_of(store: Store, asset: Asset | None) -> Delisting | None:
    """How an asset ended that trades no more; None for one that is traded."""
    if asset is None or asset.active:
        return None
    return next(iter(await store.assets.delistings([asset.ticker])), None)


async def unit_worths(store: Store, kind: AssetKind, ticker: str, now: datetime) -> dict[date, float]:
    """What a real-estate fund's unit was worth by the end of each month on record; empty for other kinds."""
    if kind is not AssetKind.FII:
        return {}
    known = await store.observations.series(ticker, "bvps", since=now - WORTHS_BACK)
    return {market_day(at): float(value) for at, value in known}


@REPORTS.job(retry=PER_ASSET, give_up_on=NEVER)
async def generate_report_async(
    ctx: Context, ticker: Ticker, ai_provider: Provider = "openai", language: Language = "pt-BR"
) -> Report:
    """The report of one asset with one AI's opinion, and what the local rules make of the same facts beside it."""
    return await asset_report(ctx, ticker, [ai_provider], language, named=ai_provider)
