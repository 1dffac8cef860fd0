"""Verbs about the engine: `invest dlq …`, `schedule`, `workers`, `workflows`, `queues`."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from invest.cli import output
from invest.cli.output import AsJson
from invest.errors import ConfigError

dlq = typer.Typer(no_args_is_help=True, help="Dead letters: jobs that failed for good.")
schedule = typer.Typer(no_args_is_help=True, help="Cron lines.")
workflows = typer.Typer(no_args_is_help=True, help="Chains, groups and chords as wholes.")
queues = typer.Typer(no_args_is_help=True, help="Depths, and emptying one.")

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

    page = output.with_platform(work)
    if json_output:
        output.as_json(page)
        return
    rows = [
        (
            j.id,
            j.name,
            output.arguments(j, 30),
            j.error and f"{j.error.type}: {j.error.message}",
            output.ago(j.finished_at),
        )
        for j in page.items
    ]
    output.table(("id", "job", "arguments", "error", "failed"), rows, empty="no dead letters")
    if page.cursor:
        typer.echo(f"more: --cursor {page.cursor}")


@dlq.command("show")
def dead_show(job_id: JobId, json_output: AsJson = True) -> None:
    """One dead letter whole: payload, error, history of its attempts, as JSON in any case."""

    async def work(invest: Any) -> Any:
        return await invest.dead.show(job_id)

    output.as_json(output.with_platform(work))


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

    done = output.with_platform(work)
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
    json_output: AsJson = False,
) -> None:
    """Throw dead letters away."""

    async def work(invest: Any) -> Any:
        if everything:
            return await invest.dead.discard_all(queue=queue, name=name, dry_run=dry_run)
        return await invest.dead.discard(_one(job_id))

    done = output.with_platform(work)
    if everything:
        output.as_json(done)  # with the steps of workflows that were passed over
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

    entries = output.with_platform(work)
    if json_output:
        output.as_json(entries)
        return
    rows = [
        (e.name, e.cron, e.when, "paused" if e.paused else output.ago(e.next_at), output.ago(e.last_at), e.error or "")
        for e in entries
    ]
    output.table(("name", "cron", "only when", "next", "last", "trouble"), rows, empty="no cron lines")


@schedule.command("run")
def schedule_run(name: CronJob, json_output: AsJson = False) -> None:
    """Run a scheduled job now."""

    async def work(invest: Any) -> Any:
        return await invest.schedules.run_now(name)

    job_id = output.with_platform(work).id
    output.outcome(json_output, f"queued {job_id}", task_id=job_id, name=name)


@schedule.command("pause")
def schedule_pause(name: CronJob, json_output: AsJson = False) -> None:
    """Hold a cron line back."""

    async def work(invest: Any) -> Any:
        await invest.schedules.pause(name)

    output.with_platform(work)
    output.outcome(json_output, f"paused {name}", name=name, paused=True)


@schedule.command("resume")
def schedule_resume(name: CronJob, json_output: AsJson = False) -> None:
    """Let a cron line go on."""

    async def work(invest: Any) -> Any:
        await invest.schedules.resume(name)

    output.with_platform(work)
    output.outcome(json_output, f"resumed {name}", name=name, paused=False)


def workers(json_output: AsJson = False) -> None:
    """Worker processes with their heartbeat."""

    async def work(invest: Any) -> Any:
        return await invest.inspect.workers()

    found = output.with_platform(work)
    if json_output:
        output.as_json(found)
        return
    rows = [
        (f"{w.host}:{w.pid}", ", ".join(w.queues), f"{w.running}/{w.slots}", w.done, w.failed, output.ago(w.seen_at))
        for w in found
    ]
    columns = ("worker", "queues", "running", "done", "failed", "seen")
    output.table(columns, rows, right=("running", "done", "failed"), empty="no workers: start one with `invest worker`")


@workflows.command("ls")
def workflows_ls(limit: Annotated[int, typer.Option(min=1, max=500)] = 50, json_output: AsJson = False) -> None:
    """The newest workflows."""

    async def work(invest: Any) -> Any:
        return await invest.workflows.page(limit)

    found = output.with_platform(work)
    if json_output:
        output.as_json(found)
        return
    rows = [
        (output.state(w.state.value), w.id, w.name, f"{w.nodes_done}/{w.nodes}", output.ago(w.enqueued_at))
        for w in found
    ]
    output.table(("state", "id", "workflow", "done", "queued"), rows, right=("done",), empty="no workflows")


@workflows.command("show")
def workflows_show(workflow_id: WorkflowId, json_output: AsJson = False) -> None:
    """One workflow with its steps."""

    async def work(invest: Any) -> Any:
        return await invest.workflows.show(workflow_id)

    view = output.with_platform(work)
    if json_output:
        output.as_json(view)
        return
    rows = [(output.state(s.state.value), s.id, s.name, output.arguments(s, 40)) for s in view.steps]
    output.table(("state", "id", "job", "arguments"), rows, empty="no steps")


@workflows.command("retry")
def workflows_retry(workflow_id: WorkflowId, json_output: AsJson = False) -> None:
    """Run again the steps that did not succeed."""

    async def work(invest: Any) -> Any:
        await invest.workflows.retry(workflow_id)

    output.with_platform(work)
    output.outcome(json_output, f"retrying {workflow_id} from its failed steps", workflow_id=workflow_id, retrying=True)


@queues.command("stats")
def queues_stats(json_output: AsJson = False) -> None:
    """Depths of every queue."""

    async def work(invest: Any) -> Any:
        return await invest.inspect.queues()

    found = output.with_platform(work)
    if json_output:
        output.as_json(found)
        return
    rows = [
        (
            f"{q.name} (paused)" if q.paused else q.name,
            q.waiting,
            q.active,
            q.scheduled,
            q.dead,
            q.done,
            output.span(q.oldest_seconds),
        )
        for q in found.values()
    ]
    columns = ("queue", "waiting", "running", "scheduled", "dead", "done", "oldest")
    output.table(columns, rows, right=columns[1:], empty="no queues")


@queues.command("pause")
def queues_pause(
    queue: Annotated[str, typer.Argument(help="name of the queue")],
    json_output: AsJson = False,
) -> None:
    """Start nothing more from one queue: what runs goes on, what waits is kept."""

    async def work(invest: Any) -> Any:
        return await invest.pause(queue)

    changed = output.with_platform(work)
    output.outcome(
        json_output, f"paused {queue}" if changed else f"{queue} was paused already", queue=queue, paused=True
    )


@queues.command("resume")
def queues_resume(
    queue: Annotated[str, typer.Argument(help="name of the queue")],
    json_output: AsJson = False,
) -> None:
    """Start jobs of a paused queue again."""

    async def work(invest: Any) -> Any:
        return await invest.resume(queue)

    changed = output.with_platform(work)
    output.outcome(json_output, f"resumed {queue}" if changed else f"{queue} was not paused", queue=queue, paused=False)


@queues.command("purge")
def queues_purge(
    queue: Annotated[str, typer.Argument(help="name of the queue")],
    yes: Annotated[bool, typer.Option("--yes", help="do not ask")] = False,
    json_output: AsJson = False,
) -> None:
    """Cancel every job that waits in one queue; the others are not touched."""
    if not yes:
        typer.confirm(f"cancel every waiting job of {queue}?", abort=True, err=True)

    async def work(invest: Any) -> Any:
        return await invest.purge(queue)

    count = output.with_platform(work)
    output.outcome(json_output, f"cancelled {count} jobs of {queue}", queue=queue, cancelled=count)
