"""Daily bars: raw rows for the record, packed blocks for reading, written in one transaction.

A better bar replaces a worse one: official over not, then the lower rank, then the later fetch. Volume and turnover
of nothing never replace something.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from itertools import groupby
from operator import eq, itemgetter
from typing import NamedTuple

import numpy as np

from invest.domain.market import Bar, Bars, BarTable, PriceEvent, comparable_factors, joined
from invest.store.core import (
    COLUMNS,
    READ,
    SAFE_TICKER,
    Connection,
    Database,
    Known,
    Table,
    add_blocks,
    add_table,
    chunks,
    columns,
    columns_of,
    encoded,
    in_order,
    packed,
    placed,
    rebuild_blocks,
    table_runs,
    table_spans,
    texts,
)
from invest.store.market.actions import Actions, RankOf
from invest.store.market.assets import read_lineages

UPSERT_CHUNK = 20_000
KEY = itemgetter(0, 1)
DAY = itemgetter(1)
ORIGIN = itemgetter(9, 10)
Origin = tuple[str, str]  # source, payload

ORIGINS = """
INSERT INTO bar_origin AS o (source, payload, official, rank, fetched_at)
SELECT s, p, f, r, g FROM unnest($1::text[], $2::text[], $3::bool[], $4::int[], $5::timestamptz[]) AS x (s, p, f, r, g)
ON CONFLICT (payload, source) DO UPDATE
  SET official = excluded.official, rank = excluded.rank, fetched_at = greatest(o.fetched_at, excluded.fetched_at)
RETURNING id, source, payload
"""
# Locks each series, in order, for the length of the transaction: nobody else adds bars to these assets meanwhile.
LOCK = """
INSERT INTO bar_series AS s (ticker) SELECT unnest($1::text[])
ON CONFLICT (ticker) DO UPDATE SET ticker = excluded.ticker RETURNING ticker, first_day, last_day
"""
EXTEND = """
UPDATE bar_series s SET first_day = least(s.first_day, x.a), last_day = greatest(s.last_day, x.z)
FROM unnest($1::text[], $2::date[], $3::date[]) AS x (t, a, z) WHERE s.ticker = x.t
"""
# Rows that may meet stored ones. An unofficial bar fetched before its session's end yields to any later fetch.
UPSERT = """
INSERT INTO bar AS b (ticker, day, open, high, low, close, volume, turnover, trades, origin)
SELECT x.t, x.d, x.o::numeric, x.h::numeric, x.l::numeric, x.c::numeric, coalesce(nullif(x.v, 0), b.volume, x.v),
       coalesce(nullif(x.u::numeric, 0), b.turnover, x.u::numeric), coalesce(nullif(x.n, 0), b.trades, x.n), x.g
