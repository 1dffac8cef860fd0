"""Workers that share one Redis: answers good for hours are fetched once, and files one after the other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from redis.asyncio import Redis

from invest.domain.values.observations import RawPayload
from invest.sources.client.shared import Shared
from invest.sources.errors import Busy

PAYLOAD = RawPayload(
    sha256="0" * 64, source="b3", url="https://x/y", fetched_at=datetime.now(UTC), status=200, size=2, body=b"{}"
)


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    """A connection."""
    client = Redis.from_url(redis_url)
    yield client
    await client.aclose()


async def test_an_answer_good_for_a_day_is_there_for_the_next_worker(redis: Redis) -> None:
    await Shared(redis).keep("u", PAYLOAD, 86_400)
    assert await Shared(redis).recall("u", 86_400) == PAYLOAD
    assert await Shared(redis).recall("other", 86_400) is None


async def test_what_is_good_for_minutes_is_not_shared(redis: Redis) -> None:
    await Shared(redis).keep("u", PAYLOAD, 300)
    assert await redis.dbsize() == 0


async def test_what_is_no_text_or_too_large_is_not_shared(redis: Redis) -> None:
    shared = Shared(redis)
    await shared.keep("u", PAYLOAD.model_copy(update={"body": b"\xe7\xe3o"}), 86_400)
    await shared.keep("u", PAYLOAD.model_copy(update={"body": b"x" * 300_000}), 86_400)
    assert await redis.dbsize() == 0


async def test_rubbish_under_the_key_is_nothing(redis: Redis) -> None:
    await Shared(redis).keep("u", PAYLOAD, 86_400)
    (key,) = [key async for key in redis.scan_iter("*")]
    await redis.set(key, b"\x80\x04pickle")
    assert await Shared(redis).recall("u", 86_400) is None


async def test_only_one_worker_at_a_time_has_its_turn(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("invest.sources.client.shared.TURN_WAIT", 0.3)
    first, second = Shared(redis), Shared(redis)
    async with first.turn("cvm", "h", 10):
        with pytest.raises(Busy):
            async with second.turn("cvm", "h", 10):
                pass
        async with second.turn("cvm", "another", 10):
            pass
    async with second.turn("cvm", "h", 10):
        pass


async def test_a_worker_that_died_with_its_turn_does_not_keep_it(redis: Redis) -> None:
    entered = asyncio.Event()

    async def die() -> None:
        async with Shared(redis).turn("cvm", "h", 0.3):
            entered.set()
            await asyncio.sleep(60)

    task = asyncio.create_task(die())
    await entered.wait()
    async with Shared(redis).turn("cvm", "h", 1):
        task.cancel()


async def test_without_redis_everyone_goes_his_own_way() -> None:
    async with Redis.from_url("redis://127.0.0.1:1", socket_connect_timeout=0.2) as gone:
        for shared in (Shared(None), Shared(gone), Shared(gone, enabled=False)):
            await shared.keep("u", PAYLOAD, 86_400)
            assert await shared.recall("u", 86_400) is None
            async with shared.turn("cvm", "h", 1):
                pass
