"""How a call turned out, once its horizon has passed."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from pydantic import AwareDatetime, Field

from invest.domain.frozen import Frozen


class Outcome(Frozen):
    """One call of one analyst over one horizon, closed. Returns are fractions over the whole horizon.

    A late correction closes it again beside the first: `revision` counts up.
    """

    opinion_id: str
    horizon_days: int = Field(gt=0)
    provider: str = Field(description="the analyst; `consensus` for the pooled opinion")
    model: str | None = None
    ticker: str
    probability: float = Field(ge=0, le=1, description="P(beats the index) as given")
    rating: str | None = None
    entry_day: date = Field(description="first session strictly after the opinion")
    exit_day: date
    entry_price: Decimal | None = None
    exit_price: Decimal | None = None
    total_return: float = Field(description="with dividends and JCP")
    benchmark_return: float = Field(description="the index over the same days")
    excess: float = Field(description="(1 + total_return) / (1 + benchmark_return) - 1")
    beat: bool = Field(description="excess > 0")
    index_label: str = Field(default="IBOV", description="the index that the call was about")
    reason: str | None = Field(default=None, description="delisted, merged, halted: how it was resolved")
    closed_at: AwareDatetime
    revision: int = Field(default=1, ge=1, description="counts up where a late correction closed the call again")
    revised_because: str | None = None
