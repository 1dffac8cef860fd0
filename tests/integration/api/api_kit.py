"""Jobs and helpers of the HTTP door's tests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import aiohttp
from multidict import CIMultiDict

from invest.engine import Context, GiveUp, Queue, Retry, Worker
from invest.settings import Settings
from invest.web import create_app, start

door = Queue("door", concurrency=50, timeout=30, soft_timeout=None, retry=Retry(retries=0))
API = "/api/v1"
runs: list[tuple[str, Any]] = []


@door.job()
async def door_double(ctx: Context, number: int) -> int:
    """Twice a number."""
    runs.append((ctx.job_id, number))
    return 2 * number


@door.job()
async def door_sleep(ctx: Context, seconds: float = 30) -> str:
    """Sleep, saying how far it is."""
    await ctx.progress(1, 2, "half")
    await asyncio.sleep(seconds)
    return "slept"


@door.job()
async def door_fail(ctx: Context) -> str:
    """Fail for good."""
    raise GiveUp("there is no such thing")


@door.job()
async def door_sum(ctx: Context) -> int:
    """Add up a group."""
    return sum([outcome.value async for outcome in ctx.iter_results(int) if outcome.ok])


@dataclass
class Door:
    """A running web server and a session that talks to it."""

    session: aiohttp.ClientSession
    url: str
    app: aiohttp.web.Application

    async def ask(self, method: str, path: str, *, status: int | None = None, **options: Any) -> Answer:
        """One request; its answer read whole. `status` is asserted."""
        async with self.session.request(method, path, **options) as response:
            answer = Answer(response.status, response.headers.copy(), await response.read())
        if status is not None:
            assert answer.status == status, (answer.status, answer.body[:500])
        if answer.status >= 400:
            assert answer.headers["Content-Type"] == "application/problem+json", answer
        return answer

    async def queue(self, name: str, arguments: dict[str, Any] | None = None, **options: Any) -> str:
        """Queue a declared job; its task id."""
        answer = await self.ask("POST", f"{API}/jobs/{name}", json=arguments or {}, status=202, **options)
        return str(answer.json()["task_id"])


@dataclass
class Answer:
    """A response."""

    status: int
    headers: CIMultiDict[str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON."""
        import orjson

        return orjson.loads(self.body)

    def items(self) -> list[Any]:
        """The entries of a page."""
        page = self.json()
        assert set(page) == {"items", "count", "next_cursor"} and page["count"] == len(page["items"])
        return list(page["items"])


@asynccontextmanager
async def open_door(settings: Settings, **headers: str) -> AsyncIterator[Door]:
    """Serve the API on a free loopback port."""
    app = create_app(settings)
    runner, port = await start(app, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{port}"
    try:
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(url, headers=headers, connector=connector, auto_decompress=True) as session:
            yield Door(session, url, app)
    finally:
        await runner.cleanup()


@asynccontextmanager
async def working(settings: Settings, queue: Queue = door) -> AsyncIterator[Worker]:
    """A worker of the door's queue (or another) in this process, ended gracefully."""
    worker = Worker((queue,), settings=settings, handle_signals=False)
    task = asyncio.create_task(worker.main())
    try:
        yield worker
    finally:
        if not task.done():
            worker.stop()
        with suppress(asyncio.CancelledError):
            await asyncio.wait_for(task, 30)
