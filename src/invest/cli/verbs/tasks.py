"""Verbs about jobs: `invest enqueue`, `invest jobs …`."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Annotated, Any

import typer

from invest.cli import output
from invest.cli.output import AsJson
from invest.cli.server import is_remote, remote_or, with_platform
from invest.errors import ConfigError

jobs = typer.Typer(no_args_is_help=True, help="Look at jobs, wait for them, stop them.")
Columns = dict[str, Callable[[Any], Any]]
JobId = Annotated[str, typer.Argument(help="id of the job")]


def enqueue(
    name: Annotated[str, typer.Argument(help="job (see `invest jobs types`); collect, analyse, report for short")],
    arguments: Annotated[list[str] | None, typer.Argument(help="values in order, or name=value; JSON or text")] = None,
    wait: Annotated[bool, typer.Option(help="wait for the result and print it")] = False,
    timeout: Annotated[float, typer.Option(min=0.1, help="seconds to wait")] = 300.0,
    delay: Annotated[float, typer.Option(min=0, help="seconds from now")] = 0.0,
    json_output: AsJson = False,
) -> None:
    """Queue a job: `invest enqueue collect PETR4`, `invest enqueue batch_collect_assets '["PETR4","VALE3"]'`."""
    args, kwargs = parse_arguments(arguments or [])

    async def work(invest: Any) -> Any:
        if is_remote(invest):
            job = await invest.enqueue_by_name(SHORT.get(name, name), args, kwargs, delay or None)
            return (job.id, await job.result(timeout=timeout)) if wait else (job.id, None)
        from invest.engine import registry

        call = registry.call_by_name(SHORT.get(name, name), args, kwargs)
        job = await invest.enqueue(call.with_options(delay=delay) if delay else call)
        return (job.id, await job.result(timeout=timeout)) if wait else (job.id, None)

    job_id, result = with_platform(work)
    if wait:
        output.as_json(result)
        return
    message = f"queued {job_id} (invest job wait {job_id})"
    output.outcome(json_output, message, task_id=job_id, name=SHORT.get(name, name))


SHORT = {
    "collect": "collect_asset_data_async",
    "analyse": "analyze_asset_async",
    "analyze": "analyze_asset_async",
    "report": "generate_report_async",
    "multi-ai": "generate_multi_ai_analysis",
    "compare": "compare_assets_async",
    "prices": "update_market_prices",
    "news": "update_news_feed",
    "rank": "update_asset_rankings",
    "backtest": "backtest_score",
}


def parse_arguments(given: list[str]) -> tuple[list[Any], dict[str, Any]]:
    """Positional and named values; each is JSON where it reads as JSON, else text."""
    args: list[Any] = []
    kwargs: dict[str, Any] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if equals and name.isidentifier():
            kwargs[name] = _value(value)
        elif kwargs:
            raise ConfigError(f"{text!r} comes after a named argument: give positional ones first")
        else:
            args.append(_value(text))
    return args, kwargs


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


@jobs.command("types")
def types(json_output: AsJson = False) -> None:
    """Every declared job with its policy."""
    described = remote_or(lambda client: client.rows("/jobs"), declared)
    columns: Columns = {
        "queue": lambda d: d["queue"],
        "name": lambda d: d["name"],
        "retries": lambda d: d["retries"],
        "delay": lambda d: f"{d['delay']:g} s",
        "cron": lambda d: d["cron"],
        "what it does": lambda d: d["summary"],
    }
    output.listing(described, columns, json_output=json_output, right=("retries", "delay"), empty="none")


def declared() -> list[dict[str, Any]]:
    """The jobs of this installation."""
    from invest.engine import registry
    from invest.jobs.declared import declare_all

    declare_all()
    return [job.description for job in registry.jobs()]


@jobs.command("ls")
def ls(
    state: Annotated[
        str, typer.Option(help="queued, scheduled, running, retrying, succeeded, failed, cancelled")
    ] = "running",
    queue: Annotated[str | None, typer.Option(help="of one queue")] = None,
    name: Annotated[str | None, typer.Option(help="of one job")] = None,
    limit: Annotated[int, typer.Option(min=1, max=500)] = 50,
    cursor: Annotated[str | None, typer.Option(help="page after this one (printed under a full page)")] = None,
    json_output: AsJson = False,
) -> None:
    """Jobs in one state."""
    from invest.engine import JobState

    if state not in {s.value for s in JobState}:
        raise typer.BadParameter(f"{state!r}: one of {', '.join(s.value for s in JobState)}", param_hint="--state")

    async def work(invest: Any) -> Any:
        return await invest.inspect.jobs(JobState(state), queue=queue, name=name, limit=limit, cursor=cursor)

    page = with_platform(work)
    columns: Columns = {
        "state": lambda j: output.state(j.state.value),
        "id": lambda j: j.id,
        "job": lambda j: j.name,
        "arguments": lambda j: output.arguments(j, 40),
        "attempt": lambda j: j.attempt,
        "queued": lambda j: output.ago(j.enqueued_at),
    }
    output.listing(
        page.items, columns, json_output=json_output, right=("attempt",), empty=f"no {state} jobs",
        cursor=page.cursor, whole=page,
    )  # fmt: skip


@jobs.command("show")
def show_job(job_id: JobId, json_output: AsJson = False) -> None:
    """One job: state, arguments, error, history, timeline."""

    async def work(invest: Any) -> Any:
        return await invest.status(job_id), await invest.inspect.timeline(job_id)

    status, timeline = with_platform(work)
    if json_output:
        output.as_json({"job": status, "timeline": timeline})
        return
    facts = {
        "job": status.name,
        "queue": status.queue,
        "state": status.state.value,
        "arguments": output.arguments(status, 200),
        "attempt": status.attempt,
        "worker": status.worker,
        "workflow": status.workflow,
        "error": status.error and f"{status.error.type}: {status.error.message}",
    }
    output.table(("", ""), [(k, v) for k, v in facts.items() if v], empty="")
    rows = [(f"{t.at:%Y-%m-%d %H:%M:%S.%f}"[:-3], t.what, t.detail) for t in timeline]
    output.table(("at (UTC)", "what", "detail"), rows, empty="no timeline kept")


@jobs.command("wait")
def wait_job(
    job_id: JobId,
    timeout: Annotated[float, typer.Option(min=0.1, help="seconds")] = 300.0,
    json_output: AsJson = True,
) -> None:
    """Wait for a job and print its result, as JSON in any case. Exit code 1 if it failed, 124 on timeout."""

    async def work(invest: Any) -> Any:
        return await invest.job(job_id).result(timeout=timeout)

    output.as_json(with_platform(work))


@jobs.command("cancel")
def cancel(job_id: JobId, json_output: AsJson = False) -> None:
    """Stop a job, or keep it from starting. Exit code 1 if it had already finished."""

    async def work(invest: Any) -> Any:
        return await invest.cancel(job_id)

    done = with_platform(work)
    if json_output:
        output.as_json({"task_id": job_id, "cancelled": done})
    else:
        typer.echo(
            f"cancelled {job_id}" if done else f"{job_id} had already finished: nothing was cancelled", err=not done
        )
    raise typer.Exit(0 if done else 1)


@jobs.command("retry")
def retry(job_id: JobId, json_output: AsJson = False) -> None:
    """Run a dead letter again as a new job."""

    async def work(invest: Any) -> Any:
        return await invest.dead.replay(job_id)

    new_id = with_platform(work).id
    output.outcome(json_output, f"queued {new_id}, a replay of {job_id}", task_id=new_id, replay_of=job_id)
