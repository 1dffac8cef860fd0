"""Calls of waiting requests enter the queue together: one script for all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from invest.api.http import Batcher, Problem
from invest.engine import (
    Call,
    Client,
    Invest,
    Job,
    JobCancelled,
    JobFailed,
    JobStatus,
    Note,
    ResultExpired,
    ResultTimeout,
    Workflow,
)
from invest.tracing import carried

Batches = Batcher[tuple[Call[Any], Note | None], Job[Any]]
MAX_WAIT = 60.0  # seconds a request may wait for its job
MAX_WAITING = 2_000  # requests that wait at once; more wait for their turn first


class Enqueuer:
    """The way from the API to the queues."""

    def __init__(self, invest: Invest) -> None:
        self.invest = invest
        self._limit = invest.settings.engine.max_argument_bytes
        self._wait_max = invest.settings.web.wait_max
        self._batches: dict[Client, Batches] = {}  # a cell that does not answer keeps no other one's calls waiting
        self._waiting = asyncio.Semaphore(MAX_WAITING)
        self._waiters: set[asyncio.Future[Any]] = set()
        self._stopping = False

    @property
    def takes_notes(self) -> bool:
        """Whether calls are queued where their answers are kept."""
        return self.invest.cells is None

    async def enqueue(
        self,
        what: Call[Any] | Workflow[Any],
        caller: str,
        *,
        job_id: str | None = None,
        note: Note | None = None,
    ) -> Job[Any]:
        """Accept a call, as job `job_id` where one is given, or a workflow, on behalf of `caller`.

        The `note` of a new call is written in the same step. Raises 413 for too large arguments, `QueueFull` or
        `Unreachable`.
        """
        if isinstance(what, Workflow):
            return await self.invest.enqueue(what, caller=caller)
        if len(what.payload) > self._limit:
            raise Problem(413, f"{len(what.payload)} bytes of arguments; at most {self._limit} are taken")
        call = what.with_options(id=job_id, caller=caller, origin=carried())
        return await self._batches_of(self.invest.client_of(call)).add((call, note))

    def _batches_of(self, client: Client) -> Batches:
        found = self._batches.get(client)
        if found is None:
            found = self._batches[client] = Batcher(partial(self._flush, client))
        return found

    async def _flush(self, client: Client, batch: Sequence[tuple[Call[Any], Note | None]]) -> Sequence[Job[Any]]:
        notes = [note for _, note in batch]
        return await client.enqueue_batch([call for call, _ in batch], notes if any(notes) else ())

    async def wait(self, job_id: str, seconds: float) -> JobStatus:
        """The job's status once it is final, or after `seconds`, at most `web.wait_max`. Raises `NotFound`."""
        if seconds > 0:
            async with self._waiting:
                waiter = asyncio.ensure_future(self.invest.wait(job_id, min(seconds, MAX_WAIT, self._wait_max)))
                self._waiters.add(waiter)
                waiter.add_done_callback(self._waiters.discard)
                if self._stopping:  # it was queued while the process began to end
                    waiter.cancel()
                await asyncio.wait([waiter])
            with suppress(ResultTimeout, JobFailed, JobCancelled, ResultExpired, asyncio.CancelledError):
                waiter.result()
        return await self.invest.status(job_id)

    def stop_waiting(self) -> None:
        """Answer those who wait, or come to, with the status as it is: this process ends."""
        self._stopping = True
        for waiter in tuple(self._waiters):
            waiter.cancel()

    async def close(self) -> None:
        """Wait for what is under way."""
        await asyncio.gather(*(batches.close() for batches in self._batches.values()))
