"""Identities of assets, and the table of ticker changes."""
# ruff: noqa: S608 - only the constants of this module are put into its SQL; every value is a parameter

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from decimal import Decimal

from invest.domain.market import Asset, AssetKind, Delisting, Lineages, Market, TickerChange
from invest.store.core import Connection, Database, Record, clean, clean_or_none, touched
from invest.store.market.delistings import read_delistings

COLUMNS = (
    "ticker, kind, name, cnpj, cvm_code, isin, sector, segment, active, successor, shares_outstanding::text AS shares, "
    "listed_on"
)
Found = list[Asset]
# What is known stays known: a null never erases, "other" never replaces a kind, and a default never reactivates.
UPSERT = """
INSERT INTO asset AS a (ticker, kind, name, cnpj, cvm_code, isin, sector, segment, active, successor,
                        shares_outstanding)
SELECT t, k, n, c, v, i, s, g, o, u, q::numeric
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::int[], $6::text[], $7::text[], $8::text[], $9::bool[],
            $10::text[], $11::text[]) AS x (t, k, n, c, v, i, s, g, o, u, q)
ON CONFLICT (ticker) DO UPDATE SET
  kind = CASE WHEN excluded.kind = 'other' THEN a.kind ELSE excluded.kind END,
  name = coalesce(excluded.name, a.name),
  cnpj = coalesce(excluded.cnpj, a.cnpj),
  cvm_code = coalesce(excluded.cvm_code, a.cvm_code),
  isin = coalesce(excluded.isin, a.isin),
  sector = coalesce(excluded.sector, a.sector),
  segment = coalesce(excluded.segment, a.segment),
  active = a.active AND excluded.active,
  successor = coalesce(excluded.successor, a.successor),
  shares_outstanding = coalesce(excluded.shares_outstanding, a.shares_outstanding),
  updated_at = now()
WHERE (a.kind, a.name, a.cnpj, a.cvm_code, a.isin, a.sector, a.segment, a.active, a.successor, a.shares_outstanding)
  IS DISTINCT FROM (
    CASE WHEN excluded.kind = 'other' THEN a.kind ELSE excluded.kind END, coalesce(excluded.name, a.name),
    coalesce(excluded.cnpj, a.cnpj), coalesce(excluded.cvm_code, a.cvm_code), coalesce(excluded.isin, a.isin),
    coalesce(excluded.sector, a.sector), coalesce(excluded.segment, a.segment), a.active AND excluded.active,
    coalesce(excluded.successor, a.successor), coalesce(excluded.shares_outstanding, a.shares_outstanding))
"""


SILENT = timedelta(days=180)  # without a trade a code is taken for delisted
ELSEWHERE = frozenset({AssetKind.CRYPTO, AssetKind.INDEX})  # kinds that B3's file of quotes never has
LISTED = """
UPDATE asset a SET listed_on = $2, active = a.active OR a.successor IS NULL
FROM asset before WHERE before.ticker = a.ticker AND a.ticker = ANY($1::text[])
RETURNING a.active AND NOT before.active AS again
"""
SET_ACTIVE = """
UPDATE asset SET active = $2, successor = CASE WHEN $2 THEN NULL ELSE successor END, updated_at = now()
WHERE ticker = ANY($1::text[]) AND active <> $2
"""
LAST_CHANGE = """
SELECT c.new_ticker FROM ticker_change c
WHERE c.old_ticker = $1
  AND NOT EXISTS (SELECT 1 FROM bar_series s WHERE s.ticker = c.old_ticker AND s.last_day >= c.changed_on)
ORDER BY c.changed_on DESC LIMIT 1
"""
DELISTED = """
UPDATE asset a SET active = false, updated_at = now()
WHERE active AND listed_on < $1 AND kind = ANY($2::text[])
  AND NOT EXISTS (SELECT 1 FROM bar_series s WHERE s.ticker = a.ticker AND s.last_day >= $1)
RETURNING 1
"""


async def write_assets(connection: Connection, assets: Iterable[Asset]) -> None:
    """Merge `assets` into what is known, in the transaction of `connection`."""
    rows = sorted({a.ticker: a for a in assets}.values(), key=lambda a: a.ticker)
    if rows:
        await connection.execute(
            UPSERT,
            [a.ticker for a in rows],
            [str(a.kind) for a in rows],
            [clean_or_none(a.name) for a in rows],
            [a.cnpj for a in rows],
            [a.cvm_code for a in rows],
            [a.isin for a in rows],
            [clean_or_none(a.sector) for a in rows],
            [clean_or_none(a.segment) for a in rows],
            [a.active for a in rows],
            [a.successor for a in rows],
            [None if a.shares_outstanding is None else str(a.shares_outstanding) for a in rows],
        )


