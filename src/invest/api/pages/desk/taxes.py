"""The income tax of a year: months and DARFs, what is open, what to declare; as a page, CSV or PDF; what was before."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from decimal import Decimal
from urllib.parse import quote

from aiohttp import web

from invest.api.http import invalid
from invest.api.pages.desk.assets import anchors
from invest.api.pages.forms import Form
from invest.api.pages.page import page
from invest.api.pages.rendering import render
from invest.api.pages.visit import Visit
from invest.api.routes.portfolio import portfolios as routes
from invest.api.routes.portfolio import taxes
from invest.domain.market import market_day
from invest.domain.portfolios import Portfolio
from invest.domain.taxes import Bucket
from invest.reports import LIVE, build_tax_view

BACK = 5  # years before this one that are offered, from the first transaction on


@page("GET", "/portfolios/{portfolio_id}/tax", section="portfolios")
async def tax_page(visit: Visit) -> web.StreamResponse:
    """The tax of a year; with `format` the same as a file."""
    portfolio_id = visit.http.match_info["portfolio_id"]
    now = visit.services.settings.now()
    year = visit.query("year", str(market_day(now).year), 4)
    query = {"year": year, "together": "true" if visit.query("together") else "false"}
    path = {"portfolio_id": portfolio_id}
    if wanted := visit.query("format", "", 10):
        answer = await visit.ask(taxes.get_tax_file, path=path, query=query | {"format": wanted})
        assert isinstance(answer, web.StreamResponse)
        return answer
    held = await routes.stored(visit.request, portfolio_id)
    year_of_tax = await visit.ask(taxes.get_tax, path=path, query=query)
    view = await asyncio.to_thread(
        build_tax_view,
        year_of_tax,
        name=held.name,
        report_id=LIVE,
        generated_at=now,
        sandbox=visit.services.settings.sandbox,
    )
    return render(
        visit,
        "desk/tax.html",
        language="pt-BR",
        portfolio=held,
        told=year_of_tax,
        view=view,
        known=anchors(view),  # type: ignore[arg-type] # every kind of view has sections
        years=_years(held, market_day(now).year),
        opening=await visit.ask(taxes.get_tax_opening, path=path),
        buckets=list(Bucket),
        together=bool(visit.query("together")),
    )


def _years(held: Portfolio, newest: int) -> list[int]:
    first = held.transactions[0].date.year if held.transactions else newest
    return list(range(newest, max(first, newest - BACK) - 1, -1))


@page("POST", "/portfolios/{portfolio_id}/tax", scope="write", section="portfolios")
async def keep_opening(visit: Visit, form: Form) -> web.StreamResponse:
    """Keep losses and credits from before, and a DARF that was paid; what the form does not show stays as it is."""
    portfolio_id = visit.http.match_info["portfolio_id"]
    held = await routes.stored(visit.request, portfolio_id)
    path = {"portfolio_id": held.id}
    before = (await visit.ask(taxes.get_tax_opening, path=path)).model_dump(mode="json")
    body = before | {
        "day": form.text("day", limit=10) or None,
        "losses": _amounts(visit, form.given("loss.")),
        "credits": _amounts(visit, form.given("credit.")),
    }
    if form.text("paid.period"):
        paid = {
            "period": form.text("paid.period", limit=7),
            "amount": str(_amount(visit, "amount", form.text("paid.amount"))),
            "paid_on": form.text("paid.on", limit=10),
        }
        body["paid"] = [*(one for one in before["paid"] if one["period"] != paid["period"]), paid]
    await visit.ask(taxes.set_tax, path=path, body=body)
    year = form.text("year", limit=4)
    where = f"/portfolios/{quote(held.id, safe='')}/tax?year={quote(year)}"
    return visit.go(where, visit.say("What was before is kept; the tax follows from it."))


def _amounts(visit: Visit, given: Mapping[str, str]) -> dict[str, str]:
    return {name: str(_amount(visit, name, text)) for name, text in given.items() if text}


def _amount(visit: Visit, name: str, text: str) -> Decimal:
    """A sum as it is typed in Brazil or elsewhere: 1.234,56 or 1234.56. Raises 422."""
    plain = text.replace("R$", "").strip()
    if "," in plain:
        plain = plain.replace(".", "").replace(",", ".")
    try:
        found = Decimal(plain)
    except ArithmeticError:
        found = Decimal("NaN")
    if not found.is_finite():
        raise invalid(name, visit.say("{text} is no number", text=text[:20]))
    return found


PAGES = (tax_page, keep_opening)
