"""Verbs about PostgreSQL: `invest db …`."""

from __future__ import annotations

import asyncio

import typer

from invest.cli.local import local_settings

db = typer.Typer(no_args_is_help=True, help="The schema of the database.")


@db.command("migrate")
def migrate() -> None:
    """Apply the migrations that are missing; safe to run from any number of processes at once."""
    from invest.store import migrate as apply

    with local_settings() as settings:
        applied = asyncio.run(apply(settings))
    typer.echo(f"applied {', '.join(applied)}" if applied else "the schema is up to date")


@db.command("status")
def status() -> None:
    """Say which migrations are missing. Exit code 1 if any is."""
    from invest.store import pending

    with local_settings() as settings:
        missing = asyncio.run(pending(settings))
    typer.echo(f"missing: {', '.join(missing)}" if missing else "the schema is up to date")
    raise typer.Exit(1 if missing else 0)
