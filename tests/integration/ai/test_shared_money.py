"""What workers share: one budget that ten of them cannot overshoot, turns of a provider, lessons, and the ledger."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from redis.asyncio import Redis

from invest.ai import PAYER, Analysts, Payer
from invest.ai.errors import CallFailed
from invest.domain.opinions import OpinionStatus, Snapshot
from invest.jobs.callers import ai_spent
from invest.jobs.reports import SharedBudget, SharedLessons, SharedLimiter, StoredLedger
from invest.reports import reason_in
from invest.settings import Settings
from invest.store import Store
from tests.integration.ai.fake_ai_server import FakeAi, OpenPanel, providers


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    """A client of a fresh Redis."""
    async with Redis.from_url(redis_url) as client:
        yield client


@pytest.fixture
async def store(database_url: str, settings: Callable[..., Settings]) -> AsyncIterator[Store]:
    """A store over an empty database."""
    async with Store.open(settings(database={"url": database_url})) as opened:
        yield opened


async def test_ten_workers_overshoot_one_budget_by_one_call_at_most(
    fake_ai: FakeAi, redis_url: str, store: Store, settings: Callable[..., Settings], snapshot: Snapshot
) -> None:
    fake_ai.latency = {"openai": 0.05}
    limit = Decimal("0.30")
    given = {"openai": providers(fake_ai)["openai"] | {"max_tokens": 8000}}  # 8000 tokens out at 5 US$ a million: .04
    chosen = settings(ai={"providers": given, "daily_budget_usd": float(limit), "cache_hours": 0, "concurrency": 20})
    async with AsyncExitStack() as stack:
        workers = []
        for _ in range(10):
            client = await stack.enter_async_context(Redis.from_url(redis_url))
            kept = {"budget": SharedBudget(client, store), "ledger": StoredLedger(store)}
            workers.append(await stack.enter_async_context(Analysts.open(chosen, **kept)))  # type: ignore[arg-type]
        asked = [
            worker.ask_one("openai", snapshot.model_copy(update={"base_rate_180d": 0.3 + i / 1000 + j / 100}))
            for i, worker in enumerate(workers)
            for j in range(12)
        ]
        opinions = await asyncio.gather(*asked)
        budget = SharedBudget(await stack.enter_async_context(Redis.from_url(redis_url)), store)
        spent, held = await budget.spent_today(), await budget.held_today()
    answered = [o for o in opinions if o.status is OpinionStatus.OK]
    refused = [o for o in opinions if o.reason_code == "budget_spent"]
    most = Decimal(8000) * 5 / 1_000_000 + Decimal("0.01")
    assert len(answered) + len(refused) == 120
    assert answered and refused
    assert held == 0
    assert spent == sum((o.cost_usd or Decimal(0) for o in answered), Decimal(0))
    assert fake_ai.most["openai"] * (most - Decimal("0.01")) <= limit + most  # in flight at once, each at its most
    assert await store.spend.of_day(datetime.now(UTC).date()) == spent


async def test_what_a_dead_worker_had_reserved_counts_at_its_most(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    budget = SharedBudget(redis)
    assert await budget.reserve(Decimal("0.5"), Decimal(1)) is not None
    assert (await budget.spent_today(), await budget.held_today()) == (Decimal(0), Decimal("0.5"))
    later = time.time() + 4000
    monkeypatch.setattr(time, "time", lambda: later)
    living = await budget.reserve(Decimal("0.1"), Decimal(1))
    assert living is not None
    assert (await budget.spent_today(), await budget.held_today()) == (Decimal("0.5"), Decimal("0.1"))
    await budget.settle(living, Decimal("0.6"))
    await budget.settle(living, Decimal("0.6"))
    assert await budget.spent_today() == Decimal("1.1")
    assert await budget.reserve(Decimal("0.1"), Decimal(1)) is None
    assert await budget.reserve(Decimal("0.1"), Decimal(0)) is not None


async def test_a_redis_that_lost_the_day_starts_from_the_ledger(redis: Redis, store: Store) -> None:
    await store.spend.record("c1", datetime.now(UTC).date(), "openai", Decimal("9.5"))
    budget = SharedBudget(redis, store)
    assert await budget.reserve(Decimal("0.1"), Decimal(10)) is not None
    assert await budget.spent_today() == Decimal("9.5")
    await store.spend.record("c2", datetime.now(UTC).date(), "openai", Decimal("1"))
    await redis.flushall()
    assert await budget.reserve(Decimal("0.1"), Decimal(10)) is None


async def test_a_redis_that_lost_a_keys_money_starts_from_the_ledger(redis: Redis, store: Store) -> None:
    today = datetime.now(UTC).date()
    await store.spend.record("c1", today, "openai", Decimal("1.5"), payer="key-1")
    await store.spend.record("c2", today, "openai", Decimal("7"), payer="key-2")
    budget = SharedBudget(redis, store)
    assert await budget.reserve(Decimal("0.1"), Decimal("1.4"), "key-1") is None
    assert await budget.reserve(Decimal("0.1"), Decimal(2), "key-1") is not None
    assert await ai_spent(redis, "key-1") == Decimal("1.5")
    assert await budget.spent_today() == Decimal("8.5")  # nothing of all was reserved yet: the ledger's


async def test_a_call_that_was_under_way_when_redis_lost_the_day_is_booked_once(redis: Redis, store: Store) -> None:
    budget, today = SharedBudget(redis, store), datetime.now(UTC).date()
    early, late = [await budget.reserve(Decimal(1), Decimal(10)) for _ in range(2)]
    assert early and late
    await redis.flushall()
    await store.spend.record("c1", today, "openai", Decimal("0.4"))  # written down before the sum is begun anew
    await budget.settle(early, Decimal("0.4"))
    assert await budget.spent_today() == Decimal("0.4")
    assert await budget.reserve(Decimal(1), Decimal(10)) is not None
    await store.spend.record("c2", today, "openai", Decimal("0.7"))  # and one after it
    for _ in range(2):
        await budget.settle(late, Decimal("0.7"))
    assert await budget.spent_today() == await store.spend.of_day(today) == Decimal("1.1")


async def test_without_a_sum_and_without_a_ledger_nothing_is_granted_under_a_limit(redis: Redis) -> None:
    class Away:
        async def of_day(self, *_: object) -> Decimal:
            raise OSError("connection refused")

    class Shut:
        spend = Away()

    budget = SharedBudget(redis, Shut())  # type: ignore[arg-type]
    with pytest.raises(CallFailed, match="cannot be read") as caught:
        await budget.reserve(Decimal("0.1"), Decimal(10))
    assert caught.value.code == "ledger_away"
    assert await budget.reserve(Decimal("0.1"), Decimal(0)) is not None  # no limit, nothing to exceed


async def test_a_call_is_written_down_on_the_day_whose_money_it_took(
    fake_ai: FakeAi, open_panel: OpenPanel, redis: Redis, store: Store, snapshot: Snapshot
) -> None:
    kept = {"budget": SharedBudget(redis, store), "ledger": StoredLedger(store)}
    yesterday = datetime.now(UTC) - timedelta(days=1)  # as a call does that begins a moment before midnight
    async with open_panel(names=("openai",), now=lambda: yesterday, **kept) as panel:
        await panel.ask_one("openai", snapshot)
    today = datetime.now(UTC).date()
    assert await store.spend.of_day(yesterday.date()) == 0
    assert await store.spend.of_day(today) == await kept["budget"].spent_today() > 0  # type: ignore[attr-defined]


async def test_workers_share_the_pace_and_the_pauses_of_a_provider(redis: Redis) -> None:
    one, other = (SharedLimiter(redis, 5, {"openai": 300}) for _ in range(2))
    started = time.monotonic()
    for limiter in (one, other, one, other):
        async with limiter.slot("openai", 5):
            pass
    assert time.monotonic() - started >= 0.58  # three waits of 60 / 300 s
    one.pause("gemini", 30)
    await asyncio.sleep(0.1)
    with pytest.raises(CallFailed, match="asks to wait"):
        async with other.slot("gemini", 1):
            pass


async def test_ten_workers_have_no_more_calls_under_way_than_one_may(redis: Redis) -> None:
    under_way = most = 0

    async def call(limiter: SharedLimiter) -> None:
        nonlocal under_way, most
        async with limiter.slot("openai", 20):
            under_way += 1
            most = max(most, under_way)
            await asyncio.sleep(0.02)
            under_way -= 1

    workers = [SharedLimiter(redis, 6, {}) for _ in range(10)]
    await asyncio.gather(*(call(worker) for worker in workers for _ in range(6)))
    assert most == 6
    assert await redis.keys("*") == []


async def test_the_slot_of_a_worker_that_died_is_free_after_its_lease(redis: Redis) -> None:
    seconds, micros = await redis.time()
    ends = int(seconds) * 1000 + int(micros) // 1000 + 400
    await redis.zadd("invest:ai:turn:openai:holders", {"dead": ends})
    limiter = SharedLimiter(redis, 1, {}, lease=0.5)
    with pytest.raises(CallFailed, match="concurrency allows"):
        async with limiter.slot("openai", 0.1):
            pass
    async with limiter.slot("openai", 5):
        seconds, micros = await redis.time()
        assert int(seconds) * 1000 + int(micros) // 1000 >= ends
        await asyncio.sleep(0.8)  # longer than its lease, which it renews
        with pytest.raises(CallFailed):
            async with SharedLimiter(redis, 1, {}, lease=0.5).slot("openai", 0.1):
                pass


async def test_a_worker_without_redis_has_slots_of_its_own() -> None:
    gone = Redis.from_url("redis://127.0.0.1:1", socket_connect_timeout=0.2)
    async with gone, SharedLimiter(gone, 1, {}).slot("openai", 5):
        pass


async def test_what_a_server_takes_is_learnt_once_for_all_workers(
    fake_ai: FakeAi, open_panel: OpenPanel, redis: Redis, snapshot: Snapshot
) -> None:
    def responder(call: object, n: int) -> object:
        body = getattr(call, "body", {})
        if "response_format" in body:
            return 400, {"error": {"message": "response_format is not supported", "param": "response_format"}}
        from tests.integration.ai.fake_ai_server import answer

        return answer()

    fake_ai.responders["compatible"] = responder  # type: ignore[assignment]
    for _ in range(2):
        async with open_panel(names=("compatible",), lessons=SharedLessons(redis)) as panel:
            opinion = await panel.ask_one("compatible", snapshot)
            assert opinion.status is OpinionStatus.OK
    assert len(fake_ai.calls) == 3 + 1


async def test_the_ledger_says_who_was_asked_for_what_and_how_it_ended(
    fake_ai: FakeAi, open_panel: OpenPanel, store: Store, news_snapshot: Snapshot
) -> None:
    fake_ai.latency = {"gemini": 3}
    kept = {"ledger": StoredLedger(store)}
    async with open_panel(names=("openai", "gemini"), ai={"timeout": 0.8, "retries": 0}, **kept) as panel:
        await panel.ask(news_snapshot)
    today = datetime.now(UTC).date()
    lines = {(line.provider, line.purpose): line for line in await store.spend.lines(today, today)}
    assert set(lines) == {("openai", "opinion"), ("openai", "news"), ("gemini", "opinion"), ("gemini", "news")}
    assert (lines["openai", "opinion"].calls, lines["openai", "opinion"].cut) == (1, 0)
    assert (lines["openai", "opinion"].tokens_in, lines["openai", "opinion"].tokens_out) == (900, 300)
    assert lines["gemini", "opinion"].cut == 1
    assert lines["gemini", "opinion"].cost_usd > lines["openai", "opinion"].cost_usd
    assert "key-of" not in lines["openai", "opinion"].key


async def test_a_key_spends_its_own_money_and_that_of_all(
    fake_ai: FakeAi, open_panel: OpenPanel, redis: Redis, store: Store, snapshot: Snapshot
) -> None:
    fake_ai.latency = {"openai": 1.0}  # none is settled before the last of them asks
    budget = SharedBudget(redis, store)
    asked = [snapshot.model_copy(update={"base_rate_180d": 0.3 + i / 100}) for i in range(12)]
    token = PAYER.set(Payer("key-1", Decimal("0.20")))
    try:
        async with open_panel(
            names=("openai",), ai={"concurrency": 12, "max_tokens": 16000}, budget=budget, ledger=StoredLedger(store)
        ) as panel:
            opinions = await asyncio.gather(*(panel.ask_one("openai", one) for one in asked))
    finally:
        PAYER.reset(token)
    refused = [o for o in opinions if o.reason_code == "budget_spent"]
    assert len(refused) == 12 - 3  # .08 each at its most: three fit under .20, the third begins below it
    assert "this key's AI budget of US$ 0.20 a day" in (refused[0].reason or "")
    assert "(US$ 0.20) is spent: quotas.ai_usd_per_day" in reason_in(refused[0], "en")
    assert "(US$ 0.20) foi gasto: quotas.ai_usd_per_day" in reason_in(refused[0], "pt-BR")
    paid = sum((o.cost_usd or Decimal(0) for o in opinions), Decimal(0))
    assert await ai_spent(redis, "key-1") == await budget.spent_today() == paid
    today = datetime.now(UTC).date()
    assert {line.payer for line in await store.spend.lines(today, today)} == {"key-1"}
