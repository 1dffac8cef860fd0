"""`invest report …`: written reports."""

from __future__ import annotations

import sys
import tempfile
import webbrowser
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from invest.cli import output
from invest.cli.investing.assets import code
from invest.cli.output import AsJson
from invest.cli.server import with_api
from invest.errors import ConfigError, NotFound

if TYPE_CHECKING:
    from invest.http import Client

report = typer.Typer(no_args_is_help=True, help="Written reports.")
Columns = dict[str, Callable[[dict[str, Any]], Any]]
ReportId = Annotated[str, typer.Argument(help="id of the report (see `invest report ls`)")]
Format = Literal["markdown", "pdf", "html", "xlsx", "csv"]
EXPORT_TIMEOUT = 120.0  # seconds


@report.command("ls")
def ls(
    ticker: Annotated[str | None, typer.Option(help="about this asset")] = None,
    portfolio: Annotated[str | None, typer.Option(help="about this portfolio (its id)")] = None,
    limit: Annotated[int, typer.Option(min=1, max=500)] = 20,
    cursor: Annotated[str | None, typer.Option(help="page after this one")] = None,
    json_output: AsJson = False,
) -> None:
    """Reports, newest first."""
    name = code(ticker) if ticker else None

    async def work(client: Client) -> dict[str, Any]:
        page: dict[str, Any] = await client.get(
            "/reports", ticker=name, portfolio_id=portfolio, limit=limit, cursor=cursor
        )
        return page

    page = with_api(work)
    columns: Columns = {
        "id": lambda r: r["report_id"],
        "kind": lambda r: r["report_type"],
        "about": lambda r: ", ".join(r["tickers"][:3]) + ("…" if len(r["tickers"]) > 3 else "") or r["portfolio_id"],
        "AI": lambda r: r["ai_provider"],
        "written": lambda r: r["generated_at"][:16].replace("T", " "),
    }
    output.listing(
        page["items"], columns, json_output=json_output, empty="no reports: invest analyse TICKER --wait",
        cursor=page["next_cursor"], whole=page,
    )  # fmt: skip


@report.command("get")
def get(
    report_id: ReportId,
    format: Annotated[
        Format,
        typer.Option(
            help="markdown, pdf, html, or the tables as xlsx or csv; all but markdown are made where they are not yet"
        ),
    ] = ("markdown"),
    out: Annotated[Path | None, typer.Option(help="write it to this file")] = None,
    json_output: AsJson = False,
) -> None:
    """A report: on stdout, or in a file; `--json` has its figures."""
    if json_output:
        output.as_json(with_api(lambda client: client.get(f"/reports/{report_id}")))
        return
    if out is None and format in ("pdf", "xlsx") and sys.stdout.isatty():
        raise ConfigError(f"{format} is no text: name a file with --out, or see `invest report open`")
    body = with_api(lambda client: file_of(client, report_id, format))
    if out is None:
        sys.stdout.buffer.write(body)
        return
    try:
        out.write_bytes(body)
    except OSError as error:
        raise ConfigError(f"cannot write {out}: {error.strerror or error}") from None
    output.outcome(False, f"wrote {out} ({len(body)} bytes)", path=str(out))


@report.command("open")
def open_report(
    report_id: ReportId,
    format: Annotated[Format, typer.Option(help="pdf or html")] = "html",
    json_output: AsJson = False,
) -> None:
    """Open a report with the program for its kind of file."""
    body = with_api(lambda client: file_of(client, report_id, format))
    ending = {"markdown": "md"}.get(format, format)
    with tempfile.NamedTemporaryFile(prefix="invest-", suffix=f".{ending}", delete=False) as file:
        file.write(body)
    opened = webbrowser.open(Path(file.name).as_uri())
    message = file.name if opened else f"nothing here opens it: {file.name}"
    output.outcome(json_output, message, path=file.name, opened=opened)


async def file_of(client: Client, report_id: str, format: Format) -> bytes:
    """The report's file, exported first where it was not yet. Raises `NotFound`, or what the export's job raises."""
    try:
        return await client.download(report_id, format)
    except NotFound:
        await client.get(f"/reports/{report_id}")  # 404 of its own where there is no such report
        job = await client.enqueue("export_report_async", report_id=report_id, format=format)
        await job.result(timeout=EXPORT_TIMEOUT)
        return await client.download(report_id, format)
