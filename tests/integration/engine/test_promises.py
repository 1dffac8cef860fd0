"""Promises at the edges: lost requests, references, keys, dead letters of workflows, cancels that stand, bad ends."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import structlog

from invest.engine import (
    Context,
    Invest,
    Job,
    JobCancelled,
    JobFailed,
    JobState,
    Lost,
    NotRetryable,
    PartOfWorkflow,
    Queue,
    Retry,
    chain,
    chord,
    group,
    keys,
    registry,
)
from invest.engine.redis import Finished, NewJob, fields, job_head, transitions
from invest.engine.redis.transitions import Claim
from invest.engine.worker.sweeping import Sweeping
from invest.engine.worker.worker import Worker
from invest.errors import Unreachable
from invest.settings import Settings
from tests.integration.engine.engine_kit import drained, kit_add, until, until_state, working

Make = Callable[..., Settings]
edge = Queue("edge", concurrency=20, timeout=20, soft_timeout=None, retry=Retry(retries=0))
works = {"now": False}
ran: list[str] = []


@edge.job()
async def edge_echo(ctx: Context, value: Any) -> Any:
    ran.append(str(value)[:20])
    return value


@edge.job()
async def edge_leaf(ctx: Context, seconds: float = 0.0) -> int:
    await asyncio.sleep(seconds)
    if not works["now"]:
        raise ValueError("not yet")
    ran.append("leaf")
    return 1


@edge.job()
async def edge_hands(ctx: Context) -> int:
    return chain(edge_leaf())  # type: ignore[return-value] # it hands over


@edge.job()
async def edge_big(ctx: Context, n: int) -> list[str]:
    return group([edge_echo("x" * 30_000) for _ in range(n)])  # type: ignore[return-value] # it hands over


@edge.job()
async def edge_size(ctx: Context) -> int:
    return len(await ctx.previous())


@edge.job()
async def edge_count(ctx: Context) -> int:
    return len(await ctx.results())


@edge.job(key="{a}:{b}")
async def edge_keyed(ctx: Context, a: str, b: str | None = None, fails: bool = False) -> str:
    if fails and not works["now"]:
        raise ValueError("no")
    await asyncio.sleep(0.05)
    return f"{a}|{b}"


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    for job in edge.jobs.values():  # again, where this process ran other modules in between
        registry.add(job)
    works["now"] = False
    ran.clear()
    yield
    registry.remove(*edge.jobs.values())


@pytest.fixture
def known(settings: Make, redis_url: str) -> Settings:
    return settings(redis={"url": redis_url}, engine={"lease": 2, "grace": 2})


async def ended(job: Job[Any], seconds: float = 10) -> JobState:
    async def final() -> bool:
        return (await job.status()).final

    await until(final, seconds)
    return (await job.status()).state


# -- references


async def test_a_value_that_looks_like_a_reference_is_a_value(known: Settings) -> None:
    odd = {"$members": "x", "workflow": "y"}
    async with Invest.connect(known) as invest, working(known, [edge]):
        assert await (await invest.enqueue(edge_echo(odd))).result(timeout=5) == odd
        assert await (await invest.enqueue(group([edge_echo(odd), edge_echo([odd])]))).result(timeout=5) == [odd, [odd]]


async def test_a_reference_lives_as_long_as_the_workflow_that_may_read_it(known: Settings) -> None:
    """The inner workflow has ended, and its result's time is over, before the outer one reads its list."""
    short = known.model_copy(update={"engine": known.engine.model_copy(update={"result_ttl": 1})})
    async with Invest.connect(short) as invest, working(short, [edge]):
        flow = chain(edge_big(50).with_options(result_ttl=0.5), edge_size().with_options(delay=2))
        assert await (await invest.enqueue(flow)).result(timeout=15) == 50


async def test_a_missing_part_of_a_long_list_is_lost_and_never_an_empty_list(known: Settings) -> None:
    async with Invest.connect(known) as invest, working(known, [edge]):
        job = await invest.enqueue(group([edge_echo("x" * 30_000) for _ in range(50)]))
        assert len(await job.result(timeout=10)) == 50
        await invest.redis.delete(keys.WORKFLOW + job.id + keys.WORKFLOW_OUTCOMES)
        with pytest.raises(Lost):
            await job.result(timeout=5)
        status = await job.status()
        assert status.result is None and status.error is not None and status.error.type == "Lost"


