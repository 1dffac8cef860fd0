"""Everything collected of one asset (or one batch): all of it is written, or nothing.

Several harvests of different assets may share a transaction (`invest.store.commits`): each part of theirs is written
by one statement then, in the order of tables and keys in which one harvest alone would be.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from invest.domain.market import market_day
from invest.domain.values import Harvest
from invest.store.core import Connection
from invest.store.market import (
    ORIGIN,
    RankOf,
    beside,
    write_actions,
    write_assets,
    write_bars,
    write_changes,
    write_consensus,
    write_macro,
    write_news,
    write_observations,
    write_payloads,
    write_portfolios,
    write_programmes,
    write_readings,
    write_statements,
    write_tables,
)


@dataclass(frozen=True, slots=True)
class Saved:
    """How many rows were new or changed."""

    bars: int = 0
    actions: int = 0
    statements: int = 0
    news: int = 0
    macro: int = 0


async def write_harvests(connection: Connection, harvests: Sequence[Harvest], rank_of: RankOf) -> list[Saved]:
    """Write all harvests in the transaction of `connection`, always in the same order of tables and keys.

    No two may be about the same subject. Returns what each of them changed.
    """
    every = Harvest.sum(harvests)
    await write_assets(connection, every.assets)
    await write_changes(connection, every.changes)
    await write_payloads(connection, every.payloads)
    await write_observations(connection, every.observations)
    await write_consensus(connection, every.consensus)
    now = datetime.now(UTC)
    rows = beside(every.bars, every.tables, rank_of) if every.tables else every.bars
    bars = await write_tables(connection, every.tables, rank_of, now, rows)
    bars += await write_bars(connection, rows, rank_of, dict.fromkeys(map(ORIGIN, rows), now))
    today = max((market_day(payload.fetched_at) for payload in every.payloads), default=None)
    actions = await write_actions(connection, every.actions, rank_of, today)
    statements = await write_statements(connection, every.statements)
    news = await write_news(connection, every.news)
    macro = await write_macro(connection, every.macro, rank_of)
    await write_portfolios(connection, every.portfolios)
    await write_programmes(connection, every.programmes)
    await write_readings(connection, every.readings)
    return [
        Saved(
            bars=sum(
                bars[t]
                for t in {*(x.ticker for x in harvest.bars), *(t for table in harvest.tables for t in table.codes())}
            ),
            actions=sum(actions[t] for t in {x.ticker for x in harvest.actions}),
            statements=sum(statements[c] for c in {x.cnpj for x in harvest.statements}),
            news=len(news & {x.id for x in harvest.news}),
            macro=sum(macro[s] for s in {x.series for x in harvest.macro}),
        )
        for harvest in harvests
    ]
