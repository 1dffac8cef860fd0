"""Verbs about PostgreSQL: `invest db …`."""

from __future__ import annotations

import asyncio

import typer

from invest.cli import output
from invest.cli.output import AsJson
from invest.cli.platform.local import local_settings
from invest.cli.server import refuse_remote

db = typer.Typer(no_args_is_help=True, help="The schema of the database.")


@db.command("migrate")
def migrate(json_output: AsJson = False) -> None:
    """Apply the migrations that are missing; safe to run from any number of processes at once."""
    from invest.store import migrate as apply

    refuse_remote()
    with local_settings() as settings:
        applied = asyncio.run(apply(settings))
    said = f"applied {', '.join(applied)}" if applied else "the schema is up to date"
    output.outcome(json_output, said, applied=applied)


@db.command("status")
def status(json_output: AsJson = False) -> None:
    """Say which migrations are missing. Exit code 1 if any is."""
    from invest.store import pending

    refuse_remote()
    with local_settings() as settings:
        missing = asyncio.run(pending(settings))
    said = f"missing: {', '.join(missing)} (apply them: invest db migrate)" if missing else "the schema is up to date"
    output.outcome(json_output, said, missing=missing)
    raise typer.Exit(1 if missing else 0)
