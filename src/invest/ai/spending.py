"""The day's AI budget: no new call once it is spent; calls in flight are counted at their highest possible cost."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal

from invest.ai.errors import BudgetSpent
from invest.ai.limits import Budget
from invest.ai.prices import Cost


class Purse:
    """A daily limit over a `Budget`. Overshoots by one call at most; a limit of 0 means none."""

    def __init__(self, budget: Budget, daily_limit: Decimal) -> None:
        self._budget = budget
        self._limit = daily_limit
        self._reserved = Decimal(0)

    @asynccontextmanager
    async def reserve(self, ceiling: Decimal) -> AsyncIterator[None]:
        """Hold `ceiling` while a call is in flight. Raises `BudgetSpent` where the day's limit is reached."""
        if self._limit and await self._budget.spent_today() + self._reserved >= self._limit:
            raise BudgetSpent(f"daily budget of US$ {self._limit:.2f} is spent (ai.daily_budget_usd)")
        self._reserved += ceiling
        try:
            yield
        finally:
            self._reserved -= ceiling

    async def book(self, cost: Cost) -> None:
        """Add what a call did cost, if that is known."""
        if cost.usd:
            await self._budget.add(cost.usd)
