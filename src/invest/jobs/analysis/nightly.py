"""The AIs' nightly run: questions in batches at half the price in the evening, reports when their answers are there.

Off unless `ai.nightly` names assets and a provider has `batch = true`. One run at a time is kept in Redis: its assets
and its open batches. A batch that is late does not hold the reports up: what it has not answered is asked directly.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

import orjson
import structlog
from redis.asyncio import Redis

from invest.ai import Analysts, OpenBatch
from invest.engine import Context, registry
from invest.errors import InvestError
from invest.jobs.analysis.analyses import analyse_many, snapshot_of
from invest.jobs.queues import ANALYSIS, NEVER, PERIODIC
from invest.jobs.results import NightlyAsked, NightlyCollected
from invest.settings import Settings

RUN: Final = "invest:ai:nightly"  # JSON: begun, language, assets that wait for their reports, open batches
KEEP_S: Final = 4 * 86_400
LOST_H: Final = 48.0  # no vendor promises more than a day
REPORT: Final = "generate_multi_ai_analysis"
log = structlog.get_logger(__name__)


@ANALYSIS.job(retry=PERIODIC, key="ai-nightly", give_up_on=NEVER, cron="30 20 * * mon-fri")
async def ask_ais_nightly(ctx: Context) -> NightlyAsked:
    """Send the AIs' questions on the assets of `ai.nightly` ahead, in batches at half the price.

    Does nothing where none is named, no provider takes batches, or the run before has not ended.
    """
    settings, analysts, redis = ctx.use(Settings), ctx.use(Analysts), ctx.invest.redis
    named = list(dict.fromkeys(settings.ai.nightly))
    if not (named and analysts.batching) or await redis.exists(RUN):
        return NightlyAsked(assets=0, batches=0, questions=0, timestamp=datetime.now(UTC))
    analyses = await analyse_many(ctx, named, keep=False)
    snapshots = [await snapshot_of(ctx, analysis, settings.language) for analysis in analyses.values()]
    batches = await analysts.ask_ahead(snapshots, settings.language)
    await _keep(redis, {"begun": datetime.now(UTC).timestamp(), "assets": list(analyses), "batches": _records(batches)})
    questions = sum(len(batch.held) for batch in batches)
    return NightlyAsked(assets=len(analyses), batches=len(batches), questions=questions, timestamp=datetime.now(UTC))


@ANALYSIS.job(retry=PERIODIC, key="ai-nightly-collect", give_up_on=NEVER, cron="*/10 * * * *", catch_up="skip")
async def collect_ais_nightly(ctx: Context) -> NightlyCollected:
    """Fetch what the AIs' batches have answered; once all have, or are late, order the assets' reports."""
    settings, analysts, redis = ctx.use(Settings), ctx.use(Analysts), ctx.invest.redis
    raw = await redis.get(RUN)
    if raw is None:
        return NightlyCollected(answers=0, running=0, reports=0, timestamp=datetime.now(UTC))
    run: dict[str, Any] = orjson.loads(raw)
    hours = (datetime.now(UTC).timestamp() - run["begun"]) / 3600
    late, answers, running = hours >= settings.ai.batch_hours, 0, []
    for batch in _batches(run["batches"]):
        try:
            found = await analysts.collect(batch, late=late, lost=hours >= LOST_H)
        except InvestError as error:
            log.warning("a batch cannot be looked at", provider=batch.provider, reason=str(error))
            found = None
        answers += found or 0
        running += [batch] if found is None else []
    reports = 0
    if late or not running:
        for ticker in run["assets"]:  # the id makes a repeat of this job order nothing twice
            call = registry.job(REPORT)(ticker).with_options(id=f"nightly-{run['begun']:.0f}-{ticker}")
            await ctx.invest.enqueue(call)
            reports += 1
        run["assets"] = []
    if running:
        await _keep(redis, {**run, "batches": _records(running)})
    else:
        await redis.delete(RUN)
    return NightlyCollected(answers=answers, running=len(running), reports=reports, timestamp=datetime.now(UTC))


async def _keep(redis: Redis, run: dict[str, Any]) -> None:
    await redis.set(RUN, orjson.dumps(run, default=str), ex=KEEP_S)


def _records(batches: list[OpenBatch]) -> list[dict[str, Any]]:
    return [asdict(batch) for batch in batches]


def _batches(records: list[dict[str, Any]]) -> list[OpenBatch]:
    return [OpenBatch(one["provider"], one["batch_id"], one["held"], Decimal(one["most"])) for one in records]
