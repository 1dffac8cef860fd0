"""Verbs about PostgreSQL: `invest db …`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from invest.cli import output
from invest.cli.output import AsJson, Yes
from invest.cli.platform.local import local_settings
from invest.cli.server import refuse_remote

db = typer.Typer(no_args_is_help=True, help="The database: its schema, backups.")


@db.command("migrate")
def migrate(json_output: AsJson = False) -> None:
    """Apply the migrations that are missing; safe to run from any number of processes at once."""
    import asyncio

    from invest.store import migrate as apply

    refuse_remote()
    with local_settings() as settings:
        applied = asyncio.run(apply(settings))
    message = f"applied {', '.join(applied)}" if applied else "the schema is up to date"
    output.outcome(json_output, message, applied=applied)


@db.command("status")
def status(json_output: AsJson = False) -> None:
    """Say which migrations are missing. Exit code 1 if any is."""
    import asyncio

    from invest.store import pending

    refuse_remote()
    with local_settings() as settings:
        missing = asyncio.run(pending(settings))
    message = (
        f"missing: {', '.join(missing)} (apply them: invest db migrate)" if missing else "the schema is up to date"
    )
    output.outcome(json_output, message, missing=missing)
    raise typer.Exit(1 if missing else 0)


@db.command("backup")
def backup(
    file: Annotated[Path, typer.Argument(help="file to write, readable to you alone")], json_output: AsJson = False
) -> None:
    """Write everything in PostgreSQL to one file, while the platform runs. docs/backups.md says what else to keep."""
    import asyncio

    from invest.cli.platform import backup as backups

    refuse_remote()
    with local_settings() as settings:
        size = asyncio.run(backups.backup(settings, file))
    output.outcome(json_output, f"wrote {file}: {size / 1e6:.1f} MB", file=str(file), bytes=size)


@db.command("restore")
def restore(
    file: Annotated[Path, typer.Argument(help="a file of `invest db backup`")],
    yes: Yes = False,
    json_output: AsJson = False,
) -> None:
    """Put a backup in the place of everything in PostgreSQL, and bring its schema up to date."""
    import asyncio

    from invest.cli.platform import backup as backups
    from invest.store import migrate as apply

    refuse_remote()
    with local_settings() as settings:
        if not asyncio.run(backups.is_empty(settings)):
            output.confirm("replace everything in the database by this backup?", yes=yes)
        asyncio.run(backups.restore(settings, file))
        applied = asyncio.run(apply(settings))
    output.outcome(json_output, f"restored {file}", file=str(file), applied=applied)
