"""Cron lines on a clock that the test moves: one run per tick, catch-up, conditions, pause, summer time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from invest.engine import Context, Invest, Queue, ScheduleEntry, keys, registry
from invest.engine.declare import line_ticks, next_tick, ticks
from invest.engine.worker import scheduler
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


def two_lines(queue: Queue, condition: Callable[[datetime], bool], **options: object) -> None:
    """A line with a condition beside one without."""

    @queue.job(cron="0 * * * *", when=condition, **options)  # type: ignore[arg-type] # options of the test
    async def cron_odd(ctx: Context, limit: int = 3) -> int:
        return limit

    @queue.job(cron="0 * * * *")
    async def cron_plain(ctx: Context) -> int:
        return 1


async def hours(one: Clocked, *at: int) -> None:
    for hour in at:
        one.at = datetime(2026, 3, 2, hour, 0, 1, tzinfo=SAO_PAULO)
        while await one.step() < 0.05:
            pass


async def entry(invest: Invest, name: str) -> ScheduleEntry:
    return next(e for e in await invest.schedules.all() if e.name == name)


def failing_while(broken: dict[str, bool]) -> Callable[[datetime], bool]:
    """A condition that raises while `broken["now"]`."""

    def condition(tick: datetime) -> bool:
        if broken["now"]:
            raise RuntimeError("the calendar is away")
        return True

    return condition


async def test_a_condition_that_raises_is_named_and_the_others_tick_on(known: Settings, cron_queue: Queue) -> None:
    broken = {"now": True}
    two_lines(cron_queue, failing_while(broken))
    async with Invest.connect(known) as invest:
        one = Clocked(invest, [cron_queue])
        await one.step()
        await hours(one, 10, 11)
        assert await waiting(invest) == 2, "the plain one"
        odd = await entry(invest, "cron_odd")
        assert odd.error is not None and "the calendar is away" in odd.error
        assert (await entry(invest, "cron_plain")).error is None
        broken["now"] = False
        await hours(one, 12)
        assert await waiting(invest) == 4 and (await entry(invest, "cron_odd")).error is None


async def test_a_new_process_keeps_the_named_trouble_until_it_has_seen_the_line_work(
    known: Settings, cron_queue: Queue
) -> None:
    broken = {"now": True}
    two_lines(cron_queue, failing_while(broken))
    async with Invest.connect(known) as invest:
        one = Clocked(invest, [cron_queue])
        await one.step()
        await hours(one, 10)
        restarted = Clocked(invest, [cron_queue])
        restarted.at = one.at
        await restarted.step()
        noted = keys.SCHEDULE + "cron_odd"
        assert await invest.redis.hget(noted, "error") is not None, "nothing was tried since"  # type: ignore[misc] # redis-py: Awaitable
        broken["now"] = False
        await hours(restarted, 11)
        assert await invest.redis.hget(noted, "error") is None  # type: ignore[misc] # the same


async def test_arguments_that_do_not_validate_are_named_and_the_others_tick_on(
    known: Settings, cron_queue: Queue
) -> None:
    two_lines(cron_queue, lambda tick: True, cron_args={"limit": "many"})
    async with Invest.connect(known) as invest:
        one = Clocked(invest, [cron_queue])
        await one.step()
        await hours(one, 10)
        assert await waiting(invest) == 1
        error = (await entry(invest, "cron_odd")).error
        assert error is not None and "limit" in error


async def test_a_condition_that_hangs_holds_nobody_up(
    known: Settings, cron_queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scheduler, "PATIENCE", 0.2)

    def hangs(tick: datetime) -> bool:
        time.sleep(1.5)
        return True

    two_lines(cron_queue, hangs)
    async with Invest.connect(known) as invest:
        one = Clocked(invest, [cron_queue])
        await one.step()
        longest = 0.0

        async def pulse() -> None:
            nonlocal longest
            while True:
                before = time.monotonic()
                await asyncio.sleep(0.01)
                longest = max(longest, time.monotonic() - before)

        beating = asyncio.create_task(pulse())
        one.at = datetime(2026, 3, 2, 10, 0, 1, tzinfo=SAO_PAULO)
        await asyncio.wait_for(one.step(), 1.4)
        beating.cancel()
        assert await waiting(invest) == 1 and longest < 1.0, "the loop went on"


async def test_a_switch_that_is_off_for_months_costs_little_and_works_once_it_is_on(
    known: Settings, cron_queue: Queue
) -> None:
    switch = {"on": False}
    registry.add_condition("kit_switch", lambda tick: switch["on"])
    declare(cron_queue, cron="* * * * *", when="kit_switch")
    async with Invest.connect(known) as invest:
        one = Clocked(invest, [cron_queue])
        await one.step()
        one.at += timedelta(days=6)
        looks = 0
        while True:
            begun = time.process_time()
            pause = await one.step()
            looks += 1
            assert time.process_time() - begun < 1.5, "no step takes long"
            if pause > 0.05:
                break
        assert looks > 1 and await waiting(invest) == 0
        switch["on"] = True
        one.at += timedelta(minutes=1)
        await one.step()
        assert await waiting(invest) == 1
        begun = time.monotonic()
        switch["on"] = False
        assert (await entry(invest, "cron_job")).next_at is None and time.monotonic() - begun < 1


@pytest.mark.parametrize("line", ["0 0 29 2 *", "0 0 1 1 *"])
def test_a_line_that_ticks_once_in_years_is_found_at_once(cron_queue: Queue, line: str) -> None:
    declare(cron_queue, cron=line)
    begun = time.monotonic()
    tick = next_tick(registry.job("cron_job"), datetime(2026, 3, 2, tzinfo=SAO_PAULO))
    assert tick is not None and tick.year in (2027, 2028) and time.monotonic() - begun < 0.5


@pytest.mark.parametrize("zone", ["America/New_York", "Europe/Lisbon", "Australia/Lord_Howe", "America/Sao_Paulo"])
@pytest.mark.parametrize("line", ["*/5 * * * *", "0 * * * *", "30 1 * * *", "15 2 * * *", "*/15 1-3 * * *"])
def test_ticks_grow_in_every_zone_and_start_after_the_instant_asked_for(line: str, zone: str) -> None:
    for year in (2011, 2018, 2026):
        for month in (2, 3, 4, 10, 11):
            after = datetime(year, month, 1, 0, 30, tzinfo=ZoneInfo(zone)).astimezone(UTC)
            for offset in range(0, 30 * 24 * 60, 7 * 60 + 11):
                start = (after + timedelta(minutes=offset)).astimezone(ZoneInfo(zone))
                found = [t.timestamp() for t, _ in zip(line_ticks(line, start), range(4), strict=False)]
                assert found == sorted(set(found)) and found[0] > start.timestamp()


async def test_in_the_hour_that_comes_twice_nothing_spins_and_what_was_missed_is_caught_up(
    known: Settings, cron_queue: Queue
) -> None:
    declare(cron_queue, cron="*/5 * * * *")
    async with Invest.connect(known) as invest:
        one = Clocked(invest, [cron_queue])
        one._zone = NEW_YORK
        for hour, minute, jobs in ((5, 30, 0), (5, 57, 1), (6, 10, 2), (7, 1, 3)):
            one.at = datetime(2026, 11, 1, hour, minute, 1, tzinfo=UTC).astimezone(NEW_YORK)
            assert await one.step() > 5
            assert await waiting(invest) == jobs
