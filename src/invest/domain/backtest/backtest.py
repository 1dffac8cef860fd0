"""Did the score predict later returns? Rank IC, quintiles, turnover, costs, and their confidence.

Conventions: the IC is Spearman's, per day, then averaged; quintile means are averaged per day first; the spread is the
whole distance of the best quintile from the worst; significance comes from cohorts that do not overlap.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from invest.domain.analysis import Alarm, Backtest
from invest.domain.backtest.score_panel import Panel, outcomes
from invest.domain.market import Floats, Prices
from invest.domain.maths import apart, cohort_interval

QUANTILES = 5
MIN_ASSETS = 10
COST_PER_SIDE = 0.0015  # of the value traded: fees and half a spread
SHUFFLES = 400
ENTRY_SLACK = 5  # days from a score to its first close, over a long weekend
IMPLAUSIBLE_IC = 0.30  # a month's rank IC of .05 is good; one like this is read from the future


def backtest(
    panel: Panel,
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
    days: list[date] = [panel.days[row].astype(object) for row in rows]
    scores = [panel.scores[row][usable[row]] for row in rows]
    returns = [results.held[row][usable[row]] for row in rows]
    ics = np.array([rank_ic(s, r) for s, r in zip(scores, returns, strict=True)])
    bins = [quantile_of(s) for s in scores]
    means = np.array([_by_quantile(b, r) for b, r in zip(bins, returns, strict=True)]).reshape(len(rows), QUANTILES)
    spreads = means[:, -1] - means[:, 0] if rows else np.empty(0)
    starts = set(apart(days, horizon + ENTRY_SLACK))
    chosen = [i for i, day in enumerate(days) if day in starts]
    members = [_outer(panel, row, b, usable[row]) for row, b in zip(rows, bins, strict=True)]
    turnover = _turnover([members[i] for i in chosen])
    spread = _mean(spreads)
    return Backtest(
        horizon_days=horizon,
        days=len(rows),
        assets=_mean(np.array([len(s) for s in scores], dtype=float)) or 0.0,
        first=days[0] if days else None,
        last=days[-1] if days else None,
        ic_mean=_mean(ics),
        ic_std=_std(ics),
        icir=_ratio(_mean(ics), _std(ics)),
        ic_by_day=[(day, float(ic)) for day, ic in zip(days, ics, strict=True) if np.isfinite(ic)],
        quantile_returns=[_mean(means[:, q]) for q in range(QUANTILES)],
        spread=spread,
        turnover=turnover,
        cost_per_side=cost_per_side,
        spread_net=None if spread is None or turnover is None else spread - 4 * cost_per_side * turnover,
        rank_autocorrelation=rank_autocorrelation(panel.scores[rows]),
        ic=cohort_interval([float(ics[i]) for i in chosen if np.isfinite(ics[i])]),
        spread_interval=cohort_interval([float(spreads[i]) for i in chosen if np.isfinite(spreads[i])]),
        p_shuffled=_shuffled([scores[i] for i in chosen], [returns[i] for i in chosen], _mean(ics[chosen]), seed),
        alarms=_alarms(panel, results.missed, ics, chosen),
    )


def ranks(values: Floats) -> Floats:
    """Average ranks from 1, equal values sharing theirs."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return np.asarray((ends - (counts - 1) / 2)[inverse], dtype=np.float64)


def rank_ic(scores: Floats, returns: Floats) -> float:
    """Spearman's correlation; NaN where either side is all alike."""
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


def _outer(
    panel: Panel, row: int, bins: npt.NDArray[np.intp], usable: npt.NDArray[np.bool_]
) -> tuple[frozenset[str], frozenset[str]]:
    """Members of the worst and of the best quintile on one day."""
    names = [ticker for ticker, used in zip(panel.tickers, usable, strict=True) if used]
    worst = frozenset(name for name, q in zip(names, bins, strict=True) if q == 0)
    best = frozenset(name for name, q in zip(names, bins, strict=True) if q == QUANTILES - 1)
    return worst, best


def _turnover(members: Sequence[tuple[frozenset[str], frozenset[str]]]) -> float | None:
    """Mean share of newcomers in the outer quintiles from one day to the next."""
    shares = [
        len(now - then) / len(now)
        for before, after in pairwise(members)
        for then, now in zip(before, after, strict=True)
        if now
    ]
    return _mean(np.array(shares))


def _shuffled(scores: Sequence[Floats], returns: Sequence[Floats], mean: float | None, seed: int) -> float | None:
    """Permutation test of the mean IC: scores shuffled among the assets of each day."""
    if mean is None:
        return None
    random = np.random.default_rng(seed)
    totals = np.zeros(SHUFFLES)
    for s, r in zip(scores, returns, strict=True):
        a, b = ranks(s), ranks(r)
        a, b = a - a.mean(), b - b.mean()
        norm = float((a @ a) * (b @ b)) ** 0.5
        if norm > 0:
            totals += random.permuted(np.tile(a, (SHUFFLES, 1)), axis=1) @ b / norm
    return float(((np.abs(totals / len(scores)) >= abs(mean)).sum() + 1) / (SHUFFLES + 1))


def _alarms(panel: Panel, missed: Floats, ics: Floats, chosen: Sequence[int]) -> list[Alarm]:
    """An IC too good to be true, or a score that knows the return between its day and the first possible entry."""
    alarms: list[Alarm] = []
    known = [ics[i] for i in chosen if np.isfinite(ics[i])]
    width = max(1, panel.scores.shape[1] - 1)
    if known and abs(float(np.mean(known))) > max(IMPLAUSIBLE_IC, 4 / (width * len(known)) ** 0.5):
        alarms.append("implausible_ic")
    foreseen = []
    for scores, skipped in zip(panel.scores, missed, strict=True):
        both = np.isfinite(scores) & np.isfinite(skipped)
        if both.sum() >= MIN_ASSETS:
            foreseen.append(rank_ic(scores[both], skipped[both]))
    seen = np.array([ic for ic in foreseen if np.isfinite(ic)])
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
