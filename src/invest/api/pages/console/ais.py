"""AIs: what they cost, how often they abstain, how long their models last."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from aiohttp import web

from invest.api.pages.page import page
from invest.api.pages.rendering import render
from invest.api.pages.visit import Visit

DAYS = 30
SOON = timedelta(days=60)


@page("GET", "/ops/ais", section="ops.ais")
async def ais_page(visit: Visit) -> web.StreamResponse:
    """Every AI that the settings name."""
    settings, store = visit.services.settings, await visit.services.store()
    today = settings.now().date()
    spent = await store.spend.by_provider(today - timedelta(days=DAYS - 1), today)
    today_usd = await store.spend.of_day(today)
    said = await store.opinions.tally(since=settings.now() - timedelta(days=DAYS))
    rows = [
        (name, provider, spent.get(name, Decimal(0)), said.get(name, {}), _end(getattr(provider, "ends", None), today))
        for name, provider in sorted(settings.ai.providers.items(), key=lambda item: (not item[1].enabled, item[0]))
    ]
    return render(
        visit,
        "console/ais.html",
        rows=rows,
        today=today_usd,
        budget=settings.ai.daily_budget_usd,
        month=sum(spent.values(), Decimal(0)),
    )


def _end(ends: date | None, today: date) -> tuple[date, str] | None:
    """The day a model is shut down, and whether that is past, soon or far."""
    if ends is None:
        return None
    return ends, "past" if ends < today else "soon" if ends - today < SOON else "far"


PAGES = (ais_page,)
