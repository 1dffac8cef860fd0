"""`invest alert …`: alerts on prices, figures, news and dividends."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from invest.cli import output
from invest.cli.investing.assets import code
from invest.cli.output import AsJson, Yes
from invest.cli.server import with_api
from invest.errors import ConfigError

if TYPE_CHECKING:
    from invest.http import Client

alert = typer.Typer(no_args_is_help=True, help="What to be told of: a price, a figure, news, a dividend.")
Columns = dict[str, Callable[[dict[str, Any]], Any]]
PortfolioId = Annotated[str | None, typer.Option("--portfolio", help="of this portfolio (its id)")]


@alert.command("add")
def add(
    ticker: Annotated[
        str | None, typer.Argument(help="such as PETR4; none with --portfolio: all that it holds")
    ] = None,
    kind: Annotated[Literal["price", "indicator", "news", "dividend"], typer.Option(help="of what")] = "price",
    above: Annotated[str | None, typer.Option(help="at this level or above")] = None,
    below: Annotated[str | None, typer.Option(help="at this level or below")] = None,
    field: Annotated[str | None, typer.Option(help="the figure of an indicator, such as p_l or rsi_14")] = None,
    portfolio: PortfolioId = None,
    note: Annotated[str, typer.Option(help="your words")] = "",
    json_output: AsJson = False,
) -> None:
    """Make an alert: `invest alert add PETR4 --below 30`."""
    if above is not None and below is not None:
        raise ConfigError("--above and --below: give one of them, and make two alerts for both")
    level = above if above is not None else below
    body = {
        "kind": kind,
        "ticker": code(ticker) if ticker else None,
        "portfolio_id": portfolio,
        "field": field,
        "comparison": None if level is None or kind in ("news", "dividend") else ">=" if above is not None else "<=",
        "level": level,
        "note": note,
    }

    async def work(client: Client) -> dict[str, Any]:
        made: dict[str, Any] = await client.ask("POST", "/alerts", {k: v for k, v in body.items() if v is not None})
        return made

    made = with_api(work)
    output.outcome(json_output, f"alert {made['id']}: {said(made)}", **made)


def said(made: dict[str, Any]) -> str:
    """An alert in words."""
    what = made["field"] or made["kind"]
    of = made["ticker"] or f"everything in {made['portfolio_id']}"
    limit = f" {made['comparison'] or 'from'} {made['level']}" if made["level"] is not None else ""
    return f"{what} of {of}{limit}"


@alert.command("ls")
def ls(portfolio: PortfolioId = None, json_output: AsJson = False) -> None:
    """Your alerts, by creation."""

    async def work(client: Client) -> list[dict[str, Any]]:
        return await client.rows("/alerts", portfolio_id=portfolio)

    columns: Columns = {
        "id": lambda a: a["id"],
        "alert": said,
        "portfolio": lambda a: a["portfolio_id"],
        "note": lambda a: a["note"],
    }
    output.listing(with_api(work), columns, json_output=json_output, empty="no alerts")


@alert.command("events")
def events(
    portfolio: PortfolioId = None,
    limit: Annotated[int, typer.Option(min=1, max=500)] = 50,
    json_output: AsJson = False,
) -> None:
    """What fired, newest first."""

    async def work(client: Client) -> list[dict[str, Any]]:
        return await client.rows("/alerts/events", most=limit, portfolio_id=portfolio, limit=limit)

    columns: Columns = {
        "fired": lambda e: e["fired_at"][:16].replace("T", " "),
        "ticker": lambda e: e["ticker"],
        "message": lambda e: e["message"],
        "alert": lambda e: e["alert_id"],
    }
    output.listing(with_api(work), columns, json_output=json_output, empty="nothing fired yet")


@alert.command("rm")
def rm(
    alert_id: Annotated[str, typer.Argument(help="id of the alert (see `invest alert ls`)")],
    yes: Yes = False,
    json_output: AsJson = False,
) -> None:
    """Delete an alert and what it fired."""
    output.confirm(f"delete the alert {alert_id}?", yes=yes)

    async def work(client: Client) -> None:
        await client.ask("DELETE", f"/alerts/{alert_id}")

    with_api(work)
    output.outcome(json_output, f"deleted {alert_id}", id=alert_id, deleted=True)
