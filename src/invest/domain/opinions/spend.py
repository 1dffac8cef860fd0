"""What the AIs cost, as it is shown: sums of paid calls."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from pydantic import Field

from invest.domain.frozen import Frozen


class SpendLine(Frozen):
    """The calls of one day, provider, model, vendor's key, payer and purpose."""

    day: date
    provider: str
    vendor: str
    model: str = Field(description="as answered, else as asked for")
    key: str = Field(description="a mark of the key that paid: the first digits of its hash")
    payer: str = Field(description="id of the API key that a job worked for; empty for schedules and this machine")
    purpose: str = Field(description="opinion, news, repair or objection")
    calls: int
    cut: int = Field(description="of those, calls cut by our timeout and booked at their most")
    tokens_in: int
    tokens_out: int = Field(description="reasoning included")
    cost_usd: Decimal


class Spend(Frozen):
    """What was spent over days, both included, and where the day's budget stands."""

    since: date
    until: date
    total_usd: Decimal
    today_usd: Decimal = Field(description="booked today by all workers")
    held_usd: Decimal = Field(description="of calls in flight, each at its most")
    budget_usd: Decimal = Field(description="the day's limit; 0: none")
    calls: int
    lines: tuple[SpendLine, ...]


def spend_of(
    lines: list[SpendLine], since: date, until: date, *, today: Decimal, held: Decimal, budget: Decimal
) -> Spend:
    """`lines` with their sums."""
    return Spend(
        since=since,
        until=until,
        total_usd=sum((line.cost_usd for line in lines), Decimal(0)),
        today_usd=today,
        held_usd=held,
        budget_usd=budget,
        calls=sum(line.calls for line in lines),
        lines=tuple(lines),
    )
