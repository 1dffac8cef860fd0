"""`invest doctor`: check what is installed and reachable, and say how to fix what is not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from invest.cli import EXIT_FAILED, EXIT_UNREACHABLE, output
from invest.cli.output import AsJson
from invest.cli.platform.checks import Check, State, analysts, disk, of_server, python, servers, upstreams
from invest.cli.platform.live_ai import ages, vendors
from invest.cli.server import target
from invest.errors import InvestError, Unreachable

if TYPE_CHECKING:
    from invest.settings import Settings

SHAPES = {
    "ok": ("●", "green"),
    "note": ("■", "dark_orange3"),
    "fix": ("◆", "red"),
    "unreachable": ("×", "red"),
}


def doctor(
    live: Annotated[bool, typer.Option("--live", help="ask upstreams and AIs for one small thing")] = False,
    spend: Annotated[
        bool, typer.Option("--spend", help="with --live: ask each AI one small question, which costs")
    ] = False,
    json_output: AsJson = False,
) -> None:
    """Check everything the platform needs. Exit code 1 if something is to fix, 3 if a server is unreachable."""
    checks = [*examine(live=live, spend=spend), *(trials() if live else ())]
    if json_output:
        output.as_json([c._asdict() for c in checks])
    else:
        _print(checks)
    states = {c.state for c in checks}
    raise typer.Exit(EXIT_UNREACHABLE if "unreachable" in states else EXIT_FAILED if "fix" in states else 0)


def examine(*, live: bool = False, spend: bool = False) -> list[Check]:
    """All checks in order; a wrong setting ends them, because the other checks need the settings."""
    import asyncio

    from invest.cli.platform.local import local_settings, settings_here
    from invest.jobs.declared import declare_all

    if chosen := target():
        return [python(), *asyncio.run(of_server(chosen.url, chosen.key))]
    declare_all()  # before any clock runs: importing the jobs takes seconds on a slow machine
    checks = [python()]
    try:
        settings = settings_here()
    except InvestError as error:
        return [*checks, Check("settings", "fix", str(error), "correct what is named")]
    checks.append(Check("settings", "ok", "valid"))
    try:
        beside = beside_a_platform(settings)
        if beside is not None:
            checks += asyncio.run(servers(beside))
        else:
            with local_settings() as ready:
                checks += asyncio.run(servers(ready))
    except Unreachable as error:
        checks.append(Check("servers", "unreachable", str(error), "set REDIS_URL and DATABASE_URL"))
    except InvestError as error:
        checks.append(Check("servers", "fix", str(error), "correct what is named"))
    ais = [*analysts(settings), *ages(settings)]
    if live:
        ais = asyncio.run(vendors(settings, spend=spend))
    return [*checks, *upstreams(settings), *ais, disk(settings)]


def trials() -> list[Check]:
    """One small question to every enabled upstream: whether it answers, how fast, and in the shape that is read."""
    import asyncio

    from invest.cli.platform.local import settings_here
    from invest.sources import Sources, Trial, try_live

    async def ask(settings: Settings) -> list[Trial]:
        async with Sources.open(settings) as sources:
            every = await asyncio.gather(*(try_live(sources.client, name) for name in sources.names))
        return [trial for group in every for trial in group]

    try:
        tried = asyncio.run(ask(settings_here()))
    except InvestError as error:
        return [Check("live trial", "fix", str(error), "correct what is named")]
    states: dict[str, State] = {"ok": "ok", "changed": "fix", "failed": "note"}
    return [Check(f"{trial.source}, live", states[trial.state], trial.found, trial.remedy) for trial in tried]


def beside_a_platform(settings: Settings) -> Settings | None:
    """The settings with the addresses of the platform that runs in the data folder, whose servers are looked at as
    they are; None where none runs. Raises `Unreachable` for a server of it that does not answer.
    """
    from pydantic import SecretStr

    from invest.local import held, running

    if (settings.redis.url and settings.database.url) or not held(settings.data_dir):
        return None
    found = running(settings.data_dir)
    given = {"REDIS_URL": settings.redis.url, "DATABASE_URL": settings.database.url}
    if lost := sorted(name for name, url in given.items() if url is None and name not in found):
        message = " and ".join({"REDIS_URL": "Redis", "DATABASE_URL": "PostgreSQL"}[name] for name in lost)
        raise Unreachable(f"a platform runs in {settings.data_dir}, but its {message} does not answer")
    redis = settings.redis.url or SecretStr(found["REDIS_URL"])
    database = settings.database.url or SecretStr(found["DATABASE_URL"])
    return settings.model_copy(
        update={
            "redis": settings.redis.model_copy(update={"url": redis}),
            "database": settings.database.model_copy(update={"url": database}),
        }
    )


def _print(checks: list[Check]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for check in checks:
        shape, style = SHAPES[check.state]
        advice = f" → {check.advice}" if check.advice else ""
        grid.add_row(Text(f"{shape} {check.state}", style=style), Text(check.what), Text(check.found + advice))
    Console().print(grid)
