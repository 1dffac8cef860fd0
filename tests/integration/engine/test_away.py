"""A server that jobs need goes away: nothing is charged, nothing buried, nothing claimed until it is back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from invest.engine import Context, Invest, JobState, Queue, Resources, Retry, group, job_head
from invest.engine.redis import keys
from invest.engine.worker import execution, waiting
from invest.errors import PoolFull, ServerAway, Unreachable
from invest.settings import Settings
from tests.integration.engine.engine_kit import working

Make = Callable[..., Settings]
away = Queue("away", concurrency=3, timeout=20, soft_timeout=None, retry=Retry(retries=1, delay=0.01))
down: list[bool] = [False]
started: list[str] = []


@away.job()
async def away_store(ctx: Context, how: str = "plain") -> str:
    """Needs a server that may be away."""
    started.append(ctx.job_id)
    if down[0]:
        await asyncio.sleep(0.05)
        if how == "group":
            raise ExceptionGroup("several", [ServerAway("10.0.0.9 does not answer", server="PostgreSQL")])
        if how == "wrapped":
            raise ValueError("could not be stored") from ServerAway("away")
        if how == "full":
            raise PoolFull("all 4 are in use")
        if how == "redis":
            raise RedisConnectionError("refused")
        raise ServerAway("10.0.0.9 does not answer", server="PostgreSQL")
    return how


@away.job()
async def away_upstream(ctx: Context) -> str:
    """Needs somebody else's server."""
    raise Unreachable("an upstream does not answer")


@away.job()
async def away_caller(ctx: Context) -> str | None:
    """On whose behalf."""
    return ctx.caller


@pytest.fixture
def known(settings: Make, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setattr(execution, "AWAY_PAUSE_MS", 20)
    monkeypatch.setattr(waiting, "LOOK", 0.1)
    started.clear()
    down[0] = False
    return settings(redis={"url": redis_url}, engine={"lease": 2, "grace": 2})


async def check() -> None:
    if down[0]:
        raise ServerAway("still away")


@asynccontextmanager
async def checked(_: Settings) -> AsyncIterator[Resources]:
    held = Resources()
    held.add_check(check)
    yield held


async def test_jobs_that_meet_an_absent_server_come_back_uncharged(known: Settings) -> None:
    down[0] = True
    async with Invest.connect(known) as invest, working(known, (away,)):
        jobs = [await invest.enqueue(away_store(how)) for how in ("plain", "group", "wrapped", "redis")]
        async with asyncio.timeout(10):
            while len(started) < 40:  # noqa: ASYNC110 - far beyond attempts and crashes together
                await asyncio.sleep(0.02)
        assert not (await invest.dead.page()).items
        down[0] = False
        assert [await job.result(timeout=10) for job in jobs] == ["plain", "group", "wrapped", "redis"]
        for job in jobs:
            status = await job.status()
            assert status.attempt == 1 and len(status.history) == 0


async def test_an_upstreams_absence_is_an_attempt_like_any_failure(known: Settings) -> None:
    async with Invest.connect(known) as invest, working(known, (away,)):
        job = await invest.enqueue(away_upstream())
        async with asyncio.timeout(10):
            while (await job.status()).state is not JobState.FAILED:  # noqa: ASYNC110 - asks Redis
                await asyncio.sleep(0.02)
        assert (await job.status()).attempt == 2


async def test_nothing_is_claimed_while_the_server_is_away(known: Settings) -> None:
    down[0] = True
    async with Invest.connect(known) as invest, working(known, (away,), resources=checked):
        whole = await invest.enqueue(group([away_store(str(n)) for n in range(200)]))
        await asyncio.sleep(1.5)
        assert 1 <= len(started) <= 6  # what ran when it went away, and hardly more
        down[0] = False
        assert len(await whole.result(timeout=20)) == 200
        assert not (await invest.dead.page()).items


async def test_a_full_pool_is_nobodys_fault_and_makes_no_other_job_wait(known: Settings) -> None:
    down[0] = True
    async with Invest.connect(known) as invest, working(known, (away,), resources=checked):
        job = await invest.enqueue(away_store("full"))
        async with asyncio.timeout(10):
            while len(started) < 10:  # noqa: ASYNC110 - far beyond its attempts
                await asyncio.sleep(0.02)
        assert await (await invest.enqueue(away_caller())).result(timeout=10) is None
        down[0] = False
        assert await job.result(timeout=10) == "full"
        status = await job.status()
        assert status.attempt == 1 and not (await invest.dead.page()).items


async def test_a_job_and_its_steps_run_on_behalf_of_their_caller(known: Settings) -> None:
    async with Invest.connect(known) as invest, working(known, (away,)):
        job = await invest.enqueue(away_caller(), caller="key1")
        assert await job.result(timeout=10) == "key1" and (await job.status()).caller == "key1"
        steps = await invest.enqueue(group([away_caller(), away_caller()]), caller="key2")
        assert await steps.result(timeout=10) == ["key2", "key2"]
        alone = await invest.enqueue(away_caller())
        assert await alone.result(timeout=10) is None and (await alone.status()).caller is None


async def test_a_payload_that_redis_lost_is_put_back(known: Settings) -> None:
    @asynccontextmanager
    async def remembering(_: Settings) -> AsyncIterator[Resources]:
        held = Resources()

        async def find(job_id: str) -> bytes | None:
            return job_head("away_store", b'{"how":"again"}') + b"1}" if job_id == "lost" else None

        held.add_payloads(find)
        yield held

    async with Invest.connect(known) as invest:
        job = await invest.enqueue(away_store("first").with_options(id="lost"))
        record = await invest.enqueue(away_store("second").with_options(id="gone"))
        assert await invest.redis.delete(keys.ARQ_JOB + "lost", keys.ARQ_JOB + "gone") == 2
        await invest.redis.hset(keys.JOB + "gone", mapping={"et": "1000"})  # type: ignore[misc] # long ago: history would know
        async with working(known, (away,), resources=remembering):
            assert await job.result(timeout=10) == "again"
            async with asyncio.timeout(10):
                while (await record.status()).state is not JobState.FAILED:  # noqa: ASYNC110 - asks Redis
                    await asyncio.sleep(0.02)
        assert (await record.status()).error is not None
