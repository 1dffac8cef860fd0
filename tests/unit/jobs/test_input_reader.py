"""Reads of inputs in groups: what is asked for meanwhile goes together, later than it was asked, and fails alone."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, cast

import pytest

from invest.errors import ServerAway
from invest.jobs import input_reader
from invest.jobs.input_reader import InputReader
from invest.settings import Settings
from invest.store import Store


class Reads:
    """Stands for `load_inputs`: each read waits for `go`, and gives for a ticker the number of the read."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.begun = asyncio.Semaphore(0)
        self.go = asyncio.Semaphore(0)
        self.error: Exception | None = None

    async def __call__(self, _store: object, _settings: object, tickers: Sequence[str]) -> dict[str, int]:
        self.asked.append(list(tickers))
        number = len(self.asked)
        self.begun.release()
        await self.go.acquire()
        if self.error is not None:
            raise self.error
        if "BAD3" in tickers:
            raise ValueError("facts that cannot be read")
        return {ticker: number for ticker in tickers if ticker != "XXXX3"}


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Reads:
    """Reads that the test lets go."""
    found = Reads()
    monkeypatch.setattr(input_reader, "load_inputs", found)
    return found


def reader() -> InputReader:
    """A reader whose reads never touch its store."""
    return InputReader(cast(Store, None), cast(Settings, None))


def asked(one: InputReader, *tickers: str) -> asyncio.Task[Any]:
    """A request under way."""
    return asyncio.ensure_future(one.inputs(tickers))


async def test_requests_of_one_turn_and_those_that_come_meanwhile_go_together(reads: Reads) -> None:
    one = reader()
    first = [asked(one, "PETR4"), asked(one, "VALE3", "XXXX3")]
    await reads.begun.acquire()
    later = [asked(one, "PETR4"), asked(one, "ITUB4")]
    await asyncio.sleep(0)
    reads.go.release()
    assert [await task for task in first] == [{"PETR4": 1}, {"VALE3": 1}]  # the unknown one is left out
    reads.go.release()
    assert [await task for task in later] == [{"PETR4": 2}, {"ITUB4": 2}]  # never what was read before they asked
    assert reads.asked == [["PETR4", "VALE3", "XXXX3"], ["ITUB4", "PETR4"]]


async def test_a_server_that_is_away_fails_those_who_read_together_and_no_other(reads: Reads) -> None:
    one = reader()
    first = [asked(one, "PETR4"), asked(one, "VALE3")]
    await reads.begun.acquire()
    later = asked(one, "ITUB4")
    reads.error = ServerAway("PostgreSQL is away", server="PostgreSQL")
    reads.go.release()
    for task in first:
        with pytest.raises(ServerAway, match="is away"):
            await task
    reads.error = None
    reads.go.release()
    assert await later == {"ITUB4": 2}
    assert reads.asked == [["PETR4", "VALE3"], ["ITUB4"]]


async def test_an_asset_whose_facts_cannot_be_read_fails_alone(reads: Reads) -> None:
    one = reader()
    tasks = [asked(one, "PETR4"), asked(one, "BAD3"), asked(one, "VALE3")]
    for _ in range(4):
        reads.go.release()
    assert await tasks[0] == {"PETR4": 2} and await tasks[2] == {"VALE3": 4}
    with pytest.raises(ValueError, match="cannot be read"):
        await tasks[1]


async def test_one_who_is_cancelled_leaves_the_others_alone(reads: Reads) -> None:
    one = reader()
    first, second = asked(one, "PETR4"), asked(one, "VALE3")
    await reads.begun.acquire()
    first.cancel()
    reads.go.release()
    assert await second == {"VALE3": 1}
    third = asked(one, "ITUB4")
    reads.go.release()
    assert await third == {"ITUB4": 2}


async def test_one_read_is_bounded(reads: Reads, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(input_reader, "TOGETHER", 2)
    one = reader()
    tasks = [asked(one, "A", "B", "C"), asked(one, "D"), asked(one, "E"), asked(one, "F")]
    for _ in range(3):
        reads.go.release()
    await asyncio.gather(*tasks)
    assert reads.asked == [["A", "B", "C"], ["D", "E"], ["F"]]


async def test_closing_cancels_who_waits(reads: Reads) -> None:
    one = reader()
    under_way = asked(one, "PETR4")
    await reads.begun.acquire()
    waiting = asked(one, "VALE3")
    await asyncio.sleep(0)
    await one.close()
    for task in (under_way, waiting):
        with pytest.raises(asyncio.CancelledError):
            await task
