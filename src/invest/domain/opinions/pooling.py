"""Opinions pooled by arithmetic: shrunk skills, weighted log-odds, no chairman and no debate.

Weights follow each analyst's closed record, drawn towards no skill while it is short; the pooled probability is drawn
towards one half, never pushed outwards. An abstention leaves numerator and denominator.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median, pstdev

from invest.domain.opinions.opinion import AiConsensus, Argument, Opinion, Rating

SHRINK = 100  # items of "no skill" that every analyst's record starts with
CHANCE_BRIER = 0.25
P_FLOOR, P_CEILING = 0.05, 0.95
BUY_FROM, SELL_UNTIL = 0.55, 0.45
EXTREMITY = 0.5  # slope on the pooled log-odds before anything is learnt
RHO = 0.5  # assumed correlation between analysts' errors
CASE_SIZE = 4
_SIGN = {Rating.BUY: 1, Rating.HOLD: 0, Rating.SELL: -1}


@dataclass(frozen=True, slots=True)
class Skill:
    """An analyst's closed, non-overlapping items and their mean Brier score."""

    n: int = 0
    brier: float | None = None

    @property
    def shrunk(self) -> float:
        """s = (n / (n + 100)) (1 - BS / .25): 0 without a record."""
        if not self.n or self.brier is None:
            return 0.0
        return self.n / (self.n + SHRINK) * (1 - self.brier / CHANCE_BRIER)


@dataclass(frozen=True, slots=True)
class Extremity:
    """What was learnt of the slope: `a_hat` from `n` closed items, drawn towards .5, kept within [.2, 1]."""

    n: int = 0
    a_hat: float = EXTREMITY

    @property
    def slope(self) -> float:
        """a = (N â + 100 x .5) / (N + 100), clipped to [.2, 1]."""
        return min(max((self.n * self.a_hat + SHRINK * EXTREMITY) / (self.n + SHRINK), 0.2), 1.0)


@dataclass(frozen=True, slots=True)
class Vote:
    """One valid opinion as the pool sees it. `group` is the vendor: a group's members share one vote."""

    name: str
    group: str
    p: float
    skill: Skill = Skill()


@dataclass(frozen=True, slots=True)
class Pooled:
    """Weights by name (they sum to 1), the weighted log-odds and the pooled probability."""

    weights: dict[str, float]
    log_odds: float
    probability: float


def rating_of(p: float) -> Rating:
    """>= .55 buy, <= .45 sell, else hold. Rounded to 12 places so that 1 - .55 is .45."""
    p = round(p, 12)
    if p >= BUY_FROM:
        return Rating.BUY
    return Rating.SELL if p <= SELL_UNTIL else Rating.HOLD


def confidence_of(p: float) -> float:
    """|p - .5| x 2: a derived view, 0 for a coin."""
    return round(abs(p - 0.5) * 2, 12)


def pool_votes(votes: Sequence[Vote], extremity: Extremity | None = None) -> Pooled:
    """Weighted log-odds of `votes`. Raises `ValueError` without any."""
    if not votes:
        raise ValueError("no votes to pool")
    sizes = Counter(vote.group for vote in votes)
    raw = [min(max(1 + 4 * vote.skill.shrunk, 0.5), 1.5) / sizes[vote.group] for vote in votes]
    total = math.fsum(raw)
    shares = [w / total for w in raw]
    odds = [_logit(vote.p) for vote in votes]
    log_odds = math.fsum(w * o for w, o in zip(shares, odds, strict=True))
    slope = (extremity or Extremity()).slope
    weights = {vote.name: share for vote, share in zip(votes, shares, strict=True)}
    return Pooled(weights, log_odds, 1 / (1 + math.exp(-slope * log_odds)))


def is_fragile(votes: Sequence[Vote], extremity: Extremity | None = None) -> bool:
    """Whether the median rule, or leaving any one vote out, gives another rating than the pool."""
    chosen = rating_of(pool_votes(votes, extremity).probability)
    if rating_of(median(_by_group((vote.group, vote.p) for vote in votes))) is not chosen:
        return True
    if len(votes) == 1:
        return False
    rest = ([v for j, v in enumerate(votes) if j != i] for i in range(len(votes)))
    return any(rating_of(pool_votes(others, extremity).probability) is not chosen for others in rest)


def agreement_of(ratings: Iterable[Rating]) -> float:
    """1 - population standard deviation of the ratings as -1, 0, 1: [buy, buy, hold, buy] gives .567."""
    return 1 - pstdev(_SIGN[rating] for rating in ratings)


def independent_votes(m: int, rho: float = RHO) -> float:
    """n_eff = M / (1 + (M - 1) rho): four analysts correlated .5 are worth 1.60 votes."""
    return m / (1 + (m - 1) * rho)


