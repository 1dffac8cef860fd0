"""Jobs run under their policy: arguments, results, retries, limits, keys, rates, priorities."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from invest.engine import Invest, JobCancelled, JobFailed, JobState, Priority, ResultTimeout
from invest.errors import NotFound
from invest.settings import Settings
from tests.integration.engine.engine_kit import (
    Colour,
    Point,
    calls,
    drained,
    kit,
    kit_add,
    kit_fail,
    kit_fatal,
    kit_flaky,
    kit_hang,
    kit_later,
    kit_narrow,
    kit_progress,
    kit_raise,
    kit_rated,
    kit_result,
    kit_sleep,
    kit_soft,
    kit_typed,
    kit_unique,
    narrow,
    no_leftovers,
    other,
    other_echo,
    until_state,
    working,
)

Make = Callable[..., Settings]


@pytest.fixture
def known(settings: Make, redis_url: str) -> Settings:
    return settings(redis={"url": redis_url}, engine={"lease": 2, "grace": 2})


async def test_a_call_is_enqueued_run_and_its_result_read(known: Settings) -> None:
    async with Invest.connect(known) as invest, working(known):
        job = await invest.enqueue(kit_add(2, b=3))
        assert await job.result(timeout=10) == 5
        status = await job.status()
        assert (status.state, status.attempt, status.delivery) == (JobState.SUCCEEDED, 1, 1)
        assert status.kwargs == {"a": 2, "b": 3}
        assert status.enqueued_at and status.started_at and status.finished_at
        assert status.enqueued_at <= status.started_at <= status.finished_at
        await no_leftovers(invest)


async def test_enums_and_models_travel_as_json_and_come_back_typed(known: Settings) -> None:
    async with Invest.connect(known) as invest, working(known):
        job = await invest.enqueue(kit_typed(Colour.RED, Point(x=1, y=2), tags=["a", "b"]))
        assert await job.result(timeout=10) == Point(x=2, y=2)


async def test_many_calls_keep_their_order_and_all_run(known: Settings) -> None:
    async with Invest.connect(known) as invest:
        jobs = await invest.enqueue_many(kit_add(i) for i in range(1203))
        await drained(known)
        results = await asyncio.gather(*(job.result(timeout=10) for job in jobs))
        assert results == [i + 1 for i in range(1203)]
        await no_leftovers(invest)


async def test_a_failing_job_is_retried_then_buried_with_its_history(known: Settings) -> None:
    async with Invest.connect(known) as invest, working(known):
        job = await invest.enqueue(kit_fail("broken"))
        with pytest.raises(JobFailed, match="ValueError: broken") as failure:
            await job.result(timeout=10)
        assert failure.value.attempts == 3
        dead = await invest.dead.show(job.id)
        assert dead.attempt == 3
        assert [a.error.type for a in dead.history if a.error] == ["ValueError"] * 3
        assert dead.error is not None and dead.error.traceback is not None and "kit_fail" in dead.error.traceback


@pytest.mark.parametrize("how", ["declared", "asked", "group"])
async def test_what_can_never_succeed_is_not_retried(known: Settings, how: str) -> None:
    async with Invest.connect(known) as invest, working(known):
        with pytest.raises(JobFailed) as failure:
            await (await invest.enqueue(kit_fatal(how))).result(timeout=10)
        assert failure.value.attempts == 1
        assert not failure.value.retryable


async def test_retry_after_is_honoured_instead_of_the_backoff(known: Settings) -> None:
    async with Invest.connect(known) as invest, working(known):
        started = time.monotonic()
        assert await (await invest.enqueue(kit_later())).result(timeout=10) == 2
        assert 0.05 <= time.monotonic() - started < 5


async def test_a_flaky_job_succeeds_within_its_attempts(known: Settings) -> None:
    async with Invest.connect(known) as invest, working(known):
        assert await (await invest.enqueue(kit_flaky(3))).result(timeout=10) == 3


async def test_a_timeout_is_retried_then_buried(known: Settings) -> None:
    async with Invest.connect(known) as invest, working(known):
        with pytest.raises(JobFailed, match="TimeLimitExceeded") as failure:
            await (await invest.enqueue(kit_hang())).result(timeout=15)
        assert failure.value.attempts == 3


async def test_the_soft_limit_lets_a_job_tidy_up_and_is_not_swallowed_by_a_broad_except(known: Settings) -> None:
    async with Invest.connect(known) as invest, working(known):
        assert await (await invest.enqueue(kit_soft(True))).result(timeout=10) == "partial"
        with pytest.raises(JobFailed, match="SoftTimeLimitExceeded"):
            await (await invest.enqueue(kit_soft(False))).result(timeout=10)


@pytest.mark.parametrize("what", ["exit", "interrupt", "generator", "cancel", "base"])
async def test_a_job_that_raises_anything_harms_itself_only(known: Settings, what: str) -> None:
    async with Invest.connect(known) as invest, working(known):
        with pytest.raises((JobFailed, JobCancelled)):
            await (await invest.enqueue(kit_raise(what))).result(timeout=10)
        assert await (await invest.enqueue(kit_add(1))).result(timeout=10) == 2


@pytest.mark.parametrize(
    ("kind", "error"), [("big", "ResultTooLarge"), ("alien", "InvalidResult"), ("str", "InvalidResult")]
)
async def test_a_result_that_cannot_be_carried_is_a_dead_letter_with_its_reason(
    known: Settings, kind: str, error: str
) -> None:
    async with Invest.connect(known) as invest, working(known):
        job = await invest.enqueue(kit_result(kind))
        with pytest.raises(JobFailed, match=error):
            await job.result(timeout=10)
        assert (await invest.dead.show(job.id)).error is not None


async def test_a_unique_key_gives_the_job_that_holds_it_until_that_has_ended(known: Settings) -> None:
    async with Invest.connect(known) as invest:
        first = await invest.enqueue(kit_unique("a"))
        second = await invest.enqueue(kit_unique("a"))
        third = await invest.enqueue(kit_unique("b"))
        assert (first.id == second.id, second.new, third.new) == (True, False, True)
        await drained(known)
        again = await invest.enqueue(kit_unique("a"))
        assert again.new and again.id != first.id


async def test_the_same_id_is_the_same_job_however_often_it_is_enqueued(known: Settings) -> None:
    async with Invest.connect(known) as invest:
        call = kit_add(1).with_options(id="chosen")
        jobs = await asyncio.gather(*(invest.enqueue(call) for _ in range(20)))
        assert sum(job.new for job in jobs) == 1
        calls.clear()
        await drained(known)
        assert [c for c in calls if c[0] == "chosen"] == [("chosen", 1)]
        assert not (await invest.enqueue(call)).new


async def test_delayed_and_timed_jobs_wait_for_their_time(known: Settings) -> None:
    async with Invest.connect(known) as invest, working(known):
        soon = await invest.enqueue(kit_add(1).with_options(delay=0.3))
        at = await invest.enqueue(kit_add(2).with_options(at=datetime.now(UTC) + timedelta(hours=1)))
        assert (await soon.status()).state is JobState.SCHEDULED
        assert await soon.result(timeout=10) == 2
        status = await soon.status()
        assert (
            status.started_at
            and status.due_at
            and timedelta(0) <= status.started_at - status.due_at < timedelta(seconds=1)
        )
        assert (await at.status()).state is JobState.SCHEDULED
        assert await at.cancel()


async def test_a_job_that_could_not_start_in_time_is_cancelled_unrun(known: Settings) -> None:
    async with Invest.connect(known) as invest:
        job = await invest.enqueue(kit_add(77).with_options(expires=0.01))
        await asyncio.sleep(0.05)
        calls.clear()
        await drained(known)
        with pytest.raises(JobCancelled, match="could not start in time"):
            await job.result(timeout=5)
        assert calls == []


async def test_higher_priorities_and_queues_named_first_run_first(known: Settings) -> None:
    async with Invest.connect(known) as invest:
        low = await invest.enqueue(kit_add(1).with_options(priority=Priority.LOW))
        plain = await invest.enqueue(kit_add(2))
        high = await invest.enqueue(kit_add(3).with_options(priority=Priority.HIGH))
        first = await invest.enqueue(other_echo("first"))
        calls.clear()
        await drained(known, [other, kit], concurrency=1)
        assert [c[0] for c in calls] == [first.id, high.id, plain.id, low.id]


async def test_max_running_holds_over_the_worker_and_all_run_in_the_end(known: Settings) -> None:
    narrow.clear()
    async with Invest.connect(known) as invest:
        await invest.enqueue_many(kit_narrow(0.02) for _ in range(12))
        await invest.enqueue(kit_add(1))
        await drained(known)
        assert len(narrow) == 12 and max(narrow) <= 2
        await no_leftovers(invest)


async def test_a_rate_spaces_starts_evenly(known: Settings) -> None:
    async with Invest.connect(known) as invest:
        jobs = await invest.enqueue_many(kit_rated() for _ in range(8))
        await drained(known)
        starts = sorted([await job.result(timeout=5) for job in jobs])
        assert starts[-1] - starts[0] >= 7 * 0.05 * 0.9


async def test_progress_is_coalesced_and_can_be_read(known: Settings) -> None:
    async with Invest.connect(known) as invest, working(known):
        job = await invest.enqueue(kit_progress(60))
        assert await job.result(timeout=10) == 60
        progress = await job.progress()
        assert progress is not None and progress.total == 60 and 1 <= progress.done <= 60
        told = await invest.redis.xrange("invest:progress")
        assert 1 <= len(told) <= 4
        assert all(f[b"e"] != b"progress" for _, f in await invest.redis.xrange("invest:events"))


async def test_cancel_tells_the_truth(known: Settings) -> None:
    async with Invest.connect(known) as invest:
        with pytest.raises(NotFound):
            await invest.cancel("nobody")
        waiting = await invest.enqueue(kit_add(1))
        assert await waiting.cancel()
        assert not await waiting.cancel()
        with pytest.raises(JobCancelled):
            await waiting.result(timeout=5)
        async with working(known):
            running = await invest.enqueue(kit_sleep(30))
            await until_state(running, JobState.RUNNING)
            started = time.monotonic()
            assert await running.cancel()
            with pytest.raises(JobCancelled):
                await running.result(timeout=5)
            assert time.monotonic() - started < 1
            finished = await invest.enqueue(kit_add(1))
            await finished.result(timeout=5)
            assert not await finished.cancel()
        await no_leftovers(invest)


async def test_waiting_too_short_is_a_result_timeout_and_unknown_ids_are_not_found(known: Settings) -> None:
    async with Invest.connect(known) as invest:
        job = await invest.enqueue(kit_add(1))
        with pytest.raises(ResultTimeout):
            await job.result(timeout=0.05)
        with pytest.raises(NotFound):
            await invest.job("nobody").result(timeout=1)
        with pytest.raises(NotFound):
            await invest.status("nobody")


async def test_purging_empties_one_queue_and_no_other(known: Settings) -> None:
    async with Invest.connect(known) as invest:
        await invest.enqueue_many(kit_add(i) for i in range(700))
        await invest.enqueue(kit_add(1).with_options(delay=60))
        kept = await invest.enqueue(other_echo("kept"))
        assert await invest.purge("kit") == 701
        assert await invest.purge("kit") == 0
        assert (await kept.status()).state is JobState.QUEUED
        with pytest.raises(NotFound):
            await invest.purge("nowhere")
        assert kit.name == "kit"
