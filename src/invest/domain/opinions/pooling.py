"""Opinions pooled by arithmetic: shrunk skills, weighted log-odds, no chairman and no debate.

Each analyst's probability and the pooled one are drawn towards one half by the same slope and cut at the same
thresholds, so a panel that agrees has the verdict that each of its members has. Models of one vendor share one vote,
copies of one model count once, and an abstention leaves numerator and denominator.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median, pstdev

from invest.domain.opinions.opinion import AiConsensus, Argument, Opinion, Rating

SHRINK = 100  # items of "no skill" that every analyst's record starts with
CHANCE_BRIER = 0.25
P_FLOOR, P_CEILING = 0.05, 0.95
BUY_FROM, SELL_UNTIL = 0.55, 0.45  # of the shrunk probability, rounded to whole percent as it is printed
JUST_BELOW_BUY, JUST_ABOVE_SELL = 0.54, 0.46
EXTREMITY = 0.5  # slope on the log-odds before anything is learnt
RHO = 0.5  # correlation between analysts' errors before anything is learnt
CASE_SIZE = 4
DIGITS = 12  # of a probability that is kept
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

    @property
    def weight(self) -> float:
        """1 + 4 s, clipped to [.5, 1.5]."""
        return min(max(1 + 4 * self.shrunk, 0.5), 1.5)


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
    """One valid opinion as the pool sees it.

    `group` is the vendor, whose votes share one vote; `model` distinguishes votes within it (None: `name` does).
    """

    name: str
    group: str
    p: float
    skill: Skill = Skill()
    model: str | None = None


@dataclass(frozen=True, slots=True)
class Pooled:
    """Weights by name (they sum to 1), the weighted log-odds and the pooled probability."""

    weights: dict[str, float]
    log_odds: float
    probability: float


def slope_of(extremity: Extremity | None) -> float:
    """The slope learnt, or the one before anything is."""
    return (extremity or Extremity()).slope


def whole_percent(p: float) -> int:
    """`p` as printed beside a verdict: percent, rounded half up; the same whether `p` was kept to `DIGITS` or not."""
    return math.floor(round(round(p, DIGITS) * 100, DIGITS - 3) + 0.5)


def rating_of(p: float) -> Rating:
    """The verdict of a probability on the shrunk scale, cut as it is printed: 55 % and more buy, 45 % and less sell."""
    percent = whole_percent(p)
    if percent >= whole_percent(BUY_FROM):
        return Rating.BUY
    return Rating.SELL if percent <= whole_percent(SELL_UNTIL) else Rating.HOLD


def shrunk(p: float, extremity: Extremity | None = None) -> float:
    """An analyst's probability on the scale of the pool: its log-odds times the slope, p clipped to [.05, .95]."""
    return _drawn(_logit(p), extremity)


def shrunk_like(opinion: Opinion, p: float) -> float:
    """`p` of another horizon on the scale that `opinion`'s verdict was cut on."""
    return _logistic((EXTREMITY if opinion.slope is None else opinion.slope) * _logit(p))


def confidence_of(p: float) -> float:
    """|p - .5| x 2: a derived view, 0 for a coin."""
    return round(abs(p - 0.5) * 2, 12)


def rated(opinion: Opinion, extremity: Extremity | None = None) -> Opinion:
    """`opinion` with its verdict on the pool's scale; unchanged where it gave no probability."""
    if opinion.p_beat_180d is None or not opinion.valid:
        return opinion
    p = round(shrunk(opinion.p_beat_180d, extremity), DIGITS)
    return opinion.model_copy(update={"p_shrunk": p, "slope": slope_of(extremity), "rating": rating_of(p)})


def pool_votes(votes: Sequence[Vote], extremity: Extremity | None = None) -> Pooled:
    """Weighted log-odds of `votes`, drawn to one half and held on the side of most vendors.

    Raises `ValueError` without any vote.
    """
    if not votes:
        raise ValueError("no votes to pool")
    vendors = _vendors(votes)
    total = math.fsum(vendor.weight for vendor in vendors)
    log_odds = _mean_of(vendors)
    weights: dict[str, float] = defaultdict(float)
    for vote, weight in zip(votes, _raw_weights(votes), strict=True):
        weights[vote.name] += weight / total
    views = _views(vendors, extremity)
    return Pooled(dict(weights), log_odds, _with_most(_within(_drawn(log_odds, extremity), views), views))


def vendor_views(votes: Sequence[Vote], extremity: Extremity | None = None) -> list[float]:
    """One shrunk probability per vendor: the weighted mean log-odds of its models."""
    return _views(_vendors(votes), extremity)


