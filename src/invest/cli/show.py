"""Printing: tables for people, JSON for programs, one connection per verb."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

import typer
from pydantic import BaseModel
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

T = TypeVar("T")
AsJson = Annotated[bool, typer.Option("--json", help="JSON on stdout", show_default=False)]
MARKS = {
    "scheduled": ("◷", "dim"),
    "queued": ("○", ""),
    "running": ("●", "blue"),
    "retrying": ("■", "dark_orange3"),
    "succeeded": ("●", "green"),
    "failed": ("◆", "red"),
    "cancelled": ("×", "dim"),
}


def with_platform(work: Callable[[Any], Awaitable[T]]) -> T:
    """Run `work` with a connected `Invest`; servers are started or attached to where none is configured."""
    from invest.cli.local import local_settings
    from invest.engine import Invest
    from invest.jobs.names import declare_all

    declare_all()

    async def connected() -> T:
        async with Invest.connect(settings) as invest:
            return await work(invest)

    with local_settings() as settings:
        return asyncio.run(connected())


def with_store(work: Callable[[Any], Awaitable[T]]) -> T:
    """Run `work` with an open `Store`."""
    from invest.cli.local import local_settings
    from invest.store import Store

    async def opened() -> T:
        async with Store.open(settings) as store:
            return await work(store)

    with local_settings() as settings:
        return asyncio.run(opened())


def plain(value: Any) -> Any:
    """Models as JSON-able data."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    return value


def as_json(value: Any) -> None:
    """Print `value` as JSON."""
    typer.echo(json.dumps(plain(value), ensure_ascii=False, indent=2, default=str))


def outcome(json_output: bool, said: str, **fields: Any) -> None:
    """What a verb did: one line for a person, or `fields` as JSON."""
    as_json(fields) if json_output else typer.echo(said)


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]], *, right: Sequence[str] = (), empty: str) -> None:
    """Print rows; `empty` where there are none. Columns named in `right` hold figures."""
    console, held = Console(), list(rows)
    if not held:
        console.print(Text(empty, style="dim"))
        return
    shown = Table(box=box.SIMPLE_HEAD, header_style="dim", pad_edge=False)
    for column in columns:
        shown.add_column(column, justify="right" if column in right else "left", overflow="ellipsis", no_wrap=True)
    for row in held:
        shown.add_row(*(cell if isinstance(cell, Text) else Text("—" if cell is None else str(cell)) for cell in row))
    console.print(shown)


def state(name: str) -> Text:
    """A state with its shape and colour."""
    mark, style = MARKS.get(name, ("·", ""))
    return Text(f"{mark} {name}", style=style)


def ago(moment: datetime | None) -> str | None:
    """How long ago, or in how long."""
    if moment is None:
        return None
    seconds = (datetime.now(UTC) - moment).total_seconds()
    return f"{span(seconds)} ago" if seconds >= 0 else f"in {span(-seconds)}"


def span(seconds: float | None) -> str | None:
    """A length of time in two figures."""
    if seconds is None:
        return None
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    for limit, unit, size in ((60, "s", 1), (3600, "min", 60), (86400, "h", 3600)):
        if seconds < limit:
            return f"{seconds / size:.1f} {unit}" if seconds / size < 10 else f"{seconds / size:.0f} {unit}"
    return f"{seconds / 86400:.0f} d"


def arguments(status: Any, width: int = 60) -> str:
    """A job's arguments in short."""
    parts = [json.dumps(a, ensure_ascii=False, default=str) for a in status.args]
    parts += [f"{k}={json.dumps(v, ensure_ascii=False, default=str)}" for k, v in status.kwargs.items()]
    text = ", ".join(parts)
    return text if len(text) <= width else text[: width - 1] + "…"
