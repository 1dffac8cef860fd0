"""Tasks: accept them, follow them, stop them."""

from __future__ import annotations

import re
from typing import Annotated, Any

from aiohttp import web
from pydantic import Field

from invest.api.http import (
    PLACE,
    PREFIX,
    Cursor,
    Listing,
    Problem,
    Reply,
    cut,
    etag_matches,
    etag_of,
    invalid,
    next_link,
    paged,
    public_text,
    route,
    sealed,
    sliced,
    to_json,
)
from invest.api.live import frame_of
from invest.api.request import Request
from invest.api.routes.models import (
    ActiveTask,
    ActiveTasks,
    AllQueues,
    Cancelled,
    CellName,
    QueueCounts,
    StateFilter,
    Strict,
    TaskPath,
    WholePage,
    progress_view,
    status_view,
    task_view,
)
from invest.api.routes.ownership import require_calls, require_status, require_task, visible
from invest.domain.job_run import JobRun
from invest.engine import Call, Invest, JobState, JobStatus, TimelineEntry, Workflow
from invest.errors import NotFound
from invest.http import Task, TaskPhase, TaskState, TaskStatus

POLL_AFTER = 1  # seconds, the Retry-After of a task that is not finished
WAIT_PREFERENCE = re.compile(r"(?:^|[,;\s])wait\s*=\s*\"?(\d{1,6})\"?")
MAX_WAIT = 60
JOB_PLACE = r"^\d{1,15}:.{1,200}$"  # in the engine's listings
MOST_ACTIVE = 500


async def accepted(
    request: Request, what: Call[Any] | Workflow[Any], *, message: str, echo: dict[str, Any]
) -> Reply[Any]:
    """Queue a call and answer 202 with its address, or 200 with its result where the client waits for it."""
    wait, callback = wait_of(request.http), request.http.query.get("callback")
    if callback is not None:
        request.services.callbacks.check(callback)
    await require_calls(request, what)
    await request.services.quotas.queue(request.caller, what)
    note = None
    if isinstance(what, Call) and request.job_id is not None and wait is None and callback is None:
        body = to_json(_queued(request.job_id, echo, message))
        note = request.note(202, _headers(request.job_id) | {"Content-Type": "application/json"}, body)
    job = await request.services.enqueuer.enqueue(what, request.caller.id, job_id=request.job_id, note=note)
    if job.new:
        await request.services.quotas.queued(request.caller, what, job.id)
    if callback is not None:
        await request.services.callbacks.owe(job.id, callback, request.caller.id)
    name = what.name if isinstance(what, Call) else what.kind
    # The audit line of a queued job is its request's own; the database has it as a row of job_run.
    request.tell(action="enqueue", task_id=job.id, job=name, caller=request.caller.id)
    if note is not None and job.new:
        request.noted = True
        return Reply(body, 202, _headers(job.id))
    if wait is not None:
        with request.services.load.idle():
            status = await request.services.enqueuer.wait(job.id, wait)
        if status.final:
            headers = {"Location": _place(job.id), "Preference-Applied": f"wait={wait:g}"}
            return Reply(status_view(status), 200, headers)
    return Reply(_queued(job.id, echo, message if job.new else f"already {message}"), 202, _headers(job.id))


def _queued(job_id: str, echo: dict[str, Any], message: str) -> dict[str, Any]:
    return {"status": "queued", "task_id": job_id, **echo, "message": message}


def _place(job_id: str) -> str:
    return f"{PREFIX}/tasks/{job_id}/status"


def _headers(job_id: str) -> dict[str, str]:
    return {"Location": _place(job_id), "Retry-After": str(POLL_AFTER)}


def wait_of(http: web.Request) -> float | None:
    """Seconds a client wants to wait: ``?wait=20`` or ``Prefer: wait=20``; None if it does not. At most `MAX_WAIT`."""
    given = http.query.get("wait")
    if given is None:
        match = WAIT_PREFERENCE.search(http.headers.get("Prefer", "")[:200])
        return min(float(match[1]), MAX_WAIT) if match else None
    try:
        seconds = float(given)
    except ValueError:
        seconds = -1
    if not 0 <= seconds <= MAX_WAIT:
        raise invalid("wait", f"seconds from 0 to {MAX_WAIT}")
    return seconds


