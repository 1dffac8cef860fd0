"""The track record of the AIs: closing opinions whose horizon is over, and the table of how good they were."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta

import numpy as np

from invest.domain.market import Prices, usable
from invest.domain.opinions import (
    HORIZONS,
    Call,
    Outcome,
    Skill,
    TrackLine,
    TrackRecord,
    benchmark_outcomes,
    build_track_record,
    calls_of,
    resolve_all,
    skills,
)
from invest.engine import Context
from invest.jobs.loading import INDEX
from invest.jobs.queues import ANALYSIS, NEVER, PERIODIC
from invest.jobs.results import (
    OpinionsClosed,
)
from invest.reports import TrackRow
from invest.settings import Settings
from invest.store import Store

MOMENTUM_FROM, MOMENTUM_TO = timedelta(days=365), timedelta(days=30)  # twelve months but for the last one


@ANALYSIS.job(retry=PERIODIC, key="close-opinions", give_up_on=NEVER, cron="30 21 * * mon-fri")
async def close_opinions(ctx: Context) -> OpinionsClosed:
    """Close AI opinions whose 30, 90 or 180 days are over, against the index: the track record grows by them."""
    closed = await close_due(ctx.use(Store), ctx.use(Settings))
    return OpinionsClosed(closed=closed, timestamp=datetime.now(UTC))


async def close_due(store: Store, settings: Settings) -> int:
    """Close every open opinion whose 30, 90 or 180 days are over; how many calls were closed."""
    now, closed = settings.now(), 0
    index = usable(await store.bars.read(INDEX))
    for horizon in HORIZONS:
        due = await store.opinions.due(horizon, now=now, sandbox=settings.sandbox)
        by_ticker: dict[str, list[Call]] = defaultdict(list)
        for opinion in due:
            by_ticker[opinion.ticker] += calls_of(opinion, horizon)
        bars = await store.bars.read_many(sorted(by_ticker))
        outcomes: list[Outcome] = []
        for ticker, calls in by_ticker.items():
            if ticker in bars and len(index.days):
                outcomes += resolve_all(calls, horizon, usable(bars[ticker]), index, closed_at=now)
        await store.opinions.close(outcomes)
        closed += len(outcomes)
    return closed


async def record(store: Store) -> TrackRecord:
    """The whole table, benchmarks beside the AIs on the same items."""
    outcomes = await store.opinions.outcomes()
    items = {(o.ticker, o.entry_day) for o in outcomes}
    bars = await store.bars.read_many(sorted({ticker for ticker, _ in items})) if items else {}
    prices = {ticker: usable(b) for ticker, b in bars.items()}
    momentum = {item: m for item in items if (m := momentum_at(prices.get(item[0]), item[1])) is not None}
    score = await _scores(store, items)
    rivals = benchmark_outcomes(outcomes, momentum=momentum, score=score)
    return await asyncio.to_thread(build_track_record, outcomes, rivals)


def momentum_at(prices: Prices | None, day: date) -> float | None:
    """Return from twelve months to one month before `day`, or None where the history is too short."""
    if prices is None:
        return None
    start, end = np.datetime64(day - MOMENTUM_FROM, "D"), np.datetime64(day - MOMENTUM_TO, "D")
    first = int(np.searchsorted(prices.days, start, side="left"))
    last = int(np.searchsorted(prices.days, end, side="right")) - 1
    if last <= first or prices.days[first] - start > np.timedelta64(10, "D"):
        return None
    return float(prices.close[last] / prices.close[first] - 1)


async def _scores(store: Store, items: set[tuple[str, date]]) -> dict[tuple[str, date], float]:
    """Our own score as it stood before each entry day."""
    found: dict[tuple[str, date], float] = {}
    histories = await store.analyses.verdicts([ticker for ticker, _ in items]) if items else {}
    for ticker, day in items:
        known = (score for at, score, _ in histories.get(ticker, ()) if at.date() <= day and score is not None)
        if (score := next(known, None)) is not None:
            found[ticker, day] = score
    return found


async def track_rows(store: Store) -> list[TrackRow]:
    """The table as reports print it; empty while nothing is closed."""
    return [_row(line) for line in (await record(store)).lines]


async def known_skills(store: Store) -> Mapping[str, Skill]:
    """What the consensus may weigh each provider by."""
    outcomes: Sequence[Outcome] = await store.opinions.outcomes(horizon_days=180)
    return skills(outcomes)


def _row(line: TrackLine) -> TrackRow:
    return TrackRow(
        analyst=line.analyst,
        horizon_days=line.horizon_days,
        closed=line.closed,
        cohorts=line.cohorts,
        status="interval" if line.status == "selective" else line.status,  # never ranked either way
        brier=line.brier,
        skill=line.skill,
        skill_low=line.skill_low,
        skill_high=line.skill_high,
        hit_rate=line.hit_rate,
        base_rate=line.base_rate,
        excess=line.excess,
        benchmark=line.benchmark,
    )
