"""The command tree: nouns first, one group a noun; heavy packages are imported inside the verbs.

Names of before stay as hidden aliases: `jobs`, `keys`, `queues`, `workflows`, `workers`, `enqueue`, `worker QUEUES`.
"""

from __future__ import annotations

import os
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from invest import __version__
from invest.cli import output
from invest.cli.investing import alerts, assets, booking, channels, corrections, export, portfolios, proposals, reports
from invest.cli.server import choose_cell
from invest.cli.verbs import (
    account,
    analyse,
    backfill,
    config,
    database,
    doctor,
    events,
    keys,
    mcp,
    personal,
    quality,
    serve,
    tasks,
    watch,
)
from invest.cli.verbs import operations as ops

app = typer.Typer(
    name="invest",
    help="Investment research on the Brazilian exchange (B3): collect, check, analyse, ask several AIs, report.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"invest {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
    url: Annotated[str | None, typer.Option(help="server to ask, as INVEST_URL; its key: INVEST_KEY")] = None,
    app_modules: Annotated[
        list[str] | None, typer.Option("--app", help="module:queues with jobs of your own, as INVEST_APP; repeatable")
    ] = None,
    cell: Annotated[str | None, typer.Option(help="this cell alone, as INVEST_REDIS__CELL; without it all")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="ids and values alone, one a line")] = False,
    no_color: Annotated[bool, typer.Option("--no-color", help="no colours, as NO_COLOR")] = False,
    fields: Annotated[str | None, typer.Option(hidden=True, help="of JSON objects, comma-separated")] = None,
) -> None:
    """Investment research on the Brazilian exchange (B3)."""
    if url is not None:
        os.environ["INVEST_URL"] = url
    if cell is not None:
        choose_cell(cell)
    if app_modules:
        os.environ["INVEST_APP"] = ",".join(app_modules)
        sys.path.insert(0, "")  # a module of the working directory, as `python -m` finds it
    output.manner.quiet = quiet
    output.manner.color = not no_color
    output.manner.fields = tuple(name.strip() for name in fields.split(",")) if fields else ()


class RunsByDefault(TyperGroup):
    """`invest worker QUEUES` is `invest worker run QUEUES`, as it was before `worker` was a noun."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put `run` before arguments that name no verb."""
        if not args or (args[0] not in self.commands and args[0] not in ("-h", "--help")):
            args = ["run", *args]
        return super().parse_args(ctx, args)


worker = typer.Typer(cls=RunsByDefault, help="Worker processes: run them, look at them.")
worker.command("run")(serve.worker)
worker.command("ls")(ops.workers)

alerts.alert.command("test")(channels.test)
app.command("demo")(serve.demo)
app.command("analyse")(analyse.analyse)
app.command("price")(assets.price)
app.command("rank")(assets.rank)
app.command("tax")(corrections.tax)
portfolios.portfolio.command("propose")(proposals.propose)
portfolios.portfolio.command("proposals")(proposals.proposals)
portfolios.portfolio.command("confirm")(proposals.confirm)
portfolios.portfolio.add_typer(booking.fixed_income, name="fixed-income")
app.command("export")(export.export)
app.command("open")(watch.open_overview)
app.command("logs")(watch.logs)
app.command("login")(account.login)
app.command("logout")(account.logout)
app.command("mcp")(mcp.mcp)
app.command("doctor")(doctor.doctor)
app.command("run")(serve.run)
app.command("web")(serve.web)
app.command("sandbox")(serve.sandbox)
app.command("collect")(backfill.collect)
quality.data.command("backfill")(backfill.backfill)
quality.data.command("record")(backfill.record)
quality.data.command("event")(events.event)
quality.data.command("events")(events.events)
quality.data.command("calendar")(events.calendar)
quality.data.command("delistings")(events.delistings)
quality.data.command("questions")(events.questions)
quality.data.command("answer")(events.answer)
quality.data.command("export")(personal.export)
quality.data.command("erase")(personal.erase)
tasks.jobs.command("run")(tasks.enqueue)
app.command("enqueue", hidden=True)(tasks.enqueue)
app.command("workers", hidden=True)(ops.workers)
NOUNS: dict[str, tuple[typer.Typer, str | None]] = {  # today's name, that of before
    "asset": (assets.asset, None),
    "portfolio": (portfolios.portfolio, None),
    "report": (reports.report, None),
    "alert": (alerts.alert, None),
    "channel": (channels.channel, None),
    "worker": (worker, None),
    "job": (tasks.jobs, "jobs"),
    "queue": (ops.queues, "queues"),
    "workflow": (ops.workflows, "workflows"),
    "schedule": (ops.schedule, None),
    "cell": (ops.cell, None),
    "dlq": (ops.dlq, None),
    "key": (keys.keys, "keys"),
    "db": (database.db, None),
    "config": (config.config, None),
    "data": (quality.data, None),
    "ai": (quality.ai, None),
}
for name, (noun, before) in NOUNS.items():
    app.add_typer(noun, name=name)
    if before is not None:
        app.add_typer(noun, name=before, hidden=True)
