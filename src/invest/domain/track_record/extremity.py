"""The slope that draws probabilities to one half, learnt from the pool's own record once that is long enough."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from invest.domain.opinions import Extremity
from invest.domain.track_record.closed_items import apart
from invest.domain.track_record.closing import CONSENSUS
from invest.domain.track_record.outcome import Outcome
from invest.domain.track_record.record import RANKED_FROM
from invest.domain.track_record.scores import cohort_means

LOW, HIGH = 0.0, 4.0  # where the slope is looked for; what is used is drawn to .5 and clipped to [.2, 1]
STEPS = 60


def learn_extremity(outcomes: Iterable[Outcome], log_odds: Mapping[str, float], horizon_days: int = 180) -> Extremity:
    """The slope under which the pool's log-odds would have been likeliest; .5 below eight closed cohorts.

    `log_odds` by the id of the pooled opinion, before any slope. Closed items that do not overlap count, as for skills.
    """
    rows = [row for row in apart(outcomes, horizon_days) if row.provider == CONSENSUS and row.opinion_id in log_odds]
    cohorts = cohort_means([(row.entry_day, float(row.beat)) for row in rows], horizon_days)
    if len(cohorts) < RANKED_FROM:
        return Extremity()
    odds = [(log_odds[row.opinion_id], row.beat) for row in rows]
    low, high = LOW, HIGH
    for _ in range(STEPS):  # the log-likelihood is concave in the slope: its derivative changes sign once
        middle = (low + high) / 2
        low, high = (middle, high) if _gradient(odds, middle) > 0 else (low, middle)
    return Extremity(len(rows), (low + high) / 2)


def _gradient(odds: Iterable[tuple[float, bool]], slope: float) -> float:
    return math.fsum(x * (beat - 1 / (1 + math.exp(-slope * x))) for x, beat in odds)
