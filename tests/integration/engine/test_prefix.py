"""Deployments that share one server: each keeps to its own prefix, and none sees another's jobs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import redis

from invest.engine import Invest, JobState, Worker, chord, group
from invest.engine.redis import transitions
from invest.settings import Settings
from tests.builders.redis_users import owner_of, refused
from tests.integration.engine.engine_kit import kit, kit_add, kit_fail, kit_sleep, kit_sum

Make = Callable[..., Settings]


async def _work(settings: Settings) -> None:
    await asyncio.wait_for(Worker([kit], settings=settings, burst=True, handle_signals=False).main(), 30)


async def test_two_deployments_share_a_server_without_seeing_each_other(redis_url: str, settings: Make) -> None:
    made = [settings(redis={"url": owner_of(redis_url, name), "prefix": name}) for name in ("a:one", "b:two")]
    async with Invest.connect(made[0]) as one, Invest.connect(made[1]) as two:
        jobs = await one.enqueue_many([kit_add(n, 1) for n in range(20)])
        await two.enqueue(kit_add(7, 7))
        same = await asyncio.gather(*(c.enqueue(kit_add(1, 1).with_options(id="same")) for c in (one, two)))
        assert [job.new for job in same] == [True, True]
        await _work(made[1])
        assert (await one.inspect.queues())["kit"].waiting == 21
        assert (await two.inspect.queues())["kit"].done == 2
        assert await two.pause("kit")
        await _work(made[0])
        assert [await job.result(5) for job in jobs] == [n + 1 for n in range(20)]
        assert (await two.status("same")).state is JobState.SUCCEEDED
        assert await one.cancel("same") is False
        assert (await one.inspect.queues())["kit"].paused is False
    with redis.Redis.from_url(redis_url) as client:
        names = client.keys()
    assert {name.partition(b"}:")[0] for name in names} == {b"{a:one", b"{b:two"}


async def test_everything_the_engine_does_keeps_to_the_prefix(redis_url: str, settings: Make) -> None:
    """Under a user of the server who may touch nothing else: a key outside would be an error."""
    made = settings(redis={"url": owner_of(redis_url, "c"), "prefix": "c"})
    async with Invest.connect(made) as invest:
        working = asyncio.create_task(Worker([kit], settings=made, handle_signals=False).main())
        try:
            await _use(invest)
        finally:
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)
    assert refused(redis_url) == []


async def _use(invest: Invest) -> None:
    events = invest.events("0", block=0.2)
    assert await (await invest.enqueue(kit_add(1, 2))).result(10) == 3
    assert (await anext(events)) is not None
    many = chord([kit_add(n, 1) for n in range(10)], kit_sum())
    assert await (await invest.enqueue(many)).result(10) == 55
    both = await invest.enqueue(group(kit_add(1, 1), kit_fail()))
    with_error = await asyncio.gather(both.result(10), return_exceptions=True)
    assert isinstance(with_error[0], Exception)
    await invest.workflows.page()
    await invest.workflows.show(both.id)
    await invest.workflows.retry(both.id)
    await asyncio.gather(both.result(10), return_exceptions=True)
    long = await invest.enqueue(kit_sleep(30))
    after = await invest.enqueue_after(long.id, kit_add(5, 5))
    while (await long.status()).state is not JobState.RUNNING:  # noqa: ASYNC110 - another task's work
        await asyncio.sleep(0.02)
    assert await long.cancel()
    assert await after.result(10) == 10
    dead = await invest.enqueue(kit_fail())
    await asyncio.gather(dead.result(10), return_exceptions=True)
    assert (await invest.dead.page()).items
    again = await invest.dead.replay(dead.id)
    await asyncio.gather(again.result(10), return_exceptions=True)
    await invest.dead.discard(again.id)
    await invest.inspect.workers()
    await invest.inspect.timeline(again.id)
    await invest.schedules.all()
    await invest.pause("kit")
    later = await invest.enqueue(kit_add(1, 1))
    assert await invest.inspect.position(later.id) == 0
    assert await invest.purge("kit") == 1
    await invest.resume("kit")
    for name in ("", "kit_add"):
        await invest.ask(transitions.sweep(name, "unknown", 1))
    await invest.ask(transitions.forget(10))
