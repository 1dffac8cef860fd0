"""Reports: find, read, download, order, delete."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import quote

from aiohttp import web

from invest.api.http import Problem, invalid
from invest.api.pages.desk.assets import anchors, ticker_of
from invest.api.pages.forms import Form
from invest.api.pages.page import page
from invest.api.pages.rendering import render
from invest.api.pages.visit import Visit
from invest.api.routes import operations
from invest.api.routes import reports as routes
from invest.api.routes.ownership import require_status
from invest.api.routes.portfolio import portfolios as holdings
from invest.domain.market import Market
from invest.engine import JobState
from invest.reports import load_view

KINDS = ("asset", "comparison", "portfolio", "market_overview", "weekly", "multi_ai")


@page("GET", "/reports", section="reports")
async def reports_page(visit: Visit) -> web.StreamResponse:
    """Reports, newest first."""
    query = {k: x for k in ("ticker", "portfolio_id", "report_type", "cursor") if (x := visit.query(k, limit=500))}
    listing, own = await asyncio.gather(
        visit.ask(routes.list_reports, query=query), visit.ask(holdings.list_portfolios)
    )
    return render(
        visit,
        "desk/reports.html",
        reports=listing.items,
        kinds=KINDS,
        portfolios=own.items,
        names={head.id: head.name for head in own.items},
        providers=sorted(n for n, p in visit.services.settings.ai.providers.items() if p.enabled),
        markets=list(Market),
        next=visit.link(cursor=listing.next_cursor) if listing.next_cursor else None,
    )


@page("POST", "/reports", scope="write", section="reports")
async def order_report(visit: Visit, form: Form) -> web.StreamResponse:
    """Have a report written; what it is about says which kind."""
    kind, language = form.text("kind"), visit.words.language
    arguments: dict[str, Any]
    if kind == "asset":
        name, arguments = "generate_report_async", {"ticker": ticker_of(form.text("ticker", limit=20))}
    elif kind == "comparison":
        tickers = [ticker_of(one) for one in form.text("ticker").replace(",", " ").split()]
        name, arguments = "generate_comparison_report_async", {"tickers": tickers}
    elif kind == "portfolio":
        name, arguments = "generate_portfolio_report_async", {"portfolio_id": form.text("portfolio_id", limit=64)}
    elif kind == "market_overview":
        name, arguments = "generate_market_overview_async", {"market": form.text("market", "stocks")}
    else:
        raise invalid("kind", f"one of {', '.join(KINDS[:4])}")
    if provider := form.text("ai_provider", limit=100):
        arguments["ai_provider"] = provider
    queued = await visit.ask(operations.enqueue_job, path={"name": name}, body=arguments | {"language": language})
    return visit.go(f"/reports/wait/{quote(queued['task_id'], safe='')}")


@page("GET", "/reports/wait/{task_id}", section="reports", live=True)
async def report_to_come(visit: Visit) -> web.StreamResponse:
    """Where an ordered report stands; goes to it once it is written."""
    status = await visit.services.invest.status(visit.http.match_info["task_id"][:200])
    await require_status(visit.request, status)
    if status.state is JobState.SUCCEEDED and isinstance(status.result, dict) and status.result.get("report_id"):
        return visit.go(f"/reports/{quote(status.result['report_id'], safe='')}")
    return render(visit, "desk/report_wait.html", job=status)


@page("GET", "/reports/{report_id}", section="reports")
async def report_page(visit: Visit) -> web.StreamResponse:
    """A report, as it was written."""
    report = await routes.stored_report(visit.request, visit.http.match_info["report_id"])
    exports = await visit.listed(routes.list_exports, path={"report_id": report.report_id})
    try:
        view = load_view(report.view) if report.view else None
    except ValueError:
        view = None  # written by an older version: its Markdown is shown
    return render(
        visit,
        "desk/report.html",
        language=view.language if view else None,
        report=report,
        view=view,
        known=anchors(view) if view else set(),  # type: ignore[arg-type] # every kind of view has sections
        exports={e.format: e for e in exports},
    )


@page("GET", "/reports/{report_id}/file", section="reports")
async def report_file(visit: Visit) -> web.StreamResponse:
    """A report as a file."""
    wanted = {"format": visit.query("format", "pdf")}
    path = {"report_id": visit.http.match_info["report_id"]}
    answer = await visit.ask(routes.download_report, path=path, query=wanted)
    assert isinstance(answer, web.StreamResponse)
    return answer


@page("POST", "/reports/{report_id}/export", scope="write", section="reports")
async def export_report(visit: Visit, form: Form) -> web.StreamResponse:
    """Make a file of a report."""
    report = await routes.stored_report(visit.request, visit.http.match_info["report_id"])
    body = {"report_id": report.report_id, "format": form.text("format", "pdf")}
    queued = await visit.ask(operations.enqueue_job, path={"name": "export_report_async"}, body=body)
    await visit.services.enqueuer.wait(queued["task_id"], 10)
    where = f"/reports/{quote(report.report_id, safe='')}"
    try:
        await visit.ask(routes.download_report, path={"report_id": report.report_id}, query={"format": body["format"]})
    except Problem as problem:
        if problem.status != 404:
            raise
        return visit.go(where, visit.say("The file is being made: load this page again in a moment."))
    return visit.go(where, visit.say("The file is there."))


@page("POST", "/reports/{report_id}/delete", scope="write", section="reports")
async def delete_report(visit: Visit, form: Form) -> web.StreamResponse:
    """Delete a report; asks first."""
    report = await routes.stored_report(visit.request, visit.http.match_info["report_id"])
    if not form.ticked("sure"):
        return render(visit, "desk/delete_report.html", report=report)
    await visit.ask(routes.delete_report, path={"report_id": report.report_id})
    return visit.go("/reports", visit.say("The report was deleted."))


PAGES = (
    reports_page,
    order_report,
    report_to_come,
    report_page,
    report_file,
    export_report,
    delete_report,
)