@route("GET", "/tasks/{task_id}/status", tag="tasks", problems=(404,), waits=True)
async def task_status(request: Request, path: TaskPath) -> Reply[TaskStatus]:
    """Where a task is, and its result.

    With `wait` the answer comes when the task is finished, or after so many seconds. The ETag changes with the state.
    """
    wait = wait_of(request.http) or 0
    with request.services.load.idle():
        status = await request.services.enqueuer.wait(path.task_id, wait)
    await require_status(request, status)
    return status_reply(request, status)


@route("GET", "/tasks/{task_id}", tag="tasks", problems=(404,))
async def get_task(request: Request, path: TaskPath) -> Task:
    """Everything known of a task: arguments, attempts with their problems, worker, times, result or error."""
    status = await request.services.invest.status(path.task_id)
    await require_status(request, status)
    return task_view(status, inside=request.caller.allows("admin"))


def status_reply(request: Request, status: JobStatus) -> Reply[TaskStatus]:
    """The status with its ETag, or 304."""
    view = status_view(status)
    etag = etag_of(to_json(view))
    headers = {"ETag": etag, "Cache-Control": "no-cache"}
    if not status.final:
        headers["Retry-After"] = str(POLL_AFTER)
    if etag_matches(request.http, etag):
        return Reply(None, 304, headers)
    return Reply(view, 200, headers)


@route("DELETE", "/tasks/{task_id}", tag="tasks", scope="write", problems=(404, 409))
async def cancel_task(request: Request, path: TaskPath) -> Cancelled:
    """Cancel a task or a whole workflow: one that waits never starts, one that runs is asked to stop."""
    await require_task(request, path.task_id, acting=True)
    stopped = await request.services.invest.cancel(path.task_id)
    if not stopped:
        raise Problem(409, f"task {path.task_id} has already finished", kind="urn:invest:finished")
    request.audit("cancel", path.task_id)
    return Cancelled(task_id=path.task_id, message="cancelled: it will not run (any further)")


class ActivePage(Strict):
    """Which running jobs."""

    limit: int = Field(default=MOST_ACTIVE, ge=1, le=MOST_ACTIVE, description="entries of one page")
    cursor: Annotated[str | None, Cursor(PLACE)] = Field(default=None, description="from the `Link` header before")


@route("GET", "/tasks/active", tag="tasks", problems=(422,))
async def active_tasks(request: Request, query: ActivePage) -> Reply[ActiveTasks]:
    """What runs now, oldest first; the `Link` header leads on where it is more than a page."""
    running = await visible(request, await request.services.invest.inspect.active())
    page, place = cut(running, lambda status: status.id, query.cursor, query.limit)
    tasks = [
        ActiveTask(
            worker=s.worker,
            task_id=s.id,
            name=s.name,
            args=s.args,
            kwargs=s.kwargs,
            queue=s.queue,
            started_at=s.started_at,
            progress=progress_view(s.progress),
        )
        for s in page
    ]
    link = next_link(request, None if place is None else sealed(place))
    return Reply(ActiveTasks(active_tasks=tasks, count=len(tasks)), 200, link)


@route("GET", "/tasks/queue/stats", tag="tasks")
async def queue_stats(request: Request) -> AllQueues:
    """Depths of all queues, and how many workers are alive."""
    inspect = request.services.invest.inspect
    queues, workers = await inspect.queues(), await inspect.workers()
    counts = {
        name: QueueCounts(waiting=q.waiting, active=q.active, scheduled=q.scheduled, dead=q.dead)
        for name, q in queues.items()
    }
    return AllQueues(
        active_tasks=sum(c.active for c in counts.values()),
        scheduled_tasks=sum(c.scheduled for c in counts.values()),
        workers=sum(w.alive for w in workers),
        queues=counts,
    )


def engine_of(request: Request, cell: str | None) -> Invest:
    """The engine, about one cell where one is named. Raises 422 for one that there is not."""
    invest: Invest = request.services.invest
    try:
        return invest if cell is None else invest.at(cell)
    except NotFound as error:
        raise invalid("cell", str(error)) from None


class TaskFilter(StateFilter):
    """Which tasks; those that run where no state is given."""

    cell: CellName = None

    queue: str | None = Field(default=None, max_length=100)
    name: str | None = Field(default=None, max_length=100, description="the job's name")
    limit: int = Field(default=50, ge=1, le=500, description="entries of one page")
    cursor: Annotated[str | None, Cursor(JOB_PLACE)] = Field(
        default=None, description="`next_cursor` of the page before"
    )


