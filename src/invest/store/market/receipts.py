"""What stands behind receipts of foreign papers, by their depositary's documents."""

from __future__ import annotations

from collections.abc import Iterable

from invest.domain.market import HomePaper, Programme
from invest.store.core import Connection, Database, clean, clean_or_none

UPSERT = """
INSERT INTO receipt_programme AS p
  (ticker, symbol, exchange, currency, isin, backing, receipts, papers, as_of, source, payload)
SELECT * FROM unnest(
  $1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::int[], $8::int[], $9::date[],
  $10::text[], $11::text[]
)
ON CONFLICT (ticker) DO UPDATE
  SET symbol = excluded.symbol, exchange = excluded.exchange, currency = excluded.currency, isin = excluded.isin,
      backing = excluded.backing, receipts = excluded.receipts, papers = excluded.papers, as_of = excluded.as_of,
      source = excluded.source, payload = excluded.payload, stored_at = now()
WHERE excluded.as_of >= p.as_of
"""


async def write_programmes(connection: Connection, programmes: Iterable[Programme]) -> None:
    """Store programmes in the transaction of `connection`; an older document never replaces a newer one."""
    once = {each.ticker: each for each in sorted(programmes, key=lambda one: one.as_of)}
    rows = [once[ticker] for ticker in sorted(once)]
    if rows:
        await connection.execute(
            UPSERT,
            [row.ticker for row in rows],
            [clean(row.home.symbol) for row in rows],
            [clean_or_none(row.home.exchange) for row in rows],
            [row.home.currency for row in rows],
            [row.home.isin for row in rows],
            [row.backing for row in rows],
            [row.receipts for row in rows],
            [row.papers for row in rows],
            [row.as_of for row in rows],
            [row.source for row in rows],
            [row.payload for row in rows],
        )


class Receipts:
    """`store.receipts`."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def programme(self, ticker: str) -> Programme | None:
        """The programme of a receipt; None where no document of it was read."""
        row = await self._db.fetchrow(
            "SELECT ticker, symbol, exchange, currency, isin, backing, receipts, papers, as_of, source, payload "
            "FROM receipt_programme WHERE ticker = $1",
            ticker,
        )
        if row is None:
            return None
        given = dict(row)
        home = HomePaper(**{name: given.pop(name) for name in ("symbol", "exchange", "currency", "isin")})
        return Programme(home=home, **given)