def is_fragile(votes: Sequence[Vote], extremity: Extremity | None = None) -> bool:
    """Whether the median vendor, or leaving any one vendor out, gives another rating than the pool."""
    chosen = rating_of(pool_votes(votes, extremity).probability)
    if rating_of(median(vendor_views(votes, extremity))) is not chosen:
        return True
    groups = {vote.group for vote in votes}
    if len(groups) == 1:
        return False
    rest = ([vote for vote in votes if vote.group != group] for group in groups)
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
    """The consensus of `opinions` on one asset; the local rules among them have no vote and are not counted.

    `skills` by `Opinion.model_key`. `quorum` valid opinions of as many vendors (at least 2 of each) are needed, else
    the figures are null. Raises `ValueError` without opinions or with opinions on several assets.
    """
    ticker = _one_ticker(opinions)
    asked = [opinion for opinion in opinions if not opinion.benchmark]
    valid = [opinion for opinion in asked if opinion.valid]
    votes = _votes(valid, "p_beat_180d", skills or {})
    counted = {
        "ticker": ticker,
        "asked": len(asked),
        "answered": len(valid),
        "index_label": opinions[0].index_label,
        "headline": _headline(opinions[0].language, len(valid), len(asked)),
    }
    if not _quorate(votes, quorum):
        return AiConsensus.model_validate(
            counted | {"quorum": False} | _cases(valid, dict.fromkeys(_names(valid), 1.0))
        )
    pooled = pool_votes(votes, extremity)
    return AiConsensus.model_validate(
        counted
        | {"quorum": True, "probability": pooled.probability, "rating": rating_of(pooled.probability)}
        | _horizons(valid, skills or {}, quorum, extremity)
        | _panel_view(votes, pooled, extremity, rho)
        | {"target": _target(votes, valid)}
        | _cases(valid, pooled.weights)
    )


def _one_ticker(opinions: Sequence[Opinion]) -> str:
    tickers = {opinion.ticker for opinion in opinions}
    if len(tickers) != 1:
        raise ValueError(f"a consensus is about one asset; got {sorted(tickers) or 'no opinions'}")
    return tickers.pop()


def _votes(opinions: Sequence[Opinion], field: str, skills: Mapping[str, Skill]) -> list[Vote]:
    """The votes of those opinions that gave a probability for the horizon `field`."""
    return [
        Vote(name, opinion.vendor or opinion.provider, p, skills.get(opinion.model_key, Skill()), opinion.model_key)
        for name, opinion in zip(_names(opinions), opinions, strict=True)
        if (p := getattr(opinion, field)) is not None
    ]


def _quorate(votes: Sequence[Vote], quorum: int) -> bool:
    """Whether enough valid opinions of enough vendors are there; one alone is an opinion, never a consensus."""
    needed = max(quorum, 2)
    return len(votes) >= needed and len({vote.group for vote in votes}) >= needed


def _horizons(
    valid: Sequence[Opinion], skills: Mapping[str, Skill], quorum: int, extremity: Extremity | None
) -> dict[str, float]:
    """The pooled probabilities of the shorter horizons, where a quorum gave one."""
    votes = {days: _votes(valid, f"p_beat_{days}d", skills) for days in (30, 90)}
    return {f"probability_{d}d": pool_votes(v, extremity).probability for d, v in votes.items() if _quorate(v, quorum)}


def _panel_view(votes: Sequence[Vote], pooled: Pooled, extremity: Extremity | None, rho: float) -> dict[str, object]:
    """How the panel stands to its verdict: agreement and votes by vendor, dissent by name."""
    views = vendor_views(votes, extremity)
    chosen = rating_of(pooled.probability)
    dissent = {vote.name for vote in votes if rating_of(shrunk(vote.p, extremity)) is not chosen}
    return {
        "log_odds": pooled.log_odds,
        "slope": slope_of(extremity),
        "agreement": agreement_of(rating_of(view) for view in views),
        "independent_votes": independent_votes(len(views), rho),
        "fragile": is_fragile(votes, extremity),
        "weights": pooled.weights,
        "dissent": tuple(sorted(dissent)),
    }


def _target(votes: Sequence[Vote], valid: Sequence[Opinion]) -> float | None:
    """Median over vendors of their models' mean p50, BRL; copies of one model count once."""
    prices: dict[str, dict[str, list[float]]] = {}
    for vote, opinion in zip(votes, valid, strict=True):
        if opinion.price_p50 is not None:
            prices.setdefault(vote.group, {}).setdefault(vote.model or vote.name, []).append(opinion.price_p50)
    vendors = [fmean([fmean(copies) for copies in models.values()]) for models in prices.values()]
    return median(vendors) if vendors else None


