"""Who has just written reads the primary, whichever web process answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from invest.api.access import RecentWriters
from invest.engine import Invest
from invest.settings import Settings
from invest.store import may_lag
from tests.integration.api.api_kit import API, open_door

pytest_plugins = ["tests.integration.api.api_fixtures"]


async def test_all_processes_know_who_has_just_written(
    settings: Callable[..., Settings], redis_url: str, monkeypatch: object
) -> None:
    known = settings(redis={"url": redis_url})
    async with Invest.connect(known) as one, Invest.connect(known) as two:
        here, there = (RecentWriters(client, lag=0.2) for client in (one, two))
        assert await here.may_lag("a") and await there.may_lag("a")
        await here.wrote("a")
        assert not await here.may_lag("a")
        for _ in range(200):
            if not await there.may_lag("a"):
                break
            await asyncio.sleep(0.01)
        assert not await there.may_lag("a")
        assert await there.may_lag("b")
        without = RecentWriters(one, lag=None)
        assert not await without.may_lag("b"), "without a replica all is read from the primary"


async def test_reads_of_the_api_may_lag_until_their_caller_writes(platform: Settings, database_url: str) -> None:
    """The replica named here is away: everything is answered from the primary all the same."""
    gone = {"url": database_url, "replica_url": "postgresql://nobody@127.0.0.1:1/none", "replica_lag": 0.2}
    known = platform.model_copy(update={"database": type(platform.database).model_validate(gone)})
    seen: list[bool] = []

    async def noted(self: RecentWriters, caller: str) -> bool:
        seen.append(await real(self, caller))
        return seen[-1]

    real, RecentWriters.may_lag = RecentWriters.may_lag, noted  # type: ignore[method-assign] # looked at
    try:
        async with open_door(known) as door:
            async with door.session.get(f"{API}/portfolios") as answer:
                assert answer.status == 200
            async with door.session.post(f"{API}/portfolios", json={"name": "one"}) as answer:
                assert answer.status == 201
            async with door.session.get(f"{API}/portfolios") as answer:
                assert "one" in await answer.text()
    finally:
        RecentWriters.may_lag = real  # type: ignore[method-assign] # as it was
    assert seen == [True, False]
    assert may_lag.get() is False