RENAME = """
INSERT INTO ticker_change (old_ticker, new_ticker, changed_on, ratio, source, continues)
SELECT o, n, d, r::numeric, s, c
FROM unnest($1::text[], $2::text[], $3::date[], $4::text[], $5::text[], $6::bool[]) AS x (o, n, d, r, s, c)
ON CONFLICT (old_ticker, changed_on) DO UPDATE
  SET new_ticker = excluded.new_ticker, ratio = excluded.ratio, source = excluded.source, continues = excluded.continues
WHERE (ticker_change.new_ticker, ticker_change.ratio, ticker_change.continues)
  IS DISTINCT FROM (excluded.new_ticker, excluded.ratio, excluded.continues)
RETURNING old_ticker, new_ticker
"""
SUCCEED = """
UPDATE asset a SET successor = x.n, active = false, updated_at = now()
FROM unnest($1::text[], $2::text[]) AS x (o, n)
WHERE a.ticker = x.o AND (a.active OR a.successor IS DISTINCT FROM x.n)
"""


async def write_changes(connection: Connection, changes: Iterable[TickerChange]) -> None:
    """Record changes of codes, in the transaction of `connection`; one known already ends no code a second time."""
    rows = sorted({(c.old, c.changed_on): c for c in changes}.values(), key=lambda c: (c.old, c.changed_on))
    if not rows:
        return
    old, new = [c.old for c in rows], [c.new for c in rows]
    days, ratios, sources = [c.changed_on for c in rows], [str(c.ratio) for c in rows], [c.source for c in rows]
    fresh = await connection.fetch(RENAME, old, new, days, ratios, sources, [c.continues for c in rows])
    if fresh:
        await connection.execute(SUCCEED, [r["old_ticker"] for r in fresh], [r["new_ticker"] for r in fresh])


async def undo_change(connection: Connection, old: str, changed_on: date, source: str) -> None:
    """Forget a change of code that `source` reported: the old one trades again.

    Where another source tells a change behind which the old code was traded no more, that one stands.
    """
    gone = touched(
        await connection.execute(
            "DELETE FROM ticker_change WHERE old_ticker = $1 AND changed_on = $2 AND source = $3",
            old,
            changed_on,
            source,
        )
    )
    other = await connection.fetchval(LAST_CHANGE, old) if gone else None
    if other is not None:
        await connection.execute("UPDATE asset SET successor = $2, updated_at = now() WHERE ticker = $1", old, other)
    elif gone:
        await activate(connection, [old])


async def deactivate(connection: Connection, tickers: Iterable[str]) -> int:
    """Mark as no longer traded, in the transaction of `connection`; how many were active."""
    return touched(await connection.execute(SET_ACTIVE, sorted(tickers), False))


async def activate(connection: Connection, tickers: Iterable[str]) -> int:
    """Mark as traded again, without a successor, in the transaction of `connection`; how many were not."""
    return touched(await connection.execute(SET_ACTIVE, sorted(tickers), True))


async def read_lineages(database: Database) -> Lineages:
    """All changes of codes, and the codes that ended with theirs."""
    rows = await database.fetch(
        "SELECT c.*, (a.ticker IS NULL OR a.successor IS NOT NULL) AS ended FROM ticker_change c "
        "LEFT JOIN asset a ON a.ticker = c.old_ticker ORDER BY changed_on, old_ticker"
    )
    changes = [
        TickerChange(old=r["old_ticker"], new=r["new_ticker"], changed_on=r["changed_on"], ratio=r["ratio"],
                     source=r["source"], continues=r["continues"])
        for r in rows
    ]  # fmt: skip
    return Lineages(changes, frozenset(r["old_ticker"] for r in rows if r["ended"]))


def _wanted(kinds: Iterable[AssetKind] | None, market: Market | None) -> list[str] | None:
    """The kinds that are in both, as they are stored; None where neither says anything."""
    if kinds is None and market is None:
        return None
    of_market = set(AssetKind) if market is None else set(market.kinds)
    return sorted(str(kind) for kind in (of_market if kinds is None else of_market & set(kinds)))


