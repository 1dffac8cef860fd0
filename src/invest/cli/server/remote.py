"""The engine's verbs over HTTP: what the commands ask of `Invest`, asked of a server instead."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from invest.errors import ConfigError
from invest.http import Client, Job, Task, entries


class RemoteInvest:
    """The part of `invest.engine.Invest` that the command line uses, with the same names, arguments and values.

    Lists, figures and actions on queues are about all cells, or about `cell`.
    """

    def __init__(self, client: Client, cell: str | None = None) -> None:
        self.client = client
        self._cell = cell
        self.inspect = RemoteInspector(client, cell)
        self.dead = RemoteDeadLetters(client, cell)
        self.schedules = RemoteSchedules(client)
        self.workflows = RemoteWorkflows(client, cell)

    async def enqueue(self, what: Any) -> Job[Any]:
        """Queue a call, or a flat workflow of calls. Raises as `Client.enqueue`."""
        from invest.engine import Workflow

        if isinstance(what, Workflow):
            calls = [step for step in what.steps if not isinstance(step, Workflow)]
            steps = [{"job": call.name, "arguments": _named(call)} for call in calls]
            answer = await self.client.ask("POST", "/workflows", {"kind": what.kind, "steps": steps})
            return self.client.job(answer["task_id"])
        return await self.client.enqueue(what, delay=what.options.delay)

    async def enqueue_by_name(
        self, name: str, args: Sequence[Any], kwargs: dict[str, Any], delay: float | None
    ) -> Job[Any]:
        """Queue a job that the server declares, also one that this installation lacks."""
        if args:
            known = list((await self.client.get(f"/jobs/{name}"))["parameters"].get("properties", {}))
            if len(args) > len(known):
                raise ConfigError(
                    f"{name} takes {len(known)} arguments ({', '.join(known) or 'none'}), not {len(args)}"
                )
            kwargs = dict(zip(known, args, strict=False)) | kwargs
        return await self.client.enqueue(name, delay=delay, **kwargs)

    def job(self, job_id: str) -> Job[Any]:
        """A handle on a job by its id; nothing is asked."""
        return self.client.job(job_id)

    async def status(self, job_id: str) -> Any:
        """Everything known of a job. Raises `NotFound`."""
        return _status(await self.client.get(f"/tasks/{job_id}"))

    async def cancel(self, job_id: str) -> bool:
        """Cancel a task. False if it had finished; raises `NotFound`."""
        return await self.client.cancel(job_id)

    async def purge(self, queue: str) -> int:
        """Cancel all that waits on one queue; gives how many. Raises `NotFound`."""
        return int((await self.client.ask("POST", f"/queues/{queue}/purge", cell=self._cell))["cancelled"])

    async def pause(self, queue: str) -> None:
        """Start nothing more from one queue. Raises `NotFound`."""
        await self.client.ask("POST", f"/queues/{queue}/pause", cell=self._cell)

    async def resume(self, queue: str) -> None:
        """Start jobs of a paused queue again. Raises `NotFound`."""
        await self.client.ask("POST", f"/queues/{queue}/resume", cell=self._cell)

    async def list_cells(self) -> list[Any]:
        """Every cell of the deployment as it is now."""
        from invest.engine import CellView

        return [CellView.model_validate(c) for c in await self.client.rows("/cells")]


class RemoteInspector:
    """Jobs by state, queues, workers, timelines."""

    def __init__(self, client: Client, cell: str | None = None) -> None:
        self._client = client
        self._cell = cell

    async def jobs(
        self, state: Any, *, queue: str | None = None, name: str | None = None, limit: int = 50,
        cursor: str | None = None,
    ) -> Any:  # fmt: skip
        """A page of jobs in one state."""
        wanted = {"state": state.value, "queue": queue, "name": name, "limit": limit, "cursor": cursor}
        return _page(await self._client.get("/tasks", **wanted, cell=self._cell))

    async def queues(self) -> dict[str, Any]:
        """Depths of every queue, by name."""
        from invest.engine import QueueStats

        return {q["name"]: QueueStats.model_validate(q) for q in await self._client.rows("/queues", cell=self._cell)}

    async def workers(self) -> list[Any]:
        """Worker processes with their heartbeat."""
        from invest.engine import WorkerInfo

        return [WorkerInfo.model_validate(w) for w in await self._client.rows("/workers", cell=self._cell)]

    async def timeline(self, job_id: str) -> list[Any]:
        """What happened to a job. Raises `NotFound`."""
        from invest.engine import TimelineEntry

        return [TimelineEntry.model_validate(t) for t in await self._client.rows(f"/tasks/{job_id}/timeline")]


class RemoteDeadLetters:
    """Dead letters."""

    def __init__(self, client: Client, cell: str | None = None) -> None:
        self._client = client
        self._cell = cell

    async def page(
        self, *, queue: str | None = None, name: str | None = None, limit: int = 50, cursor: str | None = None
    ) -> Any:
        """A page of them, newest first."""
        wanted = {"queue": queue, "name": name, "limit": limit, "cursor": cursor}
        return _page(await self._client.get("/dead-letters", **wanted, cell=self._cell))

    async def show(self, job_id: str) -> Any:
        """One whole. Raises `NotFound`."""
        return _status(await self._client.get(f"/dead-letters/{job_id}"))

    async def replay(self, job_id: str, *, kwargs: dict[str, Any] | None = None) -> Job[Any]:
        """Run one again as a new job. Raises `NotFound` or `Refused`."""
        body = None if kwargs is None else {"arguments": kwargs}
        return self._client.job((await self._client.ask("POST", f"/dead-letters/{job_id}/replay", body))["task_id"])

    async def discard(self, job_id: str) -> None:
        """Let one go. Raises `NotFound`."""
        await self._client.ask("DELETE", f"/dead-letters/{job_id}")

    async def replay_all(self, *, queue: str | None = None, name: str | None = None, dry_run: bool = False) -> Any:
        """Replay all that are there now; which ones."""
        wanted = {"queue": queue, "name": name, "dry_run": dry_run}
        return await self._client.ask("POST", "/dead-letters/replay", **wanted, cell=self._cell)

    async def discard_all(self, *, queue: str | None = None, name: str | None = None, dry_run: bool = False) -> Any:
        """Discard all that are there now; which ones."""
        wanted = {"queue": queue, "name": name, "dry_run": dry_run}
        return await self._client.ask("POST", "/dead-letters/discard", **wanted, cell=self._cell)


class RemoteSchedules:
    """Cron lines."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def all(self) -> list[Any]:
        """Every cron line with its last and next run."""
        from invest.engine import ScheduleEntry

        return [ScheduleEntry.model_validate(entry) for entry in await self._client.rows("/schedules")]

    async def run_now(self, name: str) -> Job[Any]:
        """One run out of turn. Raises `NotFound`."""
        return self._client.job((await self._client.ask("POST", f"/schedules/{name}/run"))["task_id"])

    async def pause(self, name: str) -> None:
        """Hold a cron line back. Raises `NotFound`."""
        await self._client.ask("POST", f"/schedules/{name}/pause")

    async def resume(self, name: str) -> None:
        """Let a cron line go on. Raises `NotFound`."""
        await self._client.ask("POST", f"/schedules/{name}/resume")


