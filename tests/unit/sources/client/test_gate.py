"""Admission to hosts: the rule in this process, and the same rule shared through Redis."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from redis.asyncio import Redis

from invest.sources.client.gate import PREFIX, Gate, Limits, LocalGate, RedisGate, budget_key


@dataclass
class Clock:
    """Seconds that pass when told."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


SLOW = Limits(rate=1.0, burst=2, failures=5, open_for=60, open_max=200, probe=25)


async def test_a_burst_goes_at_once_and_the_rest_in_turn() -> None:
    gate = LocalGate(Clock())
    waits = [(await gate.admit("h", SLOW, "b")).wait for _ in range(5)]
    assert waits == pytest.approx([0, 0, 1, 2, 3])


async def test_tokens_come_back_with_time() -> None:
    clock = Clock()
    gate = LocalGate(clock)
    for _ in range(4):
        await gate.admit("h", SLOW, "b")
    clock.now += 10
    assert (await gate.admit("h", SLOW, "b")).wait == 0


async def test_a_wait_beyond_what_is_sensible_is_refused_and_costs_nothing() -> None:
    gate, limits = LocalGate(Clock()), Limits(rate=0.1, burst=1, max_wait=15)
    verdicts = [(await gate.admit("h", limits, "b")).verdict for _ in range(5)]
    assert verdicts == ["ok", "ok", "busy", "busy", "busy"]


async def test_hosts_do_not_share_a_bucket() -> None:
    gate = LocalGate(Clock())
    for _ in range(10):
        await gate.admit("a", SLOW, "b")
    assert (await gate.admit("b", SLOW, "b")).wait == 0


async def test_a_fast_host_is_granted_several_calls_at_once() -> None:
    admission = await LocalGate(Clock()).admit("h", Limits(rate=10_000, burst=10_000), "b")
    assert admission.n == 500


async def test_the_budget_ends_and_is_counted_by_month() -> None:
    gate, limits = LocalGate(Clock()), Limits(rate=100, burst=1, budget=2)
    verdicts = [(await gate.admit("h", limits, "brapi:2026-03")).verdict for _ in range(3)]
    assert verdicts == ["ok", "ok", "budget"]
    assert (await gate.admit("h", limits, "brapi:2026-04")).verdict == "ok"
    assert budget_key("brapi", datetime(2026, 3, 31, 23, tzinfo=UTC)) == "brapi:2026-03"


async def test_the_breaker_opens_doubles_and_lets_one_probe_through() -> None:
    clock = Clock()
    gate = LocalGate(clock)
    closed = [await gate.report("h", SLOW, "fail") for _ in range(5)]
    assert closed == [0, 0, 0, 0, 60]
    assert (await gate.admit("h", SLOW, "b")).verdict == "open"
    clock.now += 61
    assert (await gate.admit("h", SLOW, "b")).verdict == "ok"
    assert (await gate.admit("h", SLOW, "b")).verdict == "open"
    assert await gate.report("h", SLOW, "fail") == 120
    clock.now += 121
    await gate.admit("h", SLOW, "b")
    assert await gate.report("h", SLOW, "fail") == 200
    clock.now += 201
    await gate.admit("h", SLOW, "b")
    await gate.report("h", SLOW, "ok")
    assert [(await gate.admit("h", SLOW, "b")).verdict for _ in range(2)] == ["ok", "ok"]


async def test_failures_must_follow_one_another_to_open_it() -> None:
    gate = LocalGate(Clock())
    for outcome in ("fail", "fail", "fail", "fail", "ok", "fail", "fail", "fail", "fail"):
        await gate.report("h", SLOW, outcome)
    assert (await gate.admit("h", SLOW, "b")).verdict == "ok"


async def test_a_pause_holds_although_others_succeed() -> None:
    clock = Clock()
    gate = LocalGate(clock)
    await gate.report("h", SLOW, "pause", 30)
    await gate.report("h", SLOW, "ok")
    assert (await gate.admit("h", SLOW, "b")).wait == 30
    clock.now += 31
    assert (await gate.admit("h", SLOW, "b")).verdict == "ok"


@pytest.fixture
async def workers(redis_url: str) -> AsyncIterator[tuple[Gate, Gate]]:
    """Two workers' gates over one Redis."""
    clients = [Redis.from_url(redis_url), Redis.from_url(redis_url)]
    yield RedisGate(clients[0]), RedisGate(clients[1])
    for client in clients:
        await client.aclose()


async def test_workers_share_one_bucket(workers: tuple[Gate, Gate]) -> None:
    waits = [(await workers[i % 2].admit("h", SLOW, "b")).wait for i in range(5)]
    assert waits == pytest.approx([0, 0, 1, 2, 3], abs=0.2)


async def test_workers_share_one_breaker_and_one_probe(workers: tuple[Gate, Gate]) -> None:
    limits = Limits(rate=1000, burst=1000, failures=5, open_for=0.2, open_max=1)
    for i in range(5):
        await workers[i % 2].report("h", limits, "fail")
    assert [(await gate.admit("h", limits, "b")).verdict for gate in workers] == ["open", "open"]
    await asyncio.sleep(0.25)
    assert [(await gate.admit("h", limits, "b")).verdict for gate in workers] == ["ok", "open"]
    await workers[0].report("h", limits, "ok")
    assert [(await gate.admit("h", limits, "b")).verdict for gate in workers] == ["ok", "ok"]


async def test_workers_share_one_budget(workers: tuple[Gate, Gate]) -> None:
    limits = Limits(rate=1000, burst=1, budget=3)
    verdicts = [(await workers[i % 2].admit("h", limits, "brapi:2026-03")).verdict for i in range(4)]
    assert verdicts == ["ok", "ok", "ok", "budget"]


async def test_a_pause_reaches_the_other_worker(workers: tuple[Gate, Gate]) -> None:
    await workers[0].report("h", SLOW, "pause", 5)
    answer = await workers[1].admit("h", SLOW, "b")
    assert answer.verdict == "open"
    assert 4 < answer.wait < 5.1


async def test_the_keys_expire(redis_url: str, workers: tuple[Gate, Gate]) -> None:
    await workers[0].admit("h", Limits(rate=1, burst=1, budget=5), "brapi:2026-03")
    async with Redis.from_url(redis_url) as client:
        keys = sorted([key async for key in client.scan_iter(PREFIX + "*")])
        assert keys == [b"invest:source:budget:brapi:2026-03", b"invest:source:host:h"]
        assert [await client.ttl(key) > 0 for key in keys] == [True, True]


async def test_without_redis_a_worker_limits_itself() -> None:
    async with Redis.from_url("redis://127.0.0.1:1", socket_connect_timeout=0.2) as client:
        gate = RedisGate(client)
        waits = [(await gate.admit("h", SLOW, "b")).wait for _ in range(3)]
        assert waits == pytest.approx([0, 0, 1], abs=0.1)
        assert [await gate.report("h", SLOW, "fail") for _ in range(5)][-1] == 60
