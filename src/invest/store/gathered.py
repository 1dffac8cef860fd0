"""Everything collected of one asset (or one batch), written in one transaction: all of it or nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from invest.domain.assets import Asset, CorporateAction, MacroPoint, NewsItem, StatementLine, TickerChange
from invest.domain.bars import Bar
from invest.domain.observations import Consensus, Observation, RawPayload
from invest.store.actions import RankOf, write_actions
from invest.store.assets import write_assets, write_changes
from invest.store.bars import write_bars
from invest.store.database import Connection
from invest.store.macro import write_macro
from invest.store.news import write_news
from invest.store.observations import write_consensus, write_observations
from invest.store.payloads import write_payloads
from invest.store.statements import write_statements


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

    async def write(self, connection: Connection, rank_of: RankOf) -> Saved:
        """Write all parts in the transaction of `connection`, always in the same order of tables and keys."""
        if self.assets:
            await write_assets(connection, self.assets)
        if self.changes:
            await write_changes(connection, self.changes)
        if self.payloads:
            await write_payloads(connection, self.payloads)
        if self.observations:
            await write_observations(connection, self.observations)
        if self.consensus:
            await write_consensus(connection, self.consensus)
        return Saved(
            bars=await write_bars(connection, self.bars, rank_of, self.fetched_at) if self.bars else 0,
            actions=await write_actions(connection, self.actions, rank_of) if self.actions else 0,
            statements=await write_statements(connection, self.statements) if self.statements else 0,
            news=await write_news(connection, self.news) if self.news else 0,
            macro=await write_macro(connection, self.macro, rank_of) if self.macro else 0,
        )
