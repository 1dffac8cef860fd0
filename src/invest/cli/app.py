"""The command tree. Each group is a module; heavy packages are imported inside the verbs."""

from __future__ import annotations

import typer

from invest import __version__
from invest.cli.verbs import analyse, config, database, doctor, keys, portfolios, quality, serve, tasks
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
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Show the version."),
) -> None:
    """Investment research on the Brazilian exchange (B3)."""


app.command("demo")(serve.demo)
app.command("analyse")(analyse.analyse)
app.command("doctor")(doctor.doctor)
app.command("run")(serve.run)
app.command("worker")(serve.worker)
app.command("web")(serve.web)
app.command("sandbox")(serve.sandbox)
app.command("enqueue")(tasks.enqueue)
app.command("workers")(ops.workers)
app.add_typer(tasks.jobs, name="jobs")
app.add_typer(ops.dlq, name="dlq")
app.add_typer(ops.schedule, name="schedule")
app.add_typer(ops.workflows, name="workflows")
app.add_typer(ops.queues, name="queues")
app.command("tax")(portfolios.tax)
app.add_typer(portfolios.portfolio, name="portfolio")
app.add_typer(database.db, name="db")
app.add_typer(config.config, name="config")
app.add_typer(keys.keys, name="keys")
app.add_typer(quality.data, name="data")
app.add_typer(quality.ai, name="ai")
