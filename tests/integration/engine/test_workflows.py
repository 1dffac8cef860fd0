"""Chains, groups and chords: results passed on, failure policies, cancelling, retrying, handing over."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from invest.engine import (
    Err,
    Invest,
    JobCancelled,
    JobFailed,
    JobState,
    NotRetryable,
    Ok,
    PartOfWorkflow,
    Threshold,
    chain,
    chord,
    group,
)
from invest.settings import Settings
from tests.integration.engine.engine_kit import (
    calls,
    drained,
    kit,
    kit_add,
    kit_batch,
    kit_double,
    kit_fail,
    kit_fatal,
    kit_sleep,
    kit_sum,
    no_leftovers,
    other,
    other_echo,
    until,
    until_state,
    working,
)

Make = Callable[..., Settings]


@pytest.fixture
def known(settings: Make, redis_url: str) -> Settings:
    return settings(redis={"url": redis_url}, engine={"lease": 2, "grace": 2})


async def test_a_chain_passes_each_result_on(known: Settings) -> None:
    async with Invest.connect(known) as invest, working(known):
        job = await invest.enqueue(chain(kit_add(1), kit_double(), kit_double()))
        assert await job.result(timeout=10) == 8
        status = await job.status()
        assert (status.name, status.nodes, status.nodes_done) == ("chain", 3, 3)
        await no_leftovers(invest)


async def test_a_group_gives_its_results_in_order(known: Settings) -> None:
    async with Invest.connect(known) as invest, working(known):
        assert await (await invest.enqueue(group(kit_add(i) for i in range(50)))).result(timeout=10) == list(
            range(1, 51)
        )
        assert await (await invest.enqueue(group())).result(timeout=10) == []


async def test_the_callback_of_a_chord_sees_every_child_and_runs_once(known: Settings) -> None:
    async with Invest.connect(known) as invest, working(known):
        calls.clear()
        job = await invest.enqueue(
            chord([kit_add(1), kit_fatal("asked"), kit_add(3)], kit_sum(), on_failure="continue")
        )
        assert await job.result(timeout=10) == 2 + 1000 + 4
        assert [c[0] for c in calls].count("sum") == 1


async def test_continue_gives_ok_or_err_per_child(known: Settings) -> None:
    async with Invest.connect(known) as invest, working(known):
        good, bad = await (await invest.enqueue(group(kit_add(1), kit_fatal("asked"), on_failure="continue"))).result(
            timeout=10
        )
        assert isinstance(good, Ok) and good.value == 2
        assert isinstance(bad, Err) and bad.error.type == "GiveUp"


async def test_fail_fast_cancels_the_siblings_and_skips_the_callback(known: Settings) -> None:
    async with Invest.connect(known) as invest, working(known):
        calls.clear()
        job = await invest.enqueue(chord([kit_sleep(30), kit_fatal("asked")], kit_sum()))
        with pytest.raises(JobFailed, match="GiveUp"):
            await job.result(timeout=10)
        view = await invest.workflows.show(job.id)
        assert {s.name: s.state for s in view.steps} == {
            "kit_sleep": JobState.CANCELLED,
            "kit_fatal": JobState.FAILED,
            "kit_sum": JobState.CANCELLED,
        } or await settled(invest, job.id)
        assert calls == []


async def settled(invest: Invest, workflow: str) -> bool:
    """The running sibling was told to stop; it ends a moment later."""
    for _ in range(200):
        states = {s.name: s.state for s in (await invest.workflows.show(workflow)).steps}
        if states["kit_sleep"] is JobState.CANCELLED:
            return states["kit_sum"] is JobState.CANCELLED
        await asyncio.sleep(0.01)
    return False


@pytest.mark.parametrize(("share", "wins"), [(0.5, True), (0.6, False)])
async def test_a_threshold_decides_by_share(known: Settings, share: float, wins: bool) -> None:
    async with Invest.connect(known) as invest, working(known):
        steps = [kit_add(1), kit_add(2), kit_fatal("asked"), kit_fatal("asked")]
        job = await invest.enqueue(chord(steps, kit_sum(), on_failure=Threshold(share)))
        if wins:
            assert await job.result(timeout=10) == 2 + 3 + 2000
        else:
            with pytest.raises(JobFailed):
                await job.result(timeout=10)


async def test_workflows_nest(known: Settings) -> None:
    async with Invest.connect(known) as invest, working(known):
        inner = chain(kit_add(10), kit_double())
        job = await invest.enqueue(
            chain(group(kit_add(1), inner, chord([kit_add(1), kit_add(2)], kit_sum())), kit_sum())
        )
        assert await job.result(timeout=10) == 2 + 22 + 5
        nested = await invest.enqueue(group(group(kit_add(1), kit_add(2)), chain(kit_add(5))))
        assert await nested.result(timeout=10) == [[2, 3], 6]


async def test_a_step_fans_out_to_a_group_that_sees_its_result(known: Settings) -> None:
    async with Invest.connect(known) as invest, working(known):
        job = await invest.enqueue(chain(kit_add(1), group(kit_double(), kit_double()), kit_sum()))
        assert await job.result(timeout=10) == 8


async def test_a_chain_ends_at_its_first_failure_even_before_a_lenient_group(known: Settings) -> None:
    async with Invest.connect(known) as invest, working(known):
        calls.clear()
        job = await invest.enqueue(
            chain(kit_fatal("asked"), group(kit_add(1), kit_add(2), on_failure="continue"), kit_sum())
        )
        with pytest.raises((JobFailed, JobCancelled)):
            await job.result(timeout=10)
        assert calls == []
        await no_leftovers(invest)


async def test_a_job_hands_over_and_leaves_its_slot(known: Settings) -> None:
    async with Invest.connect(known) as invest, working(known, concurrency=1):
        job = await invest.enqueue(kit_batch(10, bad=1))
        assert await job.result(timeout=10) == sum(range(1, 11)) + 1000
        assert await (await invest.enqueue(kit_batch(0))).result(timeout=10) == 0
        status = await job.status()
        assert (status.name, status.state, status.nodes) == ("kit_batch", JobState.SUCCEEDED, 12)
        await no_leftovers(invest)


async def test_a_thousand_children_are_aggregated(known: Settings) -> None:
    async with Invest.connect(known) as invest, working(known):
        assert await (await invest.enqueue(kit_batch(1000))).result(timeout=30) == 500_500
        job = await invest.enqueue(group(kit_add(i) for i in range(1000)))
        assert await job.result(timeout=30) == list(range(1, 1001))


async def test_cancelling_a_workflow_cancels_its_tree(known: Settings) -> None:
    async with Invest.connect(known) as invest, working(known):
        calls.clear()
        job = await invest.enqueue(chain(kit_sleep(30), group(kit_add(1), kit_add(2)), kit_sum()))
        step = (await invest.workflows.show(job.id)).steps[0]
        await until_state(invest.job(step.id), JobState.RUNNING)
        assert await job.cancel()
        assert not await job.cancel()
        with pytest.raises(JobCancelled):
            await job.result(timeout=5)
        await until_state(invest.job(step.id), JobState.CANCELLED)
        assert {s.state for s in (await invest.workflows.show(job.id)).steps} == {JobState.CANCELLED}
        assert calls == []
        await no_leftovers(invest)


async def test_cancelling_a_handed_over_job_cancels_its_children(known: Settings) -> None:
    async with Invest.connect(known) as invest:
        job = await invest.enqueue(kit_batch(1000))
        async with working(known, concurrency=1) as worker:

            async def handed_over() -> bool:
                return bool((await job.status()).nodes)

            await until(handed_over)
            await job.cancel()
            with pytest.raises(JobCancelled):
                await job.result(timeout=5)
            assert worker.slots == 1
        await no_leftovers(invest)


async def test_a_failed_workflow_is_retried_from_the_failed_step(
    known: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Invest.connect(known) as invest:
        calls.clear()
        job = await invest.enqueue(chain(kit_add(5), kit_fail("once"), kit_double()))
        await drained(known)
        with pytest.raises(JobFailed, match="once"):
            await job.result(timeout=5)
        failed = next(s for s in (await invest.workflows.show(job.id)).steps if s.name == "kit_fail")
        with pytest.raises(PartOfWorkflow):
            await invest.dead.replay(failed.id)

        async def mended(ctx: object, text: str) -> int:
            return len(text)

        monkeypatch.setattr(kit_fail, "fn", mended)
        await invest.workflows.retry(job.id)
        assert (await job.status()).state is JobState.RUNNING
        await drained(known)
        assert await job.result(timeout=5) == 8
        assert [c[1] for c in calls] == [5], "the step that had succeeded did not run again"
        with pytest.raises(NotRetryable):
            await invest.workflows.retry(job.id)
        assert (await invest.dead.page()).items == []


async def test_a_failed_batch_can_be_retried_as_a_whole(known: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    async with Invest.connect(known) as invest:
        calls.clear()
        job = await invest.enqueue(chord([kit_add(1), kit_fail("x"), kit_add(3)], kit_sum(), on_failure="fail_fast"))
        await drained(known)
        with pytest.raises(JobFailed):
            await job.result(timeout=5)

        async def mended(ctx: object, text: str) -> int:
            return 100

        monkeypatch.setattr(kit_fail, "fn", mended)
        await invest.workflows.retry(job.id)
        await drained(known)
        assert await job.result(timeout=5) == 2 + 100 + 4


async def test_workflows_are_listed_with_their_progress(known: Settings) -> None:
    async with Invest.connect(known) as invest:
        job = await invest.enqueue(group(kit_add(1), kit_add(2)))
        listed = await invest.workflows.page()
        assert [(w.id, w.nodes, w.nodes_done) for w in listed] == [(job.id, 2, 0)]
        await drained(known)
        progress = await job.progress()
        assert progress is not None and progress.fraction == 1


async def test_a_list_too_long_for_one_message_is_read_from_its_members(known: Settings) -> None:
    text = "x" * 30_000
    async with Invest.connect(known) as invest, working(known, [kit, other]):
        big = group(other_echo(text) for _ in range(50))
        assert await (await invest.enqueue(big)).result(timeout=20) == [text] * 50
        nested = await invest.enqueue(group(big, chain(kit_add(1))))
        assert await nested.result(timeout=20) == [[text] * 50, 2]
        mixed: list[Any] = [big, kit_add(1)]
        lenient = await invest.enqueue(group(mixed, on_failure="continue"))
        first, second = await lenient.result(timeout=20)
        assert first.ok and first.value == [text] * 50 and second.ok and second.value == 2
