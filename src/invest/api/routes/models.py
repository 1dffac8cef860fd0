"""Request and reply models that only the HTTP API has; all others are domain models."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from invest.engine import JobState, JobStatus, Progress

TaskId = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^,/\s]+$", examples=["01930f3a4c5e8d7b6a90"])]


class Strict(BaseModel):
    """Base of request models: unknown names are refused."""

    model_config = ConfigDict(extra="forbid")


class TaskPath(Strict):
    """The task's id in the path."""

    task_id: TaskId


class Page(Strict):
    """Cursor paging: follow the `Link` header's ``rel="next"``."""

    limit: int = Field(default=50, ge=1, le=500, description="entries of one page")
    cursor: str | None = Field(default=None, max_length=500, description="where the page before ended")


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

    @classmethod
    def of(cls, said: Progress | None) -> TaskProgress | None:
        """The same from the engine's value."""
        if said is None:
            return None
        return cls(done=said.done, total=said.total, fraction=said.fraction, message=said.message)


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

    @classmethod
    def of(cls, status: JobStatus, base: str) -> TaskStatus:
        """The contract's view of a job; `base` is the API's prefix."""
        here = f"{base}/tasks/{status.id}"
        links = {"self": f"{here}/status", "events": f"{here}/events"}
        if not status.final:
            links["cancel"] = here
        if status.workflow:
            links["workflow"] = f"{base}/workflows/{status.workflow}"
        return cls(
            task_id=status.id,
            state=status.state.contract,
            ready=status.final,
            successful=status.state is JobState.SUCCEEDED,
            failed=status.state is JobState.FAILED,
            name=status.name,
            queue=status.queue,
            attempt=status.attempt,
            delivery=status.delivery,
            workflow=status.workflow,
            nodes=status.nodes,
            progress=TaskProgress.of(status.progress),
            timings=Timings(
                enqueued_at=status.enqueued_at,
                due_at=status.due_at,
                started_at=status.started_at,
                finished_at=status.finished_at,
            ),
            result=status.result,
            error=status.error.message if status.error else None,
            error_type=status.error.type if status.error else None,
            replay_of=status.replay_of,
            links=links,
        )


class Cancelled(BaseModel):
    """A task that will not run (any further)."""

    status: Literal["cancelled"] = "cancelled"
    task_id: str
    message: str


class ActiveTask(BaseModel):  # type: ignore[no-redef] # the plugin trips over a field named kwargs
    """One running job."""

    worker: str | None
    task_id: str
    name: str
    args: list[Any]
    kwargs: dict[str, Any]
    queue: str = ""
    started_at: datetime | None = None
    progress: TaskProgress | None = None


class ActiveTasks(BaseModel):
    """All running jobs."""

    active_tasks: list[ActiveTask]
    count: int


class QueueCounts(BaseModel):
    """Jobs of one queue by state; `dead` are the dead letters."""

    waiting: int
    active: int
    scheduled: int
    dead: int


class QueueStats(BaseModel):
    """All queues."""

    active_tasks: int
    scheduled_tasks: int
    workers: int
    queues: dict[str, QueueCounts]
