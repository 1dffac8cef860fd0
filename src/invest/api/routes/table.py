"""The flat list of all routes, in the order they are matched."""

from __future__ import annotations

import asyncio

from invest.api.http import Route
from invest.api.routes import administration, ai, alerts, behind, contract, events, mcp, operations, research, tasks
from invest.api.routes import health as ops
from invest.api.routes import reports as documents
from invest.api.routes.files import prices
from invest.api.routes.notices import channels
from invest.api.routes.portfolio import corrections as portfolio_corrections
from invest.api.routes.portfolio import fixed_income, taxes
from invest.api.routes.portfolio import portfolios as holdings
from invest.api.routes.portfolio import proposals as portfolio_proposals
from invest.api.services import Services
from invest.engine import Registry


def routes(registry: Registry) -> list[Route]:
    """Every operation. Raises `UnknownJob` where a job of the contract is not declared."""
    return [
        *contract.contract_routes(registry),
        *tasks.ROUTES,
        *operations.ROUTES,
        *research.ROUTES,
        *prices.ROUTES,
        *behind.ROUTES,
        *ai.ROUTES,
        *documents.ROUTES,
        *holdings.ROUTES,
        *events.ROUTES,
        *portfolio_corrections.ROUTES,
        *fixed_income.ROUTES,
        *portfolio_proposals.ROUTES,
        *taxes.ROUTES,
        *alerts.ROUTES,
        *channels.ROUTES,
        *administration.ROUTES,
        *ops.ROUTES,
        *mcp.ROUTES,
    ]


def background(services: Services) -> list[asyncio.Task[None]]:
    """What runs beside the requests of a web process."""
    return [
        asyncio.create_task(services.callbacks.adopt()),
        asyncio.create_task(services.unknown.follow(services.invest.redis)),
    ]
