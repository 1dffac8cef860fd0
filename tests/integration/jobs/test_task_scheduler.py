"""The contract's scheduler: its ten methods, the purge of one queue, the three functions."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest

from invest.engine import Invest, JobState
from invest.errors import NotFound
from invest.jobs.declared import declare_all
from invest.jobs.scheduler import TaskScheduler, get_task_result, purge_queue, schedule_delayed_task, schedule_task
from invest.settings import Settings


@pytest.fixture
async def invest(settings: Callable[..., Settings], redis_url: str) -> AsyncIterator[Invest]:
    """A connection without any worker: what is queued stays queued."""
    declare_all()
    async with Invest.connect(settings(redis={"url": redis_url})) as opened:
        yield opened


async def test_workflows_are_queued_in_their_shapes(invest: Invest) -> None:
    scheduler = TaskScheduler(invest)
    chain_id = await scheduler.schedule_market_data_update(["PETR4"])
    steps = (await invest.workflows.show(chain_id)).steps
    assert [s.name for s in steps] == ["update_market_prices", "update_fundamentals_batch", "detect_opportunities"]
    scan_id = await scheduler.schedule_market_scan()
    names = [s.name for s in (await invest.workflows.show(scan_id)).steps]
    assert names.count("update_asset_rankings") == names.count("detect_opportunities") == 4
    with pytest.raises(ValueError, match="options"):
        await scheduler.schedule_market_scan(["options"])


async def test_the_daily_routine_names_its_four_parts(invest: Invest) -> None:
    scheduler = TaskScheduler(invest)
    routine = await scheduler.schedule_daily_routine()
    assert set(routine) == {"market_update", "fundamentals", "news", "portfolios"}
    for task_id in routine.values():
        assert (await scheduler.get_task_status(task_id))["state"] in ("PENDING", "STARTED")
    assert (await scheduler.get_task_status(await scheduler.schedule_portfolio_analysis(["p1"])))["ready"] is False
    assert await scheduler.schedule_weekly_reports_batch()


async def test_cancel_is_true_only_when_it_did_cancel(invest: Invest) -> None:
    scheduler = TaskScheduler(invest)
    task_id = await schedule_task(invest, "analyze_asset_async", "PETR4")
    assert await scheduler.cancel_task(task_id) is True
    assert await scheduler.cancel_task(task_id) is False
    assert await scheduler.cancel_task("never-was") is False
    with pytest.raises(NotFound):
        await scheduler.get_task_status("never-was")
    status = await scheduler.get_task_status(task_id)
    assert (status["state"], status["successful"], status["failed"]) == ("REVOKED", False, False)


async def test_scheduled_tasks_say_when_and_stats_count_by_queue(invest: Invest) -> None:
    scheduler = TaskScheduler(invest)
    task_id = await schedule_delayed_task(invest, "analyze_asset_async", 3600, "VALE3")
    scheduled = await scheduler.get_scheduled_tasks()
    assert [(t["task_id"], t["name"]) for t in scheduled] == [(task_id, "analyze_asset_async")]
    assert scheduled[0]["eta"]
    stats = await scheduler.get_queue_stats()
    assert stats["queues"]["analysis"]["scheduled"] == 1
    assert (stats["active_tasks"], stats["scheduled_tasks"], stats["workers"]) == (0, 1, 0)
    assert await scheduler.get_active_tasks() == []


async def test_a_purge_empties_one_queue_and_no_other(invest: Invest) -> None:
    doomed = [await schedule_task(invest, "analyze_asset_async", t) for t in ("PETR4", "VALE3")]
    spared = await schedule_task(invest, "collect_asset_data_async", "PETR4")
    assert await purge_queue(invest, "analysis") == 2
    assert {(await invest.status(i)).state for i in doomed} == {JobState.CANCELLED}
    assert (await invest.status(spared)).state is JobState.QUEUED
    with pytest.raises(NotFound):
        await purge_queue(invest, "no_such_queue")


async def test_a_result_that_does_not_come_is_a_timeout(invest: Invest) -> None:
    task_id = await schedule_task(invest, "analyze_asset_async", "PETR4")
    with pytest.raises(TimeoutError):
        await get_task_result(invest, task_id, timeout=0.2)