class RemoteWorkflows:
    """Chains, groups and chords as wholes."""

    def __init__(self, client: Client, cell: str | None = None) -> None:
        self._client = client
        self._cell = cell

    async def page(self, limit: int) -> list[Any]:
        """The newest ones."""
        return [_status(item) for item in entries(await self._client.get("/workflows", limit=limit, cell=self._cell))]

    async def show(self, workflow_id: str) -> Any:
        """One with its steps. Raises `NotFound`."""
        from invest.engine import WorkflowView

        view = await self._client.get(f"/workflows/{workflow_id}", limit=500)
        return WorkflowView(workflow=_status(view["workflow"]), steps=[_status(step) for step in view["steps"]])

    async def retry(self, workflow_id: str) -> None:
        """Run again the steps that did not succeed. Raises `NotFound` or `Refused`."""
        await self._client.ask("POST", f"/workflows/{workflow_id}/retry")


def _page(page: dict[str, Any]) -> Any:
    from invest.engine import Page

    return Page(items=[_status(item) for item in page["items"]], cursor=page["next_cursor"])


def _status(item: dict[str, Any]) -> Any:
    """The engine's value of a task as the API has it; a server of an earlier release may give that value itself."""
    from invest.engine import Attempt, ErrorInfo, JobState, JobStatus

    if "id" in item:
        return JobStatus.model_validate(item)
    task = Task.model_validate(item)
    error = None
    if task.error is not None:
        error = ErrorInfo(type=task.error_type or "Error", message=task.error, traceback=task.traceback)
    history = [
        Attempt(
            error=None if a.problem is None else ErrorInfo(type=a.problem.error_type, message=a.problem.detail),
            **a.model_dump(exclude={"problem"}),
        )
        for a in task.history
    ]
    same = task.model_dump(
        include={"name", "queue", "attempt", "delivery", "args", "kwargs", "worker", "workflow", "nodes", "nodes_done",
                 "replay_of", "result", "priority", "caller", "expires_at", "key", "replayed_as"}
    )  # fmt: skip
    return JobStatus(
        id=task.task_id, state=JobState(task.phase), error=error, history=history, **task.timings.model_dump(), **same
    )


def _named(call: Any) -> dict[str, Any]:
    """A call's arguments by name, as JSON has them."""
    import orjson

    given: dict[str, Any] = orjson.loads(call.payload)
    return given
