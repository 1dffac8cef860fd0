"""Asking about and managing jobs: inspection, dead letters, workflows, metrics."""

from __future__ import annotations

from invest.engine.manage.cells import CellView, cell_of, cell_settings, home_settings, shared_redis
from invest.engine.manage.dead_letters import Bulk, DeadLetters, PartOfWorkflow
from invest.engine.manage.inspection import Glance, Inspector, Page, QueueStats, TimelineEntry, WorkerInfo
from invest.engine.manage.invest import Invest
from invest.engine.manage.metrics import metrics_text
from invest.engine.manage.schedules import ScheduleEntry, Schedules
from invest.engine.manage.workflows import NotRetryable, Workflows, WorkflowView

__all__ = [
    "Bulk",
    "CellView",
    "DeadLetters",
    "Glance",
    "Inspector",
    "Invest",
    "NotRetryable",
    "Page",
    "PartOfWorkflow",
    "QueueStats",
    "ScheduleEntry",
    "Schedules",
    "TimelineEntry",
    "WorkerInfo",
    "WorkflowView",
    "Workflows",
    "cell_of",
    "cell_settings",
    "home_settings",
    "metrics_text",
    "shared_redis",
]
