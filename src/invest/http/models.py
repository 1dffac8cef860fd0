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


class TaskStatus(BaseModel):  # type: ignore[no-redef] # the plugin trips over a field named kwargs
    """Where a task is. `result` is there once `successful`, `error` once `failed` (or cancelled)."""

    task_id: str
    state: Literal["PENDING", "STARTED", "RETRY", "SUCCESS", "FAILURE", "REVOKED"]
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
    replay_of: str | None = None
    phase: Literal["scheduled", "queued", "running", "retrying", "succeeded", "failed", "cancelled"] = Field(
        description="the state in the words that `/tasks` filters by; `state` is the contract's"
    )
    worker: str | None = None
    args: list[Any] = Field(default_factory=list)
    kwargs: dict[str, Any] = Field(default_factory=dict)
    links: dict[str, str]
