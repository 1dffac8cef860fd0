"""The console: for those who run the platform."""

from aiohttp import web

from invest.api.pages.console import (
    ais,
    channels,
    dead_letters,
    enqueue,
    job,
    job_filter,
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
    *channels.PAGES,
    *keys.PAGES,
)


def remember_in(app: web.Application) -> None:
    """Give a server the places where the console keeps what it read, between two views."""
    job_filter.remember_in(app)
    overview.remember_in(app)


__all__ = ["PAGES", "remember_in"]
