"""`invest export`: your data as a file for other programs."""

from __future__ import annotations

import csv
import io
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from invest.cli import output
from invest.cli.investing.assets import code
from invest.cli.investing.portfolios import identify
from invest.cli.server import with_api
from invest.errors import ConfigError

if TYPE_CHECKING:
    from invest.http import Client

FORMULA, NUMBER = re.compile(r"[=+@\t\r-]"), re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?")
PADDED = re.compile(r"[+-]?\d+\.\d{2,}0")  # a quantity in the store's eight decimals
What = Literal["prices", "actions", "observations", "transactions", "positions"]


def export(
    what: Annotated[What, typer.Argument(help="prices, actions, observations; transactions, positions of a portfolio")],
    which: Annotated[str, typer.Argument(help="the ticker, or the portfolio's id or name")],
    format: Annotated[Literal["csv", "json"], typer.Option(help="csv or json")] = "csv",
    out: Annotated[Path | None, typer.Option(help="write it to this file, not to stdout")] = None,
) -> None:
    """Rows as CSV or JSON: `invest export prices PETR4 > petr4.csv`. Decimals and dates as the API has them."""

    async def work(client: Client) -> Sequence[dict[str, Any]]:
        if what == "transactions":
            return await client.rows(f"/portfolios/{await identify(client, which)}/transactions", limit=500)
        if what == "positions":
            rows: list[dict[str, Any]] = (await client.get(f"/portfolios/{await identify(client, which)}"))[what]
            return rows
        query = {"limit": 5000} if what == "prices" else {}
        return await client.rows(f"/assets/{code(which)}/{what}", **query)

    rows = with_api(work)
    text = json.dumps(rows, ensure_ascii=False, indent=2) + "\n" if format == "json" else as_csv(rows)
    if out is None:
        sys.stdout.write(text)
        return
    try:
        out.write_text(text, "utf-8", newline="")
    except OSError as error:
        raise ConfigError(f"cannot write {out}: {error.strerror or error}") from None
    output.outcome(False, f"wrote {len(rows)} rows to {out}", path=str(out))


def as_csv(rows: Sequence[dict[str, Any]]) -> str:
    """RFC 4180; a missing value is an empty cell, a text that would run as a formula gets a quote first."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, names, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows)
    return text.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, str) and PADDED.fullmatch(value):
        return value.rstrip("0").rstrip(".")
    if isinstance(value, str) and FORMULA.match(value) and not NUMBER.fullmatch(value):
        return f"'{value}"
    return value
