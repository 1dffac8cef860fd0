"""`invest portfolio propose, proposals, confirm`: events that nobody booked, looked for, listed, and booked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from invest.cli import output
from invest.cli.investing.portfolios import Columns, Which, identify
from invest.cli.output import AsJson
from invest.cli.server import with_api

if TYPE_CHECKING:
    from invest.http import Client

COLUMNS: Columns = {"key": lambda p: p["key"], "event": lambda p: p["said"]}


def propose(which: Which, json_output: AsJson = False) -> None:
    """Look now for known events that nobody booked; `invest portfolio confirm` books them."""

    async def work(client: Client) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = await client.portfolio(await identify(client, which)).propose()
        return found

    output.listing(with_api(work), COLUMNS, json_output=json_output, empty="nothing to confirm")


def proposals(which: Which, json_output: AsJson = False) -> None:
    """Known events of what was held that nobody booked."""

    async def work(client: Client) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = await client.portfolio(await identify(client, which)).proposals()
        return found

    output.listing(with_api(work), COLUMNS, json_output=json_output, empty="nothing to confirm")


def confirm(
    which: Which,
    keys: Annotated[list[str], typer.Argument(help="keys of proposals, or all")],
    decline: Annotated[bool, typer.Option("--decline", help="say that they did not happen")] = False,
    json_output: AsJson = False,
) -> None:
    """Book proposed events, one by one or all; with --decline they are never proposed again."""

    async def work(client: Client) -> dict[str, Any]:
        handle = client.portfolio(await identify(client, which))
        chosen: Any = "all" if keys == ["all"] else keys
        answer: dict[str, Any] = await (handle.decline(chosen) if decline else handle.confirm(chosen))
        return answer

    answer = with_api(work)
    done = answer["declined"] if decline else answer["counts"]["booked"]
    output.outcome(json_output, f"{done} {'declined' if decline else 'booked'}", **answer)
