"""Jobs and helpers of the engine's tests."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from enum import StrEnum
from typing import Any

import pytest
from pydantic import BaseModel

from invest.engine import (
    Context,
    GiveUp,
    Invest,
    Job,
    JobState,
    Queue,
    ResourcesFactory,
    Retry,
    RetryLater,
    SoftTimeLimitExceeded,
    Worker,
    Workflow,
    chord,
    group,
)
from invest.settings import Settings
from tests.builders.redis_users import server_of

QUICK = Retry(retries=2, delay=0.02)
kit = Queue("kit", concurrency=20, timeout=20, soft_timeout=None, retry=QUICK)
other = Queue("kit_other", concurrency=5, timeout=20, soft_timeout=None, retry=QUICK)
calls: list[tuple[str, Any]] = []


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Point(BaseModel):
    x: int
    y: int


class Fatal(Exception):
    """What give_up_on names."""


@kit.job()
async def kit_add(ctx: Context, a: int, b: int = 1) -> int:
    """Add two numbers."""
    calls.append((ctx.job_id, a))
    return a + b


@kit.job()
async def kit_typed(ctx: Context, colour: Colour, point: Point, *, tags: list[str]) -> Point:
    return Point(x=point.x + 1, y=len(tags) if colour is Colour.RED else 0)


@kit.job()
async def kit_fail(ctx: Context, text: str = "no") -> int:
    raise ValueError(text)


@kit.job(give_up_on=(Fatal,))
async def kit_fatal(ctx: Context, how: str) -> int:
    if how == "declared":
        raise Fatal("declared")
    if how == "group":
        raise ExceptionGroup("several", [Fatal("inside")])
    raise GiveUp("asked")


@kit.job(retry=Retry(retries=3, delay=30))
async def kit_later(ctx: Context) -> int:
    if ctx.attempt == 1:
        raise RetryLater(0.05)
    return ctx.attempt


@kit.job()
async def kit_flaky(ctx: Context, until: int) -> int:
    if ctx.attempt < until:
        raise OSError("not yet")
    return ctx.attempt


@kit.job(timeout=0.3)
async def kit_hang(ctx: Context) -> int:
    await asyncio.sleep(30)
    return 0


@kit.job(timeout=5, soft_timeout=0.1)
async def kit_soft(ctx: Context, tidy: bool) -> str:
    try:
        await asyncio.wait_for(asyncio.sleep(30), 20)
    except SoftTimeLimitExceeded:
        if tidy:
            return "partial"
        raise
    except Exception:
        return "swallowed"
    return "late"


@kit.job()
async def kit_sleep(ctx: Context, seconds: float) -> str:
    await asyncio.sleep(seconds)
    return "slept"


@kit.job(retry=Retry(retries=0))
async def kit_raise(ctx: Context, what: str) -> int:
    kinds: dict[str, type[BaseException]] = {
        "exit": SystemExit,
        "interrupt": KeyboardInterrupt,
        "generator": GeneratorExit,
        "cancel": asyncio.CancelledError,
        "base": BaseException,
    }
    raise kinds[what]("whatever")


@kit.job(retry=Retry(retries=0))
async def kit_result(ctx: Context, kind: str) -> dict[str, Any]:
    if kind == "big":
        return {"text": "x" * 2_000_000}
    if kind == "alien":
        return {"what": object()}
    return "no dict"  # type: ignore[return-value] # what a careless job does


@kit.job()
async def kit_double(ctx: Context) -> int:
    return 2 * await ctx.previous(int)


@kit.job()
async def kit_sum(ctx: Context) -> int:
    calls.append(("sum", ctx.job_id))
    return sum([o.value if o.ok else 1000 async for o in ctx.iter_results(int)])


@kit.job()
async def kit_batch(ctx: Context, n: int, bad: int = 0) -> int | Workflow[int]:
    if n == 0:
        return 0
    steps = [kit_add(i) for i in range(n)] + [kit_fatal("asked") for _ in range(bad)]
    return chord(group(steps, on_failure="continue"), kit_sum())


@kit.job(key="unique:{name}")
async def kit_unique(ctx: Context, name: str, seconds: float = 0) -> str:
    await asyncio.sleep(seconds)
    return name


@kit.job(max_running=2)
async def kit_narrow(ctx: Context, seconds: float) -> int:
    narrow.append(len(narrow_now) + 1)
    narrow_now.add(ctx.job_id)
    await asyncio.sleep(seconds)
    narrow_now.discard(ctx.job_id)
    return 1


narrow: list[int] = []
narrow_now: set[str] = set()


@kit.job(rate="20/s")
async def kit_rated(ctx: Context) -> float:
    return time.monotonic()


@kit.job()
async def kit_progress(ctx: Context, n: int) -> int:
    for i in range(n):
        await ctx.progress(i + 1, n, f"step {i + 1}")
        await asyncio.sleep(0.005)
    return n


@other.job()
async def other_echo(ctx: Context, text: str) -> str:
    calls.append((ctx.job_id, text))
    return text


@asynccontextmanager
async def working(
    settings: Settings,
    queues: Sequence[Queue] = (kit,),
    *,
    resources: ResourcesFactory | None = None,
    concurrency: int | None = None,
) -> AsyncIterator[Worker]:
    """A worker in this process, ended gracefully."""
    worker = Worker(queues, settings=settings, resources=resources, concurrency=concurrency, handle_signals=False)
    task = asyncio.create_task(worker.main())
    try:
        yield worker
    finally:
        if not task.done():
            worker.stop()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait_for(task, 30)


async def drained(settings: Settings, queues: Sequence[Queue] = (kit,), **options: Any) -> Worker:
    """Run a burst worker until the queues are empty."""
    worker = Worker(queues, settings=settings, burst=True, handle_signals=False, **options)
    await asyncio.wait_for(worker.main(), 30)
    return worker


async def until(test: Callable[[], Awaitable[Any]], seconds: float = 10) -> Any:
    """Wait for something to become true."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := await test():
            return found
        await asyncio.sleep(0.01)
    raise AssertionError("it did not become true in time")


