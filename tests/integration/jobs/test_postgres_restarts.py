"""PostgreSQL is ended at once, five times, while jobs run: they wait for it and none fails."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import aiohttp
import pytest
from bench.servers import OwnPostgres

from invest.engine import Invest, JobState, Worker, registry
from invest.jobs.data_collection.collection import batch_collect_assets
from invest.jobs.declared import declare_all
from invest.settings import Settings
from invest.store import Store
from invest.store.core.schema import migrate
from invest.workers.deps import resources
from invest_sandbox import Sandbox

RESTARTS = 5


@pytest.mark.slow
async def test_jobs_outlive_five_immediate_restarts_of_postgresql(
    settings: Callable[..., Settings], redis_url: str
) -> None:
    declare_all()
    with OwnPostgres() as server:
        await migrate(server.url)
        async with Sandbox.start(assets=12, seed=11) as sandbox:
            async with aiohttp.ClientSession() as session, session.get(sandbox.url + "/sandbox/info") as answer:
                told = await answer.json()
            known = settings(
                redis={"url": redis_url}, database={"url": server.url}, sandbox_url=sandbox.url, as_of=told["as_of"]
            )
            tickers = [asset["ticker"] for asset in told["assets"]][:10]
            async with Invest.connect(known) as invest:
                worker = Worker(
                    registry.pick(["data_collection"]),
                    settings=known,
                    resources=resources,
                    concurrency=3,
                    handle_signals=False,
                )
                working = asyncio.create_task(worker.main())
                job = await invest.enqueue(batch_collect_assets(tickers))
                restarts = 0
                async with asyncio.timeout(100):
                    async for event in invest.events("0", block=0.5):
                        if event is not None and event.kind == "succeeded" and restarts < RESTARTS:
                            await asyncio.to_thread(server.restart)
                            restarts += 1
                        if event is not None and event.job_id == job.id and event.kind in ("succeeded", "failed"):
                            break
                batch = await job.result(timeout=5)
                history = {s.attempt for s in (await invest.workflows.show(job.id)).steps}
                async with Store.open(known) as store, asyncio.timeout(30):
                    stored = await store.observations.latest_many(tickers)
                    run = await store.jobs.get(job.id)
                    while run is None or run.finished_at is None:  # the history follows behind
                        await asyncio.sleep(0.1)
                        run = await store.jobs.get(job.id)
                worker.stop()
                await working
    assert restarts == RESTARTS
    assert (batch.success_count, batch.failed_count) == (len(tickers), 0), batch.errors
    assert history == {1}, "none needed a second attempt"
    assert all((stored[ticker]["close"].value or 0) > 0 for ticker in tickers)
    assert run.state == JobState.SUCCEEDED.value, "the history caught up"
