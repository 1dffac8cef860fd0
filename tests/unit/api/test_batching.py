"""Requests that wait share round trips: two under way at once, each of half of what waits."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from invest.api.http import Batcher


class Server:
    """Answers batches when it is let."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.open: list[asyncio.Future[None]] = []

    async def flush(self, batch: Sequence[int]) -> Sequence[int]:
        """Ten times each, once `answer` is called."""
        self.batches.append(list(batch))
        gate: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.open.append(gate)
        await gate
        return [number * 10 for number in batch]

    def answer(self) -> None:
        """To the oldest batch."""
        self.open.pop(0).set_result(None)


async def turns(count: int = 4) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_what_waits_goes_out_in_two_batches_and_the_rest_with_the_next() -> None:
    server = Server()
    batcher = Batcher(server.flush)
    asked = [asyncio.ensure_future(batcher.add(number)) for number in range(70)]
    await turns()
    assert [len(batch) for batch in server.batches] == [35, 32]
    server.answer()
    await turns()
    assert [len(batch) for batch in server.batches] == [35, 32, 3]
    assert [task.result() for task in asked[:35]] == [number * 10 for number in range(35)]
    assert not any(task.done() for task in asked[35:])
    server.answer()
    server.answer()
    assert await asyncio.gather(*asked) == [number * 10 for number in range(70)]
    assert [number for batch in server.batches for number in batch] == list(range(70))


async def test_one_that_comes_while_a_batch_is_under_way_does_not_wait_for_it() -> None:
    server = Server()
    batcher = Batcher(server.flush)
    first = asyncio.ensure_future(batcher.add(1))
    await turns()
    second = asyncio.ensure_future(batcher.add(2))
    await turns()
    third = asyncio.ensure_future(batcher.add(3))
    fourth = asyncio.ensure_future(batcher.add(4))
    await turns()
    assert len(server.batches) == 2  # two are under way: the others share the next
    server.answer()
    await turns()
    assert first.result() == 10 and server.batches[2:] == [[3, 4]]
    server.answer()
    server.answer()
    assert list(await asyncio.gather(second, third, fourth)) == [20, 30, 40]


async def test_an_error_is_that_of_its_own_batch_alone() -> None:
    async def flush(batch: Sequence[int]) -> Sequence[int]:
        if 13 in batch:
            raise ConnectionError("away")
        return batch

    batcher = Batcher(flush)
    bad, beside = asyncio.ensure_future(batcher.add(13)), asyncio.ensure_future(batcher.add(1))
    await turns()
    good = asyncio.ensure_future(batcher.add(2))
    for failed in (bad, beside):
        with pytest.raises(ConnectionError, match="away"):
            await failed
    assert await good == 2


async def test_one_who_goes_away_takes_no_answer_from_the_others_and_closing_waits() -> None:
    server = Server()
    batcher = Batcher(server.flush)
    gone, stays = asyncio.ensure_future(batcher.add(1)), asyncio.ensure_future(batcher.add(2))
    await turns()
    gone.cancel()
    closing = asyncio.ensure_future(batcher.close())
    await turns()
    assert not closing.done()
    server.answer()
    await closing
    assert await stays == 20 and gone.cancelled()
