"""Everything collected of one asset (or one batch): all of it is written, or nothing.

Several gatherings of different assets may share a transaction (`invest.store.commits`): each part of theirs is written
by one statement then, in the order of tables and keys in which one gathering alone would be.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain

from invest.domain.market import Asset, Bar, CorporateAction, MacroPoint, NewsItem, StatementLine, TickerChange
from invest.domain.values import Consensus, Observation, RawPayload
from invest.store.core import Connection
from invest.store.market import (
    ORIGIN,
    Origin,
    RankOf,
    write_actions,
    write_assets,
    write_bars,
    write_changes,
    write_consensus,
    write_macro,
    write_news,
    write_observations,
    write_payloads,
    write_statements,
)

ROW_BYTES = 200  # of one row, roughly, on its way


@dataclass(frozen=True, slots=True)
class Saved:
    """How many rows were new or changed."""

    bars: int = 0
    actions: int = 0
    statements: int = 0
    news: int = 0
    macro: int = 0


@dataclass(frozen=True, slots=True)
class Gathering:
    """What one collection brought; every part may be empty."""

    assets: Sequence[Asset] = ()
    changes: Sequence[TickerChange] = ()
    payloads: Sequence[RawPayload] = ()
    observations: Sequence[Observation] = ()
    consensus: Sequence[Consensus] = ()
    bars: Sequence[Bar] = ()
    actions: Sequence[CorporateAction] = ()
    statements: Sequence[StatementLine] = ()
    news: Sequence[NewsItem] = ()
    macro: Sequence[MacroPoint] = ()
    fetched_at: datetime | None = None

    def subjects(self) -> set[str]:
        """What it writes about, payloads aside: tickers, CNPJs, items of news, series."""
        values: Iterable[Asset | Observation | Consensus | CorporateAction]
        values = chain(self.assets, self.observations, self.consensus, self.actions)
        return {
            *(value.ticker for value in values),
            *(ticker for change in self.changes for ticker in (change.old, change.new)),
            *(bar[0] for bar in self.bars),
            *(line.cnpj for line in self.statements),
            *(item.id for item in self.news),
            *(point.series for point in self.macro),
        }

    def weight(self) -> int:
        """About how many bytes it takes to write."""
        rows = sum(map(len, (self.observations, self.consensus, self.bars, self.actions, self.statements, self.macro)))
        return rows * ROW_BYTES + sum(len(p.body) for p in self.payloads if p.body is not None)


async def write_gatherings(connection: Connection, gatherings: Sequence[Gathering], rank_of: RankOf) -> list[Saved]:
    """Write all gatherings in the transaction of `connection`, always in the same order of tables and keys.

    No two may be about the same subject. Returns what each of them changed.
    """
    if assets := [x for g in gatherings for x in g.assets]:
        await write_assets(connection, assets)
    if changes := [x for g in gatherings for x in g.changes]:
        await write_changes(connection, changes)
    if payloads := [x for g in gatherings for x in g.payloads]:
        await write_payloads(connection, payloads)
    if observations := [x for g in gatherings for x in g.observations]:
        await write_observations(connection, observations)
    if consensus := [x for g in gatherings for x in g.consensus]:
        await write_consensus(connection, consensus)
    bars = await write_bars(connection, [x for g in gatherings for x in g.bars], rank_of, _origins(gatherings))
    actions = await write_actions(connection, [x for g in gatherings for x in g.actions], rank_of)
    statements = await write_statements(connection, [x for g in gatherings for x in g.statements])
    news = await write_news(connection, [x for g in gatherings for x in g.news])
    macro = await write_macro(connection, [x for g in gatherings for x in g.macro], rank_of)
    return [
        Saved(
            bars=sum(bars[t] for t in {x.ticker for x in g.bars}),
            actions=sum(actions[t] for t in {x.ticker for x in g.actions}),
            statements=sum(statements[c] for c in {x.cnpj for x in g.statements}),
            news=len(news & {x.id for x in g.news}),
            macro=sum(macro[s] for s in {x.series for x in g.macro}),
        )
        for g in gatherings
    ]


def _origins(gatherings: Sequence[Gathering]) -> dict[Origin, datetime]:
    """When each payload that bars were read from was fetched, the latest where several say so."""
    now = datetime.now(UTC)
    found: dict[Origin, datetime] = {}
    for origin, at in _fetched(gatherings, now):
        found[origin] = max(at, found.get(origin, at))
    return found


def _fetched(gatherings: Sequence[Gathering], now: datetime) -> Iterator[tuple[Origin, datetime]]:
    for g in gatherings:
        for origin in set(map(ORIGIN, g.bars)):
            yield origin, g.fetched_at or now
