"""Whoever saves is answered, whatever the moment at which a writer finds nothing more to do."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from invest.domain.market.assets import Asset
from invest.domain.market.tickers import AssetKind
from invest.domain.values.harvest import Harvest
from invest.errors import Unreachable
from invest.store.commits import Commits
from invest.store.harvests import Saved


class NoDatabase:
    """Takes `turns` turns of the loop for each transaction, then fails with `error` if there is one."""

    def __init__(self, turns: int = 0, error: Exception | None = None) -> None:
        self._turns = turns
        self._error = error

    async def run(self, work: Callable[[Any], Awaitable[list[Saved]]]) -> list[Saved]:
        for _ in range(self._turns):
            await asyncio.sleep(0)
        if self._error is not None:
            raise self._error
        return await work(self)

    async def execute(self, *_: Any) -> str:
        return "INSERT 0 1"


def commits(database: NoDatabase, writers: int) -> Commits:
    return Commits(database, lambda source: (50, False), writers)  # type: ignore[arg-type] # stands in for a Database


def one(number: int) -> Harvest:
    return Harvest(assets=[Asset(ticker=f"AAAA{number}", kind=AssetKind.STOCK)])


@pytest.mark.parametrize("writers", [1, 2])
@pytest.mark.parametrize("turns", [0, 1, 2, 3])
async def test_nobody_is_left_waiting(writers: int, turns: int) -> None:
    together = commits(NoDatabase(turns), writers)

    async def saver(number: int) -> int:
        done = 0
        for pause in range(40):
            for _ in range((number + pause) % 5):
                await asyncio.sleep(0)
            done += await together.save(one(number)) == Saved()
        return done

    async with asyncio.timeout(30):
        assert await asyncio.gather(*(saver(n) for n in range(6))) == [40] * 6


async def test_a_lost_server_is_told_to_each_in_an_error_of_its_own() -> None:
    lost = Unreachable("PostgreSQL at x does not answer")
    together = commits(NoDatabase(1, lost), 1)
    found = await asyncio.gather(*(together.save(one(n)) for n in range(3)), return_exceptions=True)
    assert [str(e) for e in found] == [str(lost)] * 3
    assert len({id(e) for e in found}) == 3


async def test_closing_ends_what_does_not_end_and_whoever_waits_for_it() -> None:
    together = commits(NoDatabase(10**9), 1)
    jobs = [asyncio.create_task(together.save(one(1))) for _ in range(3)]
    await asyncio.sleep(0)
    await together.close(0.01)
    assert [type(e) for e in await asyncio.gather(*jobs, return_exceptions=True)] == [asyncio.CancelledError] * 3
