"""`invest data backfill`: history on demand; `invest data record`: what an upstream answers, for a bug report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from invest.cli import output
from invest.cli.output import AsJson
from invest.cli.server import with_store
from invest.errors import ConfigError


def backfill(
    since: Annotated[int, typer.Option(help="first year; quotes exist since 1986, yearly reports since 2010")] = 2000,
    market: Annotated[str | None, typer.Option(help="stocks, fiis, etfs, bdrs; what was collected without it")] = None,
    json_output: AsJson = False,
) -> None:
    """Read B3's quotes and companies' yearly reports of past years, each file once however many assets.

    What is done is kept: interrupted, or run again with an earlier year, it goes on where it was.
    """
    from invest.domain.market import Market
    from invest.jobs.data_collection import read_history
    from invest.settings import load
    from invest.sources import Sources

    if market is not None and market not in list(Market):
        raise ConfigError(f"--market: no {market!r}, one of {', '.join(Market)}")
    chosen, settings = Market(market) if market else None, load()

    async def tell(done: Any) -> None:
        if not json_output:
            left = f"; about {_spell(done.left)} left" if done.number < done.of else ""
            said = done.problem or f"{done.rows:,} rows"
            step = f"{done.number}/{done.of}  {done.step.year} {done.step.kind}"
            typer.echo(f"{step}: {said} in {_spell(done.seconds)}{left}", err=done.problem is not None)

    async def work(store: Any) -> Any:
        async with Sources.open(settings) as sources:
            return await read_history(store, sources, settings, since, tell, market=chosen)

    results = with_store(work)
    failed = [done for done in results if done.problem]
    if json_output:
        rows = [{"year": d.step.year, "kind": d.step.kind, "rows": d.rows, "problem": d.problem} for d in results]
        output.as_json(rows)
    elif not results:
        typer.echo(f"everything since {since} was read before")
    if failed:
        raise typer.Exit(1)


def _spell(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def record(
    source: Annotated[str, typer.Argument(help="an upstream of settings.toml, such as brapi")],
    out: Annotated[Path, typer.Option(help="the file to write")] = Path("recording.json"),
) -> None:
    """Ask one upstream for one small thing; keep what came for a bug report, without keys and personal data."""
    import asyncio

    from invest.settings import load
    from invest.sources import Sources, as_bytes, recording_of, try_live

    settings = load()

    async def ask() -> Any:
        async with Sources.open(settings) as sources:
            if source not in sources.names:
                raise ConfigError(f"no enabled upstream {source!r}: {', '.join(sources.names)}")
            return await try_live(sources.client, source)

    trials = asyncio.run(ask())
    out.write_bytes(as_bytes([recording_of(trial) for trial in trials]))
    for trial in trials:
        typer.echo(f"{trial.source}: {trial.state}, {trial.found}")
    typer.echo(f"written to {out}")
