"""What can go wrong with a job, for those who wait for one and for those who write one."""

from __future__ import annotations

import asyncio
import traceback
from typing import Any

from pydantic import BaseModel, ConfigDict

from invest.errors import InvestError

MAX_TRACEBACK = 8_000
MAX_MESSAGE = 2_000


class ErrorInfo(BaseModel):
    """The error envelope that travels instead of a pickled exception."""

    model_config = ConfigDict(frozen=True)

    type: str
    message: str
    traceback: str | None = None
    retryable: bool = False

    @classmethod
    def of(cls, error: BaseException, *, retryable: bool = False) -> ErrorInfo:
        """The envelope of a caught exception; its text is cut, and an exception whose ``str`` fails is survived."""
        try:
            message = str(error)
        except Exception:  # a job's own __str__ may raise anything
            message = "(its message could not be read)"
        try:
            trace = "".join(traceback.format_exception(error, limit=-20))
        except Exception:  # formatting calls the same __str__
            trace = None
        return cls(
            type=type(error).__name__,
            message=_clean(message)[:MAX_MESSAGE],
            traceback=_clean(trace)[-MAX_TRACEBACK:] if trace else None,
            retryable=retryable,
        )


def _clean(text: str) -> str:
    """Text that JSON and PostgreSQL take: no lone surrogates, no NUL."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\x00", "\ufffd")


class JobFailed(InvestError):
    """The job failed for good."""

    def __init__(self, error: ErrorInfo, *, job_id: str = "", attempts: int = 0) -> None:
        super().__init__(f"{error.type}: {error.message}")
        self.error = error
        self.type = error.type
        self.message = error.message
        self.retryable = error.retryable
        self.job_id = job_id
        self.attempts = attempts


class JobCancelled(InvestError):
    """The job was cancelled, by a person, by its workflow, or because it expired before it could start."""

    def __init__(self, job_id: str = "", reason: str = "cancelled") -> None:
        super().__init__(f"job {job_id} was cancelled: {reason}")
        self.job_id = job_id
        self.reason = reason


class ResultTimeout(InvestError, TimeoutError):
    """The result did not come within the time the caller gave."""


class ResultExpired(InvestError):
    """The job is finished, but its result is older than the time results are kept."""


class QueueFull(InvestError):
    """Redis has no memory left: new work is refused, running work goes on."""


class InvalidArguments(InvestError, ValueError):
    """A call's arguments do not validate. `errors` is a list of {loc, msg, type, input}, one per field."""

    def __init__(self, job: str, errors: list[dict[str, Any]]) -> None:
        self.job = job
        self.errors = errors
        said = "; ".join(f"{'.'.join(str(p) for p in e['loc']) or 'arguments'}: {e['msg']}" for e in errors[:5])
        super().__init__(f"{job}: {said}")


class SoftTimeLimitExceeded(asyncio.CancelledError):
    """Raised inside a job at its soft time limit: tidy up and return what there is, or let it pass.

    It is a cancellation for every library the job is waiting in, and is not swallowed by ``except Exception``.
    """


class RetryLater(Exception):
    """Raised by a job whose upstream said when to come back (``Retry-After``): retried then, as one more attempt."""

    def __init__(self, after: float, message: str = "") -> None:
        super().__init__(message or f"asked to come back in {after:g} s")
        self.retry_after = float(after)


class GiveUp(Exception):
    """Raised by a job that can never succeed: no retry, straight to the dead letters."""


class TimeLimitExceeded(Exception):
    """The job did not end within its hard time limit."""


class Lost(InvestError, LookupError):
    """A part of a result that was passed by reference is gone: it outlived its time, or Redis lost it."""
