"""Starting a worker in this process."""

from __future__ import annotations

import os
from collections.abc import Sequence

from invest.engine.declare import Group, registry
from invest.engine.worker.renewal import STUCK
from invest.engine.worker.worker import ResourcesFactory, Worker
from invest.settings import Settings, get_settings


async def run_worker(
    queues: Sequence[Group | str],
    *,
    settings: Settings | None = None,
    resources: ResourcesFactory | None = None,
    concurrency: int | None = None,
    burst: bool = False,
    max_jobs: int = 0,
    handle_signals: bool = True,
) -> Worker:
    """Run the jobs of `queues` (in this order of preference) until SIGTERM, then give what it did.

    `resources` opens the jobs' typed dependencies; `concurrency` jobs run at once (default: the queues' settings);
    `burst` ends when the queues are empty; `max_jobs` ends after so many, for a supervisor to start afresh (0: never).
    Raises `NotFound` for an unknown queue, `ConfigError` for a cron condition that is not registered, and `Unreachable`
    if Redis does not answer at the start (later it is waited for).
    """
    worker = Worker(
        registry.pick(queues),
        settings=settings or get_settings(),
        resources=resources,
        concurrency=concurrency,
        burst=burst,
        max_jobs=max_jobs,
        handle_signals=handle_signals,
    )
    await worker.main()
    if worker.stuck and handle_signals:  # a job that ignores its cancellation would keep the loop from closing
        os._exit(STUCK)
    return worker
