"""Did the score predict later returns? Rank IC, quintiles, turnover, costs, and their confidence.

Conventions: the IC is Spearman's, per day, then averaged; quintile means are averaged per day first; the spread is the
whole distance of the best quintile from the worst; significance comes from cohorts that do not overlap.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from invest.domain.analysis import Alarm, Backtest
from invest.domain.backtest.score_panel import ScorePanel, outcomes
from invest.domain.market import Floats, Prices
from invest.domain.maths import apart, cohort_interval

QUANTILES = 5
MIN_ASSETS = 10
COST_PER_SIDE = 0.0015  # of the value traded: fees and half a spread
SHUFFLES = 400
ENTRY_SLACK = 5  # days from a score to its first close, over a long weekend
IMPLAUSIBLE_IC = 0.30  # a month's rank IC of .05 is good; one like this is read from the future


@dataclass(frozen=True, slots=True)
class ScoredDay:
    """One day on which enough assets had a score and a later return: both by asset, and what they say of each other."""

    day: date
    scores: Floats
    returns: Floats
    ic: float  # NaN where either side is all alike
    means: Sequence[float]  # mean return by quintile of the score, the lowest first
    worst: frozenset[str]  # members of the outer quintiles
    best: frozenset[str]

    @property
    def spread(self) -> float:
        """Mean return of the best quintile less that of the worst."""
        return self.means[-1] - self.means[0]


def backtest(
    panel: ScorePanel,
    prices: Mapping[str, Prices],
    horizon: int = 90,
    *,
    cost_per_side: float = COST_PER_SIDE,
    end: date | None = None,
    seed: int = 0,
) -> Backtest:
    """Measure `panel` against the total returns of `horizon` calendar days after the first close past each day."""
    results = outcomes(panel, prices, horizon, end)
    usable = np.isfinite(panel.scores) & np.isfinite(results.held)
    rows = [int(row) for row in np.flatnonzero(usable.sum(axis=1) >= MIN_ASSETS)]
    days = [_scored_day(panel, row, usable[row], results.held[row]) for row in rows]
    starts = set(apart([d.day for d in days], horizon + ENTRY_SLACK))
    cohorts = [d for d in days if d.day in starts]
    ics, cohort_ics = _column(d.ic for d in days), _column(d.ic for d in cohorts)
    spread, turnover = _mean(_column(d.spread for d in days)), _turnover(cohorts)
    return Backtest(
        horizon_days=horizon,
        days=len(days),
        assets=_mean(_column(len(d.scores) for d in days)) or 0.0,
        first=days[0].day if days else None,
        last=days[-1].day if days else None,
        ic_mean=_mean(ics),
        ic_std=_std(ics),
        icir=_ratio(_mean(ics), _std(ics)),
        ic_by_day=[(d.day, d.ic) for d in days if np.isfinite(d.ic)],
        quantile_returns=[_mean(_column(d.means[q] for d in days)) for q in range(QUANTILES)],
        spread=spread,
        turnover=turnover,
        cost_per_side=cost_per_side,
        spread_net=None if spread is None or turnover is None else spread - 4 * cost_per_side * turnover,
        rank_autocorrelation=rank_autocorrelation(panel.scores[rows]),
        ic=cohort_interval([d.ic for d in cohorts if np.isfinite(d.ic)]),
        spread_interval=cohort_interval([d.spread for d in cohorts if np.isfinite(d.spread)]),
        p_shuffled=_shuffled(cohorts, _mean(cohort_ics), seed),
        alarms=_alarms(panel, results.missed, cohort_ics),
    )


def _scored_day(panel: ScorePanel, row: int, usable: npt.NDArray[np.bool_], held: Floats) -> ScoredDay:
    scores, returns = panel.scores[row][usable], held[usable]
    bins = quantile_of(scores)
    names = [ticker for ticker, used in zip(panel.tickers, usable, strict=True) if used]
    by_quintile = [frozenset(n for n, q in zip(names, bins, strict=True) if q == edge) for edge in (0, QUANTILES - 1)]
    day: date = panel.days[row].astype(object)
    return ScoredDay(day, scores, returns, rank_ic(scores, returns), _by_quantile(bins, returns), *by_quintile)


def _column(values: Iterable[float]) -> Floats:
    return np.array(list(values), dtype=np.float64)


def ranks(values: Floats) -> Floats:
    """Average ranks from 1, equal values sharing theirs."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return np.asarray((ends - (counts - 1) / 2)[inverse], dtype=np.float64)


