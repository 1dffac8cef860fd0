"""The ledger of AI calls: what each cost; a call written twice counts once."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from invest.domain.opinions import SpendLine
from invest.store.core import Database

SUMS = """
SELECT day, provider, coalesce(vendor, '') AS vendor, coalesce(model, model_asked, '') AS model,
       coalesce(key_mark, '') AS key,
       coalesce(payer, '') AS payer, purpose, count(*) AS calls, count(*) FILTER (WHERE outcome = 'cut') AS cut,
       sum(tokens_in)::bigint AS tokens_in, sum(tokens_out)::bigint AS tokens_out, sum(cost_usd) AS cost_usd
FROM ai_call WHERE day BETWEEN $1 AND $2
GROUP BY 1, 2, 3, 4, 5, 6, 7 ORDER BY 1 DESC, 2, 4, 6
"""


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
        at: datetime | None = None,
        vendor: str | None = None,
        model: str | None = None,
        model_asked: str | None = None,
        key: str | None = None,
        purpose: str = "opinion",
        outcome: str = "answered",
        tokens_in: int = 0,
        tokens_out: int = 0,
        price_version: str | None = None,
        seconds: float | None = None,
        payer: str | None = None,
    ) -> None:
        """Write down one call. `key` is a mark of the vendor's key, never the key; `payer` the id of
        the API key that a job worked for. Raises for a negative cost."""
        await self._db.execute(
            "INSERT INTO ai_call (call_id, day, provider, model, purpose, tokens_in, tokens_out, cost_usd, asked_at, "
            "vendor, model_asked, key_mark, outcome, price_version, seconds, payer) "
            "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) "
            "ON CONFLICT (call_id) DO NOTHING",
            call_id,
            day,
            provider,
            model,
            purpose,
            tokens_in,
            tokens_out,
            cost_usd,
            at,
            vendor,
            model_asked,
            key,
            outcome,
            price_version,
            seconds,
            payer,
        )

    async def of_day(self, day: date, payer: str | None = None) -> Decimal:
        """US dollars spent on a day, by all or for one payer."""
        spent = await self._db.fetchval(
            "SELECT coalesce(sum(cost_usd), 0) FROM ai_call WHERE day = $1 AND ($2::text IS NULL OR payer = $2)",
            day,
            payer,
        )
        return Decimal(spent)

    async def by_provider(self, since: date, until: date) -> dict[str, Decimal]:
        """US dollars per provider over days, both included."""
        rows = await self._db.fetch(
            "SELECT provider, sum(cost_usd) AS usd FROM ai_call WHERE day BETWEEN $1 AND $2 GROUP BY provider "
            "ORDER BY provider",
            since,
            until,
        )
        return {row["provider"]: row["usd"] for row in rows}

    async def lines(self, since: date, until: date) -> list[SpendLine]:
        """Sums per day, provider, model, key and purpose over days, both included; the newest first."""
        return [SpendLine(**dict(row)) for row in await self._db.fetch(SUMS, since, until)]
