"""Compute scores from figures by the scorecards: weighted means over what has data, coverage, reasons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import overload

from invest.domain.analysis.models import Recommendation, Score
from invest.domain.analysis.scorecards import DIMENSIONS, Card, Rule
from invest.domain.maths import as_shown

MIN_COVERAGE = 0.60  # below: insufficient_data
MIN_PART = 1 / 3  # share of a part's weight that must have data for the part to be scored
MIN_SIDE = 1 / 2  # the same of a side of the asset: one that lacks most of its figures says nothing
NEUTRAL = 5.0
SCORE_DECIMALS = 1  # of every score that is shown: what is shown is what is judged and ordered by
THRESHOLDS = (
    (8.0, Recommendation.STRONG_BUY),
    (6.5, Recommendation.BUY),
    (4.0, Recommendation.HOLD),
    (2.0, Recommendation.SELL),
)


@dataclass(frozen=True, slots=True)
class Mark:
    """What one rule made of one figure."""

    part: str
    rule: Rule
    value: float
    score: float


@dataclass(frozen=True, slots=True)
class Effect:
    """A mark and the points it moved the overall score away from a neutral 5."""

    mark: Mark
    effect: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """The score of one asset. `parts` and `groups` hold None where too little has data.

    `overall` is the score as it is shown, cut into words; `exact` is the mean before it was rounded.
    """

    card: str | None
    overall: Score
    exact: Score
    coverage: float
    recommendation: Recommendation
    parts: Mapping[str, Score]
    groups: Mapping[tuple[str, str], Score]
    missing: tuple[str, ...]
    effects: tuple[Effect, ...]

    def group(self, part: str, group: str) -> Score:
        """Score of one group of rules within a part."""
        return self.groups.get((part, group))


def recommend(score: Score, coverage: float) -> Recommendation:
    """The word for a score: 8 strong buy, 6.5 buy, 4 hold, 2 sell, below strong sell; insufficient under 60 % data.

    It is cut from the score as it is shown: 7.95 is shown as 8.0 and is a strong buy.
    """
    if score is None or coverage < MIN_COVERAGE:
        return Recommendation.INSUFFICIENT_DATA
    shown = shown_score(score)
    return next((word for floor, word in THRESHOLDS if shown >= floor), Recommendation.STRONG_SELL)


@overload
def shown_score(score: float) -> float: ...
@overload
def shown_score(score: None) -> None: ...
def shown_score(score: Score) -> Score:
    """A score as it is shown, in the API as on paper: rounded once, half up, to one decimal."""
    return None if score is None else as_shown(score, SCORE_DECIMALS)


def judge(card: Card | None, figures: Mapping[str, float | None]) -> Verdict:
    """Score `figures` by `card`.

    A part is the weighted mean of its marks, the whole the weighted mean of the parts that have data; weights are
    renormalised over what is there. `coverage` is the share of all weight that has data.
    """
    if card is None:
        return Verdict(None, None, None, 0.0, Recommendation.INSUFFICIENT_DATA, {}, {}, (), ())
    marks: dict[str, list[Mark]] = {}
    parts: dict[str, Score] = {}
    missing: list[str] = []
    coverage = 0.0
    for part, rules in card.rules.items():
        found = marks[part] = []
        for rule in rules:
            value = figures.get(rule.key)
            if value is None:
                missing.append(rule.key)
            else:
                found.append(Mark(part, rule, value, rule.score(value)))
        share = sum(mark.rule.weight for mark in found) / sum(rule.weight for rule in rules)
        coverage += card.weights[part] * share
        parts[part] = _mean(found) if share >= MIN_PART else None
    exact = _overall(card, parts)
    overall = shown_score(exact)
    groups = _groups(marks)
    return Verdict(
        card=card.name,
        overall=overall,
        exact=exact,
        coverage=min(1.0, round(coverage, 6)),
        recommendation=recommend(overall, coverage),
        parts=parts,
        groups=groups,
        missing=tuple(dict.fromkeys(missing)),
        effects=_effects(card, parts, marks),
    )


def _mean(marks: Sequence[Mark]) -> Score:
    weight = sum(mark.rule.weight for mark in marks)
    return sum(mark.score * mark.rule.weight for mark in marks) / weight if weight else None


def _overall(card: Card, parts: Mapping[str, Score]) -> Score:
    scored = [(card.weights[part], score) for part, score in parts.items() if score is not None]
    weight = sum(w for w, _ in scored)
    return sum(w * score for w, score in scored) / weight if weight else None


def _groups(marks: Mapping[str, Sequence[Mark]]) -> dict[tuple[str, str], Score]:
    gathered: dict[tuple[str, str], list[Mark]] = {}
    for part, found in marks.items():
        for mark in found:
            gathered.setdefault((part, mark.rule.group), []).append(mark)
    return {key: _mean(found) for key, found in gathered.items()}


def _effects(card: Card, parts: Mapping[str, Score], marks: Mapping[str, Sequence[Mark]]) -> tuple[Effect, ...]:
    """How far each mark moved the overall score from 5, strongest first; they add up to overall - 5."""
    whole = sum(card.weights[part] for part, score in parts.items() if score is not None)
    effects = []
    for part, score in parts.items():
        if score is None:
            continue
        inside = sum(mark.rule.weight for mark in marks[part])
        for mark in marks[part]:
            share = card.weights[part] / whole * mark.rule.weight / inside
            effects.append(Effect(mark, share * (mark.score - NEUTRAL)))
    return tuple(sorted(effects, key=lambda e: -abs(e.effect)))


def dimensions(card: Card | None, verdict: Verdict) -> dict[str, Score]:
    """The sides of an asset that its card knows, each the weighted mean of the groups it is made of.

    None for a side of whose weight less than half has data.
    """
    out: dict[str, Score] = {}
    if card is None:
        return out
    absent = frozenset(verdict.missing)
    for name, sources in DIMENSIONS.items():
        weights: dict[tuple[str, str], float] = {}
        known_weight = 0.0
        for part, groups in sources:
            for rule in card.rules.get(part, ()):
                if rule.group in groups:
                    weights[part, rule.group] = weights.get((part, rule.group), 0.0) + rule.weight
                    known_weight += 0.0 if rule.key in absent else rule.weight
        if not weights:
            continue
        if known_weight < MIN_SIDE * sum(weights.values()):
            out[name] = None
            continue
        known = [(w, score) for key, w in weights.items() if (score := verdict.groups.get(key)) is not None]
        total = sum(w for w, _ in known)
        out[name] = sum(w * score for w, score in known) / total if total else None
    return out
