"""Corporate actions, each once per source; readers get each event once."""
# ruff: noqa: S608 - only the constants of this module are put into its SQL; every value is a parameter

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import date

from invest.domain.market import ActionKind, CorporateAction, Event, Lineages, PriceEvent, Step, distinct_actions
from invest.store.core import Connection, Database, Record, columns, texts
from invest.store.market.assets import read_lineages

KINDS = {str(kind): kind for kind in ActionKind}
RankOf = Callable[[str], tuple[int, bool]]  # source -> (rank, official)
# A payment day that becomes known completes the row instead of adding the event a second time.
COMPLETE = """
UPDATE corporate_action c SET payment_date = x.p, payload = x.y
FROM unnest($1::text[], $2::text[], $3::date[], $4::date[], $5::text[], $6::text[], $7::text[], $8::text[])
  AS x (t, k, d, p, a, f, s, y)
WHERE c.ticker = x.t AND c.kind = x.k AND c.last_date_with = x.d AND c.source = x.s AND c.payment_date IS NULL
  AND x.p IS NOT NULL AND c.amount IS NOT DISTINCT FROM x.a::numeric AND c.factor IS NOT DISTINCT FROM x.f::numeric
  AND NOT EXISTS (SELECT 1 FROM corporate_action o WHERE o.ticker = c.ticker AND o.kind = c.kind
    AND o.last_date_with = c.last_date_with AND o.source = c.source AND o.payment_date = x.p
    AND o.amount IS NOT DISTINCT FROM c.amount AND o.factor IS NOT DISTINCT FROM c.factor)
"""
INSERT = """
INSERT INTO corporate_action (ticker, kind, last_date_with, payment_date, amount, factor, source, payload, official,
                              rank)
SELECT t, k, d, p, a::numeric, f::numeric, s, y, o, r
FROM unnest($1::text[], $2::text[], $3::date[], $4::date[], $5::text[], $6::text[], $7::text[], $8::text[], $9::bool[],
            $10::int[]) AS x (t, k, d, p, a, f, s, y, o, r)
WHERE p IS NOT NULL OR NOT EXISTS (SELECT 1 FROM corporate_action c WHERE c.ticker = t AND c.kind = k
  AND c.last_date_with = d AND c.source = s AND c.amount IS NOT DISTINCT FROM a::numeric
  AND c.factor IS NOT DISTINCT FROM f::numeric)
ON CONFLICT DO NOTHING RETURNING ticker
"""
COLUMNS = "ticker, kind, last_date_with, payment_date, amount, factor, source, payload, official, rank"


async def write_actions(connection: Connection, actions: Iterable[CorporateAction], rank_of: RankOf) -> Counter[str]:
    """Insert what is new, in the transaction of `connection`; returns how many events were new, by ticker."""
    rows = sorted(set(actions), key=lambda a: (a.ticker, a.last_date_with, a.kind, a.source, str(a.payment_date)))
    if not rows:
        return Counter()
    ticker, last, pays, source, payload = columns(rows, "ticker", "last_date_with", "payment_date", "source", "payload")
    kinds = [str(a.kind) for a in rows]
    arguments = (
        ticker,
        kinds,
        last,
        pays,
        texts(a.amount for a in rows),
        texts(a.factor for a in rows),
        source,
        payload,
    )
    if any(pays):
        await connection.execute(COMPLETE, *arguments)
    ranks = [rank_of(s) for s in source]
    new = await connection.fetch(INSERT, *arguments, [r[1] for r in ranks], [r[0] for r in ranks])
    return Counter(row["ticker"] for row in new)


