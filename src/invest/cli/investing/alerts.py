"""`invest alert …`: alerts on prices, figures, news and dividends."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from invest.cli import output
from invest.cli.investing.assets import code
from invest.cli.investing.portfolios import identify
from invest.cli.output import AsJson, Yes
from invest.cli.server import with_api
from invest.errors import ConfigError, NotFound

if TYPE_CHECKING:
    from invest.http import Client

alert = typer.Typer(no_args_is_help=True, help="What to be told of: a price, a figure, news, a dividend.")
Columns = dict[str, Callable[[dict[str, Any]], Any]]
WITH_ARTICLE = {"price": "a price", "indicator": "an indicator"}
PortfolioId = Annotated[str | None, typer.Option("--portfolio", help="of this portfolio (id or name)")]


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
    if level is None and kind in ("price", "indicator"):
        raise ConfigError(f"say when: an alert on {WITH_ARTICLE[kind]} needs --above or --below")
    body = {
        "kind": kind,
        "ticker": code(ticker) if ticker else None,
        "field": field,
        "comparison": None if level is None or kind in ("news", "dividend") else ">=" if above is not None else "<=",
        "level": level,
        "note": note,
    }

    async def work(client: Client) -> tuple[dict[str, Any], bool]:
        if portfolio:
            body["portfolio_id"] = await identify(client, portfolio)
        made = await client.ask("POST", "/alerts", {k: v for k, v in body.items() if v is not None})
        return made, not body["ticker"] or await _on_record(client, body["ticker"])

    made, on_record = with_api(work)
    if not on_record:
        what = made["ticker"]
        output.sentence(f"{what} is not on record yet, so nothing fires: invest job run collect {what}", err=True)
    output.outcome(json_output, f"alert {made['id']}: {in_words(made)}", **made)


async def _on_record(client: Client, ticker: str) -> bool:
    try:
        await client.get(f"/assets/{ticker}")
    except NotFound:
        return False
    return True


def in_words(made: dict[str, Any]) -> str:
    """An alert in words."""
    what = made["field"] or made["kind"]
    of = made["ticker"] or f"everything in {made['portfolio_id']}"
    limit = f" {made['comparison'] or 'from'} {made['level']}" if made["level"] is not None else ""
    return f"{what} of {of}{limit}"


@alert.command("ls")
def ls(portfolio: PortfolioId = None, json_output: AsJson = False) -> None:
    """Your alerts, by creation."""

    async def work(client: Client) -> list[dict[str, Any]]:
        owned = await identify(client, portfolio) if portfolio else None
        return await client.rows("/alerts", portfolio_id=owned)

    columns: Columns = {
        "id": lambda a: a["id"],
        "alert": in_words,
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
        owned = await identify(client, portfolio) if portfolio else None
        return await client.rows("/alerts/events", most=limit, portfolio_id=owned, limit=limit)

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
