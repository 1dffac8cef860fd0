"""After FLUSHALL what PostgreSQL knows as accepted comes back, none of it twice."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from invest.engine import Invest, JobState, Projector, chain
from invest.jobs.analysis.analyses import analyze_asset_async
from invest.jobs.data_collection.collection import collect_asset_data_async
from invest.jobs.declared import declare_all
from invest.settings import Settings
from invest.store import Store
from invest.workers.history import MARK, history_sink, keep_whole, look_after, restore_lost
from invest.workers.pauses import KeptPauses


async def test_accepted_jobs_survive_a_redis_that_lost_everything(
    settings: Callable[..., Settings], redis_url: str, database_url: str
) -> None:
    declare_all()
    known = settings(redis={"url": redis_url}, database={"url": database_url})
    async with Invest.connect(known) as invest, Store.open(known) as store:
        jobs = await invest.enqueue_many(analyze_asset_async(t) for t in ("PETR4", "VALE3", "ITUB4"))
        projector = Projector(invest, history_sink(store))
        async with asyncio.timeout(10):
            while len(await store.jobs.unfinished()) < 3:
                await projector.step(block=0.1)
        assert await restore_lost(invest, store) == 0, "what Redis still knows must not be doubled"

        await invest.redis.flushall()
        keeping = asyncio.create_task(keep_whole(invest, store))
        async with asyncio.timeout(10):
            while (await invest.inspect.queues())["analysis"].waiting < 3:  # noqa: ASYNC110 - what another task writes to Redis
                await asyncio.sleep(0.02)
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)

        assert await restore_lost(invest, store) == 0
        statuses = [await invest.status(job.id) for job in jobs]
        assert {s.state for s in statuses} == {JobState.QUEUED}
        assert {s.args[0] if s.args else s.kwargs["ticker"] for s in statuses} == {"PETR4", "VALE3", "ITUB4"}


async def test_what_was_paused_stays_paused_on_a_redis_that_lost_everything(
    settings: Callable[..., Settings], redis_url: str, database_url: str
) -> None:
    declare_all()
    known = settings(redis={"url": redis_url}, database={"url": database_url})
    async with Invest.connect(known) as invest, Store.open(known) as store:
        paused, resumed = [entry.name for entry in await invest.schedules.all()][:2]
        pauses = KeptPauses(invest, store, MARK)
        assert await look_after(invest, store, pauses)
        for name in (paused, resumed):
            await invest.schedules.pause(name)
        await invest.pause("analysis")
        assert not await look_after(invest, store, pauses)
        await invest.schedules.resume(resumed)
        assert not await look_after(invest, store, pauses)
        await invest.redis.flushall()
        await pauses.keep("another process")  # a look in the same moment writes nothing down
        assert await look_after(invest, store, pauses)
        assert not await invest.pause("analysis")
        assert [e.name for e in await invest.schedules.all() if e.paused] == [paused]


async def test_a_workflow_survives_a_redis_that_lost_everything_and_its_plan_is_not_shown(
    settings: Callable[..., Settings], redis_url: str, database_url: str
) -> None:
    declare_all()
    known = settings(redis={"url": redis_url}, database={"url": database_url})
    async with Invest.connect(known) as invest, Store.open(known) as store:
        later = await invest.enqueue(analyze_asset_async("ITUB4").with_options(delay=900))
        due = (await later.status()).due_at
        job = await invest.enqueue(chain(collect_asset_data_async("PETR4"), analyze_asset_async("PETR4")))
        steps = [step.id for step in (await invest.workflows.show(job.id)).steps]
        projector = Projector(invest, history_sink(store))
        async with asyncio.timeout(10):
            while len(await store.jobs.unfinished()) < 2:
                await projector.step(block=0.1)
        await invest.redis.flushall()
        assert await restore_lost(invest, store) == 2
        assert await restore_lost(invest, store) == 0
        assert [step.id for step in (await invest.workflows.show(job.id)).steps] == steps
        assert (await later.status()).due_at == due
        shown = await store.jobs.get(job.id)
        assert shown is not None and set(shown.args) == {"args", "kwargs"}
