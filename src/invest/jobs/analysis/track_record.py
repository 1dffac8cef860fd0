"""The track record of the AIs: closing opinions whose horizon is over, and the table of how good they were."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np

from invest.domain.market import BY_LABEL, IBOV, INDICES, Prices, usable
from invest.domain.opinions import RHO, RULES, Extremity, Skill
from invest.domain.track_record import (
    CONSENSUS,
    HORIZONS,
    Call,
    Outcome,
    TrackLine,
    TrackRecord,
    benchmark_outcomes,
    build_track_record,
    calls_of,
    calls_of_pool,
    closed_again,
    error_correlation,
    learn_extremity,
    resolve_all,
    skills,
)
from invest.engine import Context
from invest.jobs.queues import ANALYSIS, NEVER, PERIODIC
from invest.jobs.results import (
    OpinionsClosed,
)
from invest.reports import TrackRow
from invest.settings import Settings
from invest.store import Store

PAGE, TICKERS = 1_000, 100  # calls and assets read at a time
NEVER_TRADED_AFTER = timedelta(days=60)  # beyond a call's end: no price will come any more
CORRECTED_WITHIN = timedelta(days=365)
MOMENTUM_FROM, MOMENTUM_TO = timedelta(days=365), timedelta(days=30)  # twelve months but for the last one


@ANALYSIS.job(retry=PERIODIC, key="close-opinions", give_up_on=NEVER, cron="30 21 * * mon-fri")
async def close_opinions(ctx: Context) -> OpinionsClosed:
    """Close AI opinions whose 30, 90 or 180 days are over, against their index: the track record grows by them."""
    closed = await close_due(ctx.use(Store), ctx.use(Settings))
    return OpinionsClosed(closed=closed, timestamp=datetime.now(UTC))


async def close_due(store: Store, settings: Settings) -> int:
    """Close every open call whose 30, 90 or 180 days are over, the pool's among them; how many calls were closed.

    Calls on assets without prices stay open and block nobody; two months after their end they are closed as never
    traded. Calls closed within the last year are closed again where their prices were corrected since.
    """
    indices = await _indices(store)
    if IBOV not in indices:
        return 0
    closed = 0
    for horizon in HORIZONS:
        async for calls in _due(store, settings, horizon):
            outcomes = await _resolved(store, settings, calls, horizon, indices)
            await store.opinions.close(outcomes)
            closed += len(outcomes)
    await _correct(store, settings, indices)
    return closed


async def _indices(store: Store) -> dict[str, Prices]:
    """The closes of every index that is stored, by its label."""
    bars = await store.bars.read_many([index.ticker for index in INDICES if not index.in_dollars])
    found = {label: usable(bars[index.ticker]) for label, index in BY_LABEL.items() if index.ticker in bars}
    return {label: prices for label, prices in found.items() if len(prices)}


async def _due(store: Store, settings: Settings, horizon: int) -> AsyncIterator[list[Call]]:
    """Open calls whose horizon is over, page by page: those of the analysts, then the pool's."""
    now, sandbox = settings.now(), settings.sandbox
    place: tuple[datetime, str] | None = None
    while page := await store.opinions.due(horizon, now=now, sandbox=sandbox, after=place, limit=PAGE):
        yield [call for opinion in page for call in calls_of(opinion, horizon)]
        place = page[-1].asked_at, page[-1].opinion_id
    place = None
    while pools := await store.opinions.pools_due(horizon, now=now, sandbox=sandbox, after=place, limit=PAGE):
        yield [call for ident, at, pooled in pools for call in calls_of_pool(ident, at, pooled, horizon)]
        place = pools[-1][1], pools[-1][0]


async def _resolved(
    store: Store, settings: Settings, calls: Sequence[Call], horizon: int, indices: Mapping[str, Prices]
) -> list[Outcome]:
    """The outcomes of `calls`, each against the index it was about; one whose index is not stored stays open."""
    now = settings.now()
    by_ticker: dict[tuple[str, str], list[Call]] = defaultdict(list)
    for call in calls:
        if call.index_label in indices:
            by_ticker[call.ticker, call.index_label].append(call)
    bars = await store.bars.read_many(sorted({ticker for ticker, _ in by_ticker}))
    outcomes: list[Outcome] = []
    for (ticker, label), asked in by_ticker.items():
        prices = usable(bars[ticker] if ticker in bars else await store.bars.read(ticker))
        over = now - timedelta(days=horizon) - NEVER_TRADED_AFTER
        ready = asked if len(prices.days) else [call for call in asked if call.published <= over]
        outcomes += resolve_all(ready, horizon, prices, indices[label], closed_at=now)
    return outcomes


async def _correct(store: Store, settings: Settings, indices: Mapping[str, Prices]) -> None:
    """Close calls of the last year again where a split, a payment or a price came late."""
    now = settings.now()
    closed = await store.opinions.outcomes(since=now - CORRECTED_WITHIN)
    tickers = sorted({outcome.ticker for outcome in closed})
    for at in range(0, len(tickers), TICKERS):
        page = tickers[at : at + TICKERS]
        prices = {ticker: usable(bars) for ticker, bars in (await store.bars.read_many(page)).items()}
        again = [
            revised
            for outcome in closed
            if outcome.ticker in page and outcome.ticker in prices and (index := indices.get(outcome.index_label))
            if (revised := closed_again(outcome, prices[outcome.ticker], index, closed_at=now)) is not None
        ]
        await store.opinions.close(again)


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
    return [row_of(line) for line in (await record(store)).lines]


@dataclass(frozen=True, slots=True)
class Learnt:
    """What the record has to say to the next pool: each model's skill, the slope, and how far errors go together."""

    skills: Mapping[str, Skill]
    extremity: Extremity
    rho: float


async def learnt(store: Store) -> Learnt:
    """What was learnt from the closed calls over 180 days."""
    outcomes, odds = await asyncio.gather(store.opinions.outcomes(horizon_days=180), store.opinions.pool_log_odds())
    ais = [outcome for outcome in outcomes if outcome.provider not in (CONSENSUS, RULES)]
    together = error_correlation(ais)
    rho = RHO if together is None else min(max(together, 0.0), 1.0)
    return Learnt(skills(outcomes), learn_extremity(outcomes, odds), rho)


def row_of(line: TrackLine) -> TrackRow:
    """A line of the table as reports print it; one that is not to be believed is called unranked, as it has no rank."""
    return TrackRow(
        analyst=line.analyst,
        horizon_days=line.horizon_days,
        closed=line.closed,
        cohorts=line.cohorts,
        status="interval" if line.alarm or line.status == "selective" else line.status,  # never ranked any way
        brier=line.brier,
        skill=line.skill,
        skill_low=line.skill_low,
        skill_high=line.skill_high,
        hit_rate=line.hit_rate,
        base_rate=line.base_rate,
        excess=line.excess,
        benchmark=line.benchmark,
    )
