"""When cron lines tick. Instants are compared as instants: a wall clock that goes back shows an hour twice."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final

from cronsim import CronSim

from invest.engine.declare.job_types import JobType
from invest.engine.declare.registry import registry

CATCH_UP_WINDOW: Final = timedelta(days=7)  # older missed ticks are never caught up
CATCH_UP_LIMIT: Final = 100  # at most so many missed ticks of one job
LOOK: Final = 0.004  # seconds that one look at a cron line may take


def line_ticks(line: str, after: datetime) -> Iterator[datetime]:
    """Ticks of a cron line after an aware instant, in that instant's time zone.

    Where clocks go back a line at a fixed hour ticks once and one with a star ticks through both hours; where they go
    forward the skipped hour's tick comes right after (Debian's cron).
    """
    last = after.timestamp()
    for tick in CronSim(line, after):
        at = tick.timestamp()
        if at > last:
            last = at
            yield tick


def ticks(job: JobType[..., Any], after: datetime) -> Iterator[datetime]:
    """Ticks of a job's cron line after an instant, without those that its condition refuses."""
    condition = registry.condition(job)
    assert job.cron is not None
    for tick in line_ticks(job.cron, after):
        if condition is None or condition(tick):
            yield tick


def next_tick(job: JobType[..., Any], after: datetime) -> datetime | None:
    """The next tick that the job's condition allows, or None if a short look does not find one.

    Raises what the condition raises.
    """
    condition = registry.condition(job)
    assert job.cron is not None
    deadline = time.perf_counter() + LOOK
    for tick in line_ticks(job.cron, after):
        if condition is None or condition(tick):
            return tick
        if time.perf_counter() > deadline:
            return None
    return None
