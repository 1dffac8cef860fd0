"""Declaring jobs: queues, the registry, the context a job receives."""

from __future__ import annotations

from invest.engine.declare.context import Context, Resources
from invest.engine.declare.jobs import JobType, Queue
from invest.engine.declare.registry import Registry, UnknownJob, registry

__all__ = ["Context", "JobType", "Queue", "Registry", "Resources", "UnknownJob", "registry"]
