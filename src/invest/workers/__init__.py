"""Where jobs run: one entry per queue, and the composition root."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import uvloop

from invest import logs, sentry, tracing
from invest.processes import collect_rarely, few_arenas, keep_private
from invest.settings import Settings

QUEUES = ("data_collection", "analysis", "reports")
CELL = "INVEST_REDIS__CELL"  # tells a child which cell it works for
SIGNALS = (signal.SIGTERM, signal.SIGINT)


@dataclass(frozen=True, kw_only=True)
class WorkerPlan:
    """What workers run, in order of priority, and how: None leaves a figure to settings.toml.

    `child`: this process is the worker itself; else a supervisor starts `processes` (or `autoscale`: from, to) of them.
    """

    queues: Sequence[str] = field(default=QUEUES)
    concurrency: int | None = None
    processes: int = 1
    autoscale: tuple[int, int] | None = None
    max_jobs: int | None = None
    burst: bool = False
    child: bool = False


def serve(settings: Settings, plan: WorkerPlan) -> int:
    """Run until SIGTERM (or, in a burst, until the queues are empty); the exit code."""
    keep_private()
    few_arenas()
    logs.configure(settings, process="worker")
    tracing.set_up("worker")
    sentry.set_up("worker")
    recycled = settings.engine.max_jobs if plan.max_jobs is None else plan.max_jobs
    alone = plan.processes == 1 and plan.autoscale is None and not recycled
    if plan.child or plan.burst or alone:
        return _work(settings, plan, recycled)
    return _supervise(settings, plan, recycled)


def _work(settings: Settings, plan: WorkerPlan, recycled: int) -> int:
    from invest.engine import Worker, registry
    from invest.jobs.declared import declare_all
    from invest.workers.deps import resources

    declare_all()
    collect_rarely()

    async def run() -> None:
        workers = [
            Worker(
                registry.pick(plan.queues),
                settings=own,
                resources=resources,
                concurrency=plan.concurrency,
                burst=plan.burst,
                max_jobs=0 if plan.burst else recycled,
                handle_signals=False,
            )
            for own in _cells(settings).values()
        ]

        async def work() -> None:
            await asyncio.gather(*(worker.async_run() for worker in workers))

        def stop() -> None:
            for worker in workers:
                worker.stop()

        await _until_done(work, stop)

    try:
        uvloop.run(run())
    finally:
        sentry.flush()
    return 0


async def _until_done(work: Callable[[], Awaitable[None]], stop: Callable[[], None]) -> None:
    """Run the work of this process; SIGTERM calls `stop`, however often it comes, and never kills the last steps.

    Platforms send it more than once, also to a process that is about to end: from here on it is ignored.
    """
    loop = asyncio.get_running_loop()
    for sig in SIGNALS:
        loop.add_signal_handler(sig, stop)
    try:
        await work()
    finally:
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)  # between a loop's handler and none lies the default one
        for sig in SIGNALS:
            loop.remove_signal_handler(sig)
            signal.signal(sig, signal.SIG_IGN)


def _supervise(settings: Settings, plan: WorkerPlan, recycled: int) -> int:
    from invest.engine import Supervisor
    from invest.jobs.declared import declare_all

    declare_all()
    command = [sys.executable, "-m", "invest", "worker", *plan.queues, "--child", "--max-jobs", str(recycled)]
    if plan.concurrency:
        command += ["--concurrency", str(plan.concurrency)]
    slots = plan.concurrency or sum(settings.queues[q].concurrency for q in plan.queues if q in settings.queues) or 10
    above = [
        Supervisor(
            command,
            settings=own,
            queues=plan.queues,
            processes=plan.processes,
            autoscale=plan.autoscale,
            slots=slots,
            env={**os.environ, CELL: name} if settings.redis.cells else None,
        )
        for name, own in _cells(settings).items()
    ]

    async def work() -> None:
        await asyncio.gather(*(one.run(handle_signals=False) for one in above))

    def stop() -> None:
        for one in above:
            one.stop()

    uvloop.run(_until_done(work, stop))
    return 0


def _cells(settings: Settings) -> dict[str, Settings]:
    """The cells to work for, each with its settings: the one that the settings choose, else all of them."""
    from invest.engine import cell_settings

    return {settings.redis.cell: settings} if settings.redis.cell else cell_settings(settings)
