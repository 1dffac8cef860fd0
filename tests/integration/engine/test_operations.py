"""Dead letters, lists, queue figures, timelines, events, history, metrics."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import pytest

from invest.engine import InvalidArguments, Invest, JobRun, JobState, Projector, chain, group, metrics_text, restore
from invest.errors import ConfigError, NotFound
from invest.settings import Settings
from tests.integration.engine.engine_kit import (
    calls,
    drained,
    kit_add,
    kit_batch,
    kit_double,
    kit_fail,
    kit_fatal,
    kit_flaky,
    kit_sleep,
    kit_sum,
    lose_everything,
    other,
    other_echo,
    until_state,
    working,
)

Make = Callable[..., Settings]


@pytest.fixture
def known(settings: Make, redis_url: str) -> Settings:
    return settings(redis={"url": redis_url}, engine={"lease": 2, "grace": 2})


async def test_a_dead_letter_is_replayed_once_however_often_it_is_clicked(known: Settings) -> None:
    async with Invest.connect(known) as invest:
        job = await invest.enqueue(kit_fatal("asked"))
        await drained(known)
        answers = await asyncio.gather(*(invest.dead.replay(job.id) for _ in range(10)), return_exceptions=True)
        replayed = [a for a in answers if not isinstance(a, BaseException)]
        assert len(replayed) == 1 and sum(isinstance(a, NotFound) for a in answers) == 9
        status = await replayed[0].status()
        assert (status.replay_of, status.kwargs) == (job.id, {"how": "asked"})
        assert (await job.status()).replayed_as == replayed[0].id


async def test_a_dead_letter_is_replayed_with_edited_arguments_that_validate(known: Settings) -> None:
    async with Invest.connect(known) as invest:
        job = await invest.enqueue(kit_fail("x"))
        await drained(known)
        with pytest.raises(InvalidArguments, match="text"):
            await invest.dead.replay(job.id, kwargs={"text": 5})
        again = await invest.dead.replay(job.id, kwargs={"text": "edited"})
        assert (await again.status()).kwargs == {"text": "edited"}
        with pytest.raises(NotFound):
            await invest.dead.discard(job.id)


async def test_dead_letters_are_discarded_in_bulk_after_a_dry_run(known: Settings) -> None:
    async with Invest.connect(known) as invest:
        await invest.enqueue_many(kit_fatal("asked") for _ in range(30))
        await drained(known)
        dry = await invest.dead.discard_all(queue="kit", dry_run=True)
        assert len(dry.ids) == 30 and (await invest.inspect.queues())["kit"].dead == 30
        await invest.dead.discard(dry.ids[0])
        done = await invest.dead.discard_all(name="kit_fatal")
        assert len(done.ids) == 29
        assert (await invest.inspect.queues())["kit"].dead == 0
        with pytest.raises(NotFound):
            await invest.dead.show(dry.ids[0])


async def test_dead_letters_are_replayed_in_bulk(known: Settings) -> None:
    async with Invest.connect(known) as invest:
        await invest.enqueue_many(kit_fatal("asked") for _ in range(5))
        await drained(known)
        assert len((await invest.dead.replay_all(dry_run=True)).ids) == 5
        assert len((await invest.dead.replay_all()).ids) == 5
        assert (await invest.inspect.queues())["kit"].waiting == 5


async def test_lists_page_through_every_job_of_a_state_exactly_once(known: Settings) -> None:
    async with Invest.connect(known) as invest:
        jobs = await invest.enqueue_many(kit_add(i) for i in range(95))
        await invest.enqueue_many(other_echo(str(i)) for i in range(7))
        seen: list[str] = []
        cursor = None
        while True:
            page = await invest.inspect.jobs(JobState.QUEUED, queue="kit", limit=10, cursor=cursor)
            seen += [s.id for s in page.items]
            cursor = page.cursor
            if cursor is None:
                break
        assert sorted(seen) == sorted(j.id for j in jobs) and len(seen) == 95
        await drained(known)
        done: list[str] = []
        cursor = None
        while True:
            page = await invest.inspect.jobs(JobState.SUCCEEDED, name="kit_add", limit=30, cursor=cursor)
            done += [s.id for s in page.items]
            cursor = page.cursor
            if cursor is None:
                break
        assert sorted(done) == sorted(seen)
        with pytest.raises(ConfigError):
            await invest.inspect.jobs(JobState.QUEUED, cursor="nonsense")


async def test_queue_figures_add_up(known: Settings) -> None:
    async with Invest.connect(known) as invest:
        await invest.enqueue_many([kit_add(1), kit_add(2), kit_add(3).with_options(delay=60), kit_fatal("asked")])
        before = (await invest.inspect.queues())["kit"]
        assert (before.waiting, before.scheduled, before.active, before.dead) == (3, 1, 0, 0)
        assert before.oldest_seconds is not None and before.oldest_seconds >= 0
        await invest.purge("kit")
        async with working(known):
            job = await invest.enqueue(kit_sleep(30))
            bad = await invest.enqueue(kit_fatal("asked"))
            await until_state(job, JobState.RUNNING)
            await until_state(bad, JobState.FAILED)
            now = (await invest.inspect.queues())["kit"]
            assert (now.waiting, now.active, now.dead) == (0, 1, 1)
            active = await invest.inspect.active()
            assert [(a.id, a.name, a.kwargs) for a in active] == [(job.id, "kit_sleep", {"seconds": 30.0})]
            await job.cancel()


async def test_workers_are_seen_and_leave(known: Settings) -> None:
    async with Invest.connect(known) as invest:
        async with working(known, [other]) as worker:
            for _ in range(300):
                if found := await invest.inspect.workers():
                    break
                await asyncio.sleep(0.01)
            assert [(w.id, w.queues, w.alive) for w in found] == [(worker.name, ["kit_other"], True)]
        assert await invest.inspect.workers() == []


async def test_a_timeline_tells_what_happened_in_order(known: Settings) -> None:
    async with Invest.connect(known) as invest:
        job = await invest.enqueue(kit_flaky(2))
        await drained(known)
        timeline = await invest.inspect.timeline(job.id)
        assert [e.what for e in timeline] == ["enqueued", "started", "failed", "started", "succeeded"]
        assert "OSError" in timeline[2].detail


async def test_events_can_be_followed_from_any_point(known: Settings) -> None:
    async with Invest.connect(known) as invest:
        job = await invest.enqueue(kit_add(1))
        await drained(known)
        seen = []
        async for event in invest.events("0", block=0.05):
            if event is None:
                break
            seen.append(event)
        assert [e.kind for e in seen if e.job_id == job.id] == ["queued", "started", "succeeded"]
        later = [e async for e in _until_silence(invest, seen[0].id)]
        assert later == seen[1:]


async def _until_silence(invest: Invest, after: str):  # type: ignore[no-untyped-def] # an async generator of events
    async for event in invest.events(after, block=0.05):
        if event is None:
            return
        yield event


class History:
    """A sink that upserts into memory, and can be down."""

    def __init__(self) -> None:
        self.rows: dict[str, JobRun] = {}
        self.down = False

    async def __call__(self, rows: Sequence[JobRun]) -> None:
        if self.down:
            raise OSError("the database is down")
        for row in rows:
            if row.id not in self.rows or self.rows[row.id].sequence <= row.sequence:
                self.rows[row.id] = row


async def test_the_history_loses_nothing_while_the_database_is_down(known: Settings) -> None:
    history = History()
    async with Invest.connect(known) as invest:
        projector = Projector(invest, history)
        while await projector.step(block=0.01) or not history.rows:
            if not history.rows:
                await invest.enqueue(kit_add(0))
        history.down = True
        jobs = await invest.enqueue_many([kit_add(1), kit_fatal("asked"), kit_batch(3)])
        await drained(known)
        with pytest.raises(OSError, match="down"):
            await projector.step(block=0.01)
        history.down = False
        other_projector = Projector(invest, history)
        for one in (projector, other_projector):
            one._resume = "0"
            while await one.step(block=0.01):
                pass
        states = [history.rows[j.id].state for j in jobs]
        assert states == [JobState.SUCCEEDED, JobState.FAILED, JobState.SUCCEEDED]
        assert history.rows[jobs[1].id].error_type == "GiveUp"
        assert history.rows[jobs[0].id].kwargs == {"a": 1}


async def test_what_a_lost_redis_forgot_is_restored_once(known: Settings) -> None:
    history = History()
    async with Invest.connect(known) as invest:
        jobs = await invest.enqueue_many(kit_add(i) for i in range(5))
        projector = Projector(invest, history)
        for _ in range(3):
            await projector.step(block=0.01)
        await lose_everything(invest)
        assert await restore(invest, history.rows.values()) == 5
        assert await restore(invest, history.rows.values()) == 0
        await drained(known)
        assert [await j.result(timeout=5) for j in jobs] == [i + 1 for i in range(5)]


async def test_a_workflow_that_a_lost_redis_forgot_begins_again_with_the_ids_its_steps_had(known: Settings) -> None:
    history = History()
    async with Invest.connect(known) as invest:
        flow = chain(kit_add(1), group(kit_double(), kit_double()), kit_sum())
        job = await invest.enqueue(flow)
        steps = {s.id for s in (await invest.workflows.show(job.id)).steps if s.name.startswith("kit_")}
        projector = Projector(invest, history)
        while await projector.step(block=0.01) or not history.rows:
            pass
        await lose_everything(invest)
        assert await restore(invest, history.rows.values()) == 1
        assert await restore(invest, history.rows.values()) == 0, "what Redis knows again is not doubled"
        again = {s.id for s in (await invest.workflows.show(job.id)).steps if s.name.startswith("kit_")}
        assert again == steps
        await drained(known)
        assert await job.result(timeout=5) == 8
        assert sum(1 for i, _ in calls if i in steps) == 1, "the first step ran once"


async def test_a_job_for_later_comes_back_for_its_own_time(known: Settings) -> None:
    history = History()
    async with Invest.connect(known) as invest:
        job = await invest.enqueue(kit_add(1).with_options(delay=600, priority=5))
        before = await job.status()
        projector = Projector(invest, history)
        while await projector.step(block=0.01) or not history.rows:
            pass
        await lose_everything(invest)
        assert await restore(invest, history.rows.values()) == 1
        after = await job.status()
        assert (after.state, after.due_at, after.priority) == (JobState.SCHEDULED, before.due_at, 5)


async def test_metrics_tell_depths_outcomes_and_times(known: Settings) -> None:
    async with Invest.connect(known) as invest:
        await invest.enqueue_many([kit_add(1), kit_fatal("asked")])
        await drained(known)
        await invest.enqueue(kit_add(3))
        text = (await metrics_text(invest)).decode()
        assert 'invest_queue_jobs{queue="kit",state="waiting"} 1.0' in text
        assert 'invest_queue_jobs{queue="kit",state="dead"} 1.0' in text
        assert 'invest_job_outcomes_total{job="kit_add",outcome="succeeded"} 1.0' in text
        assert 'invest_job_run_seconds_count{job="kit_fatal"} 1.0' in text
