"""The few errors a caller may want to catch; each message says what was wrong, where, and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from invest.error_info import ErrorInfo as ErrorInfo  # noqa: PLC0414 - mypy: a name that others may import


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
        return type(self)(str(self), server=self.server)


class PoolFull(ServerAway):
    """All connections of this process to a server that answers are in use: work that waited for one is not at fault."""


class NotFound(InvestError):
    """Something asked for by its id does not exist."""


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


def __getattr__(name: str) -> Any:
    """`ErrorInfo` when it is first asked for."""
    if name == "ErrorInfo":
        from invest.error_info import ErrorInfo

        return ErrorInfo
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
