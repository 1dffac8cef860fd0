"""Request and reply models that only the HTTP API has; `invest.http` has those its client reads."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from invest.api.http import EXPORTS, day_in_reach, in_reach, public_result, public_text
from invest.engine import JobState, JobStatus, Progress
from invest.http import TaskProgress, TaskStatus, Timings

TaskId = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^,/\s]+$", examples=["01930f3a4c5e8d7b6a90"])]

Moment = Annotated[AwareDatetime, AfterValidator(in_reach)]
Day = Annotated[date, AfterValidator(day_in_reach)]


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


def progress_view(progress: Progress | None) -> TaskProgress | None:
    """A job's progress in the form of the API."""
    if progress is None:
        return None
    return TaskProgress(done=progress.done, total=progress.total, fraction=progress.fraction, message=progress.message)


def status_view(status: JobStatus, base: str) -> TaskStatus:
    """The contract's view of a job; `base` is the API's prefix."""
    here = f"{base}/tasks/{status.id}"
    links = {"self": f"{here}/status", "events": f"{here}/events"}
    if not status.final:
        links["cancel"] = here
    if status.workflow:
        links["workflow"] = f"{base}/workflows/{status.workflow}"
    shows_files = status.name in EXPORTS or status.nodes is not None
    return TaskStatus(
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
        nodes_done=status.nodes_done,
        progress=progress_view(status.progress),
        timings=Timings(
            enqueued_at=status.enqueued_at,
            due_at=status.due_at,
            started_at=status.started_at,
            finished_at=status.finished_at,
        ),
        result=public_result(status.result) if shows_files else status.result,
        error=public_text(status.error.message) if status.error else None,
        error_type=status.error.type if status.error else None,
        replay_of=status.replay_of,
        phase=status.state.value,
        worker=status.worker,
        args=status.args,
        kwargs=status.kwargs,
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


class AllQueues(BaseModel):
    """All queues."""

    active_tasks: int
    scheduled_tasks: int
    workers: int
    queues: dict[str, QueueCounts]
