"""What can go wrong with a job, for those who wait for one and for those who write one."""

from __future__ import annotations

import asyncio

from invest.errors import ErrorInfo, InvalidArguments, InvestError, JobCancelled, JobFailed, ResultTimeout

__all__ = [
    "ErrorInfo",
    "GiveUp",
    "InvalidArguments",
    "JobCancelled",
    "JobFailed",
    "Lost",
    "QueueFull",
    "ResultExpired",
    "ResultTimeout",
    "RetryLater",
    "SoftTimeLimitExceeded",
    "TimeLimitExceeded",
]


class ResultExpired(InvestError):
    """The job is finished, but its result is older than the time results are kept."""


class QueueFull(InvestError):
    """Redis has no memory left: new work is refused, running work goes on."""


class SoftTimeLimitExceeded(asyncio.CancelledError):
    """Raised inside a job at its soft time limit: tidy up and return what there is, or let it pass.

    It is a cancellation for every library the job is waiting in, and is not swallowed by ``except Exception``.
    """


class RetryLater(Exception):
    """Raised by a job whose upstream asked for a pause (``Retry-After``): retried then, as one more attempt."""

    def __init__(self, after: float, message: str = "") -> None:
        super().__init__(message or f"asked to come back in {after:g} s")
        self.retry_after = float(after)


class GiveUp(Exception):
    """Raised by a job that can never succeed: no retry, straight to the dead letters."""


class TimeLimitExceeded(Exception):
    """The job did not end within its hard time limit."""


class Lost(InvestError, LookupError):
    """A part of a result that was passed by reference is gone: it outlived its time, or Redis lost it."""
