"""Fixed income of a portfolio over HTTP: booked by hand, valued by index and rate or by a price typed in."""

from __future__ import annotations

import secrets
from typing import Annotated

from pydantic import BaseModel, Field

from invest.api.http import PREFIX, Listing, Problem, Reply, route, sliced
from invest.api.request import Request
from invest.api.routes.models import Strict, WholePage
from invest.api.routes.ownership import require_portfolio
from invest.api.routes.portfolio.corrections import recompute
from invest.api.routes.portfolio.portfolios import PortfolioId, PortfolioPath
from invest.domain.fixed_income import Bond, Terms
from invest.domain.portfolios import Plain
from invest.jobs.analysis import bond_values

BondId = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_-]+$")]


IMPORTED = "b3-"  # how ids of investments begin that follow from statements
STATED = ("bought_on", "amount", "added", "redeemed", "interest", "prices")  # what their statements tell


class BondPath(Strict):
    """One investment of a portfolio in the path."""

    portfolio_id: PortfolioId
    bond_id: BondId


class BondView(BaseModel):
    """An investment and what is left of it today."""

    id: str
    bond: Bond
    value: Plain | None = Field(description="BRL today, gross of tax; null where its index is not stored")


@route("GET", "/portfolios/{portfolio_id}/fixed-income", tag="portfolios", problems=(404, 503))
async def list_bonds(request: Request, path: PortfolioPath, query: WholePage) -> Reply[Listing[BondView]]:
    """Tesouro Direto, CDB, LCI, LCA and funds, with their values today. They count in metrics and allocation."""
    await require_portfolio(request, path.portfolio_id)
    store, settings = await request.services.store(), request.services.settings
    bonds = await store.portfolios.bonds(path.portfolio_id)
    values = await bond_values(store, settings, bonds)
    found = [BondView(id=i, bond=bond, value=values[i]) for i, bond in bonds.items()]
    return sliced(request, found, lambda bond: bond.id, query.cursor, query.limit)


@route("GET", "/portfolios/{portfolio_id}/fixed-income/{bond_id}", tag="portfolios", problems=(404, 503))
async def get_bond(request: Request, path: BondPath) -> BondView:
    """One investment in fixed income with its value today."""
    await require_portfolio(request, path.portfolio_id)
    store, settings = await request.services.store(), request.services.settings
    bond = (await store.portfolios.bonds(path.portfolio_id)).get(path.bond_id)
    if bond is None:
        raise Problem(404, f"no fixed income {path.bond_id!r} in this portfolio")
    values = await bond_values(store, settings, {path.bond_id: bond})
    return BondView(id=path.bond_id, bond=bond, value=values[path.bond_id])


@route("POST", "/portfolios/{portfolio_id}/fixed-income", tag="portfolios", scope="write", status=201,
       problems=(404, 422, 503))  # fmt: skip
async def add_bond(request: Request, path: PortfolioPath, body: Bond) -> Reply[BondView]:
    """Book an investment in fixed income."""
    await require_portfolio(request, path.portfolio_id)
    made = await _kept(request, path.portfolio_id, secrets.token_hex(4), body)
    return Reply(made, 201, {"Location": f"{PREFIX}/portfolios/{path.portfolio_id}/fixed-income/{made.id}"})


@route("PUT", "/portfolios/{portfolio_id}/fixed-income/{bond_id}", tag="portfolios", scope="write",
       problems=(404, 422, 503))  # fmt: skip
async def replace_bond(request: Request, path: BondPath, body: Bond) -> BondView:
    """Change an investment: a redemption, a price typed in; of an imported one its index, percent, rate, maturity."""
    await require_portfolio(request, path.portfolio_id)
    store = await request.services.store()
    old = (await store.portfolios.bonds(path.portfolio_id)).get(path.bond_id)
    if old is None:
        raise Problem(404, f"no fixed income {path.bond_id!r} in this portfolio")
    if not path.bond_id.startswith(IMPORTED):
        return await _kept(request, path.portfolio_id, path.bond_id, body)
    if any(getattr(old, name) != getattr(body, name) for name in STATED):
        remedy = (
            "what was put in, paid and taken out is as its statement tells it: undo that import, or change its terms"
        )
        raise Problem(422, f"{path.bond_id} was imported: {remedy} (index, percent, rate, matures_on)")
    terms = Terms(index=body.index, percent=body.percent, rate=body.rate, matures_on=body.matures_on)
    await store.portfolios.save_terms(path.portfolio_id, path.bond_id, terms)
    request.audit("set terms of fixed income", path.portfolio_id, {"id": path.bond_id})
    await recompute(request, path.portfolio_id)
    made = (await store.portfolios.bonds(path.portfolio_id))[path.bond_id]
    values = await bond_values(store, request.services.settings, {path.bond_id: made})
    return BondView(id=path.bond_id, bond=made, value=values[path.bond_id])


async def _kept(request: Request, portfolio_id: str, bond_id: str, bond: Bond) -> BondView:
    store, settings = await request.services.store(), request.services.settings
    await store.portfolios.save_bond(portfolio_id, bond_id, bond)
    request.audit("book fixed income", portfolio_id, {"id": bond_id})
    await recompute(request, portfolio_id)
    values = await bond_values(store, settings, {bond_id: bond})
    return BondView(id=bond_id, bond=bond, value=values[bond_id])


@route("DELETE", "/portfolios/{portfolio_id}/fixed-income/{bond_id}", tag="portfolios", scope="write", status=204,
       problems=(404, 503))  # fmt: skip
async def delete_bond(request: Request, path: BondPath) -> None:
    """Forget an investment in fixed income; of an imported one all rows that tell it."""
    await require_portfolio(request, path.portfolio_id)
    if not await (await request.services.store()).portfolios.delete_bond(path.portfolio_id, path.bond_id):
        raise Problem(404, f"no fixed income {path.bond_id!r} in this portfolio")
    request.audit("delete fixed income", path.portfolio_id, {"id": path.bond_id})
    await recompute(request, path.portfolio_id)


ROUTES = (list_bonds, get_bond, add_bond, replace_bond, delete_bond)
