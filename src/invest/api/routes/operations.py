"""Operations: declared jobs, workflows, schedules, dead letters, workers, history, audit."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from invest.api.http import (
    PREFIX,
    Cursor,
    Listing,
    Problem,
    Reply,
    invalid,
    next_link,
    paged,
    route,
    sealed,
    sliced,
)
from invest.api.request import Request
from invest.api.routes.contract import Arguments, EnqueueOptions, JobPath, call_of
from invest.api.routes.models import CellName, OfCell, Page, Strict, TaskId, WholePage, status_view, task_view
from invest.api.routes.ownership import require_calls, require_status, require_task, visible
from invest.api.routes.tasks import JOB_PLACE, accepted, engine_of
from invest.domain.access import AuditLine
from invest.engine import (
    Bulk,
    Call,
    CellView,
    QueueStats,
    ScheduleEntry,
    WorkerInfo,
    Workflow,
    chain,
    chord,
    group,
)
from invest.http import Queued, Task, TaskStatus


class JobDescription(BaseModel):
    """A declared job: where it runs, how it is retried, what it takes and gives (JSON Schema)."""

    name: str
    queue: str
    summary: str
    retries: int
    delay: float
    timeout: float
    soft_timeout: float | None
    cron: str | None
    parameters: dict[str, Any]
    result: dict[str, Any]


@route("GET", "/jobs", tag="jobs")
async def list_job_types(request: Request, query: WholePage) -> Reply[Listing[JobDescription]]:
    """All declared jobs."""
    jobs = [JobDescription.model_validate(job.description) for job in request.services.registry.jobs()]
    return sliced(request, jobs, lambda job: job.name, query.cursor, query.limit)


@route("GET", "/jobs/{name}", tag="jobs", problems=(404,))
async def get_job_type(request: Request, path: JobPath) -> JobDescription:
    """One declared job."""
    return JobDescription.model_validate(request.services.registry.job(path.name).description)


@route(
    "POST", "/jobs/{name}", tag="jobs", scope="write", status=202, problems=(400, 404, 409, 413, 415, 422), waits=True
)
async def enqueue_job(
    request: Request, path: JobPath, query: EnqueueOptions, body: Arguments | None = None
) -> Reply[Queued]:
    """Queue any declared job with its arguments by name, now or later."""
    call = call_of(request.services.registry, path.name, (body.model_extra or {}) if body else {}, query)
    return await accepted(request, call, message=f"{path.name} queued", echo={})


class Step(Strict):
    """One job of a workflow."""

    job: str = Field(max_length=100, examples=["collect_asset_data_async"])
    arguments: dict[str, Any] = Field(default_factory=dict)


class WorkflowRequest(Strict):
    """A chain (one after another), a group (side by side) or a chord (a group and a callback over its results)."""

    kind: Literal["chain", "group", "chord"]
    steps: Annotated[list[Step], Field(min_length=1, max_length=1000)]
    callback: Step | None = Field(default=None, description="of a chord")


@route("POST", "/workflows", tag="workflows", scope="write", status=202, problems=(400, 413, 415, 422), waits=True)
async def start_workflow(request: Request, body: WorkflowRequest) -> Reply[Queued]:
    """Start jobs that depend on each other; the whole has one id, one status and one result."""
    return await accepted(request, workflow_of(request, body), message=f"{body.kind} queued", echo={})


def workflow_of(request: Request, body: WorkflowRequest) -> Workflow[Any]:
    """The workflow as data. Raises 422 for an unknown job or wrong arguments."""
    if (body.callback is not None) != (body.kind == "chord"):
        raise Problem(422, "callback: a chord needs one, the others take none", kind="urn:invest:invalid")
    calls = [step_of(request, f"steps.{place}", step) for place, step in enumerate(body.steps)]
    if body.kind == "chain":
        return chain(*calls)
    if body.callback is None:
        return group(calls)
    return chord(group(calls), step_of(request, "callback", body.callback))


def step_of(request: Request, field: str, step: Step) -> Call[Any]:
    """The call of a step. Raises 422 naming the step whose job is unknown."""
    job = request.services.registry.find(step.job)
    if job is None:
        raise invalid(f"{field}.job", f"no job {step.job!r}")
    return job(**step.arguments)


class WorkflowPath(Strict):
    """A workflow's id in the path."""

    workflow_id: TaskId


