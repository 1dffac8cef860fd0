"""Reports: list, read, download."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import quote

from aiohttp import web
from pydantic import AwareDatetime, BaseModel, Field

from invest.api.http import (
    Listing,
    Problem,
    Reply,
    etag_matches,
    invalid,
    paged,
    read_time,
    route,
    sliced,
    time_cursor,
)
from invest.api.request import Request
from invest.api.routes.models import Page, Strict, WholePage
from invest.api.routes.ownership import owner_of, require_report
from invest.domain.documents import ReportExport, StoredReport
from invest.domain.market import Ticker
from invest.jobs.forgetting import forget

ReportId = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9_.-]+$")]
SANDBOXED = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:"


class ReportPath(Strict):
    """A report's id in the path."""

    report_id: ReportId


class ReportHead(BaseModel):
    """A report without its content."""

    report_id: str
    report_type: str
    tickers: tuple[str, ...]
    portfolio_id: str | None
    language: str
    ai_provider: str | None
    generated_at: AwareDatetime
    sandbox: bool

    @classmethod
    def of(cls, report: StoredReport) -> ReportHead:
        """The head of a stored report."""
        return cls.model_validate(report.model_dump(include=set(cls.model_fields)))


class ReportFilter(Page):
    """Which reports."""

    ticker: Ticker | None = None
    portfolio_id: str | None = Field(default=None, max_length=100)
    report_type: str | None = Field(default=None, max_length=40)


@route("GET", "/reports", tag="reports", problems=(422, 503))
async def list_reports(request: Request, query: ReportFilter) -> Reply[Listing[ReportHead]]:
    """Reports without their content, newest first; of those about portfolios only the caller's."""
    store = await request.services.store()
    found = await store.reports.list(
        ticker=query.ticker,
        portfolio_id=query.portfolio_id,
        report_type=query.report_type,
        owner=owner_of(request),
        before=_cursor(query.cursor),
        limit=query.limit,
    )
    full = len(found) == query.limit
    cursor = f"{time_cursor(found[-1].generated_at)}~{found[-1].report_id}" if full else None
    return paged(request, [ReportHead.of(r) for r in found], cursor)


def _cursor(text: str | None) -> tuple[AwareDatetime, str] | None:
    if text is None:
        return None
    at, tilde, last = text.partition("~")
    moment = read_time(at)
    if not tilde or moment is None:
        raise invalid("cursor", "none of ours: take it from the page before")
    return moment, last


@route("GET", "/reports/{report_id}", tag="reports", problems=(404, 422, 503))
async def get_report(request: Request, path: ReportPath) -> StoredReport:
    """A report: its view model and its Markdown."""
    return await stored_report(request, path.report_id)


async def stored_report(request: Request, report_id: str) -> StoredReport:
    """The report. Raises 404, also for one about another's portfolio."""
    await require_report(request, report_id)
    found: StoredReport | None = await (await request.services.store()).reports.get(report_id)
    if found is None:
        raise Problem(404, f"no report {report_id!r}")
    return found


class FileFilter(Strict):
    """Which file of a report."""

    format: Literal["pdf", "html", "markdown", "xlsx", "csv"] = "pdf"


@route("GET", "/reports/{report_id}/exports", tag="reports", problems=(404, 422, 503))
async def list_exports(request: Request, path: ReportPath, query: WholePage) -> Reply[Listing[ReportExport]]:
    """The files made from a report so far."""
    await stored_report(request, path.report_id)
    store = await request.services.store()
    found = [e.model_copy(update={"body": None}) for e in await store.reports.exports(path.report_id)]
    return sliced(request, found, lambda e: f"{e.format} {e.filename}", query.cursor, query.limit)


@route("GET", "/reports/{report_id}/download", tag="reports", problems=(404, 422, 503),
       media={200: "application/pdf, text/html, text/markdown"})  # fmt: skip
async def download_report(request: Request, path: ReportPath, query: FileFilter) -> web.Response:
    """A report as a file; Markdown always, PDF and HTML once they were exported."""
    await require_report(request, path.report_id)
    store = await request.services.store()
    export = await store.reports.download(path.report_id, query.format)
    if export is None and query.format == "markdown":
        report = await store.reports.get(path.report_id)
        if report is not None:
            return file_reply(report.content.encode(), "text/markdown; charset=utf-8", f"{path.report_id}.md")
    if export is None or export.body is None:
        ask = f"POST /api/v1/jobs/export_report_async with report_id and format={query.format}"
        raise Problem(404, f"no {query.format} of report {path.report_id!r} yet: {ask}")
    etag = f'"{export.sha256[:32]}"'
    if etag_matches(request.http, etag):
        return web.Response(status=304, headers={"ETag": etag})
    return file_reply(export.body, export.content_type, export.filename, etag)


def file_reply(body: bytes, content_type: str, filename: str, etag: str = "") -> web.Response:
    """A download; were it opened in place, its policy lets no script run."""
    plain = filename.encode("ascii", "replace").decode().replace('"', "'").replace("\\", "_").replace("?", "_")
    headers = {
        "Content-Type": content_type,
        "Content-Disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(filename)}",
        "Content-Security-Policy": SANDBOXED,
        "Cache-Control": "private, no-cache",
    }
    if etag:
        headers["ETag"] = etag
    return web.Response(body=body, headers=headers)


@route("DELETE", "/reports/{report_id}", tag="reports", scope="write", status=204, problems=(404, 422, 503))
async def delete_report(request: Request, path: ReportPath) -> None:
    """Delete a report and its files; one that is everybody's needs scope admin."""
    found = await stored_report(request, path.report_id)
    if found.portfolio_id is None and owner_of(request) is not None:
        raise Problem(403, "this report is everybody's: deleting it needs a key with scope admin")
    gone = await (await request.services.store()).erasure.report(path.report_id)
    if not gone.found:
        raise Problem(404, f"no report {path.report_id!r}")
    await forget(request.services.invest, request.services.settings.data_dir, gone)
    request.audit("delete report", path.report_id)


ROUTES = (list_reports, get_report, list_exports, download_report, delete_report)
