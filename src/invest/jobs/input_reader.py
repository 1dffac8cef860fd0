"""Group reads: jobs that analyse at about the same time read what they need together.

Each asset is measured against the same indices, interest and sectors, which cost more to read than the asset itself.
While a read is under way, the requests that arrive form the next one; it begins after they arrived, so nobody gets
what was read before he asked. A lone job waits for nobody.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextvars import Context

from invest.domain.analysis import AnalysisInput
from invest.errors import ServerAway
from invest.jobs.loading import load_inputs
from invest.settings import Settings
from invest.store import Store

TOGETHER = 50  # assets in one read, unless one request asks for more: their lines of accounts lie in memory meanwhile
PAGES = 2  # of one process in memory at a time: one is read while another is computed
Request = tuple[Sequence[str], "asyncio.Future[dict[str, AnalysisInput]]"]


class InputReader:
    """Reads the inputs of analyses, those that are asked for meanwhile at once."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self._settings = settings
        self._waiting: list[Request] = []
        self._reading: asyncio.Task[None] | None = None
        self.reads = 0  # so many were made
        self.pages = asyncio.Semaphore(PAGES)  # for jobs about many assets, which read them page by page

    async def inputs(self, tickers: Sequence[str]) -> dict[str, AnalysisInput]:
        """What `load_inputs` gives for `tickers`. Raises what it raises for them, whatever others asked for."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[dict[str, AnalysisInput]] = loop.create_future()
        self._waiting.append((tickers, done))
        if self._reading is None:
            # A context of its own: what is bound to one job's log lines is nothing of the others'.
            self._reading = loop.create_task(self._run(), context=Context())
        return await done

    async def close(self) -> None:
        """End the read under way; whoever waits for one is cancelled."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)

    async def _run(self) -> None:
        batch: list[Request] = []
        try:
            await asyncio.sleep(0)  # requests of the same turn of the loop go together
            while batch := self._next():
                await self._read(batch)
        finally:
            self._reading = None  # at once: a callback's turn later, nobody would read what came meanwhile
            for _, done in (*batch, *self._waiting):
                done.cancel()  # without effect on those who were answered
            self._waiting = []

    def _next(self) -> list[Request]:
        """The requests of the next read, in order of arrival."""
        batch: list[Request] = []
        tickers: set[str] = set()
        waiting = [request for request in self._waiting if not request[1].done()]  # the others were cancelled
        for request in waiting:
            if batch and len(tickers | set(request[0])) > TOGETHER:
                break
            batch.append(request)
            tickers |= set(request[0])
        self._waiting = waiting[len(batch) :]
        return batch

    async def _read(self, batch: Sequence[Request]) -> None:
        tickers = sorted({ticker for wanted, _ in batch for ticker in wanted})
        self.reads += 1
        try:
            found = await load_inputs(self._store, self._settings, tickers)
        except ServerAway as error:
            for _, done in batch:
                if not done.done():
                    done.set_exception(error.copy())  # one error that several tasks raise mixes their tracebacks
            return
        except Exception as error:
            if len(batch) == 1:
                if not batch[0][1].done():
                    batch[0][1].set_exception(error)
                return
            for request in batch:  # the one whose facts cannot be read fails alone
                await self._read([request])
            return
        for wanted, done in batch:
            if not done.done():
                done.set_result({ticker: found[ticker] for ticker in wanted if ticker in found})