async def test_an_empty_group_gives_its_callback_an_empty_list(known: Settings) -> None:
    async with Invest.connect(known) as invest, working(known, [edge]):
        for flow in (
            chord(group([]), edge_count()),
            chord(group([], on_failure="continue"), edge_count()),
            chain(edge_echo(1), group([]), edge_count()),
            chain(edge_echo(1), group([]), edge_size()),
        ):
            assert await (await invest.enqueue(flow)).result(timeout=5) == 0


# -- requests that are sent again


async def frozen(invest: Invest, what: Any) -> Any:
    """Do something while Redis does not answer for longer than a client waits: it is sent again."""
    pid = (await invest.redis.info("server"))["process_id"]
    os.kill(pid, signal.SIGSTOP)
    try:
        asked = asyncio.create_task(what)
        await asyncio.sleep(1.5)
    finally:
        os.kill(pid, signal.SIGCONT)
    return await asked


async def test_requests_that_are_sent_again_are_counted_once_and_answered_truly(settings: Make) -> None:
    from bench.servers import OwnValkey

    with OwnValkey() as server:
        known = settings(redis={"url": server.url, "socket_timeout": 1}, engine={"lease": 5, "grace": 2})
        async with Invest.connect(known) as invest:
            letters = [await invest.enqueue(edge_leaf()) for _ in range(2)]
            await drained(known, [edge])
            waiting = await invest.enqueue(edge_echo(0))
            fresh = await frozen(invest, invest.enqueue(edge_echo(1)))
            chosen = await frozen(invest, invest.enqueue(edge_echo(2).with_options(id="chosen")))
            again = await frozen(invest, invest.dead.replay(letters[0].id))
            flow = await frozen(invest, invest.enqueue(group([edge_echo(i) for i in range(3)])))
            assert (fresh.new, chosen.new) == (True, True)
            assert (await letters[0].status()).replayed_as == again.id and again.new
            assert (await flow.status()).nodes == 3
            assert await frozen(invest, waiting.cancel()), "its own first request had cancelled it"
            assert await frozen(invest, invest.dead.discard(letters[1].id)) is None
            assert not (await invest.enqueue(edge_echo(2).with_options(id="chosen"))).new


async def test_waiting_for_a_result_outlives_a_redis_that_is_away(settings: Make) -> None:
    from bench.servers import OwnValkey

    with OwnValkey(durable=True) as server:
        known = settings(redis={"url": server.url, "connect_timeout": 0.3}, engine={"lease": 2, "grace": 1})
        async with Invest.connect(known) as invest:
            job = await invest.enqueue(edge_echo(42).with_options(delay=1))
            asked = asyncio.create_task(job.result(timeout=30))
            await asyncio.sleep(0.3)
            await asyncio.to_thread(server.stop)
            await asyncio.sleep(2)
            with pytest.raises(Unreachable):
                await job.status()
            await asyncio.to_thread(server.start)
            async with working(known, [edge]):
                assert await asked == 42


# -- keys


async def test_parts_of_a_key_are_escaped(known: Settings) -> None:
    async with Invest.connect(known) as invest:
        pairs = [("x:y", "z"), ("x", "y:z"), ("x%3a;y", "z"), ("None", None), ("None", "None")]
        jobs = [await invest.enqueue(edge_keyed(a, b)) for a, b in pairs]
        assert len({job.id for job in jobs}) == len(pairs)
        await drained(known, [edge])
        assert [await job.result(timeout=1) for job in jobs] == [f"{a}|{b}" for a, b in pairs]


async def test_a_key_holds_through_replay_retry_and_restore(known: Settings) -> None:
    async with Invest.connect(known) as invest:
        failed = await invest.enqueue(edge_keyed("a", fails=True))
        await drained(known, [edge])
        works["now"] = True
        second = await invest.enqueue(edge_keyed("a", fails=True))
        held = await invest.dead.replay(failed.id)
        assert (held.id, held.new) == (second.id, False), "the other one has the key"
        await drained(known, [edge])
        replayed = await invest.dead.replay(failed.id)
        assert replayed.new and (await invest.enqueue(edge_keyed("a", fails=True))).id == replayed.id
        unique = edge_keyed.unique_key(edge_keyed("a"))
        new = NewJob(
            "lost", "edge_keyed", "edge", job_head("edge_keyed", b'{"a":"a"}'), 60_000, unique=unique, chosen=True
        )
        await invest.ask(transitions.enqueue([new], restoring=True))
        status = await invest.status("lost")
        assert status.state is JobState.CANCELLED and status.error is not None and status.error.type == "KeyTaken"


