"""The day's AI budget: no new call once it is spent; calls in flight are counted at their highest possible cost."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from contextlib import suppress
from datetime import date
from decimal import Decimal

from invest.ai.calls.limits import PAYER, Budget
from invest.ai.errors import BudgetSpent, CallFailed


class Purse:
    """A daily limit over a `Budget`. Overshoots by one call at most; a limit of 0 means none."""

    def __init__(self, budget: Budget, daily_limit: Decimal) -> None:
        self._budget = budget
        self.limit = daily_limit
        self._settling: set[asyncio.Task[None]] = set()

    async def reserve(self, most: Decimal, seconds: float | None = None) -> str:
        """Hold `most` while a call is in flight. Raises `BudgetSpent` at the day's or the payer's limit.

        `seconds`: after how long what was not settled counts as spent, where that is not an hour.
        """
        reservation = await self._budget.reserve(most, self.limit, seconds=seconds)
        if reservation is None:
            raise BudgetSpent("the AI budget", self.limit, "ai.daily_budget_usd")
        payer = PAYER.get()
        if payer is None:
            return reservation
        try:
            own = await self._budget.reserve(most, payer.limit, payer.name, seconds)
        except BaseException:
            await self._budget.settle(reservation, Decimal(0))
            raise
        if own is None:
            await self._budget.settle(reservation, Decimal(0))
            raise BudgetSpent("this key's AI budget", payer.limit, "quotas.ai_usd_per_day")
        return f"{reservation} {own}"

    async def give_back(self, reservation: str) -> None:
        """End a reservation of a call that was never sent."""
        for held in reservation.split():
            await self._budget.settle(held, Decimal(0))

    async def settle(self, reservation: str, cost: Decimal, noted: Awaitable[None]) -> None:
        """Write the call down and book `cost`, even if the caller has just run out of time or was cancelled.

        In this order: a budget that starts anew from the ledger in between counts the call twice rather than never.
        """

        async def book() -> None:
            try:
                await noted
            finally:
                for held in reservation.split():
                    await self._budget.settle(held, cost)

        task = asyncio.create_task(book())
        self._settling.add(task)
        task.add_done_callback(self._settling.discard)
        await asyncio.shield(task)


def day_of(reservation: str) -> date | None:
    """The day that a reservation was made for, where its id tells."""
    with suppress(ValueError):
        return date.fromisoformat(reservation[:10])
    return None


def owed(error: BaseException, most: Decimal) -> Decimal:
    """What a call without an answer is booked at: nothing where the server refused it, its most where it was cut."""
    return Decimal(0) if isinstance(error, CallFailed) and not error.billed else most
