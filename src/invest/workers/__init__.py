"""Where jobs run: one entry per queue, and the composition root."""

from __future__ import annotations

import gc
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field

import uvloop

from invest import logs
from invest.settings import Settings

QUEUES = ("data_collection", "analysis", "reports")
GC_THRESHOLD = 50_000  # allocations between collections: parsing makes many short-lived objects, the default costs 30 %


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
    logs.configure(settings, process="worker")
    recycled = settings.engine.max_jobs if plan.max_jobs is None else plan.max_jobs
    alone = plan.processes == 1 and plan.autoscale is None and not recycled
    if plan.child or plan.burst or alone:
        return _work(settings, plan, recycled)
    return _supervise(settings, plan, recycled)


def _work(settings: Settings, plan: WorkerPlan, recycled: int) -> int:
    from invest.engine import run_worker
    from invest.jobs.names import declare_all
    from invest.workers.deps import resources

    declare_all()
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_THRESHOLD, 20, 20)
    work = run_worker(
        plan.queues,
        settings=settings,
        resources=resources,
        concurrency=plan.concurrency,
        burst=plan.burst,
        max_jobs=0 if plan.burst else recycled,
    )

    async def until_done() -> None:
        await work
        # Platforms send SIGTERM more than once: the last steps of the interpreter are not to be killed by it.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)

    uvloop.run(until_done())
    return 0


def _supervise(settings: Settings, plan: WorkerPlan, recycled: int) -> int:
    from invest.engine import Supervisor
    from invest.jobs.names import declare_all

    declare_all()
    command = [sys.executable, "-m", "invest", "worker", *plan.queues, "--child", "--max-jobs", str(recycled)]
    if plan.concurrency:
        command += ["--concurrency", str(plan.concurrency)]
    slots = plan.concurrency or sum(settings.queues[q].concurrency for q in plan.queues if q in settings.queues) or 10
    above = Supervisor(
        command,
        settings=settings,
        queues=plan.queues,
        processes=plan.processes,
        autoscale=plan.autoscale,
        slots=slots,
    )
    uvloop.run(above.run())
    return 0
