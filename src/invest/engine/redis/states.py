"""What can be known of a job, as one value."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from pydantic import BaseModel, ConfigDict

from invest.engine.errors import ErrorInfo

# Upper bounds, in seconds, of the histograms at keys.STATS.
TIME_BUCKETS: Final = (0.005, 0.025, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0)


class JobState(StrEnum):
    """Where a job is. The last three are final."""

    SCHEDULED = "scheduled"
    QUEUED = "queued"
    RUNNING = "running"
    RETRYING = "retrying"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def final(self) -> bool:
        """Whether nothing more will happen to the job by itself."""
        return self in (JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED)

    @property
    def contract(self) -> str:
        """The HTTP contract's name: PENDING, STARTED, RETRY, SUCCESS, FAILURE or REVOKED."""
        return _CONTRACT[self]


_CONTRACT = {
    JobState.SCHEDULED: "PENDING",
    JobState.QUEUED: "PENDING",
    JobState.RUNNING: "STARTED",
    JobState.RETRYING: "RETRY",
    JobState.SUCCEEDED: "SUCCESS",
    JobState.FAILED: "FAILURE",
    JobState.CANCELLED: "REVOKED",
}


class Frozen(BaseModel):
    """Base of the values below."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Progress(Frozen):
    """How far a running job says it is."""

    done: float
    total: float | None = None
    message: str = ""
    at: datetime

    @property
    def fraction(self) -> float | None:
        """0..1, or None without a total."""
        return None if not self.total else max(0.0, min(1.0, self.done / self.total))


class Attempt(Frozen):
    """One delivery that did not end well: a failed attempt, a crash or a hand-back."""

    kind: str
    delivery: int
    started_at: datetime | None = None
    ended_at: datetime | None = None
    worker: str | None = None
    error: ErrorInfo | None = None


class JobStatus(Frozen):
    """Everything known of one job. Times are UTC; `attempt` counts tries under the retry policy, `delivery` claims."""

    id: str
    name: str
    queue: str
    state: JobState
    attempt: int
    delivery: int
    priority: int = 0
    args: list[Any] = []
    kwargs: dict[str, Any] = {}
    caller: str | None = None
    enqueued_at: datetime | None = None
    due_at: datetime | None = None
    expires_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    worker: str | None = None
    progress: Progress | None = None
    result: Any = None
    error: ErrorInfo | None = None
    history: list[Attempt] = []
    workflow: str | None = None
    nodes: int | None = None
    nodes_done: int | None = None
    key: str | None = None
    replay_of: str | None = None
    replayed_as: str | None = None

    @property
    def final(self) -> bool:
        """Whether it is finished."""
        return self.state.final
