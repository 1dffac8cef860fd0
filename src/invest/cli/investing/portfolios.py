"""`invest portfolio …`: your holdings, through the HTTP API of a server or of this machine."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from invest.cli import output
from invest.cli.output import AsJson, Yes
from invest.cli.server import with_api
from invest.errors import ConfigError, InvestError, NotFound

if TYPE_CHECKING:
    from invest.http import Client

portfolio = typer.Typer(no_args_is_help=True, help="Your portfolios: holdings, transactions, statements.")
Columns = dict[str, Callable[[dict[str, Any]], Any]]
Which = Annotated[str, typer.Argument(help="id or name of the portfolio (see `invest portfolio ls`)")]


async def identify(client: Client, given: str) -> str:
    """The id of a portfolio named by id or by its unique name. Raises `NotFound` or `ConfigError`."""
    named = [p["id"] async for p in client.pages("/portfolios", limit=500) if given in (p["id"], p["name"])]
    if len(named) > 1 and given not in named:
        raise ConfigError(f"{len(named)} portfolios are named {given!r}: give the id, one of {', '.join(named)}")
    if not named:
        raise NotFound(f"no portfolio {given!r}; `invest portfolio ls` has those there are")
    return given if given in named else str(named[0])


@portfolio.command("create")
def create(
    name: Annotated[str, typer.Argument(help="such as Aposentadoria")],
    statement: Annotated[Path | None, typer.Option("--import", help="a statement to fill it with")] = None,
    json_output: AsJson = False,
) -> None:
    """Make a portfolio, empty or from a statement. Exit code 1 if a row of it was refused or asked about."""
    content = _read(statement) if statement else None

    async def work(client: Client) -> tuple[dict[str, Any], dict[str, Any] | None]:
        made = await client.ask("POST", "/portfolios", {"name": name})
        if content is None:
            return made, None
        try:
            return made, await client.portfolio(made["id"]).import_statement(content)
        except InvestError:  # a file that cannot be read at all leaves no empty portfolio behind
            await client.ask("DELETE", f"/portfolios/{made['id']}")
            raise

    made, booked = with_api(work)
    output.outcome(
        json_output, f"made {made['id']} ({made['name']})",
        id=made["id"], name=made["name"], imported=booked and booked["counts"],
    )  # fmt: skip
    if booked is not None and not json_output:
        raise typer.Exit(tell_rows(booked))


@portfolio.command("ls")
def ls(json_output: AsJson = False) -> None:
    """Your portfolios, by creation."""

    async def work(client: Client) -> list[dict[str, Any]]:
        return await client.rows("/portfolios", limit=500)

    columns: Columns = {
        "id": lambda p: p["id"],
        "name": lambda p: p["name"],
        "transactions": lambda p: p["transactions"],
        "created": lambda p: p["created_at"][:10],
    }
    empty = "no portfolios: invest portfolio create NAME"
    output.listing(with_api(work), columns, json_output=json_output, right=("transactions",), empty=empty)


@portfolio.command("show")
def show(which: Which, json_output: AsJson = False) -> None:
    """A portfolio: what it holds, at cost and as of its newest metrics."""
    from invest.http import entries

    async def work(client: Client) -> tuple[dict[str, Any], Any]:
        found = await identify(client, which)
        return await client.get(f"/portfolios/{found}"), entries(
            await client.get(f"/portfolios/{found}/metrics", limit=1)
        )

    found, snapshots = with_api(work)
    newest = snapshots[-1] if snapshots else None
    if json_output:
        output.as_json({**found, "metrics": newest})
        return
    measured = {p["ticker"]: p for p in newest["metrics"]["positions"]} if newest else {}
    columns: Columns = {
        "ticker": lambda h: h["ticker"],
        "quantity": lambda h: amount(h["quantity"]),
        "average": lambda h: money(h["average_price"]),
        "cost": lambda h: money(h["cost"]),
    }
    if measured:
        columns |= {
            "price": lambda h: money(_measured(measured, h, "price")),
            "value": lambda h: money(_measured(measured, h, "value")),
            "weight": lambda h: percent(_measured(measured, h, "weight")),
            "result": lambda h: percent(_measured(measured, h, "result"), signed=True),
        }
    right = ("quantity", "average", "cost", "price", "value", "weight", "result")
    output.listing(found["positions"], columns, json_output=False, right=right, empty="it holds nothing")
    if output.manner.quiet:
        return
    output.sentence(f"{found['name']} ({found['id']})" + (f": {_worth(newest)}" if newest else ""))
    if found["positions"] and newest is None:
        output.sentence(f"not measured yet; now: invest job run calculate_portfolio_metrics {found['id']} --wait")


def _measured(measured: dict[str, Any], holding: dict[str, Any], figure: str) -> Any:
    """A figure of the newest metrics; None where they know no such position, or the quantity has changed since."""
    known = measured.get(holding["ticker"])
    return known[figure] if known and Decimal(known["quantity"]) == Decimal(holding["quantity"]) else None


def _worth(snapshot: dict[str, Any]) -> str:
    metrics = snapshot["metrics"]
    parts = {"value": money(metrics.get("total_value")), "invested": money(metrics.get("total_invested"))}
    return ", ".join(f"{k} {v} BRL" for k, v in parts.items() if v) + f" on {snapshot['day']}"


@portfolio.command("transactions")
def transactions(
    which: Which,
    ticker: Annotated[str | None, typer.Option(help="of one asset")] = None,
    json_output: AsJson = False,
) -> None:
    """Every transaction in the order of their days, with the number that corrects it."""

    async def work(client: Client) -> list[dict[str, Any]]:
        path = f"/portfolios/{await identify(client, which)}/transactions"
        return await client.rows(path, limit=500, ticker=ticker)

    columns: Columns = {
        "number": lambda t: t["id"],
        "date": lambda t: t["date"],
        "operation": lambda t: t["operation"],
        "ticker": lambda t: t["ticker"],
        "quantity": lambda t: amount(t["quantity"]),
        "price": lambda t: money(t["price"]),
        "fees": lambda t: money(t["fees"]) if Decimal(t["fees"]) else "",
        "broker": lambda t: t["broker"],
        "note": lambda t: t["note"],
    }
    right = ("number", "quantity", "price", "fees")
    output.listing(with_api(work), columns, json_output=json_output, right=right, empty="no transactions")


@portfolio.command("import")
def import_statement(
    which: Which,
    file: Annotated[
        Path, typer.Argument(help="B3's negociação, movimentação, posição (.xlsx, .csv), a table, a broker's note")
    ],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only say what would be booked")] = False,
    accept: Annotated[str, typer.Option(help="lines whose questions are answered with yes: 3,7 or all")] = "",
    as_of: Annotated[str | None, typer.Option(help="the day a posição speaks of, yyyy-mm-dd")] = None,
    json_output: AsJson = False,
) -> None:
    """Book a statement; row by row what became of it. Exit code 1 if a row was refused or asked about."""
    content = _read(file)

    async def work(client: Client) -> dict[str, Any]:
        handle = client.portfolio(await identify(client, which))
        answer: dict[str, Any] = await handle.import_statement(content, dry_run=dry_run, accept=accept, as_of=as_of)
        return answer

    booked = with_api(work)
    if json_output:
        output.as_json(booked)
        raise typer.Exit(1 if _open(booked) else 0)
    raise typer.Exit(tell_rows(booked, dry_run=dry_run))


def tell_rows(booked: dict[str, Any], *, dry_run: bool = False) -> int:
    """Print what became of a statement, each refused row and each question with what to do; the exit code."""
    typer.echo(("would be: " if dry_run else "") + counts(booked))
    for remark in booked["remarks"]:
        output.sentence(remark)
    for row in _open(booked):
        message = f"line {row.get('line', '?')}: {row.get('reason')}"
        output.sentence(f"{message}; {row['advice']}" if row.get("advice") else message, err=True)
    return 1 if _open(booked) else 0


def _open(booked: dict[str, Any]) -> list[dict[str, Any]]:
    return [row for row in booked["rows"] if row["status"] in ("refused", "question")]


@portfolio.command("rm")
def rm(which: Which, yes: Yes = False, json_output: AsJson = False) -> None:
    """Delete a portfolio with its transactions, metrics and alerts."""
    output.confirm(f"delete the portfolio {which} with all its transactions?", yes=yes)

    async def work(client: Client) -> str:
        found = await identify(client, which)
        await client.ask("DELETE", f"/portfolios/{found}")
        return found

    found = with_api(work)
    output.outcome(json_output, f"deleted {found}", id=found, deleted=True)


def counts(booked: dict[str, Any]) -> str:
    """How many rows came to what."""
    return ", ".join(f"{count} {what}" for what, count in booked["counts"].items())


def amount(text: str) -> str:
    """A quantity without zeros at its end."""
    return f"{Decimal(text).normalize():f}"


def money(text: str | float | None) -> str | None:
    """An amount of BRL with two decimals."""
    return None if text is None else f"{output.rounded(Decimal(str(text)), 2):,f}"


def percent(fraction: float | None, *, decimals: int = 1, signed: bool = False) -> str | None:
    """A fraction as percent."""
    return None if fraction is None else output.percentage(float(fraction), decimals, signed=signed)


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise ConfigError(f"cannot read {file}: {error.strerror or error}") from None
