"""Verbs about settings: `invest config …`."""

from __future__ import annotations

import typer

from invest.cli import show
from invest.cli.show import AsJson

config = typer.Typer(no_args_is_help=True, help="The settings in force.")


@config.callback()
def group() -> None:
    """The settings in force."""


@config.command("show")
def show_settings(json_output: AsJson = False) -> None:
    """Every setting, secrets as stars, with where its value comes from."""
    from invest.cli.origins import explain
    from invest.settings import load

    found = explain(load())
    if json_output:
        show.as_json({s.path: {"value": s.value, "origin": s.origin} for s in found})
        return
    for one in found:
        value = "—" if one.value in (None, "") else one.value
        typer.echo(f"{one.path} = {value}  # {one.origin}")
