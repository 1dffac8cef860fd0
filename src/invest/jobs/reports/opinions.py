"""Ask several AIs about one asset at the same time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from invest.domain.market import Ticker
from invest.domain.opinions import Opinion
from invest.engine import Context
from invest.jobs.analysis import analyse_one, opinion_brief
from invest.jobs.queues import FAN_OUT_SOON, NEVER, REPORTS
from invest.jobs.reports.arguments import Language, Provider
from invest.jobs.reports.asset_reports import ask_of, write_asset_report
from invest.jobs.results import MultiAi
from invest.reports import reason_in
from invest.settings import Settings


@REPORTS.job(retry=FAN_OUT_SOON, give_up_on=NEVER)
async def generate_multi_ai_analysis(
    ctx: Context, ticker: Ticker, providers: list[Provider] | None = None, language: Language | None = None
) -> MultiAi:
    """What several AIs think of one asset, asked at the same time on the same numbers, and their consensus.

    Without a `language` they answer in the one of the settings.
    """
    return await multi_ai(ctx, ticker, providers, language)


async def multi_ai(ctx: Context, ticker: str, providers: Sequence[str] | None, language: str | None = None) -> MultiAi:
    """Ask the named AIs (or all configured ones) at the same time; one that fails is named and hides nobody."""
    settings = ctx.use(Settings)
    language = language or settings.language
    analysis = await analyse_one(ctx, ticker, include_ai=False, keep=True)
    answers = await ask_of(ctx, analysis, providers, language)
    report = await write_asset_report(ctx, analysis, answers, language, named="multi")
    return MultiAi(
        ticker=ticker,
        providers=[o.provider for o in answers.opinions],
        analyses={o.provider: answer_of(o, settings.language) for o in answers.opinions},
        consensus=answers.consensus.model_dump(mode="json"),
        report_id=report["report_id"],
        timestamp=datetime.now(UTC),
        sandbox=settings.sandbox,
    )


def answer_of(opinion: Opinion, language: str) -> dict[str, Any]:
    """One provider's part of a multi-AI analysis: its opinion, or its error and, in `language`, what to do about it."""
    if opinion.valid:
        return opinion_brief(opinion)
    return {
        "error": opinion.reason or opinion.status.value,
        "code": opinion.reason_code,
        "message": reason_in(opinion, language),
        "status": opinion.status.value,
        "provider": opinion.provider,
        "model": opinion.model,
        "seconds": opinion.seconds,
    }
