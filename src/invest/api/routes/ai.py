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


ROUTES = (get_ai_spend,)
