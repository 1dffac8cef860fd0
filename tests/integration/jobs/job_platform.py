"""A small platform in one process, and what tests do to it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, TypeVar

import aiohttp

from invest.engine import Invest, JobState, JobStatus
from invest.engine.calls import Call
from invest.sandbox import Sandbox
from invest.settings import Settings
from invest.store import Store

R = TypeVar("R")


@dataclass
class Platform:
    """Runs calls to their end."""

    settings: Settings
    invest: Invest
    store: Store
    sandbox: Sandbox

    async def run(self, call: Call[R]) -> R:
        """Enqueue, wait, give the result (or raise what the job failed with)."""
        job = await self.invest.enqueue(call)
        return await job.result(timeout=90)  # a loaded machine is slow, not wrong

    async def outcome(self, call: Call[Any]) -> JobStatus:
        """The status once the job is finished or waits for its next attempt."""
        job = await self.invest.enqueue(call)
        async with asyncio.timeout(30):
            async for _ in self.invest.events("0", block=0.2):
                status = await job.status()
                if status.final or status.state is JobState.RETRYING:
                    return status
        raise AssertionError("the event stream ended")

    async def fault(self, upstream: str, kind: str, **more: Any) -> None:
        """Make one upstream misbehave."""
        async with aiohttp.ClientSession(self.sandbox.url) as session:
            body = {"upstream": upstream, "kind": kind, **more}
            async with session.post("/sandbox/faults", json=body) as response:
                assert response.status < 300, await response.text()

    async def mend(self) -> None:
        """Make all upstreams behave."""
        async with aiohttp.ClientSession(self.sandbox.url) as session:
            await session.delete("/sandbox/faults")
