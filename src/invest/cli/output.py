"""Printing: tables for people, JSON for programs."""

from __future__ import annotations

import json
import os
import shutil
import sys
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Annotated, Any, TextIO, TypeVar

import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from invest.errors import ConfigError

T = TypeVar("T")
AsJson = Annotated[bool, typer.Option("--json", help="JSON on stdout; --json a,b: these fields", show_default=False)]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="do not ask", show_default=False)]
WIDE = Context(prec=400)  # digits enough for every number
TEXTS = frozenset(
    {
        "job",
        "message",
        "alert",
        "address",
        "broker",
        "tells of",
        "trouble",
        "why",
        "name",
        "note",
        "about",
        "sector",
        "arguments",
        "error",
        "what it does",
        "detail",
        "cron",
        "workflow",
        "queues",
        "label",
        "stage",
        "question",
    }
)  # may be cut
# Left out first on a narrow terminal.
LEAST = (
    "broker",
    "arguments",
    "attempt",
    "only when",
    "cron",
    "delay",
    "retries",
    "portfolio",
    "last sent",
    "tells of",
    "server",
    "price ×",
    "source",
    "label",
    "ex",
)
IDS = ("id", "ticker", "name")  # what `-q` prints of a row
NARROWEST = 20  # characters a text keeps before other columns are left out for it
SHORTEST = 12  # characters a long text keeps so that a shorter one is whole
LONGEST_ID = 36  # characters; what is longer may be cut whatever its column is called
GAP = 3  # between two columns
MARKS = {
    "scheduled": ("◷", "dim"),
    "queued": ("○", ""),
    "running": ("●", "blue"),
    "retrying": ("■", "dark_orange3"),
    "succeeded": ("●", "green"),
    "failed": ("◆", "red"),
    "cancelled": ("×", "dim"),
}


@dataclass
class Manner:
    """How this process prints, set once by the options before the verb."""

    fields: tuple[str, ...] = ()  # of JSON objects; none: all
    quiet: bool = False
    color: bool = True


manner = Manner()


def rounded(value: float | Decimal, decimals: int) -> Decimal:
    """A number as pages and reports print it: a half away from zero, on the decimal that is written.

    Not the function of `invest.domain.maths`: loading it takes longer than all of a short command.
    """
    exact = value if isinstance(value, Decimal) else Decimal(repr(float(value)))
    found = exact.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP, context=WIDE)
    return found or abs(found)  # no minus before a zero


def percentage(fraction: float | Decimal, decimals: int = 0, *, signed: bool = False) -> str:
    """A fraction as per cent, rounded so."""
    exact = fraction if isinstance(fraction, Decimal) else Decimal(repr(float(fraction)))
    return f"{rounded(exact * 100, decimals):{'+' if signed else ''}f}%"


def plain(value: Any) -> Any:
    """Models as JSON-able data."""
    if (dump := getattr(value, "model_dump", None)) is not None:
        return dump(mode="json")
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    return value


def as_json(value: Any) -> None:
    """Print `value` as JSON; of objects and lists of objects only the fields that were asked for (``--json a,b``)."""
    typer.echo(json.dumps(_chosen(plain(value)), ensure_ascii=False, indent=2, default=str))


def _chosen(value: Any) -> Any:
    if not manner.fields:
        return value
    if isinstance(value, list):
        return [_chosen(item) for item in value]
    if isinstance(value, dict) and isinstance(items := value.get("items"), list):
        return _chosen(items)
    if not isinstance(value, dict):
        return value
    if lost := [name for name in manner.fields if name not in value]:
        raise ConfigError(f"--json: no field {', '.join(lost)}; there are {', '.join(sorted(value))}")
    return {name: value[name] for name in manner.fields}


