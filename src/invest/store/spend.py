"""The cost of AI calls; a call written twice counts once."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from invest.store.core import Database


class Spend:
    """`store.spend`."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def record(
        self,
        call_id: str,
        day: date,
        provider: str,
        cost_usd: Decimal,
        *,
        model: str | None = None,
        purpose: str = "opinion",
        tokens_in: int = 0,
        tokens_out: int = 0,
    ) -> None:
        """Write down one call. Raises `ValueError` for a negative cost."""
        await self._db.execute(
            "INSERT INTO ai_call (call_id, day, provider, model, purpose, tokens_in, tokens_out, cost_usd) "
            "VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (call_id) DO NOTHING",
            call_id,
            day,
            provider,
            model,
            purpose,
            tokens_in,
            tokens_out,
            cost_usd,
        )

    async def of_day(self, day: date) -> Decimal:
        """US dollars spent on a day."""
        return Decimal(await self._db.fetchval("SELECT coalesce(sum(cost_usd), 0) FROM ai_call WHERE day = $1", day))

    async def by_provider(self, since: date, until: date) -> dict[str, Decimal]:
        """US dollars per provider over days, both included."""
        rows = await self._db.fetch(
            "SELECT provider, sum(cost_usd) AS usd FROM ai_call WHERE day BETWEEN $1 AND $2 GROUP BY provider "
            "ORDER BY provider",
            since,
            until,
        )
        return {row["provider"]: row["usd"] for row in rows}