def rank_ic(scores: Floats, returns: Floats) -> float:
    """Spearman's correlation; NaN where either side has one value only."""
    return _pearson(ranks(scores), ranks(returns))


def _pearson(a: Floats, b: Floats) -> float:
    a, b = a - a.mean(), b - b.mean()
    norm = float((a @ a) * (b @ b)) ** 0.5
    return float(a @ b) / norm if norm > 0 else float("nan")


def quantile_of(scores: Floats, quantiles: int = QUANTILES) -> npt.NDArray[np.intp]:
    """Quantile of each score, 0 the lowest; a score on an edge belongs to the lower one."""
    edges = np.quantile(scores, np.linspace(0, 1, quantiles + 1)[1:-1])
    return np.searchsorted(edges, scores, side="left")


def _by_quantile(bins: npt.NDArray[np.intp], returns: Floats) -> list[float]:
    return [float(returns[bins == q].mean()) if (bins == q).any() else float("nan") for q in range(QUANTILES)]


def rank_autocorrelation(scores: Floats) -> float | None:
    """Mean correlation of the ranks of one day with those of the next, over assets scored on both."""
    found = []
    for before, after in pairwise(scores):
        both = np.isfinite(before) & np.isfinite(after)
        if both.sum() >= MIN_ASSETS:
            old, new = _ranked_row(before), _ranked_row(after)
            found.append(_pearson(old[both], new[both]))
    return _mean(np.array(found))


def _ranked_row(row: Floats) -> Floats:
    out = np.full(len(row), np.nan)
    known = np.isfinite(row)
    out[known] = ranks(row[known])
    return out


def _turnover(days: Sequence[ScoredDay]) -> float | None:
    """Mean share of newcomers in the outer quintiles from one day to the next."""
    shares = []
    for before, after in pairwise(days):
        for then, now in ((before.worst, after.worst), (before.best, after.best)):
            if now:
                shares.append(len(now - then) / len(now))
    return _mean(_column(shares))


def _shuffled(days: Sequence[ScoredDay], mean: float | None, seed: int) -> float | None:
    """Permutation test of the mean IC: scores shuffled among the assets of each day."""
    if mean is None:
        return None
    random = np.random.default_rng(seed)
    totals = np.zeros(SHUFFLES)
    for day in days:
        a, b = ranks(day.scores), ranks(day.returns)
        a, b = a - a.mean(), b - b.mean()
        norm = float((a @ a) * (b @ b)) ** 0.5
        if norm > 0:
            totals += random.permuted(np.tile(a, (SHUFFLES, 1)), axis=1) @ b / norm
    return float(((np.abs(totals / len(days)) >= abs(mean)).sum() + 1) / (SHUFFLES + 1))


def _alarms(panel: ScorePanel, missed: Floats, cohort_ics: Floats) -> list[Alarm]:
    """An IC too good to be true, or a score that knows the return between its day and the first possible entry."""
    alarms: list[Alarm] = []
    known = cohort_ics[np.isfinite(cohort_ics)]
    width = max(1, panel.scores.shape[1] - 1)
    if len(known) and abs(float(known.mean())) > max(IMPLAUSIBLE_IC, 4 / (width * len(known)) ** 0.5):
        alarms.append("implausible_ic")
    foreseen = []
    for scores, skipped in zip(panel.scores, missed, strict=True):
        both = np.isfinite(scores) & np.isfinite(skipped)
        if both.sum() >= MIN_ASSETS:
            foreseen.append(rank_ic(scores[both], skipped[both]))
    seen = _column(ic for ic in foreseen if np.isfinite(ic))
    if len(seen) and float(seen.mean()) > max(0.10, 4 / (width * len(seen)) ** 0.5):
        alarms.append("foresees_missed_return")
    return alarms


def _mean(values: Floats) -> float | None:
    values = values[np.isfinite(values)]
    return float(values.mean()) if len(values) else None


def _std(values: Floats) -> float | None:
    values = values[np.isfinite(values)]
    return float(values.std(ddof=1)) if len(values) > 1 else None


def _ratio(part: float | None, whole: float | None) -> float | None:
    return part / whole if part is not None and whole is not None and whole > 0 else None
