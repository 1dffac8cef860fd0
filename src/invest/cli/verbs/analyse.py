"""`invest analyse`: from collection to a finished report in one verb."""

from __future__ import annotations

import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from invest.cli import output
from invest.cli.investing.reports import open_report
from invest.cli.output import AsJson
from invest.cli.server import target, with_platform
from invest.errors import ConfigError

if TYPE_CHECKING:
    from invest.cli.platform.progress import Steps

POLL = 0.25  # seconds between two looks at a job's progress


def analyse(
    ticker: Annotated[str, typer.Argument(help="such as PETR4")],
    wait: Annotated[bool, typer.Option("--wait", help="wait for the report and print the verdict")] = False,
    open_it: Annotated[bool, typer.Option("--open", help="open the report in a browser; waits for it")] = False,
    ai: Annotated[list[str] | None, typer.Option("--ai", help="ask this AI, not all that are enabled")] = None,
    language: Annotated[str | None, typer.Option(help="pt-BR or en; other than the configured: one --ai")] = None,
    timeout: Annotated[float, typer.Option(min=0.1, help="seconds to wait for each step")] = 300.0,
    json_output: AsJson = False,
) -> None:
    """Collect what is stale, ask the AIs and write a report: `invest analyse PETR4 --wait --open`."""
    from invest.domain.market import parse_ticker
    from invest.engine import chain
    from invest.jobs.data_collection import collect_asset_data_async

    name = parse_ticker(ticker)
    collect, report = collect_asset_data_async(name), report_call(name, ai, language)

    async def queue(invest: Any) -> Any:
        return (await invest.enqueue(chain(collect, report))).id

    async def work(invest: Any) -> Any:
        return await finish(invest, collect, report, timeout)

    if not (wait or open_it):
        job_id = with_platform(queue)
        output.outcome(json_output, f"queued {job_id} (invest job wait {job_id})", task_id=job_id)
        return
    result, export = with_platform(work)
    if json_output:
        output.as_json({"report": result, "file": export})
    else:
        typer.echo(verdict(name, result))
        typer.echo(f"invest report open {result['report_id']}" if target() else export.file_path)
    if open_it and target():
        open_report(result["report_id"])
    elif open_it:
        open_file(export.file_path)


def report_call(ticker: str, ai: list[str] | None, language: str | None) -> Any:
    """The multi-AI job; a language of one's own is what the report of a single AI takes."""
    from invest.jobs.reports import generate_multi_ai_analysis, generate_report_async
    from invest.settings import load

    if language not in (None, "pt-BR", "en"):
        raise ConfigError(f"--language {language!r}: pt-BR or en")
    if language is None or language == load().language:
        return generate_multi_ai_analysis(ticker, ai or None)
    if len(ai or ()) != 1:
        raise ConfigError(
            f"several AIs answer in the configured language: set INVEST_LANGUAGE={language} for the workers, "
            "or give one --ai"
        )
    return generate_report_async(ticker, (ai or [""])[0], language)  # type: ignore[arg-type] # checked above


async def finish(invest: Any, collect: Any, report: Any, timeout: float) -> tuple[Any, Any]:
    """Run the steps one after the other with progress; the report and its HTML export."""
    from invest.cli.platform.progress import Steps
    from invest.jobs.reports import export_report_async

    if not any(w.alive for w in await invest.inspect.workers()):
        output.sentence("no worker is alive: start one with `invest worker` or `invest run`", err=True)
    with Steps() as steps:
        await step(invest, steps, "Collecting", collect, timeout)
        result = output.plain(await step(invest, steps, "Asking the AIs and writing", report, timeout))
        export = await step(invest, steps, "Exporting", export_report_async(result["report_id"], "html"), timeout)
    return result, export


async def step(invest: Any, steps: Steps, title: str, call: Any, timeout: float) -> Any:
    """Queue one job and follow it; raises what its result raises."""
    import asyncio

    steps.begin(title, title)
    job = await invest.enqueue(call)
    waiting = asyncio.ensure_future(job.result(timeout=timeout))
    try:
        while not waiting.done():
            await asyncio.wait([waiting], timeout=POLL)
            if progress := (await job.status()).progress:
                steps.move(title, progress.done, progress.total)
    finally:
        if not waiting.done():
            waiting.cancel()
    result = waiting.result()
    steps.end(title)
    return result


def verdict(ticker: str, result: dict[str, Any]) -> str:
    """One line; of a single AI's report only where it is."""
    from invest.domain.opinions import whole_percent

    consensus = result.get("consensus")
    stamp = "SANDBOX · " if result.get("sandbox") else ""
    if not isinstance(consensus, dict):
        return f"{stamp}{ticker}: report {result['report_id']}"
    chance = consensus.get("probability")
    message = consensus.get("rating") or "no quorum"
    share = (
        ""
        if chance is None
        else f" · P(beats {consensus.get('index_label', 'IBOV')} in 180 d) {whole_percent(chance)}%"
    )
    answers = result["analyses"].values()
    if not answers:
        return f"{stamp}{ticker}: no AI was asked"
    return (
        f"{stamp}{ticker}: {message}{share} · {sum('error' not in a for a in answers)} of {len(answers)} AIs answered"
    )


def open_file(where: str) -> None:
    """Show a file of this machine in a browser; say where it is if that cannot be."""
    path = Path(where)
    if not path.is_file():
        output.sentence(f"the file is not on this machine: {where}", err=True)
    elif not webbrowser.open(path.as_uri()):
        output.sentence(f"no browser to open {where} with", err=True)
