"""Reports of one asset: analysis and opinions -> view -> Markdown, stored whole, exported on demand."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from invest.domain.analysis import Analysis
from invest.domain.documents import StoredReport
from invest.domain.opinions import Opinion
from invest.domain.values import Consensus, RawPayload
from invest.engine import Context
from invest.errors import NotFound
from invest.jobs.analysing import Answers, analyse_one, ask, opinion_brief
from invest.jobs.results import Exported, MultiAi
from invest.jobs.track import track_rows
from invest.reports import (
    AnyView,
    AssetReportData,
    build_asset_view,
    contract_report,
    export_view,
    load_view,
    render_markdown,
)
from invest.settings import Settings
from invest.store import Store

BARS_BACK = timedelta(days=3 * 366)
DIVIDEND_YEARS = 5  # whole years of dividends beside the running one


def new_report_id() -> str:
    """A fresh report id."""
    return f"r_{uuid4().hex[:20]}"


def providers_for(settings: Settings, asked: Sequence[str] | None) -> list[str]:
    """The analysts to ask: those named, or all enabled ones; the local rules always stand beside them."""
    enabled = [name for name, provider in settings.ai.providers.items() if provider.enabled]
    chosen = list(dict.fromkeys(asked)) if asked else enabled
    if "rules" in enabled and "rules" not in chosen:
        chosen.append("rules")
    return chosen


async def asset_report(
    ctx: Context, ticker: str, providers: Sequence[str] | None, language: str, *, named: str | None
) -> dict[str, Any]:
    """Analyse, ask, write and keep; the contract's shape of a report, with its Markdown as `content`."""
    settings = ctx.use(Settings)
    analysis = await analyse_one(ctx, ticker, include_ai=False, keep=True)
    said = await ask(ctx, analysis, providers_for(settings, providers), language)
    return await write_asset_report(ctx, analysis, said, language, named=named)


async def write_asset_report(
    ctx: Context, analysis: Analysis, said: Answers, language: str, *, named: str | None
) -> dict[str, Any]:
    """The report of what was analysed and said."""
    data = await asset_data(ctx, analysis, said, language, named)
    view = await asyncio.to_thread(build_asset_view, data)
    return await keep(ctx, view, tickers=[analysis.ticker], ai_provider=named)


async def asset_data(
    ctx: Context, analysis: Analysis, said: Answers, language: str, named: str | None
) -> AssetReportData:
    """Everything the report of one asset shows, read at once."""
    store, settings = ctx.use(Store), ctx.use(Settings)
    ticker, since = analysis.ticker, settings.now().date().replace(month=1, day=1)
    bars, actions, news, latest, track = await asyncio.gather(
        store.bars.read(ticker, since=(settings.now() - BARS_BACK).date()),
        store.actions.of(ticker, since=since.replace(year=since.year - DIVIDEND_YEARS)),
        store.news.latest(ticker, limit=6),
        store.observations.latest(ticker),
        track_rows(store),
    )
    return AssetReportData(
        report_id=new_report_id(),
        generated_at=datetime.now(UTC),
        language=language,
        sandbox=settings.sandbox,
        ai_provider=named,
        payloads=await payloads_of(store, [analysis], latest.values()),
        analysis=analysis,
        bars=bars,
        opinions=said.opinions,
        ai_consensus=said.consensus,
        objection=said.objection.argument if said.objection else None,
        objection_by=said.objection.provider if said.objection else None,
        actions=actions,
        news=news,
        track_record=track,
        quality=list(latest.values()),
    )


async def payloads_of(store: Store, analyses: Iterable[Analysis], chosen: Iterable[Consensus] = ()) -> list[RawPayload]:
    """The payloads that facts and chosen values were read from, without their bytes."""
    hashes = {f.payload for a in analyses for f in a.facts if f.payload} | {c.payload for c in chosen if c.payload}
    return list((await store.payloads.describe(*sorted(hashes))).values())


async def keep(
    ctx: Context, view: AnyView, *, tickers: Sequence[str], ai_provider: str | None, portfolio_id: str | None = None
) -> dict[str, Any]:
    """Store a report whole and give it in the contract's shape."""
    content = await asyncio.to_thread(render_markdown, view)
    await ctx.use(Store).reports.save(
        StoredReport(
            report_id=view.report_id,
            report_type=view.report_type,
            tickers=tuple(tickers),
            portfolio_id=portfolio_id,
            language=view.language,
            ai_provider=ai_provider,
            generated_at=view.generated_at,
            sandbox=view.sandbox,
            view=view.model_dump(mode="json"),
            content=content,
        )
    )
    return contract_report(view, content)


async def multi_ai(ctx: Context, ticker: str, providers: Sequence[str] | None) -> MultiAi:
    """Ask the named AIs (or all configured ones) at the same time; one that fails is named and hides nobody."""
    settings = ctx.use(Settings)
    analysis = await analyse_one(ctx, ticker, include_ai=False, keep=True)
    said = await ask(ctx, analysis, providers_for(settings, providers), settings.language)
    report = await write_asset_report(ctx, analysis, said, settings.language, named="multi")
    return MultiAi(
        ticker=ticker,
        providers=[o.provider for o in said.opinions],
        analyses={o.provider: answer_of(o) for o in said.opinions},
        consensus=said.consensus.model_dump(mode="json"),
        report_id=report["report_id"],
        timestamp=datetime.now(UTC),
        sandbox=settings.sandbox,
    )


def answer_of(opinion: Opinion) -> dict[str, Any]:
    """One provider's part of a multi-AI analysis: its opinion, or its error."""
    if opinion.valid:
        return opinion_brief(opinion)
    return {
        "error": opinion.reason or opinion.status.value,
        "status": opinion.status.value,
        "provider": opinion.provider,
        "model": opinion.model,
        "seconds": opinion.seconds,
    }


async def export(ctx: Context, report_id: str, format: str, include_charts: bool) -> Exported:
    """Render a stored report into a file: kept in PostgreSQL, and written under the data folder where that can be."""
    store, settings = ctx.use(Store), ctx.use(Settings)
    stored = await store.reports.get(report_id)
    if stored is None:
        raise NotFound(f"no report {report_id!r}; `GET /api/v1/reports` lists those there are")
    file = await asyncio.to_thread(export_view, load_view(stored.view), format, include_charts=include_charts)
    kept = await store.reports.save_export(
        report_id, format, file.body, filename=file.name, content_type=file.media_type, include_charts=include_charts
    )
    path = settings.data_dir.resolve() / "exports" / file.name
    try:
        await asyncio.to_thread(_write, path, file.body)
        where = str(path)
    except OSError as error:  # a read-only or full disk: the file is in PostgreSQL all the same
        ctx.log.warning("export kept in the database only", path=str(path), error=str(error))
        where = f"/api/v1/reports/{report_id}/export?format={format}"
    return Exported(
        report_id=report_id,
        format=format,
        file_path=where,
        file_size=len(file.body),
        exported_at=datetime.now(UTC),
        sha256=kept.sha256,
        media_type=file.media_type,
    )


def _write(path: Any, body: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{uuid4().hex[:8]}")
    try:
        partial.write_bytes(body)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
