"""A worker process of its own for tests that kill, freeze or end one: ``python engine_worker.py URL LEASE GRACE``."""

from __future__ import annotations

import asyncio
import sys
import time

from invest.engine import Context, Queue, Retry, Supervisor, run_worker, worker_settings
from invest.engine.worker import supervisor
from invest.settings import load

processes = Queue("processes", concurrency=4, timeout=30, soft_timeout=None, retry=Retry(retries=2, delay=0.01))


@processes.job()
async def proc_wait(ctx: Context, seconds: float) -> int:
    """Waits, and says which delivery it was."""
    await asyncio.sleep(seconds)
    return ctx.delivery


@processes.job()
async def proc_first_hangs(ctx: Context) -> list[int]:
    """The first delivery never ends by itself."""
    if ctx.delivery == 1:
        await asyncio.sleep(1000)
    return [ctx.attempt, ctx.delivery]


@processes.job()
async def proc_block(ctx: Context, seconds: float) -> int:
    """Blocks the event loop, as a job should not."""
    time.sleep(seconds)  # noqa: ASYNC251 - that is the point
    return ctx.delivery


@processes.job(timeout=0.2, retry=Retry(retries=0))
async def proc_stubborn(ctx: Context) -> int:
    """Ignores every cancellation."""
    while True:
        try:
            await asyncio.sleep(1000)
        except asyncio.CancelledError:
            continue


@processes.job()
async def proc_die(ctx: Context) -> int:
    """Takes its worker down every time."""
    import os

    os._exit(9)


@processes.job()
async def proc_quick(ctx: Context, n: int) -> int:
    """Does nothing."""
    return n


if "arq" in sys.argv[0].rpartition("/")[2]:
    WorkerSettings = worker_settings(processes)


def main() -> None:
    """Run until told to stop; with ``supervise`` as a supervisor of such workers."""
    url, lease, grace, *mode = sys.argv[1:]
    settings = load(redis={"url": url}, engine={"lease": float(lease), "grace": float(grace)})
    if mode == ["supervise"]:
        command = [sys.executable, __file__, url, lease, grace, "recycle"]
        asyncio.run(Supervisor(command, settings=settings, queues=["processes"], processes=2).run())
    elif mode == ["supervise_one"]:
        command = [sys.executable, __file__, url, lease, grace, "recycle"]
        asyncio.run(Supervisor(command, settings=settings, queues=["processes"]).run())
    elif mode == ["shrink"]:
        supervisor.SHRINK_AFTER, supervisor.LOOK_EVERY = 1.0, 0.3  # type: ignore[misc] # a short patience
        command = [sys.executable, __file__, url, lease, grace]
        asyncio.run(Supervisor(command, settings=settings, queues=["processes"], autoscale=(1, 3), slots=4).run())
    elif mode == ["autoscale"]:
        command = [sys.executable, __file__, url, lease, grace]
        asyncio.run(Supervisor(command, settings=settings, queues=["processes"], autoscale=(1, 3), slots=4).run())
    else:
        recycle = 5 if mode == ["recycle"] else 0
        asyncio.run(run_worker([processes], settings=settings, max_jobs=recycle))


if __name__ == "__main__":
    main()
