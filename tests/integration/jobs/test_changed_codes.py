"""A company whose paper trades under another code since a day within the years that are read."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import date, timedelta

import numpy as np
import pytest

from invest.jobs.data_collection.collection import batch_collect_assets, collect_asset_data_async
from invest.jobs.data_collection.refresh import update_market_prices
from invest.settings import Settings
from invest_sandbox import Former, World
from invest_sandbox.world.sessions import last_session
from tests.integration.jobs.job_platform import Platform, running_platform

OLD, NEW = "CVRD3", "VALE3"
LISTED = 10


@pytest.fixture
async def changed(settings: Callable[..., Settings], redis_url: str, database_url: str) -> AsyncIterator[Platform]:
    """A platform whose market has one paper with a code of half a year."""
    since = last_session() - timedelta(180)
    world = World(LISTED, 11, former={NEW: Former(OLD, since)})
    async with running_platform(settings, redis_url, database_url, world) as running:
        yield running


def until(platform: Platform) -> date:
    """The first day of the new code."""
    return platform.sandbox.world.former[NEW].until


async def test_the_new_code_has_the_bars_of_the_old_one_and_says_where_they_came_from(changed: Platform) -> None:
    entry = await changed.run(collect_asset_data_async(NEW))
    assert entry.ticker == NEW
    assert await changed.store.assets.current(OLD) == NEW
    former = await changed.store.assets.get(OLD)
    assert former is not None
    assert (former.active, former.successor) == (False, NEW)
    line = await changed.store.bars.read(NEW)
    traded = changed.sandbox.world.series(NEW)
    first = line.days[0].astype(date)
    held = (traded.days >= line.days[0]).sum()
    assert first < until(changed) - timedelta(365), "the years before are there"
    assert len(line.days) == held, "and no day is missing or told twice"
    rows = await changed.store.bars.rows(NEW)
    assert len(rows) == held
    assert {(row.ticker, row.source) for row in rows if row.day < until(changed)} == {(OLD, "cotahist")}
    assert {row.ticker for row in rows if row.day >= until(changed)} == {NEW}


async def test_an_old_code_is_followed_to_its_new_one_by_batches_and_by_the_price_job(changed: Platform) -> None:
    await changed.run(collect_asset_data_async(NEW))
    again = await changed.run(batch_collect_assets([NEW], force_update=True))
    assert (again.success_count, again.failed_count) == (1, 0)
    prices = await changed.run(update_market_prices())
    assert (prices.total, prices.failed) == (2, 0), "the paper under its new code, and the index"
    assert await changed.store.database.fetchval("SELECT count(*) FROM ticker_change") == 1


async def test_who_asks_for_the_old_code_is_told_the_new_one(changed: Platform) -> None:
    asked = await changed.run(collect_asset_data_async(OLD))
    assert asked.asset is not None
    assert (asked.asset.active, asked.asset.successor) == (False, NEW)
    assert await changed.store.assets.current(OLD) == NEW
    last = await changed.store.database.fetchval("SELECT max(day) FROM bar WHERE ticker = $1", OLD)
    days = changed.sandbox.world.days
    assert last == days[days < np.datetime64(until(changed))][-1].astype(date)
