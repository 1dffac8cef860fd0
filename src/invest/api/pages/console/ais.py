"""AIs: what they cost, how often they abstain, how long their models last."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from aiohttp import web

from invest.api.pages.page import page
from invest.api.pages.rendering import render
from invest.api.pages.visit import Visit
from invest.api.routes import ai
from invest.domain.opinions import SpendLine

DAYS = 30
SOON = timedelta(days=60)


@dataclass
class Paid:
    """What calls of one model for one purpose came to, US dollars."""

    calls: int = 0
    cut: int = 0
    tokens: int = 0
    cost: Decimal = Decimal(0)

    def add(self, line: SpendLine) -> None:
        """Count a line of the ledger in."""
        self.calls += line.calls
        self.cut += line.cut
        self.tokens += line.tokens_in + line.tokens_out
        self.cost += line.cost_usd


@page("GET", "/ops/ais", section="ops.ais")
async def ais_page(visit: Visit) -> web.StreamResponse:
    """Every AI that the settings name, and where the money went."""
    settings, store = visit.services.settings, await visit.services.store()
    today = settings.now().date()
    spend = await visit.ask(ai.get_ai_spend)
    by_provider = {name: paid.cost for (name,), paid in paid_by(spend.lines, "provider").items()}
    tallies = await store.opinions.tally(since=settings.now() - timedelta(days=DAYS))
    rows = [
        (
            name,
            provider,
            by_provider.get(name, Decimal(0)),
            tallies.get(name, {}),
            _end(getattr(provider, "ends", None), today),
        )
        for name, provider in sorted(settings.ai.providers.items(), key=lambda item: (not item[1].enabled, item[0]))
    ]
    days = {day: paid.cost for (day,), paid in paid_by(spend.lines, "day").items()}
    return render(
        visit,
        "console/ais.html",
        rows=rows,
        spend=spend,
        models=sorted(paid_by(spend.lines, "model", "purpose").items(), key=lambda item: -item[1].cost),
        days=[(day, days.get(day, Decimal(0))) for day in _days(spend.since, spend.until)],
    )


def paid_by(lines: Iterable[SpendLine], *names: str) -> dict[tuple[object, ...], Paid]:
    """The ledger's lines summed up by some of their fields."""
    found: defaultdict[tuple[object, ...], Paid] = defaultdict(Paid)
    for line in lines:
        found[tuple(getattr(line, name) for name in names)].add(line)
    return found


def _days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def _end(ends: date | None, today: date) -> tuple[date, str] | None:
    """The day a model is shut down, and whether that is past, soon or far."""
    if ends is None:
        return None
    return ends, "past" if ends < today else "soon" if ends - today < SOON else "far"


PAGES = (ais_page,)
