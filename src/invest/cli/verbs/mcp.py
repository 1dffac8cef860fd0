"""`invest mcp`: the Model Context Protocol over stdin and stdout, for an AI's desktop program."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from invest.cli.server import with_api

if TYPE_CHECKING:
    from invest.http import Client


def mcp(
    write: Annotated[
        bool, typer.Option("--write", help="also tools that queue jobs (the key must be allowed to)")
    ] = False,
) -> None:
    """Serve an AI the stored data over stdin and stdout: `invest mcp`, with INVEST_URL for a server elsewhere."""
    from invest.mcp import server_over

    async def work(client: Client) -> None:
        await server_over(client, writes=write).run_stdio_async()

    with_api(work)