def confirm(question: str, *, yes: bool) -> None:
    """Ask before what cannot be undone; `yes` answers in advance. Ends the command where nobody can be asked."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise typer.BadParameter(f"{question.rstrip('?')}: nobody can be asked here, say --yes", param_hint="--yes")
    typer.confirm(question, abort=True, err=True)


def outcome(json_output: bool, message: str, **fields: Any) -> None:
    """What a verb did: one line for a person, `fields` as JSON, or with ``-q`` the first of them alone."""
    if json_output:
        as_json(fields)
    elif not manner.quiet:
        sentence(message)
    elif fields:
        typer.echo(next(iter(fields.values())))


def listing(
    items: Sequence[T],
    columns: Mapping[str, Callable[[T], Any]],
    *,
    json_output: bool,
    empty: str,
    right: Sequence[str] = (),
    cursor: str | None = None,
    whole: Any = None,
) -> None:
    """Print a list: a table with a column per name of `columns`, JSON (of `whole`, else of the items), or ids alone.

    `cursor` is the next page's: a line under the table says how to ask for it. ``-q`` prints one column alone: the
    first of `IDS` that there is, else the first.
    """
    if json_output:
        as_json(items if whole is None else whole)
        return
    if manner.quiet:
        read = next((columns[name] for name in IDS if name in columns), next(iter(columns.values())))
        for item in items:
            typer.echo(read(item))
        return
    table(tuple(columns), [[read(item) for read in columns.values()] for item in items], right=right, empty=empty)
    if cursor:
        typer.echo(f"more: --cursor {cursor}")


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]], *, right: Sequence[str] = (), empty: str) -> None:
    """Print rows; `empty` where there are none. Columns named in `right` hold figures.

    On a narrow terminal texts are cut or left out; ids, states and figures stay whole.
    """
    console = Console(no_color=not manner.color or None)
    held = [[c if isinstance(c, Text) else Text("—" if c is None else str(c)) for c in row] for row in rows]
    if not held:
        console.print(Text(empty, style="dim"))
        return
    widths = [max(len(name), *(row[i].cell_len for row in held)) for i, name in enumerate(columns)]
    shown = Table(box=box.SIMPLE_HEAD, header_style="dim", pad_edge=False)
    filled = [any(row[i].plain not in ("", "—") for row in held) for i in range(len(columns))]
    kept = fitting(columns, widths, console.width, filled)
    for i, width in kept.items():
        side: Any = "right" if columns[i] in right else "left"
        shown.add_column(columns[i], justify=side, overflow="ellipsis", no_wrap=True, width=width)
    for row in held:
        shown.add_row(*(row[i] for i in kept))
    console.print(shown)
    lost = [name for i, name in enumerate(columns) if i not in kept and filled[i]]
    if lost and console.is_terminal:
        console.print(Text(f"no room for {', '.join(lost)}: widen the terminal, or --json", style="dim"))


def fitting(
    columns: Sequence[str], widths: Sequence[int], room: int, filled: Sequence[bool] | None = None
) -> dict[int, int]:
    """The columns to show, by place, with their widths: ids, states and figures whole, texts cut to what is left.

    Where they do not fit, columns without any value go first, then those of `LEAST`, then those farthest right.
    """
    text = [name in TEXTS or width > LONGEST_ID for name, width in zip(columns, widths, strict=True)]

    def needed(shortest: int) -> int:
        return sum(GAP + (min(widths[i], shortest) if text[i] else widths[i]) for i in kept)

    empty = [i for i, value in enumerate(filled or ()) if not value]
    spare = [columns.index(name) for name in LEAST if name in columns]
    rightmost = [i for i in reversed(range(1, len(columns))) if i not in spare]
    kept = list(range(len(columns)))
    for i in dict.fromkeys((*empty, *spare)):
        if needed(NARROWEST) > room:
            kept.remove(i)
    for i in rightmost:
        if needed(SHORTEST) > room and i in kept:
            kept.remove(i)
    found = {i: widths[i] for i in kept}
    texts = sorted((i for i in kept if text[i]), key=lambda i: widths[i])
    left = room - GAP * len(kept) - sum(w for i, w in found.items() if not text[i])
    for place, i in enumerate(texts):  # the shorter ones first, whole where the longer ones keep a dozen letters
        others = len(texts) - place - 1
        share = max(left // (others + 1), min(left - SHORTEST * others, LONGEST_ID))
        found[i] = max(1, min(widths[i], share))
        left -= found[i]
    return found


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


def sentence(text: str, *, err: bool = False) -> None:
    """Print a line of words; on a terminal it ends between words, not within one."""
    typer.echo(wrapped(text, sys.stderr if err else sys.stdout), err=err)


def wrapped(text: str, stream: TextIO, indent: str = "  ") -> str:
    """`text` in lines that fit the terminal `stream` is, those after the first indented; elsewhere as it is."""
    if not stream.isatty():
        return text
    width = max(NARROWEST, shutil.get_terminal_size().columns)
    fold = textwrap.TextWrapper(width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
    return "\n".join(fold.fill(line) for line in text.splitlines())


def announce(line: str) -> None:
    """One plain line for a person, on stderr so that stdout stays data."""
    sys.stderr.write(line + os.linesep)
    sys.stderr.flush()