def _with_most(q: float, views: Sequence[float]) -> float:
    """`q`, held on the side of most vendors: one outlier takes no verdict across one half, and makes none of two holds.

    The lower and the upper median bound it. Monotone in every view.
    """
    ordered = sorted(views)
    low, high = ordered[(len(ordered) - 1) // 2], ordered[len(ordered) // 2]
    return min(max(q, _least(low)), _most(high))


def _least(view: float) -> float:
    """The least a pool may be where most vendors are at `view` or above: their side, and no sale from a hold."""
    if view >= 0.5:
        return 0.5
    return min(view, JUST_ABOVE_SELL) if rating_of(view) is Rating.HOLD else 0.0


def _most(view: float) -> float:
    """The most a pool may be where most vendors are at `view` or below."""
    if view <= 0.5:
        return 0.5
    return max(view, JUST_BELOW_BUY) if rating_of(view) is Rating.HOLD else 1.0


@dataclass(frozen=True, slots=True)
class _Voice:
    """A vote, a model's copies together, or a vendor's models together; `odds` are those of all its votes."""

    weight: float
    log_odds: float
    odds: tuple[float, ...]


def _vendors(votes: Sequence[Vote]) -> list[_Voice]:
    """One voice per vendor, of one voice per model.

    Put together level by level, so that the copies of a model give the very float that one of them gives: a rounding
    error of 1e-16 would turn a verdict at a threshold.
    """
    models: dict[str, dict[str, list[_Voice]]] = {}
    for vote in votes:
        odds = _logit(vote.p)
        copies = models.setdefault(vote.group, {}).setdefault(vote.model or vote.name, [])
        copies.append(_Voice(vote.skill.weight, odds, (odds,)))
    return [_together([_together(copies) for copies in of_vendor.values()]) for of_vendor in models.values()]


def _together(voices: Sequence[_Voice]) -> _Voice:
    weights = [voice.weight for voice in voices]
    odds = tuple(odds for voice in voices for odds in voice.odds)
    return _Voice(_within(fmean(weights), weights), _mean_of(voices), odds)


def _views(vendors: Sequence[_Voice], extremity: Extremity | None) -> list[float]:
    return [_within(_drawn(v.log_odds, extremity), [_drawn(odds, extremity) for odds in v.odds]) for v in vendors]


def _raw_weights(votes: Sequence[Vote]) -> list[float]:
    """Weights before they are scaled to 1: a vendor's models share its vote, a model's copies share the model's."""
    marks = [(vote.group, vote.model or vote.name) for vote in votes]
    copies = Counter(marks)
    models = Counter(group for group, _ in copies)
    return [vote.skill.weight / (models[mark[0]] * copies[mark]) for vote, mark in zip(votes, marks, strict=True)]


def _mean_of(voices: Sequence[_Voice]) -> float:
    """Their weighted mean log-odds, within them also in its last digit."""
    total = math.fsum(voice.weight for voice in voices)
    mean = math.fsum(voice.weight * voice.log_odds for voice in voices) / total
    return _within(mean, [voice.log_odds for voice in voices])


def _within(value: float, members: Sequence[float]) -> float:
    """`value`, not beyond the least and the greatest of `members` by an error of rounding."""
    return min(max(value, min(members)), max(members))


def _drawn(log_odds: float, extremity: Extremity | None) -> float:
    """The probability of log-odds drawn to one half."""
    return _logistic(slope_of(extremity) * log_odds)


def _logit(p: float) -> float:
    p = min(max(p, P_FLOOR), P_CEILING)
    return math.log(p / (1 - p))


def _logistic(odds: float) -> float:
    return 1 / (1 + math.exp(-odds))


def _names(opinions: Sequence[Opinion]) -> list[str]:
    """Provider names; with the model where one provider answered with more than one."""
    models: dict[str, set[str]] = defaultdict(set)
    for opinion in opinions:
        models[opinion.provider].add(opinion.model_key)
    return [
        opinion.provider if len(models[opinion.provider]) == 1 else f"{opinion.provider}/{opinion.model}"
        for opinion in opinions
    ]


def _cases(valid: Sequence[Opinion], support: Mapping[str, float]) -> dict[str, tuple[Argument, ...]]:
    names = _names(valid)
    copies = Counter(names)
    weights = [support[name] / copies[name] for name in names]
    return {
        "bull_case": _case([(w, o.arguments_for) for w, o in zip(weights, valid, strict=True)]),
        "bear_case": _case([(w, o.arguments_against) for w, o in zip(weights, valid, strict=True)]),
    }


def _case(sides: Sequence[tuple[float, Sequence[Argument]]]) -> tuple[Argument, ...]:
    """The arguments that most weight stands behind: one per set of facts, the rest in the order of their support."""
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


def _headline(language: str, answered: int, asked: int) -> str:
    portuguese = language.lower().startswith("pt")
    if asked == 1 and answered == 1:
        return "uma opinião" if portuguese else "one opinion"
    return f"{answered} de {asked} responderam" if portuguese else f"{answered} of {asked} answered"