async def until_state(job: Job[Any], state: JobState, seconds: float = 10) -> None:
    async def reached() -> bool:
        return (await job.status()).state is state

    await until(reached, seconds)


def names_of(invest: Invest) -> list[str]:
    """The keys of a deployment as the engine names them: a user of one prefix may not list a server's keys."""
    address, prefix = connection_of(invest)
    with server_of(address) as server:
        names = [name.decode() for name in server.scan_iter(count=1000)]
    return [name.removeprefix(prefix) for name in names if name.startswith(prefix)]


def skip_under_prefix(known: Settings, why: str) -> None:
    """Skip what has no meaning where the whole suite runs as the user of one prefix (INVEST_TEST_PREFIX)."""
    if known.redis.prefix:
        pytest.skip(f"under a prefix of its own: {why}")


async def lose_everything(invest: Invest) -> None:
    """What a Redis that was lost has: nothing. Its own user may not empty the server."""
    with server_of(connection_of(invest)[0]) as server:
        await asyncio.to_thread(server.flushall)


def connection_of(invest: Invest) -> tuple[str, str]:
    """Where a deployment's keys are, and what each begins with."""
    given = invest.settings.redis
    assert given.url is not None
    return given.url.get_secret_value(), f"{{{given.prefix}}}:" if given.prefix else ""


async def no_leftovers(invest: Invest, allowed: Sequence[str] = ()) -> None:
    """Nothing is queued, running or leased any more."""
    names = await asyncio.to_thread(names_of, invest)
    kinds = ("arq:in-progress:", "invest:waiting:", "invest:running:", "invest:retrying:", "invest:parked:")
    assert [name for name in names if name.startswith(kinds)] == []
    for queue in ("kit", "kit_other"):
        assert await invest.redis.zcard(f"arq:queue:{queue}") == 0