@route("GET", "/tasks", tag="tasks", problems=(422,))
async def list_tasks(request: Request, query: TaskFilter) -> Reply[Listing[TaskStatus]]:
    """Tasks in one state, page by page: waiting ones by due time, finished ones newest first."""
    wanted = query.wanted or [JobState.RUNNING]
    # What is PENDING stands in one index, by due time: first what waits for a worker, then what waits for its hour.
    whole = JobState.QUEUED in wanted and JobState.SCHEDULED in wanted
    page = await engine_of(request, query.cell).inspect.jobs(
        JobState.QUEUED if whole else wanted[0],
        queue=query.queue, name=query.name, limit=query.limit, cursor=query.cursor, with_later=whole,
    )  # fmt: skip
    return paged(request, [status_view(s) for s in await visible(request, page.items)], page.cursor)


@route("GET", "/tasks/{task_id}/timeline", tag="tasks", problems=(404,))
async def task_timeline(request: Request, path: TaskPath, query: WholePage) -> Reply[Listing[TimelineEntry]]:
    """What happened to a task, in order: queued, every attempt and crash, its end."""
    await require_task(request, path.task_id)
    entries = await request.services.invest.inspect.timeline(path.task_id)
    return sliced(request, entries, lambda entry: entry.model_dump_json(), query.cursor, query.limit)


@route("GET", "/tasks/{task_id}/events", tag="events", problems=(404, 503), media={200: "text/event-stream"})
async def task_events(request: Request, path: TaskPath) -> web.StreamResponse:
    """A task's events as they happen (server-sent events).

    Starts with `status`, ends after the final event; come back with `Last-Event-ID` to miss nothing. 204 says that
    there is nothing more to come.
    """
    seen = await request.services.hub.mark()
    status = await request.services.invest.status(path.task_id)
    await require_status(request, status)
    if status.final and request.http.headers.get("Last-Event-ID"):
        return web.Response(status=204)
    first = frame_of("status", status_view(status).model_dump(mode="json"))
    if status.final:
        first += frame_of(status.state.value, {"task_id": status.id, "name": status.name, "queue": status.queue})
    with request.services.load.idle():
        return await request.services.hub.serve(
            request.http, job_id=status.id, first=first, after=seen, ends=status.final
        )


class EventFilter(Strict):
    """Which events."""

    queue: str | None = Field(default=None, max_length=100)
    last_event_id: str | None = Field(
        default=None, max_length=2000, description="as Last-Event-ID, for programs that cannot set headers"
    )


@route("GET", "/events", tag="events", problems=(422, 503), media={200: "text/event-stream"})
async def all_events(request: Request, query: EventFilter) -> web.StreamResponse:
    """All jobs' events as they happen (server-sent events), a heartbeat every 15 s; resumes from `Last-Event-ID`."""
    with request.services.load.idle():
        return await request.services.hub.serve(request.http, queue=query.queue)


class HistoryFilter(StateFilter):
    """Which runs."""

    queue: str | None = Field(default=None, max_length=100)
    name: str | None = Field(default=None, max_length=100)
    limit: int = Field(default=50, ge=1, le=500, description="entries of one page")
    cursor: Annotated[str | None, Cursor(r"^\d{1,15}-\d{1,15}$")] = Field(
        default=None, description="`next_cursor` of the page before"
    )


class PastRun(JobRun):
    """A job of the past; `state` and `phase` as tasks have them."""

    state: TaskState
    phase: TaskPhase

    @classmethod
    def of(cls, run: JobRun) -> PastRun:
        """A run as it is shown: its error in words that may leave the platform."""
        error = run.error
        message = error.get("message") if isinstance(error, dict) else None
        if isinstance(message, str):
            error = {**error, "message": public_text(message)}
        phase = JobState(run.state)
        return cls(**dict(run) | {"error": error, "state": phase.contract, "phase": phase.value})


@route("GET", "/history", tag="jobs", problems=(422, 503))
async def list_history(request: Request, query: HistoryFilter) -> Reply[Listing[PastRun]]:
    """Jobs of the past, beyond what Redis keeps, newest first."""
    store = await request.services.store()
    runs = await store.jobs.history(
        queue=query.queue, name=query.name, states=query.wanted or None, before=query.cursor, limit=query.limit
    )
    shown = [PastRun.of(run) for run in await visible(request, runs)]
    return paged(request, shown, runs[-1].event_id if len(runs) == query.limit else None)


ROUTES = (
    active_tasks,
    queue_stats,
    list_tasks,
    task_status,
    get_task,
    cancel_task,
    task_timeline,
    task_events,
    all_events,
    list_history,
)
