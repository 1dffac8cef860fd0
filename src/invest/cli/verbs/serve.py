"""Verbs that run processes: `run`, `worker`, `web`, `sandbox`, `demo`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from invest.cli.output import AsJson, announce

QueueNames = Annotated[list[str] | None, typer.Argument(help="queues in order of priority; none: all of them")]
Bars = Annotated[
    Path | None, typer.Option(help="CSV of real daily bars (ticker,date,open,high,low,close,adj_close,volume,kind)")
]


def demo(
    out: Annotated[Path, typer.Option(help="folder for the reports and summary.json")] = Path("demo-out"),
    assets: Annotated[int, typer.Option(min=4, max=20, help="how many assets")] = 20,
    bars: Bars = None,
    language: Annotated[Literal["pt-BR", "en"], typer.Option(help="language of the reports")] = "pt-BR",
    json_output: AsJson = False,
) -> None:
    """Everything once, on this machine alone: collect, check, analyse, ask four analysts, write reports."""
    import asyncio

    from invest.cli.platform.demo import run_demo

    raise typer.Exit(asyncio.run(run_demo(out, assets, bars, language, as_json=json_output)))


def run(
    host: Annotated[str | None, typer.Option(help="address of the web server")] = None,
    port: Annotated[int | None, typer.Option(help="port of the web server")] = None,
    sandbox: Annotated[bool, typer.Option(envvar="SANDBOX", help="the sandbox instead of the live upstreams")] = False,
    bars: Bars = None,
) -> None:
    """The whole platform: web, one worker per queue and, where they are missing, Valkey and PostgreSQL."""
    import asyncio

    from invest.cli.platform.platform import run_platform

    asyncio.run(run_platform(host=host, port=port, sandbox=sandbox, bars=bars))


def worker(
    queues: QueueNames = None,
    concurrency: Annotated[int | None, typer.Option("-c", "--concurrency", min=1, help="jobs at once")] = None,
    processes: Annotated[int, typer.Option(min=1, max=64, help="worker processes")] = 1,
    autoscale: Annotated[str | None, typer.Option(metavar="MIN,MAX", help="processes by queue depth and age")] = None,
    max_jobs: Annotated[int | None, typer.Option(min=0, help="recycle a process after so many jobs; 0: never")] = None,
    burst: Annotated[bool, typer.Option(help="end when the queues are empty")] = False,
    child: Annotated[bool, typer.Option(hidden=True)] = False,
) -> None:
    """Run jobs of the named queues (data_collection, analysis, reports) until SIGTERM; of all cells, or of --cell."""
    from invest.cli.platform.local import local_settings
    from invest.engine import parse_range
    from invest.jobs.declared import added_queues
    from invest.workers import QUEUES, WorkerPlan, serve

    there = tuple(dict.fromkeys((*QUEUES, *(queue.name for queue in added_queues()))))
    plan = WorkerPlan(
        queues=_known(queues, there),
        concurrency=concurrency,
        processes=processes,
        autoscale=None if autoscale is None else parse_range(autoscale),
        max_jobs=max_jobs,
        burst=burst,
        child=child,
    )
    with local_settings() as settings:
        raise typer.Exit(serve(settings, plan))


def _known(named: list[str] | None, there: Sequence[str]) -> Sequence[str]:
    for name in named or ():
        if name not in there:
            raise typer.BadParameter(f"no queue {name!r}; there are {', '.join(there)}", param_hint="QUEUES")
    return named or there


def web(
    host: Annotated[str | None, typer.Option(help="address to listen on")] = None,
    port: Annotated[int | None, typer.Option(help="port to listen on (default: PORT, then settings.toml)")] = None,
) -> None:
    """Serve the HTTP API."""
    from invest import logs, sentry, tracing
    from invest.cli.platform.local import local_settings
    from invest.processes import keep_private
    from invest.web import serve as serve_web

    keep_private()
    with local_settings() as settings:
        logs.configure(settings, process="web")
        tracing.set_up("web")
        sentry.set_up("web")
        try:
            serve_web(settings, host=host or settings.web.host, port=settings.web.port if port is None else port)
        finally:
            sentry.flush()


def sandbox(
    port: Annotated[int, typer.Option(help="port on 127.0.0.1; 0: any")] = 9009,
    assets: Annotated[int, typer.Option(min=1, max=20_000, help="how many assets")] = 200,
    seed: Annotated[int, typer.Option(help="seed of the generated world")] = 7,
    bars: Bars = None,
    ai_latency: Annotated[float, typer.Option(min=0, help="seconds each AI takes")] = 0.0,
    fault: Annotated[list[str] | None, typer.Option(help="UPSTREAM:KIND[:name=value,...]; repeatable")] = None,
    as_of: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="last day of the world")] = None,
) -> None:
    """Serve stand-ins for every upstream and AI on loopback."""
    from invest.processes import end_with_parent
    from invest_sandbox import main as serve_sandbox
    from invest_sandbox import parse_fault

    faults = [_fault(text, parse_fault) for text in fault or ()]
    end_with_parent()
    latency = dict.fromkeys(("openai", "anthropic", "gemini", "compatible"), ai_latency)
    serve_sandbox(
        port=port,
        assets=assets,
        seed=seed,
        bars=bars,
        as_of=as_of.date() if as_of else None,
        faults=faults,
        ai_latency=latency,
        ready=lambda s: announce(f"sandbox: {s.url}"),
    )


def _fault(text: str, parse: Callable[[str], Any]) -> Any:
    from pydantic import ValidationError

    try:
        return parse(text)
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_url=False))
        raise typer.BadParameter(f"{text!r}: {wrong}", param_hint="--fault") from None
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--fault") from None
