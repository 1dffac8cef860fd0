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


class Timings(BaseModel):
    """When a task passed its stations, UTC."""

    enqueued_at: datetime | None = None
    due_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None


class TaskProgress(BaseModel):
    """What a running job said last."""

    done: float
    total: float | None = None
    fraction: float | None = None
    message: str = ""


class TaskStatus(BaseModel):
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
    progress: TaskProgress | None = None
    timings: Timings
    result: Any = None
    error: str | None = None
    error_type: str | None = None
    replay_of: str | None = None
    links: dict[str, str]
