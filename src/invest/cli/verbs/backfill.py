"""`invest collect`: assets or a whole market; `invest data backfill`: history; `invest data record`: what came."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from invest.cli import output
from invest.cli.output import AsJson
from invest.cli.server import with_store
from invest.errors import ConfigError

EVERY = 10  # assets per line of progress


def backfill(
    since: Annotated[int, typer.Option(help="first year; quotes exist since 1986, yearly reports since 2010")] = 2000,
    market: Annotated[str | None, typer.Option(help="stocks, fiis, etfs, bdrs; what was collected without it")] = None,
    again: Annotated[bool, typer.Option("--again", help="years read before too: their files may be corrected")] = False,
    json_output: AsJson = False,
) -> None:
    """Read B3's quotes and companies' yearly reports of past years, each file once however many assets.

    What is done is kept: interrupted, or run again with an earlier year, it goes on where it was.
    """
    from invest.cli.platform.local import settings_here
    from invest.jobs.data_collection import read_history
    from invest.sources import Sources

    chosen, settings = _market(market), settings_here()

    async def tell(done: Any) -> None:
        if not json_output:
            left = f"; about {_spell(done.left)} left" if done.number < done.of else ""
            message = done.problem or f"{done.rows:,} rows"
            step = f"{done.number}/{done.of}  {done.step.year} {done.step.kind}"
            took = "" if done.problem else f" in {_spell(done.seconds)}"
            output.sentence(f"{step}: {message}{took}{left}", err=done.problem is not None)

    async def work(store: Any) -> Any:
        async with Sources.open(settings) as sources:
            return await read_history(store, sources, settings, since, tell, market=chosen, again=again)

    results = with_store(work)
    failed = [done for done in results if done.problem]
    if json_output:
        rows = [{"year": d.step.year, "kind": d.step.kind, "rows": d.rows, "problem": d.problem} for d in results]
        output.as_json(rows)
    elif not results:
        output.sentence(f"everything since {since} was read before")
    if failed:
        raise typer.Exit(1)


def _spell(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def record(
    source: Annotated[str, typer.Argument(help="an upstream of settings.toml, such as brapi")],
    out: Annotated[Path | None, typer.Option(help="the file to write; recording-SOURCE.json unless given")] = None,
) -> None:
    """Ask one upstream for one small thing; keep what came for a bug report, without keys and personal data."""
    import asyncio

    from invest.cli.platform.local import settings_here
    from invest.sources import Sources, as_bytes, recording_of, try_live

    settings = settings_here()

    async def ask() -> Any:
        async with Sources.open(settings) as sources:
            if source not in sources.names:
                raise ConfigError(f"no enabled upstream {source!r}: {', '.join(sources.names)}")
            return await try_live(sources.client, source)

    trials = asyncio.run(ask())
    secrets = [conf.token.get_secret_value() for conf in settings.sources.values() if conf.token is not None]
    path = out or Path(f"recording-{source}.json")
    try:
        path.write_bytes(as_bytes([recording_of(trial, secrets) for trial in trials]))
    except OSError as error:
        raise ConfigError(f"{path} cannot be written ({error.strerror}): give another --out") from None
    for trial in trials:
        output.sentence(f"{trial.source}: {trial.state}, {trial.found}")
    typer.echo(f"written to {path}")


def collect(
    tickers: Annotated[list[str] | None, typer.Argument(help="such as PETR4 HGLG11; or --market")] = None,
    market: Annotated[str | None, typer.Option(help="stocks, fiis, etfs or bdrs: every listed one")] = None,
    json_output: AsJson = False,
) -> None:
    """Collect assets here and now, or a whole market for the first time: each file once however many assets.

    Says how long it will take. What is done is kept: interrupted, it goes on where it was.
    """
    from invest.cli.platform.local import settings_here
    from invest.domain.market import parse_ticker
    from invest.jobs.data_collection import collect_market, expected_seconds, open_assets
    from invest.sources import Sources

    if bool(tickers) == (market is not None):
        raise ConfigError("name some assets or a --market, as in `invest collect --market stocks`")
    chosen, settings = _market(market), settings_here()
    names = list(dict.fromkeys(parse_ticker(ticker) for ticker in tickers or ()))

    async def tell(done: Any) -> None:
        if json_output:
            return
        if done.problem:
            output.sentence(f"{done.number}/{done.of}  {done.problem}", err=True)
        elif done.number % EVERY == 0 or done.number == done.of:
            left = f"; about {_spell(done.left)} left" if done.number < done.of else ""
            typer.echo(f"{done.number}/{done.of}  {done.ticker}{left}")

    async def work(store: Any) -> Any:
        async with Sources.open(settings) as sources:
            wanted, before = await open_assets(store, sources, settings, chosen) if chosen is not None else (names, 0)
            if not json_output:
                seconds, slowest = expected_seconds(settings, sources, len(wanted))
                kept = f", {before} were collected before" if before else ""
                paced = slowest is not None and seconds >= 1
                limit = f"; at least {_spell(seconds)}, by the rate at which {slowest} may be asked" if paced else ""
                output.sentence(f"{len(wanted)} assets to collect{kept}{limit if wanted else ''}")
            return await collect_market(store, sources, settings, wanted, tell, before=before)

    result = with_store(work)
    lacking = {reason: len(names) for reason, names in result.lacking.items()}
    left = {*result.problems, *(ticker for names in result.lacking.values() for ticker in names)}
    if json_output:
        counts = {"collected": result.collected, "before": result.before, "left": len(left)}
        output.as_json(counts | {"problems": dict(result.problems), "lacking": lacking})
    else:
        for reason, assets in lacking.items():
            output.sentence(f"{assets} stored without {reason}", err=True)
        output.sentence(f"collected {result.collected}, {len(left)} left for the next run")
    if left:
        raise typer.Exit(1)


def _market(name: str | None) -> Any:
    from invest.domain.market import Market

    if name is not None and name not in list(Market):
        raise ConfigError(f"--market: no {name!r}, one of {', '.join(Market)}")
    return Market(name) if name else None
