"""`invest open` and `invest logs`: the overview in a browser, what happens as it happens."""

from __future__ import annotations

import json
import webbrowser
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from invest.cli import output
from invest.cli.output import AsJson
from invest.cli.server import target, with_api

if TYPE_CHECKING:
    from invest.http import Client, Event


def open_overview(
    path: Annotated[str, typer.Argument(help="of the server: / or /docs")] = "/",
    json_output: AsJson = False,
) -> None:
    """Open the server's overview in a browser (the server of INVEST_URL or `invest login`, else this machine's)."""
    from invest.settings import load

    chosen = target()
    url = (chosen.url if chosen else f"http://127.0.0.1:{load().web.port}") + "/" + path.lstrip("/")
    opened = webbrowser.open(url)
    output.outcome(json_output, url if opened else f"no browser here; open {url}", url=url, opened=opened)


def logs(
    job: Annotated[str | None, typer.Option(help="of this job alone, until it ends")] = None,
    queue: Annotated[str | None, typer.Option(help="of one queue")] = None,
    limit: Annotated[int, typer.Option(min=0, help="end after so many events; 0: never")] = 0,
    json_output: AsJson = False,
) -> None:
    """Jobs' events as they happen, one a line, until Ctrl-C; `--json`: one JSON object a line."""

    async def work(client: Client) -> None:
        seen = 0
        async for event in client.events(job):
            if queue is None or event.data.get("queue") == queue:
                typer.echo(_json(event) if json_output else _line(event))
                seen += 1
            if limit and seen >= limit:
                return

    with_api(work)


def _json(event: Event) -> str:
    return json.dumps({"id": event.id, "kind": event.kind, **event.data}, ensure_ascii=False)


def _line(event: Event) -> str:
    data: dict[str, Any] = event.data
    milliseconds = event.id.partition("-")[0]
    at = datetime.fromtimestamp(int(milliseconds) / 1000, UTC) if milliseconds.isdigit() else datetime.now(UTC)
    progress = data.get("progress") or {}
    done = f"{progress['done']:g}/{progress['total']:g}" if progress.get("total") else ""
    parts = (f"{at:%H:%M:%S}", f"{event.kind:<10}", data.get("queue"), data.get("name"), data.get("task_id"), done)
    return "  ".join(str(part) for part in (*parts, progress.get("message")) if part)