class StepsPage(Strict):
    """Which steps."""

    limit: int = Field(default=100, ge=1, le=500, description="entries of one page")
    cursor: Annotated[str | None, Cursor(r"^\d{1,7}$")] = Field(default=None, description="of the page before")
    offset: int = Field(default=0, ge=0, le=1_000_000, description="where a page begins; better is `cursor`")

    @property
    def start(self) -> int:
        """How many come before the page."""
        return self.offset if self.cursor is None else int(self.cursor)

    def place_after(self, more: bool) -> str | None:
        """The next page's place, where there is one."""
        return str(self.start + self.limit) if more else None


class WorkflowReply(BaseModel):
    """A workflow and a page of its steps."""

    workflow: TaskStatus
    steps: list[TaskStatus] = Field(description="a page of them")
    next_cursor: str | None = Field(default=None, description="give it as `cursor` for the next page")


class WorkflowsPage(StepsPage):
    """Which workflows."""

    cell: CellName = None


@route("GET", "/workflows", tag="workflows", problems=(422,))
async def list_workflows(request: Request, query: WorkflowsPage) -> Reply[Listing[TaskStatus]]:
    """Workflows, newest first."""
    workflows = engine_of(request, query.cell).workflows
    found = await workflows.page(query.limit, query.start)
    more = query.start + query.limit < await workflows.count()
    return paged(request, [status_view(s) for s in found], query.place_after(more))


@route("GET", "/workflows/{workflow_id}", tag="workflows", problems=(404,))
async def get_workflow(request: Request, path: WorkflowPath, query: StepsPage) -> Reply[WorkflowReply]:
    """A workflow with its steps in the order they were laid down, page by page."""
    view = await request.services.invest.workflows.show(path.workflow_id, limit=query.limit, offset=query.start)
    await require_status(request, view.workflow)
    place = query.place_after(view.more)
    cursor = None if place is None else sealed(place)
    steps = [status_view(s) for s in view.steps]
    body = WorkflowReply(workflow=status_view(view.workflow), steps=steps, next_cursor=cursor)
    return Reply(body, 200, next_link(request, cursor))


@route("POST", "/workflows/{workflow_id}/retry", tag="workflows", scope="write", status=204, problems=(404, 409))
async def retry_workflow(request: Request, path: WorkflowPath) -> None:
    """Run again the steps that did not succeed; those that did keep their results."""
    await require_task(request, path.workflow_id, acting=True)
    await request.services.invest.workflows.retry(path.workflow_id)
    request.audit("retry workflow", path.workflow_id)


class SchedulePath(Strict):
    """A scheduled job's name in the path."""

    name: Annotated[str, Field(max_length=100, pattern=r"^[A-Za-z0-9_.]+$", examples=["update_news_feed"])]


@route("GET", "/schedules", tag="schedules")
async def list_schedules(request: Request, query: WholePage) -> Reply[Listing[ScheduleEntry]]:
    """Every cron line with its last and next run."""
    entries = await request.services.invest.schedules.all()
    return sliced(request, entries, lambda entry: entry.name, query.cursor, query.limit)


@route("POST", "/schedules/{name}/pause", tag="schedules", scope="admin", status=204, problems=(404,))
async def pause_schedule(request: Request, path: SchedulePath) -> None:
    """Let a schedule's ticks pass without a run."""
    await request.services.invest.schedules.pause(path.name)
    request.audit("pause schedule", path.name)


@route("POST", "/schedules/{name}/resume", tag="schedules", scope="admin", status=204, problems=(404,))
async def resume_schedule(request: Request, path: SchedulePath) -> None:
    """Run a paused schedule again from now on."""
    await request.services.invest.schedules.resume(path.name)
    request.audit("resume schedule", path.name)


