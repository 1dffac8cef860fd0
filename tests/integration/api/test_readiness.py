"""/readyz tells the truth: not ready where queued jobs may be lost, degraded where a server takes nothing new."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
from redis.asyncio import Redis

from invest.api.live import readiness
from invest.api.services import SERVICES
from invest.settings import Settings
from tests.integration.api.api_kit import API, Door, open_door

pytest_plugins = ["tests.integration.api.api_fixtures"]


@pytest.fixture
async def tuned(platform: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Redis]:
    """The test's Valkey, to be configured; as it was afterwards."""
    monkeypatch.setattr(readiness, "FRESH", 0.0)
    assert platform.redis.url is not None
    async with Redis.from_url(platform.redis.url.get_secret_value()) as redis:
        yield redis
        await redis.config_set("maxmemory", "0")
        await redis.config_set("maxmemory-policy", "noeviction")


async def told(door: Door, status: int) -> dict[str, Any]:
    answer = await door.ask("GET", "/readyz") if status == 200 else None
    if answer is None:
        async with door.session.get("/readyz") as response:
            assert response.status == status
            found: dict[str, Any] = await response.json()
            return found
    assert answer.status == status
    body: dict[str, Any] = answer.json()
    return body


async def test_a_redis_that_may_evict_is_not_ready_unless_that_is_wanted(platform: Settings, tuned: Redis) -> None:
    await tuned.config_set("maxmemory-policy", "allkeys-lru")
    async with open_door(platform) as door:
        body = await told(door, 503)
        assert body["status"] == "not ready" and "noeviction" in body["checks"]["redis"]
    wanted = platform.model_copy(update={"redis": platform.redis.model_copy(update={"allow_eviction": True})})
    async with open_door(wanted) as door:
        assert (await told(door, 200))["status"] == "ready"


async def test_a_full_redis_is_degraded_and_requests_are_still_counted(platform: Settings, tuned: Redis) -> None:
    strict = platform.model_copy(update={"web": platform.web.model_copy(update={"rate_limit": 0.01, "rate_burst": 4})})
    async with open_door(strict) as door:
        assert (await told(door, 200))["status"] == "ready"
        await tuned.config_set("maxmemory", "1")
        body = await told(door, 200)
        assert body["status"] == "degraded" and "no room" in body["checks"]["redis"]
        statuses = [(await door.ask("GET", f"{API}/portfolios")).status for _ in range(6)]
        assert statuses == [200] * 4 + [429] * 2
        await tuned.config_set("maxmemory", "0")
        assert (await told(door, 200))["status"] == "ready"


async def test_a_postgresql_that_takes_no_writes_is_degraded(platform: Settings) -> None:
    assert platform.database.url is not None
    url = platform.database.url.get_secret_value()
    connection = await asyncpg.connect(url)
    name = await connection.fetchval("SELECT current_database()")
    await connection.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    async with open_door(platform) as door:
        body = await told(door, 200)
        assert body["status"] == "degraded" and "no writes" in body["checks"]["postgresql"]
    await connection.execute("SET default_transaction_read_only = off")
    await connection.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")
    await connection.close()
    async with open_door(platform) as door:
        assert (await told(door, 200))["status"] == "ready"


async def test_many_probes_share_one_look(platform: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    async with open_door(platform) as door:
        looks = 0
        check = door.app[SERVICES].readiness
        ask = check._ask

        async def counted() -> readiness.State:
            nonlocal looks
            looks += 1
            return await ask()

        monkeypatch.setattr(check, "_ask", counted)
        await asyncio.gather(*(told(door, 200) for _ in range(200)))
        assert looks <= 2


@pytest.mark.parametrize("wait", [0.1, 5.0])
async def test_a_pool_whose_connections_are_all_in_use_is_degraded(
    platform: Settings, monkeypatch: pytest.MonkeyPatch, wait: float
) -> None:
    monkeypatch.setattr(readiness, "FRESH", 0.0)
    monkeypatch.setattr(readiness, "PATIENCE", 0.5)
    small = {"pool_max": 1, "acquire_timeout": wait}
    busy = platform.model_copy(update={"database": platform.database.model_copy(update=small)})
    async with open_door(busy) as door:
        assert (await told(door, 200))["status"] == "ready"
        store = await door.app[SERVICES].store()
        async with store.database.connection():
            body = await told(door, 200)
            assert body["status"] == "degraded" and "in use" in body["checks"]["postgresql"], body
        assert (await told(door, 200))["status"] == "ready"
