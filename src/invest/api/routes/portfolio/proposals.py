"""What the store knows of a portfolio's assets and nobody booked: to confirm or decline; and where to put new money."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from invest.api.http import Listing, Reply, route, sliced
from invest.api.request import Request
from invest.api.routes.models import Strict, WholePage
from invest.api.routes.ownership import require_portfolio
from invest.api.routes.portfolio.corrections import recompute
from invest.api.routes.portfolio.portfolios import Amount, Booked, PortfolioPath, stored
from invest.domain.portfolios import PROPOSED, Announced, Proposal, Trade
from invest.jobs.analysis import AUTO_CONFIRM, measured, propose

Key = Annotated[str, Field(min_length=1, max_length=200)]


@route("GET", "/portfolios/{portfolio_id}/proposals", tag="portfolios", problems=(404, 503))
async def list_proposals(request: Request, path: PortfolioPath, query: WholePage) -> Reply[Listing[Proposal]]:
    """Known dividends, JCP, amortisations, splits and bonuses of what was held, that nobody booked.

    Posted each morning, whenever the portfolio is measured, and when asked for (POST).
    """
    await require_portfolio(request, path.portfolio_id)
    return sliced(request, await _open(request, path.portfolio_id), lambda one: one.key, query.cursor, query.limit)


async def _open(request: Request, portfolio_id: str) -> list[Proposal]:
    found = await (await request.services.store()).portfolios.proposals(portfolio_id)
    return [Proposal.model_validate(body) for body in found.values()]


@route("POST", "/portfolios/{portfolio_id}/proposals", tag="portfolios", scope="write", problems=(404, 503))
async def look_for_proposals(request: Request, path: PortfolioPath, query: WholePage) -> Reply[Listing[Proposal]]:
    """Look for known events that nobody booked now, as `propose_portfolio_events` does each morning; the open ones."""
    await require_portfolio(request, path.portfolio_id)
    store = await request.services.store()
    await propose(store, request.services.settings, path.portfolio_id)
    request.audit("look for proposals", path.portfolio_id)
    return sliced(request, await _open(request, path.portfolio_id), lambda one: one.key, query.cursor, query.limit)


class Answer(Strict):
    """Which proposals."""

    keys: Annotated[list[Key], Field(max_length=5_000)] | Literal["all"] = Field(
        description="keys of proposals, or all of them"
    )


async def _chosen(request: Request, portfolio_id: str, answer: Answer) -> dict[str, Proposal]:
    found = await (await request.services.store()).portfolios.proposals(portfolio_id)
    wanted = set(found) if answer.keys == "all" else set(answer.keys)
    return {key: Proposal.model_validate(body) for key, body in found.items() if key in wanted}


@route(
    "POST", "/portfolios/{portfolio_id}/proposals/confirm", tag="portfolios", scope="write", problems=(404, 422, 503)
)
async def confirm_proposals(request: Request, path: PortfolioPath, body: Answer) -> Booked:
    """Book proposed events, one by one or all."""
    await require_portfolio(request, path.portfolio_id)
    chosen = await _chosen(request, path.portfolio_id, body)
    store = await request.services.store()
    plan = await store.portfolios.add(path.portfolio_id, [p.transaction for p in chosen.values()], origin=PROPOSED)
    done = [key for key, row in zip(chosen, plan.rows, strict=True) if row.status in ("booked", "duplicate")]
    await store.portfolios.answer(path.portfolio_id, done, "confirmed")
    request.audit("confirm proposals", path.portfolio_id, {"confirmed": len(done)})
    await recompute(request, path.portfolio_id)
    return Booked(counts=plan.counts, rows=plan.rows)


class Declined(BaseModel):
    """How many will not be proposed again."""

    declined: int


@route(
    "POST", "/portfolios/{portfolio_id}/proposals/decline", tag="portfolios", scope="write", problems=(404, 422, 503)
)
async def decline_proposals(request: Request, path: PortfolioPath, body: Answer) -> Declined:
    """Say that proposed events did not happen to this portfolio: they are not proposed again."""
    await require_portfolio(request, path.portfolio_id)
    chosen = await _chosen(request, path.portfolio_id, body)
    store = await request.services.store()
    gone = await store.portfolios.answer(path.portfolio_id, list(chosen), "declined")
    request.audit("decline proposals", path.portfolio_id, {"declined": gone})
    return Declined(declined=gone)


class PortfolioOptions(Strict):
    """What its owner sets."""

    auto_confirm: bool = Field(description="known events confirm themselves when the portfolio is measured")


@route("GET", "/portfolios/{portfolio_id}/options", tag="portfolios", problems=(404, 503))
async def get_options(request: Request, path: PortfolioPath) -> PortfolioOptions:
    """What its owner set."""
    await require_portfolio(request, path.portfolio_id)
    found = await (await request.services.store()).portfolios.options(path.portfolio_id)
    return PortfolioOptions(auto_confirm=bool(found.get(AUTO_CONFIRM)))


@route("PUT", "/portfolios/{portfolio_id}/options", tag="portfolios", scope="write", status=204, problems=(404, 503))
async def set_options(request: Request, path: PortfolioPath, body: PortfolioOptions) -> None:
    """Whether known events confirm themselves."""
    await require_portfolio(request, path.portfolio_id)
    await (await request.services.store()).portfolios.set_options(path.portfolio_id, body.model_dump())
    request.audit("set options", path.portfolio_id, body.model_dump())


class NewMoney(Strict):
    """What waits to be invested."""

    cash: Annotated[Amount, Field(ge=0)] = Field(default=Decimal(0), description="BRL that waits to be invested")
    sell: bool = Field(default=True, description="whether what is above its target may be sold")


class Plan(BaseModel):
    """Where to put new money, and what comes in by itself."""

    orders: list[Trade] = Field(description="towards the targets, never for more than cash and sales bring")
    announced: list[Announced] = Field(description="payments still to come, by day")


@route("GET", "/portfolios/{portfolio_id}/rebalance", tag="portfolios", problems=(404, 422, 503))
async def rebalance_portfolio(request: Request, path: PortfolioPath, query: NewMoney) -> Plan:
    """Orders that bring the portfolio towards its targets with new money, and announced payments with their days."""
    whole = await stored(request, path.portfolio_id)
    store, settings = await request.services.store(), request.services.settings
    metrics = await measured(store, settings, whole, cash=query.cash, sell=query.sell)
    return Plan(orders=metrics.rebalancing, announced=metrics.announced)


ROUTES = (
    list_proposals,
    look_for_proposals,
    confirm_proposals,
    decline_proposals,
    get_options,
    set_options,
    rebalance_portfolio,
)
