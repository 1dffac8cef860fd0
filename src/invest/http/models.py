"""What the server answers about tasks: read by the client, written by the API."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class Queued(BaseModel):
    """202: the job is accepted and will run once; `Location` is its status."""

    model_config = ConfigDict(extra="allow")

    status: Literal["queued"] = "queued"
    task_id: str
    message: str


class Ended(BaseModel):
    """Where a task ended and where to read it; not the result itself."""

    task_id: str
    name: str
    state: Literal["SUCCESS", "FAILURE", "REVOKED"]
    error: str | None = None
    status_url: str
    sandbox: bool


class TaskFinished(BaseModel):
    """The message to a task's `callback`."""

    type: Literal["task.succeeded", "task.failed", "task.cancelled"]
    timestamp: datetime
    data: Ended


class Timings(BaseModel):
    """When a task passed its stations, UTC."""

    enqueued_at: datetime | None = None
    due_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None


class TaskProgress(BaseModel):
    """A running job's newest progress."""

    done: float
    total: float | None = None
    fraction: float | None = None
    message: str = ""


TaskState = Literal["PENDING", "STARTED", "RETRY", "SUCCESS", "FAILURE", "REVOKED"]
TaskPhase = Literal["scheduled", "queued", "running", "retrying", "succeeded", "failed", "cancelled"]


class TaskProblem(BaseModel):
    """What went wrong in a task, as RFC 9457 has it; `status` is what a request would have been answered."""

    type: str = Field(examples=["urn:invest:task:not-found"])
    title: str
    status: int
    detail: str = Field(description="the error's own words, without addresses and paths of the server")
    instance: str = Field(description="the task")
    error_type: str = Field(description="the exception's name")


class TaskStatus(BaseModel):  # type: ignore[no-redef] # the plugin trips over a field named kwargs
    """Where a task is. `result` is there once `successful`, `error` once `failed` (or cancelled)."""

    task_id: str
    state: TaskState
    ready: bool
    successful: bool
    failed: bool
    name: str
    queue: str
    attempt: int
    delivery: int
    workflow: str | None = None
    nodes: int | None = Field(default=None, description="jobs of a workflow")
    nodes_done: int | None = Field(default=None, description="those of them that have ended")
    progress: TaskProgress | None = None
    timings: Timings
    result: Any = None
    error: str | None = None
    error_type: str | None = None
    problem: TaskProblem | None = Field(default=None, description="the error as a problem object, once `failed`")
    replay_of: str | None = None
    phase: TaskPhase = Field(description="the state more finely: what waits for its hour, and what for a worker")
    worker: str | None = None
    args: list[Any] = Field(default_factory=list)
    kwargs: dict[str, Any] = Field(default_factory=dict)
    links: dict[str, str]


class TaskAttempt(BaseModel):
    """One delivery that did not end well: a failed attempt, a crash or a hand-back."""

    kind: str
    delivery: int
    started_at: datetime | None = None
    ended_at: datetime | None = None
    worker: str | None = None
    problem: TaskProblem | None = None


class Task(TaskStatus):  # type: ignore[no-redef] # the plugin trips over a field named kwargs
    """Everything known of a task; a dead letter is one that failed for good."""

    priority: int = 0
    caller: str | None = Field(default=None, description="id of the key that queued it")
    expires_at: datetime | None = None
    key: str | None = Field(default=None, description="what keeps it from being queued twice")
    replayed_as: str | None = None
    history: list[TaskAttempt] = Field(default_factory=list)
    traceback: str | None = Field(default=None, description="where it failed; for keys of scope admin")
