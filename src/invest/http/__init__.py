"""The platform over HTTP, for programs elsewhere. Loads no engine, numpy, arq or redis.

>>> async with Client("https://invest.example", key="inv_…") as invest:
...     job = await invest.enqueue("analyze_asset_async", ticker="PETR4")
...     analysis = await job.result(timeout=60)

`blocking(...)` is the same without ``await``, for notebooks and scripts.
"""

from __future__ import annotations

from invest.http.blocking import BlockingClient, BlockingJob, blocking
from invest.http.client import Client, Job
from invest.http.events import Event
from invest.http.frames import Rows, entries
from invest.http.models import (
    Ended,
    Queued,
    Task,
    TaskAttempt,
    TaskFinished,
    TaskPhase,
    TaskProblem,
    TaskProgress,
    TaskState,
    TaskStatus,
    Timings,
)
from invest.http.portfolios import PortfolioHandle, Portfolios
from invest.http.transport import Refused

__all__ = [
    "BlockingClient",
    "BlockingJob",
    "Client",
    "Ended",
    "Event",
    "Job",
    "PortfolioHandle",
    "Portfolios",
    "Queued",
    "Refused",
    "Rows",
    "Task",
    "TaskAttempt",
    "TaskFinished",
    "TaskPhase",
    "TaskProblem",
    "TaskProgress",
    "TaskState",
    "TaskStatus",
    "Timings",
    "blocking",
    "entries",
]
