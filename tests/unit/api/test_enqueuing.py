"""Calls of requests go out in batches of their own for each cell."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from invest.api.live import Enqueuer
from invest.engine import Call, Context, Queue
from invest.errors import ServerAway
from invest.settings import Settings, load

queue = Queue("enqueuing")


@queue.job()
async def enqueuing_job(ctx: Context, number: int) -> int:
    """Nothing."""
    return number


class Cell:
    """A cell that answers when it is let."""

    def __init__(self) -> None:
        self.answers = asyncio.Event()
        self.error: Exception | None = None

    async def enqueue_batch(self, calls: Sequence[Call[Any]], notes: Sequence[Any]) -> list[Any]:
        """The arguments of the calls."""
        await self.answers.wait()
        if self.error is not None:
            raise self.error
        return [call.options.caller for call in calls]


class Platform:
    """Callers have cells of their own names."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.cells = {"a": Cell(), "b": Cell()}

    def client_of(self, call: Call[Any]) -> Cell:
        """The caller's."""
        assert call.options.caller
        return self.cells[call.options.caller]


async def test_a_cell_that_does_not_answer_keeps_no_other_ones_calls_waiting() -> None:
    platform = Platform(load(redis={"url": "unix:///nowhere"}))
    away, well = platform.cells.values()
    enqueuer = Enqueuer(platform)  # type: ignore[arg-type] # stands for `Invest`
    lost = [asyncio.ensure_future(enqueuer.enqueue(enqueuing_job(number), "a")) for number in range(3)]
    well.answers.set()
    async with asyncio.timeout(5):
        queued: list[Any] = await asyncio.gather(*(enqueuer.enqueue(enqueuing_job(n), "b") for n in range(3)))
    assert queued == ["b"] * 3
    assert not any(task.done() for task in lost)
    away.error = ServerAway("a does not answer", server="Redis")
    away.answers.set()
    for task in lost:
        with pytest.raises(ServerAway, match="a does not answer"):
            await task
    await enqueuer.close()


async def test_who_comes_to_wait_while_the_process_ends_is_answered_at_once() -> None:
    class Sleeping(Platform):
        async def wait(self, job_id: str, seconds: float) -> None:
            """Longer than any test."""
            await asyncio.sleep(seconds)

        async def status(self, job_id: str) -> str:
            """The status as it is."""
            return f"{job_id} queued"

    enqueuer = Enqueuer(Sleeping(load(redis={"url": "unix:///nowhere"})))  # type: ignore[arg-type] # stands for `Invest`
    enqueuer.stop_waiting()
    async with asyncio.timeout(5):
        assert await enqueuer.wait("1", 60) == "1 queued"  # type: ignore[comparison-overlap] # a stand-in's
