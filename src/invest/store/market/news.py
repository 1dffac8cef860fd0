"""News items, once each; titles and summaries only."""
# ruff: noqa: S608 - only the constants of this module are put into its SQL; every value is a parameter

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from invest.domain.market import NewsItem
from invest.domain.news import OFFICIAL, once_each, reading_order
from invest.store.core import Connection, Database, clean, clean_or_none

COLUMNS = "id, title, link, outlet, summary, published_at, fetched_at, source, payload, tickers, sentiment"
# The first telling stays; tickers add up, and a date or sentiment that was missing is filled in.
UPSERT = """
INSERT INTO news_item AS n (id, title, link, outlet, summary, published_at, fetched_at, source, payload, tickers,
                            sentiment)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
ON CONFLICT (id) DO UPDATE
  SET tickers = ARRAY(SELECT DISTINCT t FROM unnest(n.tickers || excluded.tickers) AS t ORDER BY t),
      published_at = coalesce(n.published_at, excluded.published_at),
      sentiment = coalesce(n.sentiment, excluded.sentiment)
WHERE NOT n.tickers @> excluded.tickers OR n.published_at IS NULL AND excluded.published_at IS NOT NULL
  OR n.sentiment IS NULL AND excluded.sentiment IS NOT NULL
"""


async def write_news(connection: Connection, items: Iterable[NewsItem]) -> set[str]:
    """Store items in the transaction of `connection`; returns the ids of those that had not been known."""
    rows = sorted({i.id: i for i in items}.values(), key=lambda i: i.id)
    if not rows:
        return set()
    known = await connection.fetch("SELECT id FROM news_item WHERE id = ANY($1::text[])", [i.id for i in rows])
    await connection.executemany(
        UPSERT,
        [
            (
                i.id,
                clean(i.title),
                clean_or_none(i.link),
                clean(i.outlet),
                clean(i.summary),
                i.published_at,
                i.fetched_at,
                i.source,
                i.payload,
                sorted(set(i.tickers)),
                i.sentiment,
            )
            for i in rows
        ],
    )
    return {i.id for i in rows} - {row["id"] for row in known}


class News:
    """`store.news`."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def upsert(self, items: Sequence[NewsItem]) -> int:
        """Keep items once each; returns how many had not been known."""
        return len(await self._db.run(lambda c: write_news(c, items)))

    async def latest(
        self,
        ticker: str | None = None,
        *,
        since: datetime | None = None,
        before: datetime | None = None,
        seen: str | None = None,
        limit: int = 20,
    ) -> list[NewsItem]:
        """The newest items, of one asset or of all, one headline once: the newest day first, official facts first.

        `before`: only what was published (else fetched) earlier, as the earliest item of the page before was; with
        `seen`, that item's id, also what shares the instant.
        """
        rows = await self._db.fetch(
            f"SELECT {COLUMNS} FROM news_item WHERE ($1::text IS NULL OR tickers @> ARRAY[$1]) "
            "AND ($2::timestamptz IS NULL OR coalesce(published_at, fetched_at) >= $2) "
            "AND ($3::timestamptz IS NULL OR coalesce(published_at, fetched_at) < $3 "
            'OR coalesce(published_at, fetched_at) = $3 AND id COLLATE "C" < $5) '
            'ORDER BY coalesce(published_at, fetched_at) DESC, id COLLATE "C" DESC LIMIT $4',
            ticker,
            since,
            before,
            limit * 2,
            seen,
        )
        return reading_order(once_each(NewsItem(**dict(row)) for row in rows)[:limit])

    async def latest_many(
        self, tickers: Sequence[str], *, since: datetime | None = None, limit: int = 20
    ) -> dict[str, list[NewsItem]]:
        """The newest `limit` items of each asset in one round trip, in the same order; without any: left out."""
        rows = await self._db.fetch(
            f"SELECT t.ticker, n.* FROM unnest($1::text[]) AS t (ticker) CROSS JOIN LATERAL ("
            f"SELECT {COLUMNS} FROM news_item WHERE tickers @> ARRAY[t.ticker] "
            "AND ($2::timestamptz IS NULL OR coalesce(published_at, fetched_at) >= $2) "
            "ORDER BY coalesce(published_at, fetched_at) DESC, id LIMIT $3) n",
            sorted(set(tickers)),
            since,
            limit * 2,
        )
        found: dict[str, list[NewsItem]] = {}
        for row in rows:
            values = dict(row)
            found.setdefault(values.pop("ticker"), []).append(NewsItem(**values))
        return {ticker: reading_order(once_each(items)[:limit]) for ticker, items in found.items()}

    async def notices(self, tickers: Sequence[str] | None, *, since: datetime) -> list[NewsItem]:
        """Official notices about some assets (None: any) since a moment, oldest first."""
        rows = await self._db.fetch(
            f"SELECT {COLUMNS} FROM news_item WHERE source = $1 AND published_at >= $2 "
            "AND ($3::text[] IS NULL AND tickers <> '{}' OR tickers && $3::text[]) ORDER BY published_at, id",
            OFFICIAL,
            since,
            None if tickers is None else list(tickers),
        )
        return [NewsItem(**dict(row)) for row in rows]
