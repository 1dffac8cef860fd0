"""How a client hears of the ends of its own jobs: on one channel, without a subscription or a question each."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from invest.engine import Invest, JobFailed
from invest.settings import Settings
from tests.integration.engine.engine_kit import drained, kit_add, kit_fatal, until, working

Make = Callable[..., Settings]


@pytest.fixture
def known(settings: Make, redis_url: str) -> Settings:
    return settings(redis={"url": redis_url}, engine={"lease": 2, "grace": 2})


async def heard(invest: Invest) -> None:
    async def watching() -> bool:
        return invest.ends.heard

    await (await invest.enqueue(kit_add(0))).result(timeout=10)
    await until(watching)


async def subscriptions(invest: Invest) -> int:
    stats = await invest.redis.info("commandstats")
    return int(stats["cmdstat_subscribe"]["calls"])


async def test_no_job_needs_a_subscription_of_its_own(known: Settings) -> None:
    async with Invest.connect(known) as invest, working(known):
        await heard(invest)
        before = await subscriptions(invest)
        jobs = [await invest.enqueue(kit_add(i)) for i in range(10)]
        assert [await job.result(timeout=10) for job in jobs] == [i + 1 for i in range(10)]
        assert await jobs[3].result(timeout=0) == 4
        assert await subscriptions(invest) == before


async def test_a_failure_is_told_as_often_as_it_is_asked_for(known: Settings) -> None:
    async with Invest.connect(known) as invest, working(known):
        await heard(invest)
        failing = await invest.enqueue(kit_fatal("asked"))
        for _ in range(3):
            with pytest.raises(JobFailed, match="asked"):
                await failing.result(timeout=10)


async def test_a_lost_connection_makes_waiters_look_for_themselves(known: Settings) -> None:
    async with Invest.connect(known) as invest:
        async with working(known):
            await heard(invest)
        job = await invest.enqueue(kit_add(1))
        waiting = asyncio.create_task(job.result(timeout=20))
        await asyncio.sleep(0)
        await invest.redis.client_kill_filter(_type="pubsub")
        await drained(known)
        assert await waiting == 2
