"""Cron lines on a clock that the test moves: one run per tick, catch-up, conditions, pause, summer time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from invest.engine import Context, Invest, Queue, registry
from invest.engine.declare import next_tick, ticks
from invest.engine.worker.scheduler import Scheduler
from invest.errors import ConfigError, NotFound
from invest.settings import Settings

Make = Callable[..., Settings]
SAO_PAULO = ZoneInfo("America/Sao_Paulo")
NEW_YORK = ZoneInfo("America/New_York")


@pytest.fixture
def known(settings: Make, redis_url: str) -> Settings:
    return settings(redis={"url": redis_url})


@pytest.fixture
def cron_queue() -> Iterator[Queue]:
    """A queue whose jobs are forgotten afterwards."""
    queue = Queue("cronkit")
    yield queue
    registry.remove(*queue.jobs.values())


class Clocked(Scheduler):
    """A scheduler whose clock is set by the test."""

    at = datetime(2026, 3, 2, 9, 59, 30, tzinfo=SAO_PAULO)

    async def now(self) -> datetime:
        return self.at


def declare(queue: Queue, **options: object) -> None:
    @queue.job(**options)  # type: ignore[arg-type] # options of the test
    async def cron_job(ctx: Context, limit: int = 3) -> int:
        return limit


async def waiting(invest: Invest) -> int:
    return (await invest.inspect.queues())["cronkit"].waiting


async def test_three_schedulers_at_once_start_one_run_per_tick(known: Settings, cron_queue: Queue) -> None:
    declare(cron_queue, cron="*/5 10-17 * * mon-fri", cron_args={"limit": 7})
    async with Invest.connect(known) as invest:
        three = [Clocked(invest, [cron_queue]) for _ in range(3)]
        for one in three:
            await one.step()
        assert await waiting(invest) == 0, "nothing is caught up at the very first start"
        for minute in range(60):
            for one in three:
                one.at = datetime(2026, 3, 2, 10, minute, 1, tzinfo=SAO_PAULO)
            await asyncio.gather(*(one.step() for one in three))
        assert await waiting(invest) == 12
        job = f"cron:cron_job:{int(datetime(2026, 3, 2, 10, 5, tzinfo=SAO_PAULO).timestamp() * 1000)}"
        assert (await invest.status(job)).kwargs == {"limit": 7}
        entry = next(e for e in await invest.schedules.all() if e.name == "cron_job")
        assert entry.last_at == datetime(2026, 3, 2, 10, 55, tzinfo=SAO_PAULO)


@pytest.mark.parametrize(("policy", "expected"), [("latest", 1), ("skip", 0), ("all", 4)])
async def test_ticks_missed_in_a_downtime_are_caught_up_as_declared(
    known: Settings, cron_queue: Queue, policy: str, expected: int
) -> None:
    declare(cron_queue, cron="0 * * * *", catch_up=policy)
    async with Invest.connect(known) as invest:
        one = Clocked(invest, [cron_queue])
        await one.step()
        one.at += timedelta(hours=4, seconds=-30)
        one.at = one.at.replace(minute=30)
        await one.step()
        assert await waiting(invest) == expected


async def test_a_condition_keeps_ticks_from_running(known: Settings, cron_queue: Queue) -> None:
    registry.add_condition("kit_even_hour", lambda tick: tick.hour % 2 == 0)
    declare(cron_queue, cron="0 * * * *", when="kit_even_hour", catch_up="all")
    async with Invest.connect(known) as invest:
        one = Clocked(invest, [cron_queue])
        await one.step()
        for hour in range(10, 16):
            one.at = datetime(2026, 3, 2, hour, 0, 1, tzinfo=SAO_PAULO)
            await one.step()
        assert await waiting(invest) == 3


async def test_a_tick_passes_while_the_last_run_still_holds_the_key(known: Settings, cron_queue: Queue) -> None:
    declare(cron_queue, cron="0 * * * *", key="all")
    async with Invest.connect(known) as invest:
        one = Clocked(invest, [cron_queue])
        await one.step()
        for hour in (10, 11, 12):
            one.at = datetime(2026, 3, 2, hour, 0, 1, tzinfo=SAO_PAULO)
            await one.step()
        assert await waiting(invest) == 1
        assert await invest.purge("cronkit") == 1
        one.at = datetime(2026, 3, 2, 13, 0, 1, tzinfo=SAO_PAULO)
        await one.step()
        assert await waiting(invest) == 1


async def test_an_unregistered_condition_is_named_at_start(known: Settings, cron_queue: Queue) -> None:
    declare(cron_queue, cron="0 * * * *", when="kit_nobody")
    async with Invest.connect(known) as invest:
        with pytest.raises(ConfigError, match="kit_nobody"):
            Scheduler(invest, [cron_queue])


async def test_pausing_resuming_and_running_now(known: Settings, cron_queue: Queue) -> None:
    declare(cron_queue, cron="0 * * * *")
    async with Invest.connect(known) as invest:
        one = Clocked(invest, [cron_queue])
        await one.step()
        await invest.schedules.pause("cron_job")
        one.at = datetime(2026, 3, 2, 10, 0, 1, tzinfo=SAO_PAULO)
        await one.step()
        assert await waiting(invest) == 0
        await invest.schedules.run_now("cron_job")
        assert await waiting(invest) == 1
        with pytest.raises(NotFound):
            await invest.schedules.pause("nobody")


async def test_the_real_clock_is_redis_own(known: Settings, cron_queue: Queue) -> None:
    declare(cron_queue, cron="* * * * *")
    async with Invest.connect(known) as invest:
        now = await Scheduler(invest, [cron_queue]).now()
        assert abs((now - datetime.now(UTC)).total_seconds()) < 5 and now.tzinfo == SAO_PAULO


def test_summer_time_neither_doubles_nor_swallows_a_daily_tick(cron_queue: Queue) -> None:
    declare(cron_queue, cron="30 1 * * *")
    job = registry.job("cron_job")
    autumn = [t for t, _ in zip(ticks(job, datetime(2026, 10, 31, 12, tzinfo=NEW_YORK)), range(3), strict=False)]
    assert [t.date().isoformat() for t in autumn] == ["2026-11-01", "2026-11-02", "2026-11-03"]


def test_a_tick_in_the_skipped_hour_still_comes(cron_queue: Queue) -> None:
    declare(cron_queue, cron="30 2 * * *")
    job = registry.job("cron_job")
    spring = [t for t, _ in zip(ticks(job, datetime(2026, 3, 7, 12, tzinfo=NEW_YORK)), range(2), strict=False)]
    assert [t.date().isoformat() for t in spring] == ["2026-03-08", "2026-03-09"]


@pytest.mark.parametrize("line", ["0 0 30 2 *", "61 * * * *", "nonsense", "* * * *"])
def test_a_line_that_is_wrong_or_never_comes_true_is_refused_where_it_is_declared(line: str) -> None:
    queue = Queue("cronbad")
    with pytest.raises(ValueError, match="cron"):
        declare(queue, cron=line)


def test_a_condition_that_never_holds_ends_the_search(cron_queue: Queue) -> None:
    declare(cron_queue, cron="0 9 * * *", when=lambda tick: False)
    assert next_tick(registry.job("cron_job"), datetime(2026, 1, 1, tzinfo=SAO_PAULO)) is None
