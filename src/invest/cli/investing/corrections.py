"""`invest portfolio edit, delete, undo, …` and `invest tax`: correcting, confirming, and declaring what is booked."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from invest.cli import output
from invest.cli.investing.portfolios import Columns, Which, identify, money, portfolio
from invest.cli.investing.settings import figure
from invest.cli.output import AsJson
from invest.cli.server import with_api
from invest.errors import ConfigError, NotFound

if TYPE_CHECKING:
    from invest.http import Client

Number = Annotated[int, typer.Argument(metavar="NUMBER", min=1, help="see `invest portfolio transactions`")]
KEPT = ("date", "ticker", "operation", "quantity", "price", "note", "fees", "broker", "other", "shares")


@portfolio.command("edit")
def edit(
    which: Which,
    number: Number,
    quantity: Annotated[str | None, typer.Option(help="shares")] = None,
    price: Annotated[str | None, typer.Option(help="BRL per share")] = None,
    fees: Annotated[str | None, typer.Option(help="costs of the trade, BRL")] = None,
    date: Annotated[str | None, typer.Option(help="its day, yyyy-mm-dd")] = None,
    broker: Annotated[str | None, typer.Option(help="the institution")] = None,
    note: Annotated[str | None, typer.Option(help="a note")] = None,
    ticker: Annotated[str | None, typer.Option(help="its asset")] = None,
    operation: Annotated[str | None, typer.Option(help="what it is: buy, sell, bonus, …")] = None,
    json_output: AsJson = False,
) -> None:
    """Change one transaction; refused where a later sale would be left without its shares."""
    figures = {"quantity": quantity, "price": price, "fees": fees}
    changes: dict[str, Any] = {k: figure(v, f"--{k}") for k, v in figures.items() if v is not None}
    texts = {"date": date, "broker": broker, "note": note, "operation": operation, "ticker": ticker and ticker.upper()}
    changes |= {k: v for k, v in texts.items() if v is not None}
    if not changes:
        message = "say what to change: --quantity, --price, --fees, --date, --broker, --note, --ticker or --operation"
        raise ConfigError(message)

    async def work(client: Client) -> Any:
        handle = client.portfolio(await identify(client, which))
        old = next((t for t in [t async for t in handle.transactions(limit=500)] if t["id"] == number), None)
        if old is None:
            raise NotFound(
                f"no transaction {number}; `invest portfolio transactions {shlex.quote(which)}` has those there are"
            )
        return await handle.edit(number, {k: old[k] for k in KEPT} | changes)

    output.outcome(json_output, f"changed {number}", transaction=with_api(work))


@portfolio.command("delete")
def delete(which: Which, number: Number, json_output: AsJson = False) -> None:
    """Delete one transaction; refused where a later sale would be left without its shares."""

    async def work(client: Client) -> None:
        await client.portfolio(await identify(client, which)).delete(number)

    with_api(work)
    output.outcome(json_output, f"deleted {number}", deleted=number)


@portfolio.command("imports")
def imports(which: Which, json_output: AsJson = False) -> None:
    """The imports that can be undone, newest first."""

    async def work(client: Client) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = await client.portfolio(await identify(client, which)).imports()
        return found

    columns: Columns = {
        "number": lambda i: i["id"],
        "layout": lambda i: i["layout"],
        "rows": lambda i: i["rows"],
        "imported": lambda i: i["imported_at"][:16].replace("T", " "),
    }
    output.listing(with_api(work), columns, json_output=json_output, right=("number", "rows"), empty="no imports")


@portfolio.command("undo")
def undo(
    which: Which,
    number: Annotated[int, typer.Argument(metavar="NUMBER", min=1, help="see `invest portfolio imports`")],
    json_output: AsJson = False,
) -> None:
    """Take back all that one import booked."""

    async def work(client: Client) -> Any:
        return await client.portfolio(await identify(client, which)).undo(number)

    gone = with_api(work)
    output.outcome(json_output, f"took back {gone['deleted']} transactions", **gone)


@portfolio.command("rename")
def rename(
    which: Which, name: Annotated[str, typer.Argument(help="its new name")], json_output: AsJson = False
) -> None:
    """Give a portfolio another name."""

    async def work(client: Client) -> str:
        found = await identify(client, which)
        await client.portfolio(found).rename(name)
        return found

    found = with_api(work)
    output.outcome(json_output, f"renamed {found}", id=found, name=name)


@portfolio.command("merge")
def merge(
    which: Which,
    other: Annotated[str, typer.Argument(metavar="OTHER", help="the portfolio that goes into it, and is gone then")],
    json_output: AsJson = False,
) -> None:
    """Move all of another portfolio into this one; what both tell counts once."""

    async def work(client: Client) -> Any:
        return await client.portfolio(await identify(client, which)).merge(await identify(client, other))

    answer = with_api(work)
    output.outcome(json_output, f"moved {answer['moved']}, {answer['duplicate']} told by both", **answer)


@portfolio.command("rebalance")
def rebalance(
    which: Which,
    cash: Annotated[str, typer.Option(help="BRL that waits to be invested")] = "0",
    keep: Annotated[bool, typer.Option("--keep", help="sell nothing: spend the cash alone")] = False,
    json_output: AsJson = False,
) -> None:
    """Orders towards the targets with new money, and announced payments still to come."""

    async def work(client: Client) -> dict[str, Any]:
        answer: dict[str, Any] = await client.portfolio(await identify(client, which)).rebalance(
            figure(cash, "--cash"), sell=not keep
        )
        return answer

    answer = with_api(work)
    if json_output:
        output.as_json(answer)
        return
    columns: Columns = {
        "ticker": lambda t: t["ticker"],
        "side": lambda t: t["side"],
        "quantity": lambda t: t["quantity"],
        "price": lambda t: money(t["price"]),
        "amount": lambda t: money(t["amount"]),
    }
    right = ("quantity", "price", "amount")
    output.listing(
        answer["orders"], columns, json_output=False, right=right, empty="no orders: set targets, or give cash"
    )
    for due in answer["announced"]:
        day = due["payment_date"] or "a day not announced"
        output.sentence(f"comes in by itself: {due['ticker']} {due['kind']} {money(due['net'])} on {day}")


def tax(
    year: Annotated[int, typer.Argument(help="the year of the income", min=2015, max=2100)],
    which: Annotated[str | None, typer.Option("--portfolio", help="one alone; by default all, as one person")] = None,
    csv: Annotated[Path | None, typer.Option("--csv", help="write all of it as a CSV")] = None,
    pdf: Annotated[Path | None, typer.Option("--pdf", help="write all of it as a PDF")] = None,
    language: Annotated[str, typer.Option(help="of what is open in the PDF: pt-BR, or en for both")] = "pt-BR",
    json_output: AsJson = False,
) -> None:
    """Income tax of a year (IRPF): months, DARFs, what to declare, what is open. No tax advice."""

    async def work(client: Client) -> dict[str, Any]:
        if which is None:
            first = [p["id"] async for p in client.pages("/portfolios", limit=1)][:1]
            if not first:
                raise NotFound("no portfolios: invest portfolio create NAME")
            found = first[0]
        else:
            found = await identify(client, which)
        together = str(which is None).lower()
        path = f"/portfolios/{found}/tax"
        for file, kind in ((csv, "csv"), (pdf, "pdf")):
            if file is not None:
                query = {"year": year, "together": together, "format": kind, "language": language}
                _write(file, await client.read(f"{path}/file", **query))
        answer: dict[str, Any] = await client.get(path, year=year, together=together)
        return answer

    answer = with_api(work)
    if json_output:
        output.as_json(answer)
        return

    def moved(figure: Callable[[dict[str, Any]], Any]) -> Callable[[dict[str, Any]], Any]:
        return lambda m: "" if m["state"] == "no_movement" else money(figure(m))

    columns: Columns = {
        "month": lambda m: m["month"],
        "state": lambda m: m["state"].replace("_", " "),
        "sold": moved(lambda m: sum((Decimal(line["gross"]) for line in m["lines"]), Decimal(0))),
        "exempt": moved(lambda m: m["exempt_gain"]),
        "tax": moved(lambda m: m["tax"]),
        "darf": lambda m: money(m["darf"]["amount"]) if m["darf"] else "",
        "due": lambda m: m["darf"]["due"] if m["darf"] else "",
    }
    right = ("sold", "exempt", "tax", "darf")
    output.listing(answer["months"], columns, json_output=False, right=right, empty="nothing to assess")
    if not output.manner.quiet:
        _tell_flags(answer["flags"])
        output.sentence(answer["disclaimer"])


def _tell_flags(flags: list[dict[str, Any]]) -> None:
    """Print what is open or to be known; what to do once where several ask for the same."""
    groups: dict[tuple[str, str], list[str]] = {}
    for flag in flags:
        found, _, advice = flag["message"].partition(": ")
        groups.setdefault(("open" if flag["blocks"] else "note", advice), []).append(found)
    for (kind, advice), found in groups.items():
        if len(found) == 1:
            output.sentence(f"{kind}: {found[0]}" + (f": {advice}" if advice else ""))
            continue
        output.sentence(f"{kind}: {advice or 'to be known'}")
        for one in found:
            output.sentence(f"  {one}")


def _write(file: Path, body: bytes) -> None:
    try:
        file.write_bytes(body)
    except OSError as error:
        raise ConfigError(f"cannot write {file}: {error.strerror or error}") from None