def pool(
    opinions: Sequence[Opinion],
    skills: Mapping[str, Skill] | None = None,
    quorum: int = 2,
    *,
    extremity: Extremity | None = None,
    rho: float = RHO,
) -> AiConsensus:
    """The consensus of `opinions` on one asset.

    `skills` by provider. `quorum` valid opinions of as many vendors (at least 2 of each) are needed, else the figures
    are null. Raises `ValueError` without opinions or with opinions on several assets.
    """
    tickers = {opinion.ticker for opinion in opinions}
    if len(tickers) != 1:
        raise ValueError(f"a consensus is about one asset; got {sorted(tickers) or 'no opinions'}")
    valid = [opinion for opinion in opinions if opinion.valid]
    names = _names(valid)
    known = skills or {}
    votes = [
        Vote(name, opinion.vendor or opinion.provider, opinion.p_beat_180d or 0.0, known.get(opinion.provider, Skill()))
        for name, opinion in zip(names, valid, strict=True)
    ]
    needed = max(quorum, 2)
    vendors = len({vote.group for vote in votes})
    reached = len(valid) >= needed and vendors >= needed
    pooled = pool_votes(votes, extremity) if reached else None
    support = pooled.weights if pooled else dict.fromkeys(names, 1.0)
    ratings = {name: rating_of(vote.p) for name, vote in zip(names, votes, strict=True)}
    chosen = rating_of(pooled.probability) if pooled else None
    prices = _by_group((v.group, o.price_p50) for v, o in zip(votes, valid, strict=True) if o.price_p50 is not None)
    return AiConsensus(
        ticker=tickers.pop(),
        asked=len(opinions),
        answered=len(valid),
        quorum=reached,
        probability=pooled.probability if pooled else None,
        rating=chosen,
        agreement=agreement_of(ratings.values()) if reached else None,
        independent_votes=independent_votes(vendors, rho) if reached else None,
        fragile=reached and is_fragile(votes, extremity),
        target=median(prices) if reached and prices else None,
        weights=pooled.weights if pooled else {},
        bull_case=_case([(support[n], o.arguments_for) for n, o in zip(names, valid, strict=True)]),
        bear_case=_case([(support[n], o.arguments_against) for n, o in zip(names, valid, strict=True)]),
        dissent=tuple(sorted(n for n, rating in ratings.items() if reached and rating is not chosen)),
        headline=_headline(opinions, len(valid)),
    )


def krippendorff_ordinal(rows: Iterable[Sequence[Rating | None]]) -> float | None:
    """Krippendorff's alpha for ordinal ratings; one row per asset, one column per analyst, None where it abstained.

    1 is perfect agreement, 0 what chance gives. None where fewer than two ratings can be paired, or only one rating
    was ever given (agreement is then undefined). (Krippendorff, "Content Analysis", reliability for ordinal data.)
    """
    order = (Rating.SELL, Rating.HOLD, Rating.BUY)
    pairs = {(a, b): 0.0 for a in order for b in order}
    for row in rows:
        given = [rating for rating in row if rating is not None]
        if len(given) < 2:
            continue
        for i, a in enumerate(given):
            for j, b in enumerate(given):
                if i != j:
                    pairs[a, b] += 1 / (len(given) - 1)
    totals = {a: sum(pairs[a, b] for b in order) for a in order}
    n = sum(totals.values())
    distance = {(a, b): _ordinal_distance(a, b, totals, order) for a in order for b in order}
    expected = sum(totals[a] * totals[b] * d for (a, b), d in distance.items())
    if n < 2 or not expected:
        return None
    observed = sum(count * distance[pair] for pair, count in pairs.items())
    return 1 - (n - 1) * observed / expected


def percent_agreement(rows: Iterable[Sequence[Rating | None]]) -> float | None:
    """Share of the pairs of ratings on one asset that are the same; None without pairs."""
    same = total = 0
    for row in rows:
        given = [rating for rating in row if rating is not None]
        for i, a in enumerate(given):
            for b in given[i + 1 :]:
                total += 1
                same += a is b
    return same / total if total else None


def _ordinal_distance(a: Rating, b: Rating, totals: Mapping[Rating, float], order: tuple[Rating, ...]) -> float:
    low, high = sorted((order.index(a), order.index(b)))
    between = sum(totals[order[k]] for k in range(low, high + 1))
    return float((between - (totals[a] + totals[b]) / 2) ** 2)


def _logit(p: float) -> float:
    p = min(max(p, P_FLOOR), P_CEILING)
    return math.log(p / (1 - p))


def _by_group(values: Iterable[tuple[str, float]]) -> list[float]:
    """One value per group, the mean of its members', so that clones weigh no more in a median either."""
    members: dict[str, list[float]] = {}
    for group, value in values:
        members.setdefault(group, []).append(value)
    return [math.fsum(group) / len(group) for group in members.values()]


def _names(opinions: Sequence[Opinion]) -> list[str]:
    """Provider names, made unique by model and number where one provider answered more than once."""
    repeated = Counter(opinion.provider for opinion in opinions)
    seen: Counter[str] = Counter()
    names = []
    for opinion in opinions:
        name = opinion.provider if repeated[opinion.provider] == 1 else f"{opinion.provider}/{opinion.model}"
        seen[name] += 1
        names.append(name if seen[name] == 1 else f"{name}#{seen[name]}")
    return names


def _case(sides: Iterable[tuple[float, Sequence[Argument]]]) -> tuple[Argument, ...]:
    """The arguments that most weight stands behind: one per set of facts, the rest in the order of their support."""
    sides = list(sides)
    backing: dict[str, float] = {}
    for weight, arguments in sides:
        for fact in {fact for argument in arguments for fact in argument.fact_ids}:
            backing[fact] = backing.get(fact, 0.0) + weight
    ranked = sorted(
        {argument for _, arguments in sides for argument in arguments},
        key=lambda a: (-round(max((backing[f] for f in a.fact_ids), default=0.0), 9), a.text, a.fact_ids),
    )
    chosen: dict[frozenset[str], Argument] = {}
    for argument in ranked:
        chosen.setdefault(frozenset(argument.fact_ids), argument)
    return tuple(chosen.values())[:CASE_SIZE]


def _headline(opinions: Sequence[Opinion], answered: int) -> str:
    portuguese = opinions[0].language.lower().startswith("pt")
    return f"{answered} de {len(opinions)} responderam" if portuguese else f"{answered} of {len(opinions)} answered"
