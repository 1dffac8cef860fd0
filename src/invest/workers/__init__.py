"""Where jobs run: one entry per queue, and the composition root."""

from __future__ import annotations

from collections.abc import Sequence

from invest import logs
from invest.settings import Settings

QUEUES = ("data_collection", "analysis", "reports")


def serve(
    settings: Settings,
    queues: Sequence[str] | None = None,
    *,
    concurrency: int | None = None,
    processes: int = 1,
    autoscale: tuple[int, int] | None = None,
    max_jobs: int | None = None,
    burst: bool = False,
) -> int:
    """Run workers of `queues` (in order of priority) until SIGTERM; the exit code.

    One process runs them itself; several, autoscaling, or recycling after `max_jobs` put a supervisor above.
    """
    from invest.engine import WorkerPlan, run_processes
    from invest.jobs.names import declare_all
    from invest.workers.deps import resources

    logs.configure(settings, process="worker")
    declare_all()
    plan = WorkerPlan(
        queues=tuple(queues or QUEUES),
        concurrency=concurrency,
        max_jobs=settings.engine.max_jobs if max_jobs is None else max_jobs,
        burst=burst,
    )
    return run_processes(plan, settings=settings, resources=resources, processes=processes, autoscale=autoscale)
