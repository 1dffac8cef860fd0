"""How jobs run: typed calls in, results out, over arq's keys on Redis. The only package that imports arq."""

from __future__ import annotations

from invest.engine.arq_command import worker_settings
from invest.engine.calls import Call, Options
from invest.engine.client import Invest, Job
from invest.engine.context import Context, Resources
from invest.engine.deadletters import Bulk, PartOfWorkflow
from invest.engine.errors import (
    ErrorInfo,
    GiveUp,
    InvalidArguments,
    JobCancelled,
    JobFailed,
    QueueFull,
    ResultExpired,
    ResultTimeout,
    RetryLater,
    SoftTimeLimitExceeded,
)
from invest.engine.events import Event
from invest.engine.inspection import Page, QueueStats, TimelineEntry, WorkerInfo
from invest.engine.jobs import JobType, Queue
from invest.engine.metrics import metrics_text
from invest.engine.outcome import Err, Ok, Outcome
from invest.engine.policy import Priority, Rate, Retry
from invest.engine.projector import JobRun, Projector
from invest.engine.registry import Registry, UnknownJob, registry
from invest.engine.restoring import restore
from invest.engine.runner import run_worker
from invest.engine.schedule import ScheduleEntry
from invest.engine.states import Attempt, JobState, JobStatus, Progress
from invest.engine.supervisor import Supervisor, parse_range
from invest.engine.worker import ResourcesFactory, Worker
from invest.engine.workflow import Threshold, Workflow, chain, chord, group
from invest.engine.workflows import NotRetryable, WorkflowView

__all__ = [
    "Attempt",
    "Bulk",
    "Call",
    "Context",
    "Err",
    "ErrorInfo",
    "Event",
    "GiveUp",
    "InvalidArguments",
    "Invest",
    "Job",
    "JobCancelled",
    "JobFailed",
    "JobRun",
    "JobState",
    "JobStatus",
    "JobType",
    "NotRetryable",
    "Ok",
    "Options",
    "Outcome",
    "Page",
    "PartOfWorkflow",
    "Priority",
    "Progress",
    "Projector",
    "Queue",
    "QueueFull",
    "QueueStats",
    "Rate",
    "Registry",
    "Resources",
    "ResourcesFactory",
    "ResultExpired",
    "ResultTimeout",
    "Retry",
    "RetryLater",
    "ScheduleEntry",
    "SoftTimeLimitExceeded",
    "Supervisor",
    "Threshold",
    "TimelineEntry",
    "UnknownJob",
    "Worker",
    "WorkerInfo",
    "Workflow",
    "WorkflowView",
    "chain",
    "chord",
    "group",
    "metrics_text",
    "parse_range",
    "registry",
    "restore",
    "run_worker",
    "worker_settings",
]
