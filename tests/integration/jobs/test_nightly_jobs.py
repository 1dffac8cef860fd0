"""The AIs' nightly run: batches in the evening, reports once they are answered, nothing where it is off."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from invest.jobs.analysis.nightly import RUN, ask_ais_nightly, collect_ais_nightly
from invest.settings import Settings
from tests.integration.jobs.job_platform import Platform, running_platform, stock


async def test_without_assets_or_providers_the_nightly_run_does_nothing(stocked: Platform) -> None:
    asked = await stocked.run(ask_ais_nightly())
    assert (asked.assets, asked.batches) == (0, 0)
    assert (await stocked.run(collect_ais_nightly())).reports == 0


async def test_what_batches_answered_makes_the_reports_of_the_night(
    settings: Callable[..., Settings], redis_url: str, database_url: str, postgres_server: str
) -> None:
    database = await stock(settings, redis_url, database_url, postgres_server)

    def nightly(**given: Any) -> Settings:
        return settings(**given, ai={"nightly": ["PETR4"], "providers": {"anthropic": {"batch": True}}})

    async with running_platform(nightly, redis_url, database) as platform:
        asked = await platform.run(ask_ais_nightly())
        assert (asked.assets, asked.batches) == (1, 1) and asked.questions >= 1
        assert (await platform.run(ask_ais_nightly())).assets == 0  # one run at a time
        first = await platform.run(collect_ais_nightly())
        assert (first.running, first.reports) == (1, 0)
        second = await platform.run(collect_ais_nightly())
        assert (second.answers, second.running, second.reports) == (asked.questions, 0, 1)
        assert not await platform.invest.redis.exists(RUN)
        async with asyncio.timeout(60):
            while not (found := await paid(platform, "opinion")):  # noqa: ASYNC110 - asks the store
                await asyncio.sleep(0.1)
        assert "anthropic" not in found  # its answer was there already
        assert "anthropic" in await paid(platform, "batch")


async def paid(platform: Platform, purpose: str) -> set[str]:
    rows = await platform.store.database.fetch("SELECT DISTINCT provider FROM ai_call WHERE purpose = $1", purpose)
    return {row["provider"] for row in rows}
