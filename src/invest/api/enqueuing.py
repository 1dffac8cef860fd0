"""Calls of waiting requests enter the queue together: one script for all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from invest.api.batching import Batcher
from invest.api.problems import Problem
from invest.engine import Call, Invest, Job, JobCancelled, JobFailed, JobStatus, ResultExpired, ResultTimeout, Workflow

MAX_WAIT = 60.0  # seconds a request may wait for its job


class Enqueuer:
    """The way from the door to the queues."""

    def __init__(self, invest: Invest) -> None:
        self.invest = invest
        self._limit = invest.settings.engine.max_argument_bytes
        self._batches: Batcher[Call[Any], Job[Any]] = Batcher(self._flush)
        self._waiting = asyncio.Semaphore(2000)

    async def enqueue(self, what: Call[Any] | Workflow[Any]) -> Job[Any]:
        """Accept a call or a workflow. Raises 413 for too large arguments, `QueueFull` or `Unreachable`."""
        if isinstance(what, Workflow):
            return await self.invest.enqueue(what)
        if len(what.payload) > self._limit:
            raise Problem(413, f"{len(what.payload)} bytes of arguments; at most {self._limit} are taken")
        return await self._batches.add(what)

    async def _flush(self, calls: Sequence[Call[Any]]) -> Sequence[Job[Any]]:
        return await self.invest.enqueue_many(calls)

    async def wait(self, job_id: str, seconds: float) -> JobStatus:
        """The job's status once it is final, or after `seconds`. Raises `NotFound`."""
        if seconds > 0:
            async with self._waiting:
                with suppress(ResultTimeout, JobFailed, JobCancelled, ResultExpired):
                    await self.invest.wait(job_id, min(seconds, MAX_WAIT))
        return await self.invest.status(job_id)

    async def close(self) -> None:
        """Wait for what is under way."""
        await self._batches.close()
