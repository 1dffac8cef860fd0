"""Workers: claiming, executing, finishing and scheduling jobs; supervising their processes."""

from __future__ import annotations

from invest.engine.worker.arq_command import worker_settings
from invest.engine.worker.runner import run_worker
from invest.engine.worker.scheduler import Scheduler
from invest.engine.worker.supervisor import Supervisor, parse_range, wanted
from invest.engine.worker.worker import ResourcesFactory, Worker

__all__ = [
    "ResourcesFactory",
    "Scheduler",
    "Supervisor",
    "Worker",
    "parse_range",
    "run_worker",
    "wanted",
    "worker_settings",
]
