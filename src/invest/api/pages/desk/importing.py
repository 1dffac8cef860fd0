"""Importing a statement: upload, see row by row what would be booked and why not, book it."""

from __future__ import annotations

import asyncio
import secrets
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from aiohttp import web

from invest.api.http import Problem, invalid
from invest.api.pages.desk.portfolios import portfolio_url
from invest.api.pages.forms import Form
from invest.api.pages.page import page
from invest.api.pages.rendering import render
from invest.api.pages.visit import Visit
from invest.api.routes import operations
from invest.api.routes.portfolio import corrections
from invest.api.routes.portfolio import portfolios as routes
from invest.domain.portfolios import Operation, Portfolio

KEPT = "invest:pages:file:"  # + caller + place: an uploaded statement between its preview and its booking
SECRET = 22  # characters of a token that nobody guesses
PLACES = 4  # files of one caller that are kept: what each asks to preview cannot fill Redis
KEPT_SECONDS = 3_600
SHOWN = 1_000  # rows of a preview


@page("GET", "/portfolios/import", scope="write", section="portfolios")
async def choose_portfolio(visit: Visit) -> web.StreamResponse:
    """Where to import to: the only portfolio at once, else a choice, or a new one."""
    listing = await visit.ask(routes.list_portfolios)
    if len(listing.items) == 1:
        return visit.go(portfolio_url(listing.items[0].id, "/import"))
    return render(visit, "desk/import_where.html", portfolios=listing.items, further=bool(listing.next_cursor))


@page("GET", "/portfolios/{portfolio_id}/import", scope="write", section="portfolios")
async def import_page(visit: Visit) -> web.StreamResponse:
    """The form that takes a file or pasted text."""
    held = await routes.stored(visit.request, visit.http.match_info["portfolio_id"])
    return await _form(visit, held)


async def _form(visit: Visit, held: Portfolio, refused: str = "") -> web.StreamResponse:
    imports = await visit.listed(corrections.list_imports, path={"portfolio_id": held.id})
    return render(
        visit,
        "desk/import.html",
        status=422 if refused else 200,
        portfolio=held,
        limit=visit.services.settings.web.max_file_bytes,
        imports=imports,
        refused=refused,
    )


@page("POST", "/portfolios/{portfolio_id}/import", scope="write", section="portfolios", file=True)
async def preview(visit: Visit, form: Form) -> web.StreamResponse:
    """What the statement would book, row by row; nothing is booked."""
    held = await routes.stored(visit.request, visit.http.match_info["portfolio_id"])
    pasted = form.text("text", limit=visit.services.settings.web.max_file_bytes)
    name, data = form.files.get("file", ("", pasted.encode()))
    if not data:
        raise invalid("file", visit.say("choose a file, or paste the text of a statement"))
    try:
        plan = await _plan(visit, held.id, data, dry_run=True)
    except Problem as problem:
        if problem.status != 422:
            raise
        return await _form(visit, held, problem.detail)
    token = await _keep(visit, data)
    order = {"question": 0, "refused": 1, "booked": 2, "duplicate": 3}
    rows = sorted(plan.rows, key=lambda row: (order.get(row.status, 1), row.line))
    return render(
        visit,
        "desk/import_preview.html",
        portfolio=held,
        plan=plan,
        rows=rows[:SHOWN],
        cut=len(rows) - SHOWN,
        file=token,
        name=name or visit.say("pasted text"),
        reconciles=plan.layout == "posicao",
        sums=sums_of(plan.rows),
    )


async def _keep(visit: Visit, data: bytes) -> str:
    """Keep a file for its booking, in place of the oldest of the caller's; gives the token that names it."""
    redis, caller = visit.services.invest.redis, visit.caller.id
    place = int(await redis.incr(f"{KEPT}{caller}:next")) % PLACES
    await redis.expire(f"{KEPT}{caller}:next", KEPT_SECONDS)
    secret = secrets.token_urlsafe(16)
    packed = secret.encode() + await asyncio.to_thread(zlib.compress, data, 3)
    await redis.set(f"{KEPT}{caller}:{place}", packed, ex=KEPT_SECONDS)
    return f"{place}{secret}"


