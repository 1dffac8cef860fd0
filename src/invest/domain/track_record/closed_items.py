"""What closed calls teach the next pool: each model's skill, and how far analysts' errors go together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, timedelta
from statistics import fmean

from invest.domain.opinions import Skill, model_key
from invest.domain.track_record.closing import CONSENSUS
from invest.domain.track_record.outcome import Outcome
from invest.domain.track_record.scores import brier, rank_correlation

SHARED_FROM = 30  # items two analysts must share before their errors are compared
Item = tuple[str, date]


def skills(outcomes: Iterable[Outcome], horizon_days: int = 180) -> dict[str, Skill]:
    """What the pool may weigh each model by: closed items that do not overlap, and their Brier score.

    By `Opinion.model_key`: a new model starts afresh, and one model by two hosts has one record.
    """
    scores: dict[str, list[float]] = defaultdict(list)
    for row in apart(outcomes, horizon_days):
        if row.provider != CONSENSUS:
            scores[model_key(row.model, row.provider)].append(brier(row.probability, row.beat))
    return {model: Skill(len(found), fmean(found)) for model, found in scores.items()}


def apart(outcomes: Iterable[Outcome], horizon_days: int) -> list[Outcome]:
    """Closed items of one horizon that do not overlap: of each model and asset, one per horizon, the first first."""
    kept: list[Outcome] = []
    free_from: dict[tuple[str, str], date] = {}
    rows = (row for row in distinct(outcomes) if row.horizon_days == horizon_days)
    for row in sorted(rows, key=lambda row: (row.entry_day, row.provider, row.ticker, row.opinion_id)):
        key = (model_key(row.model, row.provider), row.ticker)
        if row.entry_day >= free_from.get(key, date.min):
            free_from[key] = row.entry_day + timedelta(days=horizon_days)
            kept.append(row)
    return kept


def error_correlation(outcomes: Iterable[Outcome], horizon_days: int = 180) -> float | None:
    """Mean correlation of two analysts' errors p - o on shared items; None under thirty shared by any pair."""
    errors: dict[str, dict[Item, float]] = defaultdict(dict)
    for row in distinct(outcomes):
        if row.horizon_days == horizon_days:
            errors[name_of(row)][row.ticker, row.entry_day] = row.probability - row.beat
    names, found = sorted(errors), []
    for i, a in enumerate(names):
        for b in names[i + 1 :]:
            shared = sorted(errors[a].keys() & errors[b].keys())
            if len(shared) >= SHARED_FROM:
                rho = rank_correlation([errors[a][s] for s in shared], [errors[b][s] for s in shared])
                found += [rho] if rho is not None else []
    return fmean(found) if found else None


def distinct(outcomes: Iterable[Outcome]) -> list[Outcome]:
    """`outcomes` with the same call closed twice once."""
    seen: dict[tuple[str, str, int], Outcome] = {}
    for row in outcomes:
        seen.setdefault((row.opinion_id, row.provider, row.horizon_days), row)
    return list(seen.values())


def name_of(row: Outcome) -> str:
    """The analyst as the table names it: with its model, so that a new one starts afresh."""
    return f"{row.provider} ({row.model})" if row.model else row.provider
