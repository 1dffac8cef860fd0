"""Corporate actions: stored once per source, read once per event."""
# ruff: noqa: S608 - only the constants of this module are put into its SQL; every value is a parameter

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Generic, TypeVar

from invest.domain.frozen import bare
from invest.domain.market import (
    ActionKind,
    CorporateAction,
    Event,
    Lineages,
    PriceEvent,
    Step,
    distinct_actions,
    right_of,
)
from invest.store.core import Connection, Database, Record, clean_or_none, columns, texts, touched
from invest.store.market.assets import read_lineages

Item = TypeVar("Item")
KINDS = {str(kind): kind for kind in ActionKind}
RankOf = Callable[[str], tuple[int, bool]]  # source -> (rank, official)
Word = tuple[str, date, str, str]  # what one source says of one asset, day and kind of right
TERMS = ("label", "approved_on", "other", "ratio", "price", "price_factor", "cost_share", "cost_source")
COLUMNS = (
    f"ticker, kind, last_date_with, payment_date, amount, factor, source, payload, official, rank, {', '.join(TERMS)}"
)
HELD = f"""
SELECT id, {COLUMNS} FROM corporate_action
WHERE ticker = ANY($1::text[]) AND source = ANY($2::text[]) AND last_date_with BETWEEN $3 AND $4 ORDER BY id
"""
INSERT = f"""
INSERT INTO corporate_action (n, {COLUMNS})
SELECT n, t, k, d, p, a::numeric, f::numeric, s, y, o, r, l, w, e, q::numeric, c::numeric, m::numeric, h::numeric, z
FROM unnest($1::int[], $2::text[], $3::text[], $4::date[], $5::date[], $6::text[], $7::text[], $8::text[], $9::text[],
            $10::bool[], $11::int[], $12::text[], $13::date[], $14::text[], $15::text[], $16::text[], $17::text[],
            $18::text[], $19::text[])
  AS x (n, t, k, d, p, a, f, s, y, o, r, l, w, e, q, c, m, h, z)
ON CONFLICT DO NOTHING
"""


async def write_actions(
    connection: Connection, actions: Iterable[CorporateAction], rank_of: RankOf, today: date | None = None
) -> Counter[str]:
    """Keep what is new, in the transaction of `connection`; returns how many events were new, by ticker.

    A source's events of a day and kind of right replace its earlier ones: an amount that was revised is
    one event, two equal payments are two. A payment day once known stays known. `today`: the actions are all that the
    sources list from their first one on, and an announced event that is listed no more was moved or called off.
    """
    given = _by_word(actions, _word)
    if not given:
        return Counter()
    days = [word[1] for word in given]
    tickers, sources = sorted({word[0] for word in given}), sorted({word[3] for word in given})
    rows = await connection.fetch(HELD, tickers, sources, min(days), max(days) if today is None else date.max)
    held = _by_word(rows, lambda row: _word(_action(row)))
    fresh, gone, new = list[CorporateAction](), list[int](), Counter[str]()
    if today is not None:
        gone += [row["id"] for word in _called_off(given, held, today) for row in held[word]]
    for word, events in sorted(given.items()):
        before = [_action(row) for row in held.get(word, ())]
        after = _completed(events, before)
        if Counter(map(_terms, after)) != Counter(map(_terms, before)):
            fresh += after
            gone += [row["id"] for row in held.get(word, ())]
            new[word[0]] += _count_new(before, after)
    if gone:
        await connection.execute("DELETE FROM corporate_action WHERE id = ANY($1::bigint[])", gone)
    if fresh:
        await connection.execute(INSERT, *_arguments(fresh, rank_of))
    return +new


async def read_reported(connection: Connection, ticker: str, day: date, source: str) -> list[CorporateAction]:
    """What a source reported of a paper and last day with rights, in the transaction of `connection`."""
    return [_action(row) for row in await connection.fetch(HELD, [ticker], [source], day, day)]


async def remove_actions(
    connection: Connection,
    ticker: str,
    kind: ActionKind,
    day: date,
    source: str,
    *,
    label: str | None = None,
    labelled: bool = True,
) -> int:
    """Delete a source's rows of one event, with `label` only those (or all but those) so labelled; how many."""
    return touched(
        await connection.execute(
            "DELETE FROM corporate_action WHERE ticker = $1 AND kind = $2 AND last_date_with = $3 AND source = $4 "
            "AND ($5::text IS NULL OR coalesce(label = $5, false) = $6)",
            ticker,
            str(kind),
            day,
            source,
            label,
            labelled,
        )
    )


def _word(action: CorporateAction) -> Word:
    return (action.ticker, action.last_date_with, right_of(action.kind), action.source)


def _by_word(items: Iterable[Item], word_of: Callable[[Item], Word]) -> dict[Word, list[Item]]:
    words: dict[Word, list[Item]] = {}
    for item in items:
        words.setdefault(word_of(item), []).append(item)
    return words