class Actions:
    """`store.actions`."""

    def __init__(self, database: Database, rank_of: RankOf) -> None:
        self._db = database
        self._rank_of = rank_of

    async def upsert(self, actions: Sequence[CorporateAction]) -> int:
        """Keep events; the same ones again change nothing. Returns how many were new."""
        return (await self._db.run(lambda c: write_actions(c, actions, self._rank_of))).total()

    async def of(self, ticker: str, *, since: date | None = None) -> list[CorporateAction]:
        """The events of one asset by day, each once, as the best source tells it."""
        return (await self.of_many([ticker], since=since)).get(ticker, [])

    async def of_many(
        self, tickers: Sequence[str] | None, *, since: date | None = None
    ) -> dict[str, list[CorporateAction]]:
        """The same for many assets (None: all), those of the codes they had before included."""
        lineages = await read_lineages(self._db)
        found = grouped(await self._read(_with_ancestors(tickers, lineages), since), _action)
        return followed(found, tickers, lineages, lambda told: told.last_date_with)

    async def steps(
        self, tickers: Sequence[str] | None, *, since: date | None = None, lineages: Lineages
    ) -> dict[str, list[Step]]:
        """The same with only what adjusting prices needs, for reading many histories; new shares per old one too."""
        found = grouped(await self._read(_with_ancestors(tickers, lineages), since), _step)
        steps = followed(found, tickers, lineages, lambda step: step.last_date_with)
        for ticker in (t for t in (lineages if tickers is None else tickers) if t in lineages):
            for day, change in lineages.ratios(ticker):
                step = Step(ActionKind.SPLIT, day, None, change.ratio, change.source)
                steps.setdefault(ticker, []).append(step)
        return steps

    async def _read(self, tickers: Sequence[str] | None, since: date | None) -> list[Record]:
        return await self._db.fetch(
            f"SELECT {COLUMNS} FROM corporate_action WHERE ($1::text[] IS NULL OR ticker = ANY($1)) "
            "AND ($2::date IS NULL OR last_date_with >= $2) "
            "ORDER BY ticker, last_date_with, kind, amount, factor, source, payment_date",
            None if tickers is None else list(tickers),
            since,
        )

    async def reported(self, ticker: str) -> list[CorporateAction]:
        """Every source's own account of the events, for comparing them."""
        rows = await self._db.fetch(
            f"SELECT {COLUMNS} FROM corporate_action WHERE ticker = $1 ORDER BY last_date_with, source, kind, amount",
            ticker,
        )
        return [_action(row) for row in rows]


def _with_ancestors(tickers: Sequence[str] | None, lineages: Lineages) -> list[str] | None:
    if tickers is None:
        return None
    return sorted({*tickers, *(s.ticker for t in tickers if t in lineages for s in lineages.spans(t))})


def followed(
    found: dict[str, list[Event]],
    tickers: Sequence[str] | None,
    lineages: Lineages,
    day_of: Callable[[Event], date],
) -> dict[str, list[Event]]:
    """Events by ticker, each asset's across the codes it had; one told under both codes is kept once."""
    told = {t: found[t] for t in (found if tickers is None else tickers) if t in found}
    for ticker in (t for t in (lineages if tickers is None else tickers) if t in lineages):
        spans = lineages.spans(ticker)
        own = [e for e in found.get(spans[-1].ticker, ()) if spans[0].first is None or day_of(e) >= spans[0].first]
        known = {_essence(e) for e in own}
        older = [e for s in spans[:-1] for e in found.get(s.ticker, ()) if s.holds(day_of(e))]
        told[ticker] = sorted([*(e for e in older if _essence(e) not in known), *own], key=day_of)
    return {ticker: events for ticker, events in told.items() if events}


def _essence(event: PriceEvent) -> tuple[object, ...]:
    return (event.kind, event.last_date_with, event.amount, event.factor)


def grouped(rows: Sequence[Record], made: Callable[[Record], Event]) -> dict[str, list[Event]]:
    """Rows by ticker, each event once; sources in order of official first, then rank."""
    found: dict[str, list[Event]] = {}
    order: dict[str, tuple[bool, int]] = {}
    for row in rows:
        found.setdefault(row["ticker"], []).append(made(row))
        order[row["source"]] = (not row["official"], row["rank"])
    if len(order) == 1:
        return found
    return {
        ticker: distinct_actions(events, lambda a: order[a.source]) if len({a.source for a in events}) > 1 else events
        for ticker, events in found.items()
    }


def _step(row: Record) -> Step:
    return Step(KINDS[row["kind"]], row["last_date_with"], row["amount"], row["factor"], row["source"])


def _action(row: Record) -> CorporateAction:
    # model_construct: the row was validated when it was written, and a thousand assets are read at once.
    return CorporateAction.model_construct(
        ticker=row["ticker"],
        kind=ActionKind(row["kind"]),
        last_date_with=row["last_date_with"],
        payment_date=row["payment_date"],
        amount=row["amount"],
        factor=row["factor"],
        source=row["source"],
        payload=row["payload"],
    )