# -- dead letters and workflows


async def test_replay_and_retry_of_one_thing_are_one_of_them(known: Settings) -> None:
    async with Invest.connect(known) as invest:
        first, second = [await invest.enqueue(edge_hands()) for _ in range(2)]
        await drained(known, [edge])
        works["now"] = True
        await invest.dead.replay(first.id)
        with pytest.raises(NotRetryable, match="replayed"):
            await invest.workflows.retry(first.id)
        await invest.workflows.retry(second.id)
        with pytest.raises(Exception, match="no dead letter"):
            await invest.dead.replay(second.id)
        await drained(known, [edge])
        assert ran == ["leaf", "leaf"]


async def test_discarding_passes_over_what_a_retry_needs_and_says_so(known: Settings) -> None:
    async with Invest.connect(known) as invest:
        flow = await invest.enqueue(chain(edge_leaf(), edge_echo(1)))
        single = await invest.enqueue(edge_leaf())
        await drained(known, [edge])
        step = next(s for s in (await invest.workflows.show(flow.id)).steps if s.name == "edge_leaf")
        with pytest.raises(PartOfWorkflow):
            await invest.dead.discard(step.id)
        done = await invest.dead.discard_all()
        assert (done.ids, done.skipped) == ([single.id], (step.id,))
        works["now"] = True
        await invest.workflows.retry(flow.id)
        await drained(known, [edge])
        assert await flow.result(timeout=5) == 1


async def test_discarding_a_workflow_discards_what_failed_in_it_and_it_cannot_be_retried(known: Settings) -> None:
    async with Invest.connect(known) as invest:
        flow = await invest.enqueue(chain(edge_leaf(), edge_echo(1)))
        await drained(known, [edge])
        await invest.dead.discard(flow.id)
        assert (await invest.dead.page()).items == []
        with pytest.raises(NotRetryable, match="discarded"):
            await invest.workflows.retry(flow.id)


async def test_a_failed_member_of_a_group_that_succeeded_is_not_run_again(known: Settings) -> None:
    async with Invest.connect(known) as invest:
        flow = chain(group([edge_echo("kept"), edge_leaf()], on_failure="continue"), edge_count(), edge_hands())
        job = await invest.enqueue(flow)
        await drained(known, [edge])
        assert await ended(job) is JobState.FAILED
        works["now"] = True
        await invest.workflows.retry(job.id)
        await drained(known, [edge])
        assert await job.result(timeout=5) == 1
        assert ran == ["kept", "leaf"], "only the step that handed over ran again"


# -- cancelling


async def test_status_and_result_tell_one_story_of_a_cancelled_step(known: Settings) -> None:
    async with Invest.connect(known) as invest, working(known, [edge]):
        flow = await invest.enqueue(chain(edge_leaf(5), edge_echo(2)))
        step = (await invest.workflows.show(flow.id)).steps[0]
        await until_state(invest.job(step.id), JobState.RUNNING)
        await invest.cancel(step.id)
        with pytest.raises(JobCancelled):
            await flow.result(timeout=5)
        assert (await flow.status()).state is JobState.CANCELLED


@edge.job()
async def edge_named_like_a_cancel(ctx: Context) -> int:
    raise type("Expired", (Exception,), {})("the ticket")


async def test_an_exception_named_like_a_cancellation_is_a_failure(known: Settings) -> None:
    async with Invest.connect(known) as invest, working(known, [edge]):
        job = await invest.enqueue(edge_named_like_a_cancel())
        with pytest.raises(JobFailed, match="ticket"):
            await job.result(timeout=5)
        assert (await job.status()).state is JobState.FAILED