def _called_off(
    given: Mapping[Word, Sequence[CorporateAction]], held: Mapping[Word, Sequence[Record]], today: date
) -> list[Word]:
    """What a source had listed and lists no more: of days still to come, and what it lists for another day now."""
    listed: dict[tuple[str, str, str], list[CorporateAction]] = {}
    for (ticker, _, right, source), events in given.items():
        listed.setdefault((ticker, right, source), []).extend(events)
    found = []
    for word in held.keys() - given.keys():
        ticker, day, right, source = word
        mine = listed.get((ticker, right, source), ())
        if any(event.last_date_with <= day for event in mine):
            approvals = {_approval(event) for event in mine if _word(event) not in held}
            old = [_action(row) for row in held[word]]
            moved = all(event.approved_on is not None and _approval(event) in approvals for event in old)
            if day >= today or moved:
                found.append(word)
    return found


def _completed(events: Sequence[CorporateAction], before: Sequence[CorporateAction]) -> list[CorporateAction]:
    """`events`, those without a payment day with that of the same event before."""
    known = [event for event in before if event.payment_date is not None]
    result = []
    for event in events:
        twin = None
        if event.payment_date is None:
            twin = next((old for old in known if _essence(old) == _essence(event)), None)
        if twin is not None:
            known.remove(twin)
            event = event.model_copy(update={"payment_date": twin.payment_date})  # noqa: PLW2901
        result.append(event)
    return result


def _approval(event: CorporateAction) -> tuple[object, ...]:
    """What a company decided, whatever the days it then set."""
    return event.kind, event.amount, event.factor, event.approved_on


def _count_new(before: Sequence[CorporateAction], after: Sequence[CorporateAction]) -> int:
    """How many of `after` are not among `before`; one whose payment day became known is not new."""
    fresh = Counter((_essence(e), e.payment_date) for e in after) - Counter(
        (_essence(e), e.payment_date) for e in before
    )
    dated = Counter(essence for essence, _ in fresh.elements())
    undated = Counter(_essence(e) for e in before if e.payment_date is None)
    return fresh.total() - (dated & undated).total()


def _terms(event: CorporateAction) -> tuple[object, ...]:
    return (*_essence(event), event.payment_date, *(getattr(event, name) for name in TERMS))


def _arguments(rows: Sequence[CorporateAction], rank_of: RankOf) -> list[Sequence[object]]:
    ordinals, counts = list[int](), Counter[tuple[object, ...]]()
    for row in rows:
        key = (row.ticker, row.last_date_with, row.kind, row.source)
        counts[key] += 1
        ordinals.append(counts[key])
    ranks = [rank_of(row.source) for row in rows]
    ticker, last, pays, source, payload = columns(rows, "ticker", "last_date_with", "payment_date", "source", "payload")
    label, approved, other = columns(rows, "label", "approved_on", "other")
    return [
        ordinals, ticker, [str(row.kind) for row in rows], last, pays, texts(row.amount for row in rows),
        texts(row.factor for row in rows), source, payload, [r[1] for r in ranks], [r[0] for r in ranks],
        [clean_or_none(text) for text in label], approved, other, texts(row.ratio for row in rows),
        texts(row.price for row in rows), texts(row.price_factor for row in rows),
        texts(row.cost_share for row in rows), [clean_or_none(row.cost_source) for row in rows],
    ]  # fmt: skip


