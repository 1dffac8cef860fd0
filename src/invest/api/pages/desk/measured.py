"""A portfolio's figures as its page draws them, kept until something that they follow from changes.

Who asks is checked before, at every view: what is kept belongs to the portfolio, not to a reader. A version names the
state of everything behind the figures and is asked for before they are computed: what changes meanwhile gives them
another version at the next view, so that they are never older than the view.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final, NamedTuple

from aiohttp import web
from markupsafe import Markup

from invest.api.http import Problem
from invest.api.pages.desk import figures
from invest.api.pages.rendering import part
from invest.api.pages.visit import Visit
from invest.domain.market import AssetKind, market_day
from invest.domain.portfolios import Operation, Portfolio
from invest.domain.taxes import TaxOpen
from invest.errors import InvestError
from invest.jobs.analysis import MEASURED_AGAINST, measured, open_tax_of
from invest.store import Store

KEPT: Final = 100  # portfolios in a language that a process keeps drawn, some 100 kB each
# BRL: gains on shares are exempt in months that sell no more of them (Lei 11.033/2004, art. 3)
EXEMPT: Final = Decimal(20_000)
NOT_BOOKED: Final = "known and not booked"  # in a warning whose remedy is the list of events to confirm
NAMED: Final = 3  # unpaid months that the tax box names


class Key(NamedTuple):
    """Which portfolio, read in which language."""

    portfolio_id: str
    language: str


class Basis(NamedTuple):
    """What figures were computed from: the state of the facts, and the day, as the market's clock has it."""

    version: str
    day: date


@dataclass(frozen=True)
class Drawn:
    """The page's parts. `warnings` are (as the metrics have it, with its remedy in the reader's language)."""

    portfolio: Portfolio
    measured: bool
    prices_of: date | None
    positions: int
    strip: Markup
    figures: Markup
    warnings: Sequence[tuple[str, str]]


class Drawings:
    """Drawn figures by portfolio and language, the least used given up first; drawn once for all who wait."""

    def __init__(self, most: int = KEPT) -> None:
        self._most = most
        self._kept: OrderedDict[Key, tuple[Basis, asyncio.Task[Drawn]]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    async def of(self, key: Key, basis: Basis, draw: Callable[[], Awaitable[Drawn]]) -> Drawn:
        """What was drawn on this basis, else what `draw` gives."""
        known = self._kept.get(key)
        if known is None or known[0] != basis:
            known = self._kept[key] = (basis, asyncio.ensure_future(draw()))
            known[1].add_done_callback(lambda task: self._forget_failed(key, task))
        self._kept.move_to_end(key)
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)
        # Shielded: a reader who goes away takes nothing from the others who wait.
        return await asyncio.shield(known[1])

    def _forget_failed(self, key: Key, task: asyncio.Task[Drawn]) -> None:
        kept = self._kept.get(key)
        if (task.cancelled() or task.exception() is not None) and kept is not None and kept[1] is task:
            del self._kept[key]


DRAWINGS = web.AppKey("drawn portfolios", Drawings)


def remember_in(app: web.Application) -> None:
    """Give a server the place where it keeps drawn figures."""
    app[DRAWINGS] = Drawings()


async def drawn(visit: Visit, portfolio_id: str) -> Drawn:
    """The parts of a portfolio that the caller may see. Raises 404 where there is none."""
    store = await visit.services.store()
    prices, series = MEASURED_AGAINST
    version = await store.portfolios.version(portfolio_id, prices=prices, series=series)
    basis = Basis(version, market_day(visit.services.settings.now()))
    key = Key(portfolio_id, visit.words.language)
    return await visit.http.app[DRAWINGS].of(key, basis, lambda: _draw(visit, store, portfolio_id, basis.day))


