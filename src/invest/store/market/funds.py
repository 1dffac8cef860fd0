"""What funds hold by their newest report."""

from __future__ import annotations

from collections.abc import Iterable

import orjson

from invest.domain.market import FundPortfolio
from invest.store.core import Connection, Database

UPSERT = """
INSERT INTO fund_portfolio AS f (ticker, as_of, positions, source, payload)
SELECT t, d, p::jsonb, s, h FROM unnest($1::text[], $2::date[], $3::text[], $4::text[], $5::text[]) AS x (t, d, p, s, h)
ON CONFLICT (ticker) DO UPDATE
  SET as_of = excluded.as_of, positions = excluded.positions, source = excluded.source, payload = excluded.payload,
      stored_at = now()
WHERE excluded.as_of > f.as_of OR (excluded.as_of = f.as_of AND excluded.payload IS DISTINCT FROM f.payload)
"""


async def write_portfolios(connection: Connection, portfolios: Iterable[FundPortfolio]) -> None:
    """Store reports in the transaction of `connection`; an older one never replaces a newer one."""
    once = {portfolio.ticker: portfolio for portfolio in sorted(portfolios, key=lambda one: one.as_of)}
    rows = [once[ticker] for ticker in sorted(once)]
    if rows:
        await connection.execute(
            UPSERT,
            [row.ticker for row in rows],
            [row.as_of for row in rows],
            [orjson.dumps([each.model_dump(mode="json", exclude_none=True) for each in row.positions]).decode()
             for row in rows],
            [row.source for row in rows],
            [row.payload for row in rows],
        )  # fmt: skip


class Funds:
    """`store.funds`."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def portfolio(self, ticker: str) -> FundPortfolio | None:
        """What a fund holds by its newest report; None where none was read."""
        row = await self._db.fetchrow(
            "SELECT ticker, as_of, positions::text AS positions, source, payload FROM fund_portfolio WHERE ticker = $1",
            ticker,
        )
        if row is None:
            return None
        return FundPortfolio.model_validate({**dict(row), "positions": orjson.loads(row["positions"])})