async def test_a_cancel_stands_until_it_was_met_and_marks_of_nothing_go(known: Settings) -> None:
    async with Invest.connect(known) as invest:
        job = await invest.enqueue(edge_echo("never"))
        claim = await invest.ask(transitions.claim("gone", 100, 1, [("edge", 1)], []))
        assert [one.id for one in claim.jobs] == [job.id]
        assert await job.cancel()
        long_ago = int(time.time() * 1000) - 3_600_000
        await invest.redis.zadd(keys.ARQ_ABORT, {job.id: long_ago, "nobody": long_ago})
        await Sweeping([edge], invest.redis).sweep()
        assert await invest.redis.zscore(keys.ARQ_ABORT, "nobody") is None
        await drained(known, [edge])
        assert (await job.status()).state is JobState.CANCELLED and ran == []
        assert await invest.redis.zcard(keys.ARQ_ABORT) == 0


async def test_a_job_that_was_told_to_stop_does_not_hand_over(known: Settings) -> None:
    async with Invest.connect(known) as invest:
        job = await invest.enqueue(edge_hands())
        claim = await invest.ask(transitions.claim("w", 5000, 1, [("edge", 1)], []))
        assert await job.cancel()
        await invest.stage(chain(edge_echo(1)), f"{job.id}.1", parent=job.id)
        end = Finished(job.id, f"w:{claim.jobs[0].delivery}", "over", b'{"t":1', f"{job.id}.1".encode())
        assert (await invest.ask(transitions.finish([end])))[0] == ["ok"]
        assert (await job.status()).state is JobState.CANCELLED
        await drained(known, [edge])
        assert ran == [] and await invest.redis.zcard(keys.ARQ_ABORT) == 0


async def test_a_step_that_handed_over_before_is_stopped_when_it_runs_again(known: Settings) -> None:
    async with Invest.connect(known) as invest, working(known, [edge]):
        flow = await invest.enqueue(chain(edge_hands(), edge_echo(1)))
        assert await ended(flow) is JobState.FAILED
        await invest.workflows.retry(flow.id)
        await flow.cancel()
        assert await ended(flow) is JobState.CANCELLED

        async def none_runs() -> bool:
            return not await invest.redis.zcard(keys.RUNNING + "edge_hands")

        await until(none_runs)


@pytest.mark.parametrize("flow", [True, False])
async def test_expires_counts_on_steps_too(known: Settings, flow: bool) -> None:
    async with Invest.connect(known) as invest:
        call = edge_echo("late").with_options(expires=0.1)
        job: Job[Any] = await invest.enqueue(chain(edge_echo("first"), call) if flow else call)
        await asyncio.sleep(0.3)
        await drained(known, [edge])
        state = (await job.status()).state
        assert (state, ran) == ((JobState.SUCCEEDED, ["first", "late"]) if flow else (JobState.CANCELLED, []))
        lone = await invest.enqueue(chain(call))
        await asyncio.sleep(0.3)
        await drained(known, [edge])
        assert (await lone.status()).state is JobState.CANCELLED


# -- bad ends, and what is kept


@pytest.mark.parametrize("ttl", [-1, 0, 1e-9, float("nan"), float("inf")])
def test_a_result_that_would_not_be_kept_is_refused_where_it_is_declared(ttl: float) -> None:
    with pytest.raises(ValueError, match="result_ttl"):
        edge.job(result_ttl=ttl)
    with pytest.raises(ValueError, match="result_ttl"):
        edge_echo(1).with_options(result_ttl=ttl)


@pytest.mark.parametrize("options", [{"max_running": 0}, {"timeout": 0}, {"soft_timeout": -1}])
def test_figures_that_cannot_be_are_refused_where_they_are_declared(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(options))):
        edge.job(**options)


async def test_one_bad_finish_harms_one_job(known: Settings) -> None:
    async with Invest.connect(known) as invest:
        jobs = await invest.enqueue_many(edge_echo(i) for i in range(3))
        await invest.redis.hset(keys.JOB + jobs[1].id, fields.RESULT_TTL, "no number at all")  # type: ignore[misc] # redis-py: Awaitable
        await invest.redis.delete(keys.DONE + "edge_echo")
        await invest.redis.hset(keys.JOB + jobs[1].id, fields.NAME, "edge_other")  # type: ignore[misc] # the same
        await invest.redis.set(keys.DONE + "edge_other", "not a sorted set")
        claim = await invest.ask(transitions.claim("w", 5000, 3, [("edge", 3)], []))
        ends = [Finished(one.id, f"w:{one.delivery}", "succeeded", b'{"t":1', b"1") for one in claim.jobs]
        replies, _ = await invest.ask(transitions.finish(ends))
        assert [reply == "ok" for reply in replies].count(True) == 2
        states = [(await job.status()).state for job in jobs]
        assert states == [JobState.SUCCEEDED, JobState.FAILED, JobState.SUCCEEDED]
        status = await jobs[1].status()
        assert status.error is not None and status.error.type == "Unwritten"


