"""Choosing one cell of a deployment for a command."""

from __future__ import annotations

import os

import typer

from invest.cli.server.target import target

CELL = "INVEST_REDIS__CELL"


def choose_cell(name: str) -> None:
    """Let this command, and processes that it starts, be about one cell alone. A server decides that for itself."""
    if (server := target()) is not None:
        message = f"{server.url} looks at its own cells; `--cell` is for this machine's Redis (INVEST_URL= names none)"
        raise typer.BadParameter(message, param_hint="--cell")
    os.environ[CELL] = name
