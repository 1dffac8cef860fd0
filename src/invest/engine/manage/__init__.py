"""Asking about and managing jobs: inspection, dead letters, workflows, metrics."""

from __future__ import annotations

from invest.engine.manage.dead_letters import Bulk, DeadLetters, PartOfWorkflow
from invest.engine.manage.inspection import Inspector, Page, QueueStats, TimelineEntry, WorkerInfo
from invest.engine.manage.metrics import metrics_text
from invest.engine.manage.workflows import NotRetryable, Workflows, WorkflowView

__all__ = [
    "Bulk",
    "DeadLetters",
    "Inspector",
    "NotRetryable",
    "Page",
    "PartOfWorkflow",
    "QueueStats",
    "TimelineEntry",
    "WorkerInfo",
    "WorkflowView",
    "Workflows",
    "metrics_text",
]