class Actions:
    """`store.actions`."""

    def __init__(self, database: Database, rank_of: RankOf) -> None:
        self._db = database
        self._rank_of = rank_of

    async def upsert(self, actions: Sequence[CorporateAction]) -> int:
        """Keep events; the same ones again change nothing. Returns how many were new."""
        return (await self._db.run(lambda c: write_actions(c, actions, self._rank_of))).total()

    async def remove(
        self, ticker: str, kind: ActionKind, day: date, source: str, *, label: str | None = None, labelled: bool = True
    ) -> int:
        """Delete a source's rows of one event, with `label` only those (or all but those) so labelled; how many."""
        return await self._db.run(
            lambda c: remove_actions(c, ticker, kind, day, source, label=label, labelled=labelled)
        )

    async def of(self, ticker: str, *, since: date | None = None) -> list[CorporateAction]:
        """The events of one asset by day, each once, as the best source tells it."""
        return (await self.of_many([ticker], since=since)).get(ticker, [])

    async def of_many(
        self, tickers: Sequence[str] | None, *, since: date | None = None
    ) -> dict[str, list[CorporateAction]]:
        """The same for many assets (None: all), those of the codes they had before included."""
        lineages = await read_lineages(self._db)
        accounts = Accounts.of(await self._read(_with_ancestors(tickers, lineages), since), _action)
        return accounts.followed(tickers, lineages, lambda action: action.last_date_with)

    async def steps(
        self, tickers: Sequence[str] | None, *, since: date | None = None, lineages: Lineages
    ) -> dict[str, list[Step]]:
        """The same with only what adjusting prices needs, for reading many histories; new shares per old one too."""
        accounts = Accounts.of(await self._read(_with_ancestors(tickers, lineages), since), _step)
        steps = accounts.followed(tickers, lineages, lambda step: step.last_date_with)
        for ticker in (t for t in (lineages if tickers is None else tickers) if t in lineages):
            for day, change in lineages.ratios(ticker):
                step = Step(ActionKind.SPLIT, day, None, change.ratio, change.source)
                steps.setdefault(ticker, []).append(step)
        return steps

    async def _read(self, tickers: Sequence[str] | None, since: date | None) -> list[Record]:
        return await self._db.fetch(
            f"SELECT {COLUMNS} FROM corporate_action WHERE ($1::text[] IS NULL OR ticker = ANY($1)) "
            "AND ($2::date IS NULL OR last_date_with >= $2) "
            "ORDER BY ticker, last_date_with, kind, amount, factor, source, payment_date, n",
            None if tickers is None else list(tickers),
            since,
        )

    async def spin_offs(self, tickers: Sequence[str] | None, *, since: date) -> list[CorporateAction]:
        """The spin-offs of some assets (None: all) from a last day with rights on, each as the best source tells it."""
        rows = await self._db.fetch(
            f"SELECT {COLUMNS} FROM corporate_action WHERE kind = $1 AND ($2::text[] IS NULL OR ticker = ANY($2)) "
            "AND last_date_with >= $3 ORDER BY ticker, last_date_with, source, n",
            str(ActionKind.SPIN_OFF),
            None if tickers is None else list(tickers),
            since,
        )
        found = Accounts.of(rows, _action).followed(tickers, Lineages(), lambda action: action.last_date_with)
        return [action for mine in found.values() for action in mine]

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


@dataclass(frozen=True, slots=True)
class Accounts(Generic[Event]):
    """Every source's account of events by ticker, and what makes one account of them."""

    found: dict[str, list[Event]]
    order: Mapping[str, tuple[bool, int]]  # source -> official first, then rank

    @classmethod
    def of(cls, rows: Sequence[Record], made: Callable[[Record], Event]) -> Accounts[Event]:
        """Of rows of the table."""
        found: dict[str, list[Event]] = {}
        order: dict[str, tuple[bool, int]] = {}
        for row in rows:
            found.setdefault(row["ticker"], []).append(made(row))
            order[row["source"]] = (not row["official"], row["rank"])
        return cls(found, order)

    def followed(
        self, tickers: Sequence[str] | None, lineages: Lineages, day_of: Callable[[Event], date]
    ) -> dict[str, list[Event]]:
        """Events by ticker, each once, each asset's across the codes it had.

        What a source lists under both codes is kept once; what several sources tell, under whichever code, is one
        account of the paper's events.
        """
        found = self.found
        mine = {t: found[t] for t in (found if tickers is None else tickers) if t in found}
        for ticker in (t for t in (lineages if tickers is None else tickers) if t in lineages):
            spans = lineages.spans(ticker)
            since = lineages.merged_on(ticker) or spans[0].first
            own = [e for e in found.get(spans[-1].ticker, ()) if since is None or day_of(e) >= since]
            known = {_essence(e) for e in own}
            older = [e for s in spans[:-1] for e in found.get(s.ticker, ()) if s.holds(day_of(e))]
            mine[ticker] = sorted([*(e for e in older if _essence(e) not in known), *own], key=day_of)
        return {ticker: self._distinct(events) for ticker, events in mine.items() if events}

    def _distinct(self, events: list[Event]) -> list[Event]:
        if len(self.order) == 1 or len({event.source for event in events}) == 1:
            return events
        official = {source for source, (unofficial, _) in self.order.items() if not unofficial}
        return distinct_actions(events, lambda a: self.order[a.source], official)


def _essence(event: PriceEvent) -> tuple[object, ...]:
    return (event.source, event.kind, event.last_date_with, event.amount, event.factor)


def _step(row: Record) -> Step:
    kind = KINDS[row["kind"]]
    return Step(kind, row["last_date_with"], row["amount"], row["factor"], row["source"], row["price_factor"])


def _action(row: Record) -> CorporateAction:
    return bare(  # checked when it was written
        CorporateAction,
        ticker=row["ticker"],
        kind=KINDS[row["kind"]],
        last_date_with=row["last_date_with"],
        payment_date=row["payment_date"],
        amount=row["amount"],
        factor=row["factor"],
        source=row["source"],
        payload=row["payload"],
        **{name: row[name] for name in TERMS},
    )
