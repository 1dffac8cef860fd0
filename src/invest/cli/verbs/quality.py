"""Verbs about stored data and its quality: `invest data quality`, `invest ai track-record`, `invest ai spend`."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from invest.cli import output
from invest.cli.output import AsJson
from invest.cli.server import remote_or, with_store
from invest.errors import ConfigError, NotFound

if TYPE_CHECKING:
    from invest.http import Client

data = typer.Typer(no_args_is_help=True, help="Collected data.")
ai = typer.Typer(no_args_is_help=True, help="The AIs.")


@data.callback()
def data_group() -> None:
    """Collected data."""


@ai.callback()
def ai_group() -> None:
    """The AIs."""


@data.command("quality")
def quality(ticker: Annotated[str, typer.Argument(help="such as PETR4")], json_output: AsJson = False) -> None:
    """Per field: the value in force, its source and age, how far sources agree, and what speaks against it."""
    from invest.cli.platform.local import settings_here
    from invest.domain.market import parse_ticker
    from invest.domain.values import FieldQuality

    name = parse_ticker(ticker)

    now = settings_here().now()

    async def ask(client: Client) -> list[FieldQuality]:
        answer = await client.get(f"/assets/{name}/quality")
        return [FieldQuality.model_validate(field) for field in answer["fields"]]

    async def work(store: Any) -> list[FieldQuality]:
        kept: list[FieldQuality] = await store.observations.quality(name, now=now)
        return kept

    fields = remote_or(ask, lambda: with_store(work))
    if json_output:
        output.as_json(fields)
        return
    rows = [
        (
            f.field,
            in_short(f.value, f.unit),
            f.source,
            f"{f.age_days:.0f} d",
            None if f.agreement is None else f"{f.agreement:.0%}",
            _against(f),
        )
        for f in fields
    ]
    columns = ("field", "value", "source", "age", "agree", "state")
    empty = f"nothing is stored of {name}; invest enqueue collect {name} --wait"
    output.table(columns, rows, right=("value", "age", "agree"), empty=empty)
    others = [
        (f.field, s.source, in_short(s.value, f.unit), f"{s.age_days:.0f} d", s.rejected or f.kept_because or "older")
        for f in fields
        for s in f.sources
        if not s.chosen and (s.rejected or s.value != f.value)
    ]
    if others:
        output.table(("field", "not chosen", "value", "age", "why"), others, right=("value", "age"), empty="")


@data.command("bytes")
def payload_bytes(
    sha256: Annotated[
        str, typer.Argument(help="a payload's hash, as `data quality --json`, the API and reports name it")
    ],
    find: Annotated[
        str | None, typer.Option(help="show the lines with this text: a ticker, a CNPJ as CVM writes it")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="write the bytes to this file")] = None,
    json_output: AsJson = False,
) -> None:
    """The bytes a stored value was read from: where and when they came from, the lines in question, or all of them."""
    from invest.cli.platform.local import settings_here
    from invest.domain.values import RawPayload
    from invest.jobs.data_collection import Bytes, bytes_of, lines_with

    digest = sha256.strip().lower()

    async def ask(client: Client) -> Bytes:
        about = await client.get(f"/payloads/{digest}")
        body = await client.read(f"/payloads/{digest}/content") if about["kept"] != "nowhere" else None
        return Bytes(RawPayload.model_validate({n: v for n, v in about.items() if n != "kept"}), about["kept"], body)

    found = remote_or(ask, lambda: with_store(lambda store: bytes_of(store, settings_here(), digest)))
    if found.body is None:
        raise NotFound(found.lost)
    if out is not None:
        out.write_bytes(found.body)
    lines = list(lines_with(found.body, find)) if find else []
    fields = found.payload.model_dump(mode="json", exclude={"body"}) | {"kept": found.where}
    if json_output:
        output.as_json({**fields, "lines": [asdict(line) for line in lines]})
        return
    output.table(("", sha256[:12]), [(name, value) for name, value in fields.items() if value is not None], empty="")
    for line in lines:
        typer.echo(f"{line.member or found.payload.url}:{line.number}: {line.text}")


@data.command("backtest")
def backtest(
    market: Annotated[str, typer.Argument(help="stocks, fiis, etfs, bdrs or cryptos")] = "stocks",
    json_output: AsJson = False,
) -> None:
    """What a market's score was worth on past days; `invest enqueue backtest` computes it, a job does so weekly."""
    from invest.domain.analysis import ScoreRecord
    from invest.domain.market import Market
    from invest.jobs.loading import backtest_key

    if market not in list(Market):
        raise ConfigError(f"no market {market!r}: {', '.join(Market)}")

    async def ask(client: Client) -> Any:
        with suppress(NotFound):
            return await client.get(f"/backtests/{market}")

    async def work(store: Any) -> Any:
        kept = await store.analyses.ranking(backtest_key(Market(market)))
        return kept and kept[1]

    found = remote_or(ask, lambda: with_store(work))
    record = ScoreRecord.model_validate(found) if found else None
    if json_output:
        output.as_json(record)
        return
    rows = [_horizon(b, verdict) for b, verdict in zip(record.horizons, record.verdicts, strict=True)] if record else []
    columns = ("days", "IC", "95 %", "spread", "net", "turn", "verdict")
    empty = f"the score of {market} was not backtested yet: invest enqueue backtest {market} --wait"
    output.table(columns, rows, right=columns[:-1], empty=empty)
    if record:
        stamp = "SANDBOX · " if record.sandbox else ""
        output.sentence(f"{stamp}{record.assets} assets, {record.ended} of them ended; up to {record.as_of}.")
        typer.echo(record.convention)


