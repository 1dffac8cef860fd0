"""What the AIs cost: the ledger of paid calls and the day's budget."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

from pydantic import Field, model_validator

from invest.api.http import route
from invest.api.request import Request
from invest.api.routes.models import Day, Strict
from invest.domain.opinions import Spend, spend_of
from invest.jobs.reports import SharedBudget

USUAL_DAYS = 30
MOST_DAYS = 400


class SpendDays(Strict):
    """Days of the ledger, both included, in UTC; without them the last thirty."""

    since: Day | None = Field(default=None, description="first day")
    until: Day | None = Field(default=None, description="last day; today without it")

    @model_validator(mode="after")
    def ordered(self) -> SpendDays:
        """Refuse days in the wrong order and spans of more than four hundred days."""
        first, last = self.days
        if not 0 <= (last - first).days <= MOST_DAYS:  # sums of days may leave the calendar, differences do not
            raise ValueError(f"since must be at most {MOST_DAYS} days before until")
        return self

    @property
    def days(self) -> tuple[date, date]:
        """The first and the last day."""
        last = self.until or datetime.now(UTC).date()
        return self.since or date.fromordinal(max(last.toordinal() - USUAL_DAYS + 1, 1)), last


@route("GET", "/ai/spend", tag="opinions", problems=(422, 503))
async def get_ai_spend(request: Request, query: SpendDays) -> Spend:
    """What the AIs cost, by day, provider, model, key and purpose, and where the day's budget stands."""
    store = await request.services.store()
    budget = SharedBudget(request.services.invest.redis, store)
    first, last = query.days
    limit = Decimal(str(request.services.settings.ai.daily_budget_usd))
    today, held = await budget.spent_today(), await budget.held_today()
    lines = await store.spend.lines(first, last)
    return spend_of(lines, first, last, today=today, held=held, budget=limit)


async def spend_metrics(request: Request) -> str:
    """Today's money for Prometheus: per provider from the ledger, the limit, and what calls in flight may cost."""
    store = await request.services.store()
    day = datetime.now(UTC).date()
    spent = await store.spend.by_provider(day, day)
    held = await SharedBudget(request.services.invest.redis).held_today()
    limit = request.services.settings.ai.daily_budget_usd
    lines = ["# HELP invest_ai_cost_usd_today US dollars of AI calls today (UTC), by provider."]
    lines += ["# TYPE invest_ai_cost_usd_today gauge"]
    lines += [f'invest_ai_cost_usd_today{{provider="{_label(name)}"}} {usd:f}' for name, usd in spent.items()]
    lines += ["# HELP invest_ai_held_usd US dollars that AI calls in flight may cost at most."]
    lines += ["# TYPE invest_ai_held_usd gauge", f"invest_ai_held_usd {held:f}"]
    lines += ["# HELP invest_ai_budget_usd Daily limit of AI calls in US dollars; 0: none."]
    lines += ["# TYPE invest_ai_budget_usd gauge", f"invest_ai_budget_usd {limit:g}"]
    return "\n".join(lines) + "\n"


def _label(name: str) -> str:
    return name.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


ROUTES = (get_ai_spend,)
