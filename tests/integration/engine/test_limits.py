"""max_running, rate, priority and pauses: what holds back, what is handed on, what autoscaling makes of it."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable, Iterator

import pytest

from invest.engine import Context, Invest, JobState, Queue, Rate, Retry, keys, registry, wanted
from invest.errors import NotFound
from invest.settings import Settings
from tests.integration.engine.engine_kit import drained, until, working

Make = Callable[..., Settings]
limited = Queue("limited", concurrency=10, timeout=20, soft_timeout=None, retry=Retry(retries=0))
order: list[str] = []
starts: list[float] = []
now = {"running": 0, "most": 0}


@limited.job(max_running=1)
async def lim_narrow(ctx: Context, name: str, seconds: float = 0.05) -> str:
    order.append(name)
    now["running"] += 1
    now["most"] = max(now["most"], now["running"])
    try:
        await asyncio.sleep(seconds)
    finally:
        now["running"] -= 1
    return name


@limited.job(rate="20/s")
async def lim_rated(ctx: Context, name: str) -> str:
    order.append(name)
    starts.append(time.monotonic())
    return name


@limited.job()
async def lim_plain(ctx: Context, name: str, seconds: float = 0.0) -> str:
    order.append(name)
    await asyncio.sleep(seconds)
    return name


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    for job in limited.jobs.values():  # again, where this process ran other modules in between
        registry.add(job)
    order.clear()
    starts.clear()
    now.update(running=0, most=0)
    yield
    registry.remove(*limited.jobs.values())


@pytest.fixture
def known(settings: Make, redis_url: str) -> Settings:
    return settings(redis={"url": redis_url}, engine={"lease": 2, "grace": 2})


async def parked(invest: Invest, name: str = "lim_narrow") -> int:
    return int(await invest.redis.zcard(keys.PARKED + name))


async def test_whatever_ends_a_job_that_was_let_through_the_next_one_gets_its_turn(known: Settings) -> None:
    async with Invest.connect(known) as invest, working(known, [limited]):
        first = await invest.enqueue(lim_narrow("first", 0.3))
        cancelled = await invest.enqueue(lim_narrow("cancelled"))
        expired = await invest.enqueue(lim_narrow("expired").with_options(expires=0.05))
        last = await invest.enqueue(lim_narrow("last"))
        await until(lambda: parked(invest))
        await cancelled.cancel()
        assert await last.result(timeout=10) == "last"
        assert (await expired.status()).state is JobState.CANCELLED
        assert await first.result(timeout=5) == "first"
        assert order == ["first", "last"] and await parked(invest) == 0
        assert await invest.redis.zcard(keys.RUNNING + "lim_narrow") == 0


async def test_a_purge_leaves_no_turn_taken(known: Settings) -> None:
    async with Invest.connect(known) as invest, working(known, [limited]):
        await invest.enqueue_many(lim_narrow(str(i), 0.2) for i in range(30))
        await until(lambda: parked(invest))
        assert await invest.purge("limited") == 29
        assert await (await invest.enqueue(lim_narrow("after"))).result(timeout=5) == "after"


async def test_a_raised_limit_takes_effect_at_once_and_a_dropped_one_frees_all(
    known: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Invest.connect(known) as invest, working(known, [limited]):
        jobs = await invest.enqueue_many(lim_narrow(str(i), 0.1) for i in range(12))
        await until(lambda: parked(invest))
        monkeypatch.setattr(lim_narrow, "max_running", 4)
        await asyncio.gather(*(job.result(timeout=10) for job in jobs[:8]))
        assert now["most"] == 4
    monkeypatch.setattr(lim_narrow, "max_running", 1)
    async with Invest.connect(known) as invest, working(known, [limited]):
        more = await invest.enqueue_many(lim_narrow(str(i), 0.5) for i in range(8))
        await until(lambda: parked(invest))
        monkeypatch.setattr(lim_narrow, "max_running", None)
        await asyncio.gather(*(job.result(timeout=25) for job in more))
        assert now["most"] > 4, "a sweep lets all go whose name has no limit any more"


async def test_the_urgent_go_first_among_parked_and_rated_jobs(known: Settings) -> None:
    async with Invest.connect(known) as invest, working(known, [limited]):
        await invest.enqueue_many(lim_narrow(f"low{i}", 0.05).with_options(priority=-1) for i in range(6))
        await invest.enqueue_many(lim_rated(f"rated{i}") for i in range(20))
        await until(lambda: parked(invest))
        urgent = await invest.enqueue(lim_narrow("urgent", 0.01).with_options(priority=1))
        quick = await invest.enqueue(lim_rated("quick").with_options(priority=1))
        await urgent.result(timeout=10)
        await quick.result(timeout=10)
        narrow = [name for name in order if name.startswith(("low", "urgent"))]
        assert narrow.index("urgent") <= 2
        assert [n for n in order if n.startswith(("rated", "quick"))].index("quick") <= 10


async def test_low_priority_rises_with_age(known: Settings) -> None:
    async with Invest.connect(known) as invest:
        low = await invest.enqueue(lim_plain("low").with_options(priority=-1))
        async with working(known, [limited], concurrency=1):
            deadline = time.monotonic() + 12
            while not (await low.status()).final:
                assert time.monotonic() < deadline, "it starved"
                if (await invest.inspect.queues())["limited"].waiting < 20:
                    await invest.enqueue_many(lim_plain("busy", 0.02).with_options(priority=1) for _ in range(20))
                await asyncio.sleep(0.05)
            await invest.purge("limited")
        assert order.index("low") > 20, "the urgent go first all the same"


async def test_no_window_sees_more_starts_than_the_rate_allows_also_after_a_purge_and_a_pause(known: Settings) -> None:
    async with Invest.connect(known) as invest, working(known, [limited]):
        await invest.enqueue_many(lim_rated(str(i)) for i in range(60))
        await until(lambda: parked(invest, "lim_rated"))
        await invest.pause("limited")
        await asyncio.sleep(0.3)
        await invest.resume("limited")
        await asyncio.sleep(0.3)
        await invest.purge("limited")
        begun = time.monotonic()
        assert await (await invest.enqueue(lim_rated("after"))).result(timeout=5) == "after"
        assert time.monotonic() - begun < 1, "what was purged has reserved nothing"
    gaps = [b - a for a, b in itertools.pairwise(starts)]
    assert len(starts) > 4 and min(gaps) > 0.05 * 0.5, "evenly spaced, but for the event loop's own delays"


def test_a_rate_is_rounded_so_that_it_is_never_exceeded() -> None:
    assert Rate(3, 1).interval_ms * 3 >= 1000 and Rate(7, 60).interval_ms * 7 >= 60_000


async def test_a_paused_queue_keeps_what_waits_and_goes_on_where_it_stopped(known: Settings) -> None:
    async with Invest.connect(known) as invest, working(known, [limited]):
        running = await invest.enqueue(lim_plain("running", 0.5))
        await until(lambda: _is_running(invest))
        assert await invest.pause("limited") and not await invest.pause("limited")
        waiting = await invest.enqueue_many(lim_plain(str(i)) for i in range(5))
        assert await running.result(timeout=5) == "running", "what runs goes on"
        await asyncio.sleep(1.2)
        stats = (await invest.inspect.queues())["limited"]
        assert (stats.paused, stats.waiting, stats.runnable) == (True, 5, 0)
        assert await invest.resume("limited")
        assert [await job.result(timeout=5) for job in waiting] == ["0", "1", "2", "3", "4"]
        with pytest.raises(NotFound):
            await invest.pause("nowhere")


async def _is_running(invest: Invest) -> bool:
    return bool(await invest.inspect.active())


async def test_autoscaling_counts_what_could_run(known: Settings) -> None:
    async with Invest.connect(known) as invest:
        await invest.enqueue_many(lim_narrow(str(i)) for i in range(200))
        stats = (await invest.inspect.queues())["limited"]
        assert (stats.waiting, stats.runnable) == (200, 1)
        assert wanted([stats], 4, 1, 1, 10) == 1
        await invest.enqueue_many(lim_plain(str(i)) for i in range(40))
        assert wanted([(await invest.inspect.queues())["limited"]], 4, 1, 1, 10) == 10
        await invest.pause("limited")
        assert wanted([(await invest.inspect.queues())["limited"]], 4, 1, 1, 10) == 1
        await invest.resume("limited")
        await invest.purge("limited")


async def test_a_burst_runs_what_is_held_back_to_its_end(known: Settings) -> None:
    async with Invest.connect(known) as invest:
        await invest.enqueue_many(
            [*(lim_narrow(str(i), 0.01) for i in range(5)), *(lim_rated(str(i)) for i in range(5))]
        )
        await drained(known, [limited])
        assert len(order) == 10 and await parked(invest) == 0 and now["most"] == 1