FROM unnest($1::text[], $2::date[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::text[],
            $9::int[], $10::int[]) AS x (t, d, o, h, l, c, v, u, n, g)
JOIN bar_origin n ON n.id = x.g
LEFT JOIN bar b ON b.ticker = x.t AND b.day = x.d
LEFT JOIN bar_origin o ON o.id = b.origin
WHERE b.ticker IS NULL OR (
  ((n.official, -n.rank, n.fetched_at) >= (o.official, -o.rank, o.fetched_at)
   OR NOT o.official AND o.fetched_at < (b.day + time '21:30') AT TIME ZONE 'UTC'
      AND n.fetched_at > o.fetched_at + interval '1 hour')
  AND (b.open, b.high, b.low, b.close, b.volume, b.turnover, b.trades) IS DISTINCT FROM (
    x.o::numeric, x.h::numeric, x.l::numeric, x.c::numeric, coalesce(nullif(x.v, 0), b.volume, x.v),
    coalesce(nullif(x.u::numeric, 0), b.turnover, x.u::numeric), coalesce(nullif(x.n, 0), b.trades, x.n)))
ON CONFLICT (ticker, day) DO UPDATE
  SET open = excluded.open, high = excluded.high, low = excluded.low, close = excluded.close,
      volume = excluded.volume, turnover = excluded.turnover, trades = excluded.trades, origin = excluded.origin
RETURNING ticker, extract(year FROM day)::int AS year
"""


class Span(NamedTuple):
    """A run of rows of one asset."""

    ticker: str
    first: date
    last: date
    length: int


async def write_bars(
    connection: Connection, bars: Iterable[Bar], rank_of: RankOf, fetched_at: Mapping[Origin, datetime]
) -> Counter[str]:
    """Store `bars` in the transaction of `connection`; returns how many rows were added or changed, by ticker."""
    rows = best_of(bars, rank_of)
    if not rows:
        return Counter()
    origins = await _origins(connection, set(map(ORIGIN, rows)), rank_of, fetched_at)
    spans = spans_of(rows)
    known = {
        r["ticker"]: (r["first_day"], r["last_day"]) for r in await connection.fetch(LOCK, [s.ticker for s in spans])
    }
    before, inside, after = _placed(rows, spans, known)
    for fresh, is_before in ((before, True), (after, False)):
        await _add(connection, fresh, origins, known, before=is_before)
    changed = await _upsert(connection, inside, origins)
    if before or after:
        await connection.execute(EXTEND, *columns(spans, "ticker", "first", "last"))
    return changed + Counter(bar[0] for bar in before) + Counter(bar[0] for bar in after)


async def write_tables(
    connection: Connection, tables: Iterable[BarTable], rank_of: RankOf, fetched_at: datetime, bars: Sequence[Bar] = ()
) -> Counter[str]:
    """`write_table` for tables of any payloads, each asset's oldest first.

    All their origins, then all their series are locked at once, in the order of `write_bars`, together with those of
    `bars`, which the same transaction writes next: two that lock them one by one could wait for each other.
    """
    payloads: dict[Origin, list[BarTable]] = {}
    for table in tables:
        if len(table):
            payloads.setdefault((table.source, table.payload), []).append(table)
    whole = sorted(map(BarTable.concat, payloads.values()), key=lambda table: table.days.min())
    if len(whole) > 1 or (whole and bars):
        origins = {*payloads, *map(ORIGIN, bars)}
        await _origins(connection, origins, rank_of, dict.fromkeys(origins, fetched_at))
        codes = {*(code for table in whole for code in table.codes()), *(bar[0] for bar in bars)}
        await connection.fetch(LOCK, sorted(codes))
    changed: Counter[str] = Counter()
    for table in whole:
        changed += await write_table(connection, table, rank_of, fetched_at)
    return changed


async def write_table(
    connection: Connection, table: BarTable, rank_of: RankOf, fetched_at: datetime | None = None
) -> Counter[str]:
    """`write_bars` for a whole table of columns: no Python object per row where the rows are new."""
    ordered = in_order(table)
    if not len(ordered):
        return Counter()
    at = fetched_at or datetime.now(UTC)
    rank, official = rank_of(table.source)
    origin = await connection.fetchval(ORIGINS, [table.source], [table.payload], [official], [rank], [at])
    spans = table_spans(ordered)
    stored = await connection.fetch(LOCK, [ticker for ticker, _, _ in spans])
    known = {r["ticker"]: (r["first_day"], r["last_day"]) for r in stored}
    before, inside, after = placed(ordered, known)
    await add_table(connection, before, origin, known, before=True)
    await add_table(connection, after, origin, known, before=False)
    key = (table.source, table.payload)
    changed = await _upsert(connection, inside.rows(), {key: origin})
    if len(before) or len(after):
        await connection.execute(EXTEND, *map(list, zip(*spans, strict=True)))
    return changed + Counter(dict(table_runs(before.tickers))) + Counter(dict(table_runs(after.tickers)))


def beside(bars: Sequence[Bar], tables: Sequence[BarTable], rank_of: RankOf) -> list[Bar]:
    """The bars that no table has a better one of."""
    own = {bar[0] for bar in bars}
    better: dict[str, list[tuple[tuple[bool, int], set[date]]]] = {}
    for table in tables:
        rank, official = rank_of(table.source)
        for ticker in own.intersection(table.codes()):
            days = set(table.days[table.tickers == ticker].tolist())
            better.setdefault(ticker, []).append(((not official, rank), days))
    return [
        bar
        for bar in bars
        if not any(bar[1] in days and worth < _preference(bar, rank_of) for worth, days in better.get(bar[0], ()))
    ]


def best_of(bars: Iterable[Bar], rank_of: RankOf) -> list[Bar]:
    """One bar per asset and day, the best source's where several are given; sorted by asset and day."""
    rows = sorted(bars, key=KEY)
    if not any(map(eq, map(KEY, rows), map(KEY, rows[1:]))):
        return rows
    once: dict[tuple[str, date], Bar] = {}
    for bar in rows:
        other = once.setdefault((bar[0], bar[1]), bar)
        if other is not bar and _preference(bar, rank_of) <= _preference(other, rank_of):
            once[bar[0], bar[1]] = bar
    return list(once.values())


def _preference(bar: Bar, rank_of: RankOf) -> tuple[bool, int]:
    rank, official = rank_of(bar.source)
    return (not official, rank)


def spans_of(rows: Sequence[Bar]) -> list[Span]:
    """Runs of one ticker in sorted rows. Raises `ValueError` for a ticker that cannot be one."""
    spans = []
    start = 0
    for ticker, run in groupby(rows, key=itemgetter(0)):
        if not SAFE_TICKER.fullmatch(ticker):
            raise ValueError(f"{ticker!r} is no ticker: the bars were not stored")
        length = sum(1 for _ in run)
        spans.append(Span(ticker, rows[start].day, rows[start + length - 1].day, length))
        start += length
    return spans


def _placed(rows: Sequence[Bar], spans: Sequence[Span], known: Known) -> tuple[list[Bar], list[Bar], list[Bar]]:
    """Rows before, inside and after what is stored of their asset; a new asset's rows are all after."""
    before: list[Bar] = []
    inside: list[Bar] = []
    after: list[Bar] = []
    start = 0
    for span in spans:
        own = rows[start : start + span.length]
        start += span.length
        first, last = known[span.ticker]
        if first is None or last is None:
            after += own
            continue
        left, right = bisect_left(own, first, key=DAY), bisect_right(own, last, key=DAY)
        before += own[:left]
        inside += own[left:right]
        after += own[right:]
    return before, inside, after


async def _origins(
    connection: Connection, found: Collection[Origin], rank_of: RankOf, fetched_at: Mapping[Origin, datetime]
) -> dict[Origin, int]:
    pairs = sorted(found, key=lambda p: (p[1], p[0]))
    ranks = [rank_of(source) for source, _ in pairs]
    stored = await connection.fetch(
        ORIGINS,
        [p[0] for p in pairs],
        [p[1] for p in pairs],
        [official for _, official in ranks],
        [rank for rank, _ in ranks],
        [fetched_at[pair] for pair in pairs],
    )
    return {(row["source"], row["payload"]): row["id"] for row in stored}


async def _add(
    connection: Connection, rows: Sequence[Bar], origins: Mapping[Origin, int], known: Known, *, before: bool
) -> None:
    """Text COPY straight into the table, the fastest way in: these rows can meet no stored one."""
    if not rows:
        return
    parts: list[Table] = []
    source = encoded(rows, origins, parts)
    await connection.copy_to_table("bar", source=source, columns=COLUMNS, format="text")
    runs = [(ticker, sum(1 for _ in run)) for ticker, run in groupby(rows, key=itemgetter(0))]
    await add_blocks(connection, packed(runs, np.concatenate(parts)), known, before=before)


async def _upsert(connection: Connection, rows: Sequence[Bar], origins: Mapping[Origin, int]) -> Counter[str]:
    changed: Counter[str] = Counter()
    years: set[tuple[str, int]] = set()
    for part in chunks(rows, UPSERT_CHUNK):
        tickers, days, opened, high, low, close, volume, turnover, trades, _, _ = zip(*part, strict=True)
        stored = await connection.fetch(
            UPSERT,
            tickers,
            days,
            texts(opened),
            texts(high),
            texts(low),
            texts(close),
            volume,
            texts(turnover),
            trades,
            [origins[r.source, r.payload] for r in part],
        )
        changed.update(row["ticker"] for row in stored)
        years.update((row["ticker"], row["year"]) for row in stored)
    await rebuild_blocks(connection, years)
    return changed


class BarStore:
    """`store.bars`."""

    def __init__(self, database: Database, actions: Actions, rank_of: RankOf) -> None:
        self._db = database
        self._actions = actions
        self._rank_of = rank_of

    async def save(self, bars: Sequence[Bar], *, fetched_at: datetime | None = None) -> int:
        """Store bars of any assets; returns how many were added or changed.

        `fetched_at` (default: now) is when the upstream gave them. Raises `ValueError` for a close that is no price.
        """
        times = dict.fromkeys(map(ORIGIN, bars), fetched_at or datetime.now(UTC))
        return (await self._db.run(lambda c: write_bars(c, bars, self._rank_of, times))).total()

    async def save_table(self, table: BarTable, *, fetched_at: datetime | None = None) -> int:
        """Store a table of columns (a session, a year of quotes); returns how many bars were added or changed.

        Raises `ValueError` for a close that is no price or two bars of one asset and day; nothing is stored then.
        """
        return (await self._db.run(lambda c: write_table(c, table, self._rank_of, fetched_at))).total()

    async def read(self, ticker: str, *, since: date | None = None) -> Bars:
        """The bars of one asset, with the factor from its corporate actions; empty columns where there are none."""
        found = await self.read_many([ticker], since=since)
        return found.get(ticker) or columns_of(ticker, b"")

    async def read_many(self, tickers: Sequence[str] | None = None, *, since: date | None = None) -> dict[str, Bars]:
        """The bars of many assets (None: all) in three round trips; assets without bars are left out.

        A code that was changed has the whole history: what traded under the codes before it, and under its successor.
        """
        lineages = await read_lineages(self._db)
        lines = {t: lineages.spans(t) for t in (lineages if tickers is None else tickers) if t in lineages}
        codes = None if tickers is None else sorted({*tickers, *(s.ticker for line in lines.values() for s in line)})
        rows = await self._db.fetch(READ, codes, since.year if since else None)
        data: dict[str, list[bytes]] = {}
        for ticker, block in rows:
            data.setdefault(ticker, []).append(block)
        steps = await self._actions.steps(codes, since=since, lineages=lineages)
        found = {t: columns_of(t, b"".join(blocks), since) for t, blocks in data.items()}
        histories = {t: joined(t, line, found) for t, line in lines.items()}
        chosen = found if codes is None else {t: found[t] for t in tickers or () if t in found}
        whole = chosen | {t: bars for t, bars in histories.items() if bars is not None}
        return {t: with_factor(b, steps.get(t, ())) for t, b in whole.items() if len(b)}

    async def rows(
        self, ticker: str, *, since: date | None = None, until: date | None = None, limit: int | None = None
    ) -> list[Bar]:
        """Exact rows with their provenance, newest first, each under the code it traded as; both days included."""
        spans = (await read_lineages(self._db)).spans(ticker)
        found = await self._db.fetch(
            "SELECT b.ticker, day, open, high, low, close, volume, turnover, trades, source, payload FROM bar b "
            "JOIN bar_origin o ON o.id = origin JOIN unnest($1::text[], $2::date[], $3::date[]) AS s (t, a, z) "
            "ON b.ticker = t AND day >= coalesce(a, '-infinity') AND day <= coalesce(z, 'infinity') "
            "WHERE ($4::date IS NULL OR day >= $4) AND ($6::date IS NULL OR day <= $6) ORDER BY day DESC LIMIT $5",
            *columns(spans, "ticker", "first", "last"),
            since,
            limit,
            until,
        )
        return [Bar(*row) for row in found]

    async def last_days(self, tickers: Sequence[str] | None = None) -> dict[str, date]:
        """The newest stored day of each asset: what a collection needs to ask for is after it."""
        rows = await self._db.fetch(
            "SELECT ticker, last_day FROM bar_series WHERE last_day IS NOT NULL "
            "AND ($1::text[] IS NULL OR ticker = ANY($1))",
            None if tickers is None else list(tickers),
        )
        return {row["ticker"]: row["last_day"] for row in rows}

    async def reach(self, tickers: Sequence[str]) -> dict[str, tuple[date, date | None]]:
        """The newest stored day of each asset, and the newest of a bar from an official source.

        What another source filled in while the exchange's file was away is still to be asked for there.
        """
        rows = await self._db.fetch(
            "SELECT s.ticker, s.last_day, (SELECT b.day FROM bar b JOIN bar_origin o ON o.id = b.origin "
            "WHERE b.ticker = s.ticker AND o.official ORDER BY b.day DESC LIMIT 1) AS official_day "
            "FROM bar_series s WHERE s.last_day IS NOT NULL AND s.ticker = ANY($1::text[])",
            list(tickers),
        )
        return {row["ticker"]: (row["last_day"], row["official_day"]) for row in rows}


def with_factor(bars: Bars, actions: Sequence[PriceEvent]) -> Bars:
    """`bars` with the factor of `actions` in place of 1, and none where prices do not compare."""
    factor = comparable_factors(bars.days, bars.close, actions)
    return Bars(bars.ticker, bars.days, bars.open, bars.high, bars.low, bars.close, bars.volume, bars.turnover, factor)
