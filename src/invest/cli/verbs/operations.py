"""Verbs about the engine: `invest dlq …`, `schedule`, `workers`, `workflows`, `queues`."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Annotated, Any

import typer

from invest.cli import output
from invest.cli.output import AsJson, Yes
from invest.cli.server import with_platform
from invest.errors import ConfigError

dlq = typer.Typer(no_args_is_help=True, help="Dead letters: jobs that failed for good.")
schedule = typer.Typer(no_args_is_help=True, help="Cron lines.")
workflows = typer.Typer(no_args_is_help=True, help="Chains, groups and chords as wholes.")
cell = typer.Typer(help="Cells: prefixes of Redis that jobs are spread over.")
queues = typer.Typer(no_args_is_help=True, help="Depths, pausing and emptying one.")

Columns = dict[str, Callable[[Any], Any]]
JobId = Annotated[str, typer.Argument(help="id of the job")]
WorkflowId = Annotated[str, typer.Argument(help="id of the workflow")]
CronJob = Annotated[str, typer.Argument(help="name of the job (see `invest schedule ls`)")]
OneQueue = Annotated[str | None, typer.Option("--queue", help="of one queue")]
OneJob = Annotated[str | None, typer.Option("--name", help="of one job")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="only say what would be done")]


@dlq.command("ls")
def dead_ls(
    queue: OneQueue = None,
    name: OneJob = None,
    limit: Annotated[int, typer.Option(min=1, max=500)] = 50,
    cursor: Annotated[str | None, typer.Option(help="page after this one")] = None,
    json_output: AsJson = False,
) -> None:
    """Dead letters, newest first."""

    async def work(invest: Any) -> Any:
        return await invest.dead.page(queue=queue, name=name, limit=limit, cursor=cursor)

    page = with_platform(work)
    columns: Columns = {
        "id": lambda j: j.id,
        "job": lambda j: j.name,
        "arguments": lambda j: output.arguments(j, 30),
        "error": lambda j: j.error and f"{j.error.type}: {j.error.message}",
        "failed": lambda j: output.ago(j.finished_at),
    }
    output.listing(
        page.items, columns, json_output=json_output, empty="no dead letters", cursor=page.cursor, whole=page
    )


@dlq.command("show")
def dead_show(job_id: JobId, json_output: AsJson = True) -> None:
    """One dead letter whole: payload, error, history of its attempts, as JSON in any case."""

    async def work(invest: Any) -> Any:
        return await invest.dead.show(job_id)

    output.as_json(with_platform(work))


@dlq.command("replay")
def dead_replay(
    job_id: Annotated[str | None, typer.Argument(help="one id, or none with --all")] = None,
    everything: Annotated[bool, typer.Option("--all", help="all of them (of --queue, --name)")] = False,
    arguments: Annotated[str | None, typer.Option(help="other arguments, a JSON object")] = None,
    queue: OneQueue = None,
    name: OneJob = None,
    dry_run: DryRun = False,
    json_output: AsJson = False,
) -> None:
    """Run dead letters again as new jobs."""

    async def work(invest: Any) -> Any:
        if everything:
            return await invest.dead.replay_all(queue=queue, name=name, dry_run=dry_run)
        return await invest.dead.replay(_one(job_id), kwargs=_object(arguments))

    done = with_platform(work)
    if everything:
        output.as_json(done)
    else:
        output.outcome(json_output, f"queued {done.id}, a replay of {job_id}", task_id=done.id, replay_of=job_id)


@dlq.command("discard")
def dead_discard(
    job_id: Annotated[str | None, typer.Argument(help="one id, or none with --all")] = None,
    everything: Annotated[bool, typer.Option("--all", help="all of them (of --queue, --name)")] = False,
    queue: OneQueue = None,
    name: OneJob = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    json_output: AsJson = False,
) -> None:
    """Throw dead letters away."""
    if everything and not dry_run:
        output.confirm(f"throw away all dead letters of {name or queue or 'every queue'}?", yes=yes)

    async def work(invest: Any) -> Any:
        if everything:
            return await invest.dead.discard_all(queue=queue, name=name, dry_run=dry_run)
        return await invest.dead.discard(_one(job_id))

    done = with_platform(work)
    if everything:
        output.as_json(done)
    else:
        output.outcome(json_output, f"discarded {job_id}", task_id=job_id, discarded=True)


def _one(job_id: str | None) -> str:
    if not job_id:
        raise ConfigError("name one dead letter by its id, or say --all")
    return job_id


def _object(text: str | None) -> dict[str, Any] | None:
    if text is None:
        return None
    try:
        value = json.loads(text)
    except ValueError as error:
        raise ConfigError(f"--arguments is no JSON: {error}") from None
    if not isinstance(value, dict):
        raise ConfigError("--arguments must be a JSON object of names and values")
    return value


@schedule.command("ls")
def schedule_ls(json_output: AsJson = False) -> None:
    """Cron lines with their last and next run."""

    async def work(invest: Any) -> Any:
        return await invest.schedules.all()

    columns: Columns = {
        "name": lambda e: e.name,
        "cron": lambda e: e.cron,
        "only when": lambda e: e.when,
        "next": lambda e: "paused" if e.paused else output.ago(e.next_at),
        "last": lambda e: output.ago(e.last_at),
        "trouble": lambda e: e.error or "",
    }
    output.listing(with_platform(work), columns, json_output=json_output, empty="no cron lines")


@schedule.command("run")
def schedule_run(name: CronJob, json_output: AsJson = False) -> None:
    """Run a scheduled job now."""

    async def work(invest: Any) -> Any:
        return await invest.schedules.run_now(name)

    job_id = with_platform(work).id
    output.outcome(json_output, f"queued {job_id}", task_id=job_id, name=name)


@schedule.command("pause")
def schedule_pause(name: CronJob, json_output: AsJson = False) -> None:
    """Hold a cron line back."""

    async def work(invest: Any) -> Any:
        await invest.schedules.pause(name)

    with_platform(work)
    output.outcome(json_output, f"paused {name}", name=name, paused=True)


@schedule.command("resume")
def schedule_resume(name: CronJob, json_output: AsJson = False) -> None:
    """Let a cron line go on."""

    async def work(invest: Any) -> Any:
        await invest.schedules.resume(name)

    with_platform(work)
    output.outcome(json_output, f"resumed {name}", name=name, paused=False)


def workers(json_output: AsJson = False) -> None:
    """Worker processes with their heartbeat."""

    async def work(invest: Any) -> Any:
        return await invest.inspect.workers()

    found = with_platform(work)
    columns: Columns = {
        "worker": lambda w: f"{w.host}:{w.pid}",
        **({"cell": lambda w: w.cell} if any(w.cell for w in found) else {}),
        "queues": lambda w: ", ".join(w.queues),
        "running": lambda w: f"{w.running}/{w.slots}",
        "done": lambda w: w.done,
        "failed": lambda w: w.failed,
        "seen": lambda w: output.ago(w.seen_at),
    }
    empty = "no workers: start one with `invest worker run`"
    figures = ("running", "done", "failed")
    output.listing(found, columns, json_output=json_output, right=figures, empty=empty)


@cell.command("ls")
def cells(json_output: AsJson = False) -> None:
    """Every cell (a prefix of a Redis that jobs are spread over), whether it answers, and what is in it."""

    async def work(invest: Any) -> Any:
        return await invest.list_cells()

    columns: Columns = {
        "cell": lambda c: c.name,
        "server": lambda c: c.server,
        "prefix": lambda c: c.prefix or "-",
        "queues": lambda c: ", ".join(c.queues) or "-",
        "workers": lambda c: c.workers,
        "waiting": lambda c: c.waiting,
        "active": lambda c: c.active,
        "dead": lambda c: c.dead,
        "state": lambda c: "answers" if c.alive else c.error,
    }
    figures = ("workers", "waiting", "active", "dead")
    output.listing(with_platform(work), columns, json_output=json_output, right=figures, empty="no cells")


@workflows.command("ls")
def workflows_ls(limit: Annotated[int, typer.Option(min=1, max=500)] = 50, json_output: AsJson = False) -> None:
    """The newest workflows."""

    async def work(invest: Any) -> Any:
        return await invest.workflows.page(limit)

    columns: Columns = {
        "state": lambda w: output.state(w.state.value),
        "id": lambda w: w.id,
        "workflow": lambda w: w.name,
        "done": lambda w: f"{w.nodes_done}/{w.nodes}",
        "queued": lambda w: output.ago(w.enqueued_at),
    }
    output.listing(with_platform(work), columns, json_output=json_output, right=("done",), empty="no workflows")


@workflows.command("show")
def workflows_show(workflow_id: WorkflowId, json_output: AsJson = False) -> None:
    """One workflow with its steps."""

    async def work(invest: Any) -> Any:
        return await invest.workflows.show(workflow_id)

    view = with_platform(work)
    columns: Columns = {
        "state": lambda s: output.state(s.state.value),
        "id": lambda s: s.id,
        "job": lambda s: s.name,
        "arguments": lambda s: output.arguments(s, 40),
    }
    output.listing(view.steps, columns, json_output=json_output, empty="no steps", whole=view)


@workflows.command("retry")
def workflows_retry(workflow_id: WorkflowId, json_output: AsJson = False) -> None:
    """Run again the steps that did not succeed."""

    async def work(invest: Any) -> Any:
        await invest.workflows.retry(workflow_id)

    with_platform(work)
    output.outcome(json_output, f"retrying {workflow_id} from its failed steps", workflow_id=workflow_id, retrying=True)


@queues.command("stats")
def queues_stats(json_output: AsJson = False) -> None:
    """Depths of every queue."""

    async def work(invest: Any) -> Any:
        return await invest.inspect.queues()

    found = with_platform(work)
    columns: Columns = {
        "queue": lambda q: f"{q.name} (paused)" if q.paused else q.name,
        "waiting": lambda q: q.waiting,
        "running": lambda q: q.active,
        "scheduled": lambda q: q.scheduled,
        "dead": lambda q: q.dead,
        "done": lambda q: q.done,
        "oldest": lambda q: output.span(q.oldest_seconds),
    }
    figures = tuple(columns)[1:]
    output.listing(
        list(found.values()), columns, json_output=json_output, right=figures, empty="no queues", whole=found
    )


@queues.command("pause")
def queues_pause(
    queue: Annotated[str, typer.Argument(help="name of the queue")],
    json_output: AsJson = False,
) -> None:
    """Start nothing more from one queue: what runs goes on, what waits is kept."""

    async def work(invest: Any) -> Any:
        await invest.pause(queue)

    with_platform(work)
    output.outcome(json_output, f"paused {queue}", queue=queue, paused=True)


@queues.command("resume")
def queues_resume(
    queue: Annotated[str, typer.Argument(help="name of the queue")],
    json_output: AsJson = False,
) -> None:
    """Start jobs of a paused queue again."""

    async def work(invest: Any) -> Any:
        await invest.resume(queue)

    with_platform(work)
    output.outcome(json_output, f"resumed {queue}", queue=queue, paused=False)


@queues.command("purge")
def queues_purge(
    queue: Annotated[str, typer.Argument(help="name of the queue")],
    yes: Yes = False,
    json_output: AsJson = False,
) -> None:
    """Cancel every job that waits in one queue; the others are not touched."""
    if not yes:
        typer.confirm(f"cancel every waiting job of {queue}?", abort=True, err=True)

    async def work(invest: Any) -> Any:
        return await invest.purge(queue)

    count = with_platform(work)
    output.outcome(json_output, f"cancelled {count} jobs of {queue}", queue=queue, cancelled=count)
