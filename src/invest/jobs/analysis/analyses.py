"""Analyse one asset, many, a whole market, or several side by side."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from invest.ai import PAYER, Analysts
from invest.domain.analysis import (
    Analysis,
    AnalysisInput,
    Comparison,
    Criterion,
    Recommendation,
    all_sector_stats,
    analyse,
    compare,
)
from invest.domain.market import AssetKind, Market, Ticker
from invest.domain.opinions import AiConsensus, Objection, Opinion, Snapshot, build_snapshot, pool, rated
from invest.engine import Context, Workflow
from invest.jobs.analysis.track_record import learnt
from invest.jobs.callers import may_ask, payer_of
from invest.jobs.fan_out import fan_out, split
from invest.jobs.input_reader import InputReader
from invest.jobs.loading import BARS_BACK, Shared, load_inputs, load_shared, never_collected, peers_key
from invest.jobs.queues import ANALYSIS, FAN_OUT, NEVER, PER_ANALYSIS, PERIODIC
from invest.jobs.results import (
    BatchAnalysed,
    TickerError,
)
from invest.settings import Settings
from invest.store import Store

PAGE = 50  # assets read and computed at a time: bounds memory, keeps the loop free between pages


def _analyse_all(inputs: Sequence[AnalysisInput]) -> list[Analysis]:
    return [analyse(given) for given in inputs]


async def analyse_many(ctx: Context, tickers: Sequence[str], *, keep: bool = True) -> dict[str, Analysis]:
    """Analyses by ticker, in the order asked. Raises `NotFound` for one that was never collected."""
    store, settings, reader = ctx.use(Store), ctx.use(Settings), ctx.use(InputReader)
    done: dict[str, Analysis] = {}
    shared: Shared | None = None
    for at in range(0, len(tickers), PAGE):
        page = tickers[at : at + PAGE]
        if len(tickers) == 1:  # one of many such jobs, perhaps: they read together
            analyses = await _analysed(page, await reader.inputs(page))
        else:
            shared = shared or await load_shared(store, settings, (settings.now() - BARS_BACK).date())
            async with reader.pages:
                analyses = await _analysed(page, await load_inputs(store, settings, page, shared))
        stamped = [stamp(a, ctx.job_id) for a in analyses]
        done.update({a.ticker: a for a in stamped})
        if keep:
            await store.analyses.save(*stamped)
        await ctx.progress(len(done), len(tickers), "analysing")
    return done


async def _analysed(tickers: Sequence[str], inputs: Mapping[str, AnalysisInput]) -> list[Analysis]:
    """A page's analyses, in its order. Raises `NotFound` for an asset without inputs."""
    if missing := [t for t in tickers if t not in inputs]:
        raise never_collected(missing[0])
    return await asyncio.to_thread(_analyse_all, [inputs[t] for t in tickers])


def stamp(analysis: Analysis, job_id: str) -> Analysis:
    """The analysis under an id of its job (a retry replaces, another job adds), at the time it was made."""
    ident = hashlib.sha256(f"{job_id}|{analysis.ticker}".encode()).hexdigest()[:20]
    return analysis.model_copy(update={"analysis_id": f"a_{ident}", "analyzed_at": datetime.now(UTC)})


async def analyse_market(ctx: Context, market: Market) -> list[Analysis]:
    """Analyses of every active asset of a market that was collected; what is usual in each sector is kept."""
    store = ctx.use(Store)
    assets = await store.assets.list(market=market, active=True)
    collected = await store.bars.last_days([a.ticker for a in assets])
    analyses = list((await analyse_many(ctx, sorted(collected))).values())
    peers = {sector: stats.model_dump(mode="json") for sector, stats in all_sector_stats(analyses).items()}
    await store.analyses.save_ranking(peers_key(market), peers, datetime.now(UTC))
    return analyses


async def analyse_one(
    ctx: Context, ticker: str, *, include_ai: bool, keep: bool, language: str | None = None
) -> Analysis:
    """One analysis; with `include_ai`, all configured AIs are asked and their consensus is put beside it."""
    analysis = (await analyse_many(ctx, [ticker], keep=keep))[ticker]
    if not include_ai:
        return analysis
    answers = await ask(ctx, analysis, None, language or ctx.use(Settings).language)
    opinions = [opinion_brief(o) for o in answers.opinions]
    block = {"consensus": answers.consensus.model_dump(mode="json"), "opinions": opinions}
    if answers.benchmark is not None:
        block["benchmark"] = opinion_brief(answers.benchmark)
    return analysis.model_copy(update={"ai": block})


@dataclass(frozen=True, slots=True)
class Answers:
    """The AIs' opinions of one asset, their consensus and, where it was asked for, the objection to it.

    `benchmark` is what the local rules make of the same facts: shown beside them, without a vote.
    """

    opinions: Sequence[Opinion]
    consensus: AiConsensus
    objection: Objection | None = None
    benchmark: Opinion | None = None


