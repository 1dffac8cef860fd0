"""The console: for those who run the platform."""

from invest.api.pages.console import (
    ais,
    dead_letters,
    enqueue,
    job,
    jobs,
    keys,
    overview,
    queues,
    schedules,
    upstreams,
    workflows,
)

PAGES = (
    *overview.PAGES,
    *jobs.PAGES,
    *job.PAGES,
    *dead_letters.PAGES,
    *workflows.PAGES,
    *schedules.PAGES,
    *queues.PAGES,
    *upstreams.PAGES,
    *ais.PAGES,
    *enqueue.PAGES,
    *keys.PAGES,
)

__all__ = ["PAGES"]