async def test_a_record_of_attempts_is_bounded(known: Settings) -> None:
    async with Invest.connect(known) as invest:
        job = await invest.enqueue(edge_echo(1))
        for attempt in range(60):
            claim = await invest.ask(transitions.claim("w", 5000, 1, [("edge", 1)], []))
            history = b'{"kind":"failed","delivery":%d,"error":{"type":"E","message":"%b"}}' % (attempt + 1, b"e" * 500)
            end = Finished(
                job.id, f"w:{claim.jobs[0].delivery}", "retry", b"", b'{"type":"E","message":"m"}', 0, history
            )
            assert (await invest.ask(transitions.finish([end])))[0] == ["ok"]
        kept = (await job.status()).history
        assert [a.delivery for a in kept] == list(range(36, 61))
        await job.cancel()


async def test_index_entries_go_with_their_jobs_behind_long_lived_ones_and_of_unknown_names(
    known: Settings,
) -> None:
    async with Invest.connect(known) as invest:
        await invest.enqueue(edge_echo("long").with_options(result_ttl=600))
        await invest.enqueue_many(edge_echo(i).with_options(result_ttl=0.5) for i in range(900))
        assert (await drained(known, [edge])).jobs_complete == 901  # on a slow machine the first have expired by now
        forgotten = Sweeping([], invest.redis)  # a worker that declares none of these names
        begun = time.monotonic()
        while await invest.redis.zcard(keys.DONE + "edge_echo") > 1:
            assert time.monotonic() - begun < 20, "entries outlived their jobs"
            await asyncio.sleep(1)
            await forgotten.sweep()


async def test_a_sweep_finds_and_mends_what_should_not_be(known: Settings) -> None:
    async with Invest.connect(known) as invest:
        astray = await invest.enqueue(edge_echo("astray"))
        await invest.redis.zrem(keys.queue_key("edge"), astray.id)
        gone = {"nobody": 1}
        for index in (keys.WAITING, keys.RETRYING, keys.RUNNING, keys.PARKED, keys.DONE, keys.FAILED, keys.CANCELLED):
            await invest.redis.zadd(index + "edge_echo", gone)
        assert await Sweeping([edge], invest.redis).sweep() >= 8
        for index in (keys.RETRYING, keys.RUNNING, keys.PARKED, keys.DONE, keys.FAILED, keys.CANCELLED):
            assert await invest.redis.zcard(index + "edge_echo") == 0, index
        await drained(known, [edge])
        assert await astray.result(timeout=5) == "astray"


async def test_a_burst_that_meets_only_unknown_jobs_says_so_once_and_ends(known: Settings) -> None:
    async with Invest.connect(known) as invest:
        new = NewJob("stranger", "edge_unheard_of", "edge", job_head("edge_unheard_of", b"{}"), 60_000)
        await invest.ask(transitions.enqueue([new]))
        with structlog.testing.capture_logs() as lines:
            await asyncio.wait_for(drained(known, [edge]), 10)
        said = [line for line in lines if line["event"].startswith("only jobs unknown")]
        assert [line["names"] for line in said] == [["edge_unheard_of"]]
        assert (await invest.status("stranger")).state in (JobState.QUEUED, JobState.SCHEDULED), "it waits for a worker"


async def test_a_job_told_to_stop_before_its_first_step_ends_at_once(
    known: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its task has not run yet: cancelled then, nothing of it would run, and its worker would give itself up."""
    original = Worker._start_claimed

    def start(worker: Worker, claim: Claim) -> None:
        original(worker, claim)
        for run in tuple(worker.running.values()):
            worker._stop_run(run, "cancel")

    monkeypatch.setattr(Worker, "_start_claimed", start)
    async with Invest.connect(known) as invest, working(known) as worker:
        job = await invest.enqueue(kit_add(1))
        with pytest.raises(JobCancelled):
            await job.result(timeout=30)
        assert worker.stuck == 0