async def ask(ctx: Context, analysis: Analysis, providers: Sequence[str] | None, language: str) -> Answers:
    """Ask `providers`, or every enabled AI, at once on the same numbers; every answer is kept, valid or not."""
    store, settings, analysts = ctx.use(Store), ctx.use(Settings), ctx.use(Analysts)
    known, snapshot = await asyncio.gather(learnt(store), snapshot_of(ctx, analysis, language))
    await may_ask(ctx)
    PAYER.set(await payer_of(ctx))  # every job runs in a context of its own
    given, rules = await asyncio.gather(
        analysts.ask(snapshot, providers=providers_for(settings, providers), language=language),
        analysts.benchmark(snapshot, language),
    )
    opinions = [rated(opinion, known.extremity) for opinion in given]
    benchmark = rated(rules, known.extremity) if rules is not None else None
    shown = [*opinions, *([benchmark] if benchmark is not None else [])]
    consensus = pool(shown, known.skills, settings.ai.quorum, extremity=known.extremity, rho=known.rho)
    await store.opinions.append(*shown)
    if consensus.asked:
        asked_at = max(o.asked_at for o in opinions)
        ident = f"{ctx.job_id}:{ctx.attempt}:{analysis.ticker}"
        await store.opinions.append_consensus(ident, consensus, asked_at, sandbox=settings.sandbox)
    wanted = settings.ai.counter_argument and consensus.quorum
    objection = await analysts.object(snapshot, consensus, opinions, language) if wanted else None
    return Answers(opinions, consensus, objection, benchmark)


async def snapshot_of(ctx: Context, analysis: Analysis, language: str) -> Snapshot:
    """What the AIs are told of an asset."""
    news = await ctx.use(Store).news.latest(analysis.ticker, limit=6)
    return build_snapshot(analysis.model_copy(update={"analyzed_at": ctx.use(Settings).now()}), news, language)


def providers_for(settings: Settings, asked: Sequence[str] | None) -> list[str]:
    """The analysts to ask: those named and no other, else every enabled AI; the local rules are none."""
    if asked:
        return list(dict.fromkeys(asked))
    return [name for name, given in settings.ai.providers.items() if given.enabled and given.kind != "rules"]


def opinion_brief(opinion: Opinion) -> dict[str, Any]:
    """An opinion without its prompt and raw answer."""
    return opinion.model_dump(mode="json", exclude={"raw_prompt", "raw_answer"})


class AnalysisLine(BaseModel):
    """What a batch keeps of an analysis; the sixty facts beside it are not read."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    analysis_id: str
    ticker: str
    kind: AssetKind
    overall_score: float | None
    recommendation: Recommendation
    coverage: float
    price: float | None
    analyzed_at: AwareDatetime


def brief(analysis: AnalysisLine) -> dict[str, Any]:
    """An analysis in one line: for batches and lists."""
    return {
        "analysis_id": analysis.analysis_id,
        "ticker": analysis.ticker,
        "kind": analysis.kind.value,
        "overall_score": analysis.overall_score,
        "recommendation": analysis.recommendation.value,
        "coverage": analysis.coverage,
        "price": analysis.price,
        "analyzed_at": analysis.analyzed_at.isoformat(),
    }


Tickers = Annotated[list[Ticker], Field(min_length=1, max_length=5000)]


TwoOrMore = Annotated[list[Ticker], Field(min_length=2, max_length=50)]


@ANALYSIS.job(retry=PER_ANALYSIS, give_up_on=NEVER)
async def analyze_asset_async(
    ctx: Context, ticker: Ticker, include_ai: bool = False, cache_result: bool = True
) -> Analysis:
    """Figures, scores and verdict of one asset from what is stored; with `include_ai`, what the AIs think as well."""
    return await analyse_one(ctx, ticker, include_ai=include_ai, keep=cache_result)


@ANALYSIS.job(retry=PERIODIC, give_up_on=NEVER)
async def compare_assets_async(ctx: Context, tickers: TwoOrMore, criteria: list[Criterion] | None = None) -> Comparison:
    """Assets side by side, ranked by each criterion, with a winner."""
    unique = list(dict.fromkeys(tickers))
    analyses = await analyse_many(ctx, unique)
    return compare(list(analyses.values()), criteria=criteria, compared_at=datetime.now(UTC))


@ANALYSIS.job(retry=FAN_OUT, give_up_on=NEVER)
async def batch_analyze_assets(ctx: Context, tickers: Tickers, include_ai: bool = False) -> Workflow[BatchAnalysed]:
    """Analyse many assets: one job each, then one that gathers them. No slot waits meanwhile."""
    unique = list(dict.fromkeys(tickers))
    return fan_out((analyze_asset_async(t, include_ai=include_ai) for t in unique), finish_batch_analyze(unique))


@ANALYSIS.job(retry=PERIODIC, give_up_on=NEVER)
async def finish_batch_analyze(ctx: Context, tickers: Tickers) -> BatchAnalysed:
    """Gather a batch's analyses (the last step of `batch_analyze_assets`)."""
    analysed, errors = await split(ctx, tickers, AnalysisLine, brief)
    return BatchAnalysed(
        total=len(tickers),
        success=len(analysed),
        analyses=analysed,
        errors=[TickerError(ticker=ticker, error=error) for ticker, error in errors.items()],
        timestamp=datetime.now(UTC),
    )