def _horizon(result: Any, verdict: str) -> tuple[Any, ...]:
    ic = result.ic
    known = ic.low is not None and ic.standing != "collecting"
    return (
        result.horizon_days,
        None if ic.mean is None else f"{ic.mean:+.2f}",
        f"{ic.low:+.2f}/{ic.high:+.2f}" if known else None,
        *(None if value is None else f"{value:+.1%}" for value in (result.spread, result.spread_net)),
        None if result.turnover is None else f"{result.turnover:.0%}",
        verdict,
    )


def in_short(value: Decimal | None, unit: str) -> str | None:
    """A value to read, not to reckon with: `--json` has all its digits."""
    if value is None:
        return None
    if unit == "fraction":
        return f"{output.rounded(value * 100, 2):f} %"
    for size, word in ((10**12, "tn "), (10**9, "bn "), (10**6, "mn ")):
        if abs(value) >= size:
            return f"{output.rounded(value / size, 2):f} {word}{unit}"
    return f"{output.rounded(value, 2):,f} {unit}"


def _against(field: Any) -> str:
    marks = {"◆ quarantined": field.quarantined, "■ divergent": field.divergent, "○ stale": field.stale}
    return ", ".join(mark for mark, is_so in marks.items() if is_so) or "● good"


@ai.command("track-record")
def track_record(json_output: AsJson = False) -> None:
    """How good each AI's closed opinions were, beside the benchmarks on the same items."""
    from invest.domain.track_record import TrackRecord
    from invest.jobs.analysis import record

    async def ask(client: Client) -> TrackRecord:
        return TrackRecord.model_validate(await client.get("/track-record"))

    found = remote_or(ask, lambda: with_store(record))
    if json_output:
        lines = [{**output.plain(line), "verdict": line.verdict} for line in found.lines]
        output.as_json({**output.plain(found), "lines": lines})
        return
    rows = [
        (
            line.horizon_days,
            line.rank,
            line.analyst + (" (benchmark)" if line.benchmark else ""),
            line.closed,
            f"{line.brier:.3f}",
            f"{line.skill:+.2f}",
            line.verdict,
        )
        for line in found.lines
    ]
    columns = ("days", "rank", "analyst", "closed", "Brier", "skill", "verdict")
    empty = "no opinion is closed yet: the first are after 30 days"
    output.table(columns, rows, right=("days", "rank", "closed", "Brier", "skill"), empty=empty)


@ai.command("spend")
def spend(
    days: Annotated[int, typer.Option(min=1, max=400, help="how many days up to today")] = 30,
    json_output: AsJson = False,
) -> None:
    """What the AIs cost, by day, provider, model and purpose, and where the day's budget stands."""
    from invest.cli.platform.local import settings_here
    from invest.domain.opinions import Spend, spend_of

    last = datetime.now(UTC).date()
    first = last - timedelta(days=days - 1)

    async def ask(client: Client) -> Spend:
        return Spend.model_validate(await client.get(f"/ai/spend?since={first}&until={last}"))

    async def work(store: Any) -> Spend:
        limit, lines = Decimal(str(settings_here().ai.daily_budget_usd)), await store.spend.lines(first, last)
        return spend_of(lines, first, last, today=await store.spend.of_day(last), held=Decimal(0), budget=limit)

    found = remote_or(ask, lambda: with_store(work))
    if json_output:
        output.as_json(found)
        return
    rows = [
        (
            line.day,
            (line.model or line.provider).rpartition("/")[2][:28],
            line.purpose,
            line.calls,
            line.tokens_in + line.tokens_out,
            f"{line.cost_usd:.4f}",
        )
        for line in found.lines
    ]
    columns = ("day", "model", "for", "calls", "tokens", "US$")
    output.table(columns, rows, right=columns[3:], empty="no AI was paid in these days")
    limit = f" of {found.budget_usd:.2f} a day" if found.budget_usd else ", no daily limit"
    output.sentence(f"today US$ {found.today_usd:.4f}{limit}; US$ {found.total_usd:.4f} in {days} days")