async def _draw(visit: Visit, store: Store, portfolio_id: str, today: date) -> Drawn:
    """Compute the figures and draw them."""
    settings = visit.services.settings
    held = await store.portfolios.get(portfolio_id)
    if held is None:
        raise Problem(404, f"no portfolio {portfolio_id!r}")
    known = await store.portfolios.known(held.transactions)
    result, tax, sold = await asyncio.gather(
        measured(store, settings, held, known=known),
        open_tax_of(store, settings, held, known),
        _sold(store, held, today),
    )
    # The list of portfolios and the history of days show the newest snapshot: they agree with the page from here on.
    # Where it cannot be kept the page has its figures all the same.
    with suppress(InvestError):
        await store.portfolios.save_snapshot(portfolio_id, result.as_of, result.calculated_at, result)
    metrics = result.model_dump(mode="json")
    return await asyncio.to_thread(_parts, visit, held, metrics, tax=tax, sold=sold, today=today)


def _parts(
    visit: Visit, held: Portfolio, metrics: Mapping[str, Any], *, tax: TaxOpen, sold: Mapping[str, Decimal], today: date
) -> Drawn:
    """The parts that templates draw: nothing in them depends on who reads."""
    series = figures.series_of(visit, metrics)
    years = figures.years_of(metrics)
    days = [date.fromisoformat(p["price_day"]) for p in metrics["positions"] if p["price_day"]]
    values: dict[str, Any] = {
        "portfolio": held,
        "m": defaultdict(lambda: None, metrics),
        "year": next((y for y in years if y.year == today.year), None),
        "years": years,
        "series": series,
        "lines": figures.lines_chart(series) if series else None,
        "held": figures.positions_of(visit, metrics, held.targets),
        "income": figures.income_chart(visit, metrics),
        "classes": figures.shares_chart(visit, visit.say("By class"), metrics.get("by_class") or {}),
        "sectors": figures.shares_chart(visit, visit.say("By sector"), figures.sectors_of(visit, metrics)),
        "best": _contributors(metrics),
        "whole": _whole_result(metrics),
        "sold": sold,
        "exempt": EXEMPT,
        "tax": tax,
        "named": NAMED,
        "today": today,
    }
    warnings = [(text, figures.warning_text(visit, text)) for text in metrics.get("warnings") or ()]
    return Drawn(
        portfolio=held,
        measured=metrics["total_value"] is not None,
        prices_of=max(days, default=None),
        positions=len(metrics["positions"]),
        strip=part(visit, "desk/portfolio_strip.html", **values),
        figures=part(visit, "desk/portfolio_figures.html", **values),
        warnings=warnings,
    )


def _whole_result(metrics: Mapping[str, Any]) -> float | None:
    """What the positions together are worth above what they cost, as a fraction: the sum beneath theirs."""
    gain, cost = figures.number(metrics.get("unrealized_gain")), figures.number(metrics.get("total_invested"))
    return float(gain / cost) if gain is not None and cost else None


def _contributors(metrics: Mapping[str, Any]) -> tuple[Sequence[tuple[str, float]], Sequence[tuple[str, float]]]:
    """The three assets that added most to the return, and the three that took most from it."""
    parts = sorted((metrics.get("contributions") or {}).items(), key=lambda item: -item[1])
    best = [(t, v) for t, v in parts if v > 0][:3]
    worst = [(t, v) for t, v in reversed(parts) if v < 0][:3]
    return best, worst


async def _sold(store: Store, held: Portfolio, today: date) -> dict[str, Decimal]:
    """Sales of the running month, BRL: of shares, whose gains may be exempt, and of everything else."""
    sales = [
        t
        for t in held.transactions
        if t.operation is Operation.SELL and (t.date.year, t.date.month) == (today.year, today.month)
    ]
    kinds = await store.assets.get_many(sorted({t.ticker for t in sales if t.ticker}))
    shares = others = Decimal(0)
    for sale in sales:
        asset = kinds.get(sale.ticker or "")
        if asset is not None and asset.kind in (AssetKind.STOCK, AssetKind.UNIT):
            shares += sale.quantity * sale.price
        else:
            others += sale.quantity * sale.price
    return {"shares": shares, "others": others}
