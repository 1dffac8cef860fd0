"""How jobs run: typed calls in, results out, over arq's keys on Redis. The only package that imports arq."""

from __future__ import annotations

from invest.engine.calls import Call, Options
from invest.engine.client import Invest, Job
from invest.engine.context import Context, Resources
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
from invest.engine.jobs import JobType, Queue
from invest.engine.outcome import Err, Ok, Outcome
from invest.engine.policy import Priority, Rate, Retry
from invest.engine.registry import Registry, UnknownJob, registry
from invest.engine.runner import run_worker
from invest.engine.states import Attempt, JobState, JobStatus, Progress
from invest.engine.worker import ResourcesFactory, Worker
from invest.engine.workflow import Threshold, Workflow, chain, chord, group

__all__ = [
    "Attempt",
    "Call",
    "Context",
    "Err",
    "ErrorInfo",
    "GiveUp",
    "InvalidArguments",
    "Invest",
    "Job",
    "JobCancelled",
    "JobFailed",
    "JobState",
    "JobStatus",
    "JobType",
    "Ok",
    "Options",
    "Outcome",
    "Priority",
    "Progress",
    "Queue",
    "QueueFull",
    "Rate",
    "Registry",
    "Resources",
    "ResourcesFactory",
    "ResultExpired",
    "ResultTimeout",
    "Retry",
    "RetryLater",
    "SoftTimeLimitExceeded",
    "Threshold",
    "UnknownJob",
    "Worker",
    "Workflow",
    "chain",
    "chord",
    "group",
    "registry",
    "run_worker",
]
