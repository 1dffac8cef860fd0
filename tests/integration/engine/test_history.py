"""The history and the way back: gaps in the events, rows that outlive their records, restores that are cut short."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress

import pytest

from invest.engine import Context, Invest, JobRun, JobState, Projector, Queue, Retry, chain, keys, registry, restore
from invest.engine.history import GROUP
from invest.settings import Settings
from invest.store import Store
from invest.workers import history
from invest.workers.history import history_sink, keep_whole, look_after
from tests.integration.engine.engine_kit import drained, lose_everything, working

Make = Callable[..., Settings]
past = Queue("past", concurrency=20, timeout=20, soft_timeout=None, retry=Retry(retries=0))
ran: list[int] = []


@past.job(key="past:{i}")
async def past_step(ctx: Context, i: int) -> int:
    ran.append(i)
    return i


@past.job()
async def past_big(ctx: Context, i: int) -> str:
    return "x" * 500_000


@past.job()
async def past_progress(ctx: Context) -> int:
    for i in range(20):
        await ctx.progress(i, 20)
        await asyncio.sleep(0.02)
    return 1


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    for job in past.jobs.values():  # again, where this process ran other modules in between
        registry.add(job)
    ran.clear()
    yield
    registry.remove(*past.jobs.values())


@pytest.fixture
def known(settings: Make, redis_url: str, database_url: str) -> Settings:
    return settings(redis={"url": redis_url}, database={"url": database_url}, engine={"lease": 2, "grace": 2})


async def projected(projector: Projector) -> None:
    """Until nothing is left to take, and a look for gaps was had."""
    while await projector.step(block=0.05):
        pass
    await projector.step(block=0.05)


async def states(store: Store, *ids: str) -> list[str | None]:
    runs = [await store.jobs.get(one) for one in ids]
    return [None if run is None else run.state for run in runs]


async def test_events_that_were_dropped_unread_are_noticed_and_the_rows_repaired(known: Settings) -> None:
    async with Invest.connect(known) as invest, Store.open(known) as store:
        projector = Projector(invest, history_sink(store))
        seen = await invest.enqueue_many(past_step(i) for i in range(5))
        gone = await invest.enqueue(past_step(100).with_options(result_ttl=0.2))
        await projected(projector)
        await projected(projector)
        unseen = await invest.enqueue_many(past_step(10 + i) for i in range(5))
        later = await invest.enqueue(past_step(50).with_options(delay=600))
        await drained_but(known, later.id)
        await asyncio.sleep(0.5)
        await invest.redis.xtrim(keys.EVENTS, maxlen=0, approximate=False)
        await projected(projector)
        assert await states(store, *[j.id for j in (*seen, *unseen)]) == ["succeeded"] * 10
        assert await states(store, later.id) == ["scheduled"]
        ended = await store.jobs.get(gone.id)
        assert ended is not None and (ended.state, ended.args) == ("failed", ended.args | {"kwargs": {"i": 100}})
        assert ended.error["type"] == "EndUnknown"
        count = len(ran)
        await lose_everything(invest)
        assert await history.restore_lost(invest, store) == 1, "what has ended is not run again"
        await drained_but(known, later.id)
        assert len(ran) == count and (await later.status()).state is JobState.SCHEDULED


async def drained_but(known: Settings, waiting: str) -> None:
    """Run all that is due; one job waits for later."""
    async with Invest.connect(known) as invest, working(known, [past]):
        for _ in range(500):
            stats = (await invest.inspect.queues())["past"]
            if not stats.waiting and not stats.active:
                return
            await asyncio.sleep(0.02)
        raise AssertionError(f"it was not drained beside {waiting}")


async def test_what_is_known_is_never_overwritten_with_nothing(known: Settings) -> None:
    async with Invest.connect(known) as invest, Store.open(known) as store:
        projector = Projector(invest, history_sink(store))
        job = await invest.enqueue(past_step(7).with_options(result_ttl=0.2))
        await projected(projector)
        await projected(projector)
        await drained(known, [past])
        await asyncio.sleep(0.5)
        await projected(projector)
        run = await store.jobs.get(job.id)
        assert run is not None and run.state == "succeeded" and run.args["kwargs"] == {"i": 7}
        assert run.enqueued_at is not None


async def test_results_are_not_read_for_the_history_but_their_arguments_are(
    known: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Invest.connect(known) as invest:
        rows: dict[str, JobRun] = {}

        async def sink(found: Sequence[JobRun]) -> None:
            rows.update({row.id: row for row in found})

        jobs = await invest.enqueue_many(past_big(i) for i in range(4))
        await drained(known, [past])
        before = (await invest.redis.info("stats"))["total_net_output_bytes"]
        await projected(Projector(invest, sink))
        await projected(Projector(invest, sink))
        read = (await invest.redis.info("stats"))["total_net_output_bytes"] - before
        assert [rows[job.id].kwargs for job in jobs] == [{"i": i} for i in range(4)]
        assert read < 200_000, "two megabytes of results stayed where they are"


async def test_progress_goes_its_own_way_and_is_followed_all_the_same(known: Settings) -> None:
    async with Invest.connect(known) as invest:
        kinds: list[str] = []

        async def follow() -> None:
            async for event in invest.events(block=0.2):
                kinds.extend([] if event is None else [event.kind])

        following = asyncio.create_task(follow())
        await asyncio.sleep(0.1)
        async with working(known, [past]):
            assert await (await invest.enqueue(past_progress())).result(timeout=10) == 1
        await asyncio.sleep(0.3)
        following.cancel()
        with suppress(asyncio.CancelledError):
            await following
        assert {"queued", "started", "progress", "succeeded"} <= set(kinds)
        assert all(f[b"e"] != b"progress" for _, f in await invest.redis.xrange(keys.EVENTS))


async def test_consumers_that_left_are_removed(known: Settings) -> None:
    async with Invest.connect(known) as invest:

        async def sink(rows: Sequence[JobRun]) -> None:
            await asyncio.sleep(0)

        await invest.enqueue(past_step(1))
        for _ in range(10):
            task = asyncio.create_task(Projector(invest, sink).run())
            await asyncio.sleep(0.05)
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        assert await invest.redis.xinfo_consumers(keys.EVENTS, GROUP) == []


async def accepted(invest: Invest, store: Store, count: int) -> list[str]:
    """Jobs that the history knows as accepted, in a Redis that has lost them."""
    jobs = await invest.enqueue_many(past_step(i) for i in range(count))
    projector = Projector(invest, history_sink(store))
    while len(await store.jobs.unfinished()) < count:
        await projector.step(block=0.05)
    await lose_everything(invest)
    return [job.id for job in jobs]


async def test_a_restore_that_is_cut_short_is_begun_again_until_it_is_done(
    known: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "PAGE", 40)
    monkeypatch.setattr(history, "LOOK_EVERY", 0.05)
    monkeypatch.setattr(history, "LOCK_SECONDS", 1)
    async with Invest.connect(known) as invest, Store.open(known) as store:
        ids = await accepted(invest, store, 200)
        begun = asyncio.create_task(look_after(invest, store))
        while not await invest.redis.exists(keys.JOB + ids[0]):  # noqa: ASYNC110 - another task's work on a server
            await asyncio.sleep(0)
        begun.cancel()  # the restorer dies in the middle
        with suppress(asyncio.CancelledError):
            await begun
        assert await invest.redis.get(history.MARK) is None, "it is not marked as whole"
        failures = iter([OSError("PostgreSQL is away"), OSError("PostgreSQL is away")])
        real = store.jobs.unfinished

        async def failing(**options: object) -> object:
            if error := next(failures, None):
                raise error
            return await real(**options)  # type: ignore[arg-type] # as it is called

        monkeypatch.setattr(store.jobs, "unfinished", failing)
        keeping = asyncio.create_task(keep_whole(invest, store))
        for _ in range(400):
            if await invest.redis.get(history.MARK):
                break
            await asyncio.sleep(0.05)
        keeping.cancel()
        with suppress(asyncio.CancelledError):
            await keeping
        assert (await invest.inspect.queues())["past"].waiting == 200
        await drained(known, [past])
        assert sorted(ran) == list(range(200)), "all of them, none twice"
        assert not await look_after(invest, store), "it is whole"


async def test_a_redis_lost_again_during_the_restore_is_not_marked(
    known: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "PAGE", 10)
    async with Invest.connect(known) as invest, Store.open(known) as store:
        await accepted(invest, store, 30)
        real = restore
        pages = 0

        async def losing(client: Invest, rows: Sequence[JobRun]) -> int:
            nonlocal pages
            pages += 1
            if pages == 2:
                await lose_everything(invest)
            return await real(client, rows)

        monkeypatch.setattr(history, "restore", losing)
        with pytest.raises(history.Interrupted):
            await look_after(invest, store)
        assert await look_after(invest, store)
        assert (await invest.inspect.queues())["past"].waiting == 30


async def test_every_option_comes_back(known: Settings) -> None:
    async with Invest.connect(known) as invest, Store.open(known) as store:
        call = past_step(1).with_options(priority=1, expires=600, result_ttl=33, delay=60, caller="key-1")
        job = await invest.enqueue(call)
        flow = await invest.enqueue(chain(past_step(2).with_options(expires=500, priority=-1), past_step(3)))
        steps = [s.id for s in (await invest.workflows.show(flow.id)).steps]
        before = await job.status()
        projector = Projector(invest, history_sink(store))
        while len(await store.jobs.unfinished()) < 2:
            await projector.step(block=0.05)
        await lose_everything(invest)
        assert await history.restore_lost(invest, store) == 2
        after = await job.status()
        for field in ("due_at", "expires_at", "priority", "key", "caller", "kwargs"):
            assert getattr(after, field) == getattr(before, field), field
        ttl = await invest.redis.hget(keys.JOB + job.id, "ttl")  # type: ignore[misc] # redis-py: Awaitable
        assert ttl == b"33000"
        assert not (await invest.enqueue(past_step(1))).new, "it holds its key"
        shown = await invest.workflows.show(flow.id)
        assert [s.id for s in shown.steps] == steps
        assert shown.steps[0].expires_at is not None and shown.steps[0].priority == -1
        assert await restore(invest, []) == 0
