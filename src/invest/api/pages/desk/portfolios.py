"""Portfolios: all of one's own, and one of them: what it is worth, how it did, what waits for its owner."""

from __future__ import annotations

import asyncio
from decimal import Decimal, InvalidOperation
from urllib.parse import quote

from aiohttp import web

from invest.api.http import invalid
from invest.api.pages.desk.measured import NOT_BOOKED, drawn
from invest.api.pages.forms import Form
from invest.api.pages.page import page
from invest.api.pages.rendering import render
from invest.api.pages.visit import Visit
from invest.api.routes import operations
from invest.api.routes.ownership import require_portfolio
from invest.api.routes.portfolio import portfolios as routes
from invest.api.routes.portfolio import proposals


def portfolio_url(portfolio_id: str, rest: str = "") -> str:
    """The address of a portfolio's page."""
    return f"/portfolios/{quote(portfolio_id, safe='')}{rest}"


@page("GET", "/", section="portfolios")
async def start_page(visit: Visit) -> web.StreamResponse:
    """The first page: one's portfolios."""
    return await _listed(visit)


@page("GET", "/portfolios", section="portfolios")
async def portfolios_page(visit: Visit) -> web.StreamResponse:
    """All of one's portfolios."""
    return await _listed(visit)


async def _listed(visit: Visit) -> web.StreamResponse:
    query = {"cursor": visit.query("cursor")} if visit.query("cursor") else {}
    listing = await visit.ask(routes.list_portfolios, query=query)
    store = await visit.services.store()
    newest = await asyncio.gather(*(store.portfolios.snapshots(head.id, limit=1) for head in listing.items))
    rows = [(head, found[0] if found else None) for head, found in zip(listing.items, newest, strict=True)]
    return render(visit, "desk/portfolios.html", rows=rows, next=listing.next_cursor)


@page("POST", "/portfolios", scope="write", section="portfolios")
async def make_portfolio(visit: Visit, form: Form) -> web.StreamResponse:
    """Create an empty portfolio and go to its import."""
    name = form.text("name", limit=200)
    if not name:
        raise invalid("name", visit.say("give the portfolio a name"))
    made = await visit.ask(routes.create_portfolio, body={"name": name})
    return visit.go(portfolio_url(made.id, "/import"))


@page("GET", "/portfolios/{portfolio_id}", section="portfolios", live=True)
async def portfolio_page(visit: Visit) -> web.StreamResponse:
    """One portfolio, as its transactions and prices have it now."""
    portfolio_id = visit.http.match_info["portfolio_id"]
    await require_portfolio(visit.request, portfolio_id)
    found = await drawn(visit, portfolio_id)
    held = found.portfolio
    if not found.measured:
        rows = routes.PortfolioView.of(held, await routes.book_of(visit.request, held)).positions
        return render(visit, "desk/portfolio_new.html", portfolio=held, positions=rows)
    proposed = await visit.listed(proposals.list_proposals, path={"portfolio_id": portfolio_id})
    warnings = [text for raw, text in found.warnings if not proposed or NOT_BOOKED not in raw]
    return render(visit, "desk/portfolio.html", portfolio=held, drawn=found, proposed=proposed, warnings=warnings)


@page("POST", "/portfolios/{portfolio_id}/measure", scope="write", section="portfolios")
async def measure(visit: Visit, form: Form) -> web.StreamResponse:
    """Compute the metrics anew."""
    portfolio_id = visit.http.match_info["portfolio_id"]
    body = {"portfolio_id": portfolio_id}
    await visit.ask(operations.enqueue_job, path={"name": "calculate_portfolio_metrics"}, body=body)
    message = visit.say("The figures are being computed: this page shows them as soon as they are there.")
    return visit.go(portfolio_url(portfolio_id), message)


@page("POST", "/portfolios/{portfolio_id}/report", scope="write", section="portfolios")
async def order_report(visit: Visit, form: Form) -> web.StreamResponse:
    """Have the report of the portfolio written."""
    portfolio_id = visit.http.match_info["portfolio_id"]
    body = {"portfolio_id": portfolio_id, "language": visit.words.language}
    queued = await visit.ask(operations.enqueue_job, path={"name": "generate_portfolio_report_async"}, body=body)
    return visit.go(f"/reports/wait/{quote(queued['task_id'], safe='')}")


@page("POST", "/portfolios/{portfolio_id}/proposals", scope="write", section="portfolios")
async def answer_proposals(visit: Visit, form: Form) -> web.StreamResponse:
    """Book the ticked events that the store knows of, or say that they did not happen here."""
    path = {"portfolio_id": visit.http.match_info["portfolio_id"]}
    ids = form.all("key")
    if not ids:
        return visit.go(portfolio_url(path["portfolio_id"]), visit.say("Nothing was ticked."))
    decline = form.text("answer") == "decline"
    route = proposals.decline_proposals if decline else proposals.confirm_proposals
    await visit.ask(route, path=path, body={"keys": ids})
    message = "{n} events are declined." if decline else "{n} events are booked; the figures follow in a moment."
    return visit.go(portfolio_url(path["portfolio_id"]), visit.say(message, n=len(ids)))


@page("GET", "/portfolios/{portfolio_id}/targets", section="portfolios")
async def targets_page(visit: Visit) -> web.StreamResponse:
    """The wanted weights as a form."""
    held = await routes.stored(visit.request, visit.http.match_info["portfolio_id"])
    tickers = sorted({*held.targets, *(await routes.book_of(visit.request, held)).held})
    return render(visit, "desk/targets.html", portfolio=held, tickers=tickers)


@page("POST", "/portfolios/{portfolio_id}/targets", scope="write", section="portfolios")
async def set_targets(visit: Visit, form: Form) -> web.StreamResponse:
    """Keep the wanted weights, typed in percent."""
    portfolio_id = visit.http.match_info["portfolio_id"]
    targets = {}
    extra = form.text("ticker", limit=12).upper()
    for ticker, text in (form.given("target.") | ({extra: form.text("weight")} if extra else {})).items():
        if not text:
            continue
        try:
            targets[ticker] = Decimal(text.replace(",", ".").rstrip("% ")) / 100
        except InvalidOperation:
            raise invalid(ticker, visit.say("{text} is no percentage", text=text[:20])) from None
        if not 0 <= targets[ticker] <= 1:
            raise invalid(ticker, visit.say("{text} is no percentage from 0 to 100", text=text[:20]))
    await visit.ask(routes.set_targets, path={"portfolio_id": portfolio_id}, body={"targets": targets})
    await measure.handler(visit, form)
    return visit.go(portfolio_url(portfolio_id), visit.say("The targets are kept; the figures follow in a moment."))


@page("POST", "/portfolios/{portfolio_id}/delete", scope="write", section="portfolios")
async def delete_portfolio(visit: Visit, form: Form) -> web.StreamResponse:
    """Delete a portfolio; says first what goes with it."""
    held = await routes.stored(visit.request, visit.http.match_info["portfolio_id"])
    if not form.ticked("sure"):
        return render(visit, "desk/delete_portfolio.html", portfolio=held)
    await visit.ask(routes.delete_portfolio, path={"portfolio_id": held.id})
    return visit.go("/portfolios", visit.say("{name} was deleted.", name=held.name))


PAGES = (
    start_page,
    portfolios_page,
    make_portfolio,
    portfolio_page,
    measure,
    order_report,
    answer_proposals,
    targets_page,
    set_targets,
    delete_portfolio,
)
