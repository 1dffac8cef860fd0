"""Group commit of collected data: jobs that end at about the same time share a transaction; each waits until its
own part is durable.

While a transaction is under way, the harvests that arrive form the next one: a lone job waits for nobody, and a
hundred at once cost a few commits instead of a hundred. Where a transaction is refused, each of its harvests is
written on its own, so that the one at fault fails alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextvars import Context
from dataclasses import dataclass

from invest.domain.values import Harvest
from invest.errors import ServerAway, Unreachable
from invest.store.core import Database, lost_server
from invest.store.harvests import Saved, write_harvests
from invest.store.market import RankOf

TOGETHER = 64  # harvests in one transaction
WEIGHT = 16_000_000  # bytes in one transaction, unless one harvest alone weighs more


@dataclass(frozen=True, slots=True)
class Waiting:
    """A harvest and the one who waits for it."""

    harvest: Harvest
    done: asyncio.Future[Saved]
    subjects: set[str]
    weight: int

    def fail(self, error: Exception) -> None:
        """Answer with an error."""
        if not self.done.done():
            self.done.set_exception(error)


class Commits:
    """The harvests of one process on their way into the database, in at most `writers` transactions at a time."""

    def __init__(self, database: Database, rank_of: RankOf, writers: int) -> None:
        self._db = database
        self._rank_of = rank_of
        self._most = writers
        self._waiting: list[Waiting] = []
        self._writers: set[asyncio.Task[None]] = set()

    async def save(self, harvest: Harvest) -> Saved:
        """Write `harvest`; returns once it is committed. Raises the database's error.

        Who is cancelled before its transaction began stores nothing; one that has begun goes on for the others.
        """
        loop = asyncio.get_running_loop()
        waiting = Waiting(harvest, loop.create_future(), harvest.subjects(), harvest.weight())
        self._waiting.append(waiting)
        if len(self._writers) < self._most:
            # A context of its own: what is bound to one job's log lines is nothing of the others'.
            self._writers.add(loop.create_task(self._run(), context=Context()))
        return await waiting.done

    async def close(self, patience: float) -> None:
        """Let the transactions under way end, for at most `patience` seconds."""
        writers = set(self._writers)
        if writers:
            _, late = await asyncio.wait(writers, timeout=patience)
            for writer in late:
                writer.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        for waiting in self._waiting:
            waiting.done.cancel()

    async def _run(self) -> None:
        writer = asyncio.current_task()
        assert writer is not None
        try:
            while batch := self._next():
                try:
                    await self._write(batch)
                finally:
                    for waiting in batch:
                        waiting.done.cancel()  # without effect on those who were answered
        finally:
            self._writers.discard(writer)  # at once: a callback's turn later, nobody would write what came meanwhile

    def _next(self) -> list[Waiting]:
        """The harvests that may go together: in order of arrival, no two about the same subject."""
        batch: list[Waiting] = []
        later: list[Waiting] = []
        taken: set[str] = set()
        weight = 0
        for waiting in self._waiting:
            if waiting.done.done():
                continue  # cancelled meanwhile
            fits = len(batch) < TOGETHER and weight + waiting.weight <= WEIGHT and taken.isdisjoint(waiting.subjects)
            if fits or not batch:
                batch.append(waiting)
                weight += waiting.weight
            else:
                later.append(waiting)
            taken |= waiting.subjects
        self._waiting = later
        return batch

    async def _write(self, batch: Sequence[Waiting]) -> None:
        """One transaction; where it is refused, one for each. Everybody is answered."""
        try:
            saved = await self._db.run(lambda c: write_harvests(c, [w.harvest for w in batch], self._rank_of))
        except Exception as error:
            if lost_server(error):
                for waiting in batch:
                    waiting.fail(_own(error))
            elif len(batch) == 1:
                batch[0].fail(error)
            else:
                for waiting in batch:
                    await self._write([waiting])
            return
        for waiting, one in zip(batch, saved, strict=True):
            if not waiting.done.done():
                waiting.done.set_result(one)


def _own(error: Exception) -> Unreachable:
    """The same failure as an exception of its own: one that several tasks raise mixes their tracebacks."""
    return error.copy() if isinstance(error, ServerAway) else Unreachable(str(error))
