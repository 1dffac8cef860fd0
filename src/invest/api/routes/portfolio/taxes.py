"""The income tax of portfolios over HTTP: as JSON, CSV or PDF, and what it needs to know from before."""

from __future__ import annotations

import asyncio
from typing import Literal

from aiohttp import web
from pydantic import Field

from invest.api.http import Problem, route
from invest.api.request import Request
from invest.api.routes.models import Strict
from invest.api.routes.ownership import owner_of, require_portfolio
from invest.api.routes.portfolio.portfolios import PortfolioPath
from invest.api.routes.reports import file_reply
from invest.domain.market import market_day
from invest.domain.taxes import TaxOpening, TaxYear, tax_csv
from invest.jobs.analysis import TAX, tax_of
from invest.reports import build_tax_view, render_pdf

MOST = 200  # portfolios of one person that are assessed together


class TaxFilter(Strict):
    """Which year, and how it is written."""

    year: int = Field(ge=2015, le=2100, examples=[2026])
    together: bool = Field(default=False, description="all portfolios of the key as one person (one CPF)")


class TaxFileFilter(TaxFilter):
    """Which file."""

    format: Literal["csv", "pdf"] = "csv"
    language: Literal["pt-BR", "en"] = Field(default="pt-BR", description="of what is open in the PDF; en: in both")


async def _tax_year(request: Request, portfolio_id: str, query: TaxFilter) -> TaxYear:
    await require_portfolio(request, portfolio_id)
    today = market_day(request.services.settings.now())
    if query.year > today.year:
        raise Problem(422, f"{query.year} has not begun: ask for {today.year} or an earlier year")
    store = await request.services.store()
    ids = [portfolio_id]
    if query.together:
        rows = await store.portfolios.list(owner=owner_of(request) or request.caller.id, limit=MOST)
        ids += [row[0] for row in rows if row[0] != portfolio_id]
    return await tax_of(store, request.services.settings, ids, query.year)


@route("GET", "/portfolios/{portfolio_id}/tax", tag="portfolios", problems=(404, 422, 503))
async def get_tax(request: Request, path: PortfolioPath, query: TaxFilter) -> TaxYear:
    """Income tax of a year: months by bucket, exemption, losses, IRRF, DARF, what to declare, what is open.

    Every line names the transactions it follows from. No tax advice.
    """
    return await _tax_year(request, path.portfolio_id, query)


@route("GET", "/portfolios/{portfolio_id}/tax/file", tag="portfolios", problems=(404, 422, 503),
       media={200: "application/octet-stream"})  # fmt: skip
async def get_tax_file(request: Request, path: PortfolioPath, query: TaxFileFilter) -> web.Response:
    """The same as a CSV or a PDF."""
    tax_year = await _tax_year(request, path.portfolio_id, query)
    stem = f"imposto-{query.year}-{path.portfolio_id}"
    if query.format == "csv":
        return file_reply(("\ufeff" + tax_csv(tax_year)).encode(), "text/csv; charset=utf-8", f"{stem}.csv")
    settings = request.services.settings
    found = await (await request.services.store()).portfolios.get(path.portfolio_id)
    name = found.name if found is not None else path.portfolio_id
    view = build_tax_view(
        tax_year,
        name=name,
        report_id=stem,
        generated_at=settings.now(),
        sandbox=settings.sandbox,
        language=query.language,
    )
    return file_reply(await asyncio.to_thread(render_pdf, view), "application/pdf", f"{stem}.pdf")


@route("GET", "/portfolios/{portfolio_id}/tax/opening", tag="portfolios", problems=(404, 503))
async def get_tax_opening(request: Request, path: PortfolioPath) -> TaxOpening:
    """What the tax was told from before: losses, credits, DARFs paid, what unknown assets are."""
    await require_portfolio(request, path.portfolio_id)
    found = await (await request.services.store()).portfolios.options(path.portfolio_id)
    return TaxOpening.model_validate(found.get(TAX, {}))


@route("PUT", "/portfolios/{portfolio_id}/tax/opening", tag="portfolios", scope="write", status=204,
       problems=(404, 422, 503))  # fmt: skip
async def set_tax(request: Request, path: PortfolioPath, body: TaxOpening) -> None:
    """What the tax needs from before: losses and credits with their day, DARFs paid, what unknown assets are."""
    await require_portfolio(request, path.portfolio_id)
    store = await request.services.store()
    await store.portfolios.set_options(path.portfolio_id, {TAX: body.model_dump(mode="json")})
    request.audit("set tax opening", path.portfolio_id)


ROUTES = (get_tax, get_tax_file, get_tax_opening, set_tax)
