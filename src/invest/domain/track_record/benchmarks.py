"""What any analyst must beat, called on the very same items: a coin, always buy, momentum, our score, chance."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import date

from invest.domain.opinions import rating_of, shrunk
from invest.domain.track_record.outcome import Outcome
from invest.domain.track_record.record import BENCHMARKS

ALWAYS_BUY = 0.70
SIDE = 0.60  # what a rule without a probability of its own says for yes; 1 - SIDE for no
GOOD_SCORE, BAD_SCORE = 6.5, 4.0
RANDOM_SPREAD = 0.20

Item = tuple[str, date]


def benchmark_outcomes(
    outcomes: Iterable[Outcome],
    *,
    momentum: Mapping[Item, float] | None = None,
    score: Mapping[Item, float] | None = None,
) -> list[Outcome]:
    """The benchmarks' calls on every item of `outcomes`, closed as those were.

    `momentum` (12-1, fraction) and `score` (0..10) by ticker and entry day, as known when the call was made; where one
    is missing that benchmark makes no call.
    """
    items: dict[tuple[str, date, int], Outcome] = {}
    for row in outcomes:
        items.setdefault((row.ticker, row.entry_day, row.horizon_days), row)
    found: list[Outcome] = []
    for row in items.values():
        found += [_called(row, name, p) for name, p in _named_odds(row, momentum or {}, score or {})]
    return found


def _named_odds(
    row: Outcome, momentum: Mapping[Item, float], score: Mapping[Item, float]
) -> Iterator[tuple[str, float]]:
    coin, buy, trend, ours, chance = BENCHMARKS
    yield coin, 0.5
    yield buy, ALWAYS_BUY
    item = (row.ticker, row.entry_day)
    if (moved := momentum.get(item)) is not None:
        yield trend, SIDE if moved > 0 else 1 - SIDE
    if (points := score.get(item)) is not None:
        yield ours, SIDE if points >= GOOD_SCORE else 1 - SIDE if points < BAD_SCORE else 0.5
    yield chance, _random(row)


def _random(row: Outcome) -> float:
    """Evenly within .3 and .7, always the same for the same item."""
    seed = f"{row.ticker}|{row.entry_day}|{row.horizon_days}".encode()
    draw = int.from_bytes(hashlib.sha256(seed).digest()[:8]) / 2**64
    return 0.5 + RANDOM_SPREAD * (2 * draw - 1)


def _called(row: Outcome, name: str, p: float) -> Outcome:
    changes = {
        "opinion_id": f"{name}|{row.ticker}|{row.entry_day}",
        "provider": name,
        "model": None,
        "probability": round(p, 6),
        "rating": rating_of(shrunk(p)).value,
    }
    return row.model_copy(update=changes)
