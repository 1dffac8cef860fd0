"""Declaring jobs: queues, the registry, the context a job receives."""

from __future__ import annotations

from invest.engine.declare.context import Context, Resources
from invest.engine.declare.job_types import Group, JobType
from invest.engine.declare.jobs import Queue
from invest.engine.declare.registry import Registry, UnknownJob, registry
from invest.engine.declare.ticks import CATCH_UP_LIMIT, CATCH_UP_WINDOW, LOOK, line_ticks, next_tick, ticks

__all__ = [
    "CATCH_UP_LIMIT",
    "CATCH_UP_WINDOW",
    "LOOK",
    "Context",
    "Group",
    "JobType",
    "Queue",
    "Registry",
    "Resources",
    "UnknownJob",
    "line_ticks",
    "next_tick",
    "registry",
    "ticks",
]