@route("POST", "/schedules/{name}/run", tag="schedules", scope="write", status=202, problems=(404,))
async def run_schedule(request: Request, path: SchedulePath) -> Reply[Queued]:
    """One run out of turn."""
    if (job := request.services.registry.find(path.name)) is not None and job.cron is not None:
        await require_calls(request, job(**job.cron_args))
    queued = await request.services.invest.schedules.run_now(path.name)
    request.audit("run schedule", path.name, {"task_id": queued.id})
    body = Queued(task_id=queued.id, message=f"{path.name} queued out of turn")
    return Reply(body, 202, {"Location": f"{PREFIX}/tasks/{queued.id}/status", "Retry-After": "1"})


class DeadLetterFilter(Page):
    """Which dead letters."""

    cell: CellName = None
    queue: str | None = Field(default=None, max_length=100)
    name: str | None = Field(default=None, max_length=100, description="the job's name")
    cursor: Annotated[str | None, Cursor(JOB_PLACE)] = Field(default=None, description="of the page before")


@route("GET", "/dead-letters", tag="dead letters", problems=(422,))
async def list_dead_letters(request: Request, query: DeadLetterFilter) -> Reply[Listing[Task]]:
    """Jobs that failed for good, newest first, each as `/dead-letters/{task_id}` shows it."""
    page = await engine_of(request, query.cell).dead.page(
        queue=query.queue, name=query.name, limit=query.limit, cursor=query.cursor
    )
    inside = request.caller.allows("admin")
    found = [task_view(s, inside=inside) for s in await visible(request, page.items)]
    return paged(request, found, page.cursor)


class DeadLetterPath(Strict):
    """A dead letter's id in the path."""

    task_id: TaskId


@route("GET", "/dead-letters/{task_id}", tag="dead letters", problems=(404,))
async def get_dead_letter(request: Request, path: DeadLetterPath) -> Task:
    """One, with payload, error and the history of its attempts."""
    found = await request.services.invest.dead.show(path.task_id)
    await require_status(request, found)
    return task_view(found, inside=request.caller.allows("admin"))


class ReplayRequest(Strict):
    """Other arguments than the failed ones; without a body the same are used."""

    arguments: dict[str, Any]


@route("POST", "/dead-letters/{task_id}/replay", tag="dead letters", scope="write", status=202,
       problems=(400, 404, 409, 415, 422))  # fmt: skip
async def replay_dead_letter(
    request: Request, path: DeadLetterPath, body: ReplayRequest | None = None
) -> Reply[Queued]:
    """Run one again as a new job; it acts once however often it is asked."""
    status = await request.services.invest.status(path.task_id)
    await require_status(request, status, acting=True)
    if body is not None:
        await require_calls(request, request.services.registry.job(status.name)(**body.arguments))
    job = await request.services.invest.dead.replay(path.task_id, kwargs=body.arguments if body else None)
    request.audit("replay", path.task_id, {"as": job.id, "edited": body is not None, "new": job.new})
    message = f"{path.task_id} runs again" if job.new else f"{job.id} has its unique key and has not ended"
    answer = Queued(task_id=job.id, message=message)
    return Reply(answer, 202, {"Location": f"{PREFIX}/tasks/{job.id}/status", "Retry-After": "1"})


@route("DELETE", "/dead-letters/{task_id}", tag="dead letters", scope="admin", status=204, problems=(404, 409))
async def discard_dead_letter(request: Request, path: DeadLetterPath) -> None:
    """Let one go; of a failed workflow, all that failed in it. A single step is refused: a retry needs it."""
    await request.services.invest.dead.discard(path.task_id)
    request.audit("discard", path.task_id)


class BulkFilter(OfCell):
    """Which dead letters, and whether to act at all."""

    queue: str | None = Field(default=None, max_length=100)
    name: str | None = Field(default=None, max_length=100)
    dry_run: bool = Field(default=False, description="only say which ones it would be")