class Assets:
    """`store.assets`."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def upsert(self, *assets: Asset) -> None:
        """Merge identities: nulls never erase what is known, an inactive asset stays inactive until `activate`."""
        await self._db.run(lambda c: write_assets(c, assets))

    async def get(self, ticker: str) -> Asset | None:
        """One asset by its canonical code, or None."""
        row = await self._db.fetchrow(f"SELECT {COLUMNS} FROM asset WHERE ticker = $1", ticker)
        return _asset(row) if row else None

    async def get_many(self, tickers: Sequence[str]) -> dict[str, Asset]:
        """Those of `tickers` that are known."""
        rows = await self._db.fetch(f"SELECT {COLUMNS} FROM asset WHERE ticker = ANY($1::text[])", list(tickers))
        return {row["ticker"]: _asset(row) for row in rows}

    async def list(
        self,
        *,
        kinds: Iterable[AssetKind] | None = None,
        market: Market | None = None,
        active: bool | None = True,
        after: str = "",
        limit: int | None = None,
    ) -> list[Asset]:
        """Assets in order of their tickers: of some kinds, of one market, or both; `active` None means all."""
        rows = await self._db.fetch(
            f"SELECT {COLUMNS} FROM asset WHERE ($1::text[] IS NULL OR kind = ANY($1)) "
            "AND ($2::bool IS NULL OR active = $2) AND ticker > $3 ORDER BY ticker LIMIT $4",
            _wanted(kinds, market),
            active,
            after,
            limit,
        )
        return [_asset(row) for row in rows]

    async def search(
        self,
        text: str,
        *,
        kinds: Sequence[AssetKind] | None = None,
        market: Market | None = None,
        active: bool | None = None,
        offset: int = 0,
        limit: int = 20,
    ) -> Found:
        """Assets whose code starts with `text` or whose name holds it, codes first; the filters as in `list`."""
        pattern = clean(text.strip()).replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")
        rows = await self._db.fetch(
            f"SELECT {COLUMNS} FROM asset WHERE (ticker LIKE upper($1) || '%' OR name ILIKE '%' || $1 || '%') "
            "AND ($3::text[] IS NULL OR kind = ANY($3)) AND ($4::bool IS NULL OR active = $4) "
            "ORDER BY ticker LIKE upper($1) || '%' DESC, active DESC, ticker LIMIT $2 OFFSET $5",
            pattern,
            limit,
            _wanted(kinds, market),
            active,
            offset,
        )
        return [_asset(row) for row in rows]

    async def deactivate(self, *tickers: str) -> int:
        """Mark as no longer traded; their data stays. Returns how many were active."""
        return await self._db.run(lambda c: deactivate(c, tickers))

    async def activate(self, *tickers: str) -> int:
        """Mark as traded again, under a code that ended before: it has no successor now. Returns how many were not."""
        return await self._db.run(lambda c: activate(c, tickers))

    async def listed(self, tickers: Sequence[str], day: date) -> tuple[int, int]:
        """Note that B3's file of `day` has these papers: (how many trade again, how many trade no more).

        One that no file had and no bar is of for 180 days is inactive; a code that has a successor stays so.
        """

        async def work(connection: Connection) -> tuple[int, int]:
            again = await connection.fetch(LISTED, sorted(tickers), day)
            gone = await connection.fetch(
                DELISTED, day - SILENT, [str(kind) for kind in AssetKind if kind not in ELSEWHERE]
            )
            return sum(row["again"] for row in again), len(gone)

        return await self._db.run(work)

    async def rename(self, *changes: TickerChange) -> None:
        """Record that codes changed: the old one is inactive and names its successor."""
        await self._db.run(lambda c: write_changes(c, changes))

    async def current(self, ticker: str, *, on: date | None = None) -> str:
        """The code that `ticker` trades as (on a day): the end of its chain of changes, itself where there is none."""
        end = await self._db.fetchval(
            """
            WITH RECURSIVE chain (ticker, since, hops) AS (
              SELECT $1::text COLLATE "C", '-infinity'::date, 0
              UNION ALL
              SELECT c.new_ticker, c.changed_on, hops + 1 FROM chain JOIN ticker_change c
                ON c.old_ticker = chain.ticker AND c.changed_on >= chain.since
              WHERE ($2::date IS NULL OR c.changed_on <= $2) AND hops < 16
            ) SELECT ticker FROM chain ORDER BY hops DESC, since DESC LIMIT 1
            """,
            ticker,
            on,
        )
        return str(end)

    async def delistings(self, tickers: Sequence[str] | None = None) -> Sequence[Delisting]:
        """The papers that trade no more (of some, None: all), the newest end first."""
        return await read_delistings(self._db, await self.lineages(), tickers)

    async def lineages(self) -> Lineages:
        """All changes of codes."""
        return await read_lineages(self._db)


def _asset(row: Record) -> Asset:
    return Asset(
        ticker=row["ticker"],
        kind=AssetKind(row["kind"]),
        name=row["name"],
        cnpj=row["cnpj"],
        cvm_code=row["cvm_code"],
        isin=row["isin"],
        sector=row["sector"],
        segment=row["segment"],
        active=row["active"],
        successor=row["successor"],
        shares_outstanding=None if row["shares"] is None else Decimal(row["shares"]),
        listed_on=row["listed_on"],
    )
