"""The composition root: what jobs use, opened once per worker process and closed with it.

Beside the jobs each process carries the history of jobs from Redis to PostgreSQL, and back to a Redis that lost it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

from invest.ai import Analysts, per_minute
from invest.engine import Invest, Projector, Resources, ended, home_settings, open_redis
from invest.jobs.input_reader import InputReader
from invest.jobs.log_lines import keeping_lines
from invest.jobs.reports import SharedAnswers, SharedBudget, SharedLessons, SharedLimiter, SharedPrepaid, StoredLedger
from invest.objects import open_objects
from invest.settings import HOME, Settings
from invest.sources import Sources
from invest.store import Store
from invest.workers.history import history_sink, keep_whole, lost_payload, stored_cell


@asynccontextmanager
async def resources(settings: Settings) -> AsyncIterator[Resources]:
    """Settings, store, sources and the analysts, by type (`ctx.use(Store)`)."""
    async with AsyncExitStack() as stack:
        held = Resources()
        held.add(settings, Settings)
        store = held.add(await stack.enter_async_context(Store.open(settings, patience=settings.database.patience)))
        held.add_check(store.ready)
        reader = held.add(InputReader(store, settings))
        stack.push_async_callback(reader.close)
        if (objects := open_objects(settings)) is not None:
            held.add_check(objects.ready)
        held.add_payloads(partial(lost_payload, store))
        redis = open_redis(home_settings(settings))  # what all cells share
        stack.push_async_callback(redis.aclose)
        await stack.enter_async_context(keeping_lines(redis))
        held.add(await stack.enter_async_context(Sources.open(settings, redis)))
        analysts = Analysts.open(
            settings,
            cache=SharedAnswers(redis),
            budget=SharedBudget(redis, store),
            limiter=SharedLimiter(redis, settings.ai.concurrency, per_minute(settings)),
            ledger=StoredLedger(store),
            lessons=SharedLessons(redis),
            prepaid=SharedPrepaid(redis),
        )
        held.add(await stack.enter_async_context(analysts))
        own = redis
        if (settings.redis.cell or HOME) != HOME:
            own = open_redis(settings)
            stack.push_async_callback(own.aclose)
        invest = Invest(own, settings)
        for work in (
            Projector(invest, history_sink(store, stored_cell(settings), invest)).run(),
            keep_whole(invest, store),
        ):
            stack.push_async_callback(ended, asyncio.create_task(work))
        yield held
