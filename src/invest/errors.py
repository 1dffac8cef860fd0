"""The few errors a caller may want to catch; each message says what was wrong, where, and what to do."""

from __future__ import annotations

import traceback
from typing import Any

from pydantic import BaseModel, ConfigDict

MAX_TRACEBACK = 8_000
MAX_MESSAGE = 2_000


class InvestError(Exception):
    """Base of every error this package raises on purpose."""


class ConfigError(InvestError):
    """A setting is missing or wrong; the message names it."""


class Unreachable(InvestError):
    """Redis, PostgreSQL or an upstream does not answer."""


class ServerAway(Unreachable):
    """The platform's own Redis or PostgreSQL does not answer: no fault of the work that met it.

    `server` names it without its address, for those outside; the message is for logs.
    """

    def __init__(self, message: str, *, server: str = "a server of the platform") -> None:
        super().__init__(message)
        self.server = server

    def copy(self) -> ServerAway:
        """Another one with the same words: an exception raised in several tasks mixes their tracebacks."""
        return ServerAway(str(self), server=self.server)


class NotFound(InvestError):
    """Something asked for by its id does not exist."""


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


class InvalidArguments(InvestError, ValueError):
    """A call's arguments do not validate. `errors` is a list of {loc, msg, type, input}, one per field."""

    def __init__(self, job: str, errors: list[dict[str, Any]]) -> None:
        self.job = job
        self.errors = errors
        message = "; ".join(f"{'.'.join(str(p) for p in e['loc']) or 'arguments'}: {e['msg']}" for e in errors[:5])
        super().__init__(f"{job}: {message}")