async def _kept(visit: Visit, token: str) -> bytes | None:
    place, secret = token[:1], token[1:].encode()
    if not place.isdecimal() or not secret:
        return None
    packed: bytes | None = await visit.services.invest.redis.get(f"{KEPT}{visit.caller.id}:{place}")
    if packed is None or not packed.startswith(secret) or len(secret) != SECRET:
        return None
    return await asyncio.to_thread(zlib.decompress, packed[SECRET:])


@dataclass
class Sums:
    """What a file trades of one asset."""

    bought: Decimal = Decimal(0)
    sold: Decimal = Decimal(0)
    paid: Decimal = Decimal(0)
    received: Decimal = Decimal(0)


def sums_of(rows: Sequence[Any]) -> dict[str, Sums]:
    """Quantities and BRL of what would be bought and sold, by asset: to hold against the file's own totals."""
    found: dict[str, Sums] = {}
    for row in rows:
        trade = row.transaction
        if row.status != "booked" or trade is None or trade.operation not in (Operation.BUY, Operation.SELL):
            continue
        own = found.setdefault(trade.ticker or "", Sums())
        if trade.operation is Operation.BUY:
            own.bought += trade.quantity
            own.paid += trade.quantity * trade.price
        else:
            own.sold += trade.quantity
            own.received += trade.quantity * trade.price
    return dict(sorted(found.items()))


async def _plan(visit: Visit, portfolio_id: str, data: bytes, *, dry_run: bool, accept: Sequence[str] = ()) -> Any:
    visit.request.stand_in(data)
    query = {"dry_run": "true" if dry_run else "false", "accept": ",".join(accept)}
    return await visit.ask(routes.import_statement, path={"portfolio_id": portfolio_id}, query=query)


@page("POST", "/portfolios/{portfolio_id}/import/book", scope="write", section="portfolios")
async def book(visit: Visit, form: Form) -> web.StreamResponse:
    """Book the statement whose preview was shown."""
    held = await routes.stored(visit.request, visit.http.match_info["portfolio_id"])
    kept = await _kept(visit, form.text("file", limit=100))
    if kept is None:
        raise Problem(409, visit.say("The file of this preview is no longer kept: choose it again."))
    plan = await _plan(visit, held.id, kept, dry_run=False, accept=form.all("accept"))
    body = {"portfolio_id": held.id}
    await visit.ask(operations.enqueue_job, path={"name": "calculate_portfolio_metrics"}, body=body)
    counts = plan.counts
    message = visit.say(
        "{booked} rows booked, {duplicate} were there already, {refused} refused. The figures follow in a moment.",
        booked=counts.get("booked", 0),
        duplicate=counts.get("duplicate", 0),
        refused=counts.get("refused", 0) + counts.get("question", 0),
    )
    return visit.go(portfolio_url(held.id), message)


@page("POST", "/portfolios/{portfolio_id}/imports/{import_id}/undo", scope="write", section="portfolios")
async def undo(visit: Visit, form: Form) -> web.StreamResponse:
    """Take back all that one import booked; asks first."""
    held = await routes.stored(visit.request, visit.http.match_info["portfolio_id"])
    import_id = visit.http.match_info["import_id"]
    if not form.ticked("sure"):
        imports = await visit.listed(corrections.list_imports, path={"portfolio_id": held.id})
        chosen = next((one for one in imports if str(one.id) == import_id), None)
        if chosen is None:
            raise Problem(404, visit.say("no import {id} that can be undone", id=import_id[:20]))
        return render(visit, "desk/undo_import.html", portfolio=held, chosen=chosen)
    path = {"portfolio_id": held.id, "import_id": import_id}
    undone = await visit.ask(corrections.undo_import, path=path)
    return visit.go(portfolio_url(held.id), visit.say("{n} transactions were taken back.", n=undone.deleted))


PAGES = (choose_portfolio, import_page, preview, book, undo)
