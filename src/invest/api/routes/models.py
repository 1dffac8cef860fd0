"""Request and reply models that only the HTTP API has; `invest.http` has those its client reads, filled here."""

from __future__ import annotations

import re
from datetime import date, datetime
from http import HTTPStatus
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from invest.api.http import EXPORTS, PLACE, PREFIX, Cursor, day_in_reach, in_reach, public_result, public_text
from invest.engine import ErrorInfo, JobState, JobStatus, Progress
from invest.http import Task, TaskAttempt, TaskPhase, TaskProblem, TaskProgress, TaskState, TaskStatus, Timings

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
    cursor: Annotated[str | None, Cursor()] = Field(default=None, description="`next_cursor` of the page before")


class WholePage(Strict):
    """Cursor paging of a list that is usually short: as a rule its first page is all of it."""

    limit: int = Field(default=500, ge=1, le=5000, description="entries of one page")
    cursor: Annotated[str | None, Cursor(PLACE)] = Field(default=None, description="`next_cursor` of the page before")


CellName = Annotated[
    str | None,
    Field(max_length=60, pattern=r"^[A-Za-z0-9_-]+$", description="this cell alone (see /cells); without it all"),
]


class OfCell(Strict):
    """Which cell of the deployment an action is about."""

    cell: CellName = None


PHASES = frozenset(state.value for state in JobState)


class StateFilter(Strict):
    """A state as the answers name it: `state`, or `phase` where that is not fine enough."""

    state: TaskState | None = None
    phase: TaskPhase | None = None

    @model_validator(mode="before")
    @classmethod
    def _older_words(cls, given: Any) -> Any:
        """Read a phase in `state`, as earlier releases had it."""
        if isinstance(given, dict) and given.get("state") in PHASES and "phase" not in given:
            return {**given, "state": None, "phase": given["state"]}
        return given

    @model_validator(mode="after")
    def _one_of_them(self) -> StateFilter:
        """Refuse a phase beside a state."""
        if self.state is not None and self.phase is not None:
            raise ValueError("give a state or a phase, not both")
        return self

    @property
    def wanted(self) -> list[JobState]:
        """The phases that are meant; empty where neither was given."""
        if self.phase is not None:
            return [JobState(self.phase)]
        return [state for state in JobState if state.contract == self.state]


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


STATUS_OF = {  # exception's name -> the status that a request would have been answered
    "NotFound": HTTPStatus.NOT_FOUND,
    "InvalidArguments": HTTPStatus.UNPROCESSABLE_ENTITY,
    "ValidationError": HTTPStatus.UNPROCESSABLE_ENTITY,
    "Unreachable": HTTPStatus.SERVICE_UNAVAILABLE,
    "ServerAway": HTTPStatus.SERVICE_UNAVAILABLE,
    "TimeoutError": HTTPStatus.GATEWAY_TIMEOUT,
    "TimeLimitExceeded": HTTPStatus.GATEWAY_TIMEOUT,
    "SoftTimeLimitExceeded": HTTPStatus.GATEWAY_TIMEOUT,
    "Cancelled": HTTPStatus.CONFLICT,
}
TITLES = {JobState.FAILED: "Task failed", JobState.CANCELLED: "Task cancelled"}


def progress_view(progress: Progress | None) -> TaskProgress | None:
    """The answer's form of what a job said of its progress."""
    if progress is None:
        return None
    return TaskProgress(done=progress.done, total=progress.total, fraction=progress.fraction, message=progress.message)


def problem_view(status: JobStatus, error: ErrorInfo | None, title: str = "Attempt failed") -> TaskProblem | None:
    """An error of a job as a problem object, with the words that may leave the platform."""
    if error is None:
        return None
    kind = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", error.type).lower()
    return TaskProblem(
        type=f"urn:invest:task:{re.sub(r'[^a-z0-9-]+', '-', kind)}",
        title=title,
        status=STATUS_OF.get(error.type, HTTPStatus.INTERNAL_SERVER_ERROR),
        detail=public_text(error.message),
        instance=f"{PREFIX}/tasks/{status.id}",
        error_type=error.type,
    )


def status_view(status: JobStatus) -> TaskStatus:
    """The contract's view of a job."""
    here = f"{PREFIX}/tasks/{status.id}"
    links = {"self": f"{here}/status", "events": f"{here}/events"}
    if not status.final:
        links["cancel"] = here
    if status.workflow:
        links["workflow"] = f"{PREFIX}/workflows/{status.workflow}"
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
        problem=problem_view(status, status.error, TITLES.get(status.state, "Attempt failed")),
        replay_of=status.replay_of,
        phase=status.state.value,
        worker=status.worker,
        args=status.args,
        kwargs=status.kwargs,
        links=links,
    )


def task_view(status: JobStatus, *, inside: bool) -> Task:
    """Everything known of a job; `inside`: also where in the program it failed, which is for admins."""
    attempts = [
        TaskAttempt(
            kind=attempt.kind,
            delivery=attempt.delivery,
            started_at=attempt.started_at,
            ended_at=attempt.ended_at,
            worker=attempt.worker,
            problem=problem_view(status, attempt.error),
        )
        for attempt in status.history
    ]
    return Task(
        **dict(status_view(status)),
        priority=status.priority,
        caller=status.caller,
        expires_at=status.expires_at,
        key=status.key,
        replayed_as=status.replayed_as,
        history=attempts,
        traceback=status.error.traceback if inside and status.error else None,
    )