@route("POST", "/dead-letters/replay", tag="dead letters", scope="admin", problems=(422,))
async def replay_dead_letters(request: Request, query: BulkFilter) -> Bulk:
    """Replay all that are there now."""
    dead = engine_of(request, query.cell).dead
    done = await dead.replay_all(queue=query.queue, name=query.name, dry_run=query.dry_run)
    request.audit("replay all", query.queue or query.name or "all", {"count": len(done.ids), "dry_run": done.dry_run})
    return done


class CellPage(WholePage):
    """Of which cell."""

    cell: CellName = None


@route("GET", "/queues", tag="operations", problems=(422,))
async def list_queues(request: Request, query: CellPage) -> Reply[Listing[QueueStats]]:
    """Every queue: what waits, runs, is due later, is done and dead, and how long the oldest has waited."""
    queues = list((await engine_of(request, query.cell).inspect.queues()).values())
    return sliced(request, queues, lambda queue: queue.name, query.cursor, query.limit)


class QueuePath(Strict):
    """A queue's name in the path."""

    name: str = Field(max_length=100, examples=["analysis"])


@route("POST", "/queues/{name}/pause", tag="operations", scope="admin", status=204, problems=(404, 422))
async def pause_queue(request: Request, path: QueuePath, query: OfCell) -> None:
    """Start nothing more from a queue: what runs goes on, what waits is kept."""
    await engine_of(request, query.cell).pause(path.name)
    request.audit("pause queue", path.name, query.model_dump(exclude_none=True))


@route("POST", "/queues/{name}/resume", tag="operations", scope="admin", status=204, problems=(404, 422))
async def resume_queue(request: Request, path: QueuePath, query: OfCell) -> None:
    """Start jobs of a paused queue again."""
    await engine_of(request, query.cell).resume(path.name)
    request.audit("resume queue", path.name, query.model_dump(exclude_none=True))


@route("GET", "/cells", tag="operations")
async def list_cells(request: Request, query: WholePage) -> Reply[Listing[CellView]]:
    """Every cell of the deployment (a prefix of a Redis) as it is now; where there is but one it is called home."""
    cells = await request.services.invest.list_cells()
    return sliced(request, cells, lambda cell: cell.name, query.cursor, query.limit)


@route("GET", "/workers", tag="operations", problems=(422,))
async def list_workers(request: Request, query: CellPage) -> Reply[Listing[WorkerInfo]]:
    """Worker processes heard of in the last minute."""
    workers = await engine_of(request, query.cell).inspect.workers()
    return sliced(request, workers, lambda worker: worker.id, query.cursor, query.limit)


class AuditFilter(Page):
    """Which lines."""

    actor: str | None = Field(default=None, max_length=100)
    action: str | None = Field(default=None, max_length=100)
    cursor: Annotated[str | None, Cursor(r"^\d{1,18}$")] = Field(default=None, description="of the page before")


@route("GET", "/audit", tag="operations", scope="admin", problems=(422, 503))
async def list_audit(request: Request, query: AuditFilter) -> Reply[Listing[AuditLine]]:
    """Who changed what, newest first."""
    before = int(query.cursor) if query.cursor else None
    store = await request.services.store()
    lines = await store.audit.list(actor=query.actor, action=query.action, before=before, limit=query.limit)
    return paged(request, lines, str(lines[-1].id) if len(lines) == query.limit else None)


ROUTES = (
    list_job_types,
    get_job_type,
    enqueue_job,
    start_workflow,
    list_workflows,
    get_workflow,
    retry_workflow,
    list_schedules,
    pause_schedule,
    resume_schedule,
    run_schedule,
    list_dead_letters,
    replay_dead_letters,
    get_dead_letter,
    replay_dead_letter,
    discard_dead_letter,
    list_queues,
    pause_queue,
    resume_queue,
    list_cells,
    list_workers,
    list_audit,
)
