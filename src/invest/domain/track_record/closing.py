"""Closing an opinion: total return from the first close after it to the end of its horizon, against its index's.

Nothing is dropped: an asset that stopped trading is closed at its last price, one that never traded again at none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal

import numpy as np

from invest.domain.market import MARKET_ZONE, Prices, session_hours
from invest.domain.opinions import AiConsensus, Opinion, rating_of, shrunk
from invest.domain.track_record.outcome import Outcome
from invest.domain.track_record.scores import excess_return

HORIZONS = (30, 90, 180)
CONSENSUS = "consensus"
CORRECTION = 1e-4  # a smaller difference of a return is rounding
LATE = timedelta(days=10)  # a last trade earlier than this before the end means trading stopped


@dataclass(frozen=True, slots=True)
class Call:
    """A probability published at a moment; frozen from then on. `analyst` is a provider or "consensus"."""

    opinion_id: str
    analyst: str
    model: str | None
    ticker: str
    probability: float
    rating: str | None
    published: datetime
    index_label: str = "IBOV"


def calls_of(opinion: Opinion, horizon_days: int) -> list[Call]:
    """The call of a valid opinion over one horizon; none where it gave no probability for it."""
    p = getattr(opinion, f"p_beat_{horizon_days}d")
    if not opinion.valid or p is None:
        return []
    rating = rating_of(shrunk(p)).value if horizon_days != 180 or opinion.rating is None else opinion.rating.value
    made = (opinion.opinion_id, opinion.provider, opinion.model, opinion.ticker, p, rating, opinion.asked_at)
    return [Call(*made, index_label=opinion.index_label)]


def calls_of_pool(ident: str, asked_at: datetime, consensus: AiConsensus, horizon_days: int) -> list[Call]:
    """The pool's own call over one horizon; none where there was no quorum for it."""
    p = consensus.probability if horizon_days == 180 else getattr(consensus, f"probability_{horizon_days}d")
    if p is None:
        return []
    made = (ident, CONSENSUS, None, consensus.ticker, p, rating_of(p).value, asked_at)
    return [Call(*made, index_label=consensus.index_label)]


def resolve(call: Call, horizon_days: int, asset: Prices, index: Prices, *, closed_at: datetime) -> Outcome | None:
    """How `call` turned out, or None while its horizon is not over in the index's history.

    `asset` adjusted for splits, dividends and JCP, `index` a total-return one. Days after `closed_at` are not looked
    at, whatever the series hold.
    """
    known = np.datetime64(closed_at.astimezone(MARKET_ZONE).date(), "D")
    index_days = index.days[index.days <= known]
    first = _first_close_after(index_days, call.published)
    if first is None:
        return None
    entry_day: date = index_days[first].astype(object)
    until = np.datetime64(entry_day + timedelta(days=horizon_days), "D")
    if not len(index_days) or index_days[-1] < until:
        return None
    entry, leave, reason = _traded(asset, known, index_days[first], until)
    if entry is None or leave is None:
        return _never_traded(call, horizon_days, index, (np.datetime64(entry_day, "D"), until), closed_at)
    start, end = asset.days[entry], asset.days[leave]
    benchmark = _index_close(index, end) / _index_close(index, start) - 1
    total = float(asset.close[leave] / asset.close[entry]) - 1
    return _outcome(
        call,
        horizon_days,
        days=(start.astype(object), end.astype(object)),
        prices=(float(asset.raw_close[entry]), float(asset.raw_close[leave])),
        returns=(total, benchmark),
        reason=reason,
        closed_at=closed_at,
    )


def resolve_all(
    calls: Sequence[Call], horizon_days: int, asset: Prices, index: Prices, *, closed_at: datetime
) -> list[Outcome]:
    """`resolve` over calls on one asset; those still open are left out."""
    closed = (resolve(call, horizon_days, asset, index, closed_at=closed_at) for call in calls)
    return [outcome for outcome in closed if outcome is not None]


