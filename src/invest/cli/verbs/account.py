"""`invest login` and `invest logout`: the server that the verbs ask."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from invest.cli import output
from invest.cli.output import AsJson
from invest.cli.platform.checks import asks_for_no_key
from invest.cli.server import Target, forget, remember
from invest.errors import ConfigError

if TYPE_CHECKING:
    pass


def login(
    url: Annotated[str, typer.Argument(help="the server, https://…")],
    key: Annotated[
        str | None, typer.Option(envvar="INVEST_KEY", help="its API key; none: asked for, or read from stdin")
    ] = None,
    json_output: AsJson = False,
) -> None:
    """Keep a server's address and key for the verbs, in a file only you can read; the key is tried first."""
    import asyncio

    if key is None:
        key = _asked() if sys.stdin.isatty() else sys.stdin.readline()
    chosen = Target(url.rstrip("/"), key.strip() or None)
    unchecked = asyncio.run(_try(chosen))
    path = remember(chosen)
    if unchecked:
        output.sentence("the server asks for no key: yours is kept, but was not checked", err=True)
    output.outcome(json_output, f"verbs ask {chosen.url} now ({path}); `invest logout` ends that", url=chosen.url)


def _asked() -> str:
    answer: str = typer.prompt("API key", hide_input=True, default="", show_default=False, err=True)
    return answer


async def _try(chosen: Target) -> bool:
    """Ask something that needs the key; True where the server would take any. Raises what it says against the key."""
    from invest.http import Client

    if chosen.key and not chosen.key.isascii():
        raise ConfigError("the key holds characters that no key has: copy it again")
    async with Client(chosen.url, key=chosen.key) as client:
        await client.get("/queues")
    return chosen.key is not None and await asks_for_no_key(chosen.url)


def logout(json_output: AsJson = False) -> None:
    """Forget the server of `invest login`: the verbs work on this machine again."""
    gone = forget()
    output.outcome(json_output, "verbs work on this machine again" if gone else "there was no login", forgotten=gone)