def closed_again(outcome: Outcome, asset: Prices, index: Prices, *, closed_at: datetime) -> Outcome | None:
    """`outcome` by the prices known now, as its next revision; None where nothing changed.

    A split, a payment or a price that was corrected or came late changes what a call earned; both values are kept.
    """
    known = np.datetime64(closed_at.astimezone(MARKET_ZONE).date(), "D")
    start, end = np.datetime64(outcome.entry_day, "D"), np.datetime64(outcome.exit_day, "D")
    entry, leave, _ = _traded(asset, known, start, end)
    if entry is None or leave is None or not len(index.days):
        return None
    days = asset.days[entry], asset.days[leave]
    total = float(asset.close[leave] / asset.close[entry]) - 1
    benchmark = _index_close(index, days[1]) / _index_close(index, days[0]) - 1
    moved = max(abs(total - outcome.total_return), abs(benchmark - outcome.benchmark_return))
    if moved <= CORRECTION:
        return None
    excess = excess_return(total, benchmark)
    return outcome.model_copy(
        update={
            "entry_day": days[0].astype(object),
            "exit_day": days[1].astype(object),
            "entry_price": Decimal(repr(float(asset.raw_close[entry]))),
            "exit_price": Decimal(repr(float(asset.raw_close[leave]))),
            "total_return": total,
            "benchmark_return": benchmark,
            "excess": excess,
            "beat": excess > 0,
            "closed_at": closed_at,
            "revision": outcome.revision + 1,
            "revised_because": f"total return {outcome.total_return:.4f} before, by the prices known then",
        }
    )


def _traded(
    asset: Prices, known: np.datetime64, start: np.datetime64, until: np.datetime64
) -> tuple[int | None, int | None, str | None]:
    """Rows of entry and exit, and why the exit is early; None where the asset never traded within the horizon."""
    days = asset.days[asset.days <= known]
    entry = int(np.searchsorted(days, start, side="left"))
    leave = int(np.searchsorted(days, until, side="right")) - 1
    if leave < entry:
        return None, None, None
    reason = None
    if until - days[leave] > np.timedelta64(LATE):
        reason = f"last traded on {days[leave]}: delisted, merged or halted"
    return entry, leave, reason


def _never_traded(
    call: Call,
    horizon_days: int,
    index: Prices,
    days: tuple[np.datetime64, np.datetime64],
    closed_at: datetime,
) -> Outcome:
    """Money stuck in an asset without a price earned nothing while the index moved."""
    start, until = days
    benchmark = _index_close(index, until) / _index_close(index, start) - 1
    return _outcome(
        call,
        horizon_days,
        days=(start.astype(object), until.astype(object)),
        prices=None,
        returns=(0.0, benchmark),
        reason="never traded within the horizon",
        closed_at=closed_at,
    )


def _outcome(
    call: Call,
    horizon_days: int,
    *,
    days: tuple[date, date],
    prices: tuple[float, float] | None,
    returns: tuple[float, float],
    reason: str | None,
    closed_at: datetime,
) -> Outcome:
    excess = excess_return(*returns)
    return Outcome(
        opinion_id=call.opinion_id,
        horizon_days=horizon_days,
        provider=call.analyst,
        model=call.model,
        ticker=call.ticker,
        probability=call.probability,
        rating=call.rating,
        entry_day=days[0],
        exit_day=days[1],
        entry_price=Decimal(repr(prices[0])) if prices else None,
        exit_price=Decimal(repr(prices[1])) if prices else None,
        total_return=returns[0],
        benchmark_return=returns[1],
        excess=excess,
        beat=excess > 0,
        index_label=call.index_label,
        reason=reason,
        closed_at=closed_at,
    )


def _first_close_after(days: np.ndarray[tuple[int], np.dtype[np.datetime64]], published: datetime) -> int | None:
    """Row of the first session whose close is strictly after `published`."""
    day = published.astimezone(MARKET_ZONE).date()
    row = int(np.searchsorted(days, np.datetime64(day, "D"), side="left"))
    while row < len(days) and _close_of(days[row].astype(object)) <= published:
        row += 1
    return row if row < len(days) else None


def _close_of(day: date) -> datetime:
    """When a day's last price is set: the session's end, or midnight where the exchange is shut (crypto)."""
    hours = session_hours(day)
    if hours is not None:
        return hours[1]
    return datetime.combine(day + timedelta(days=1), time(), MARKET_ZONE)


def _index_close(index: Prices, day: np.datetime64) -> float:
    """The index at the last session up to `day`."""
    row = int(np.searchsorted(index.days, day, side="right")) - 1
    return float(index.close[max(row, 0)])
