"""Why the score is what it is: the figures that moved it most, in words, each with its fact."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final, Literal

from invest.domain.analysis import FACT_KEYS, Analysis, Fact, Reason, Withheld
from invest.domain.opinions import Argument
from invest.reports.facts import FactBook
from invest.reports.views import Claim, Ref

Side = Literal["bull", "bear"]
# Points of the overall score below which a figure is no argument.
_LEAST = 0.05
_TREND = re.compile(r"tend[êe]ncia|trend|momentum")
_TREND_BAD = re.compile(r"desfavor[áa]ve|de baixa|de queda|negativ|unfavou?rable|downward|bearish|falling")
_TREND_GOOD = re.compile(r"\bfavor[áa]ve|de alta|positiv|\bfavou?rable|upward|bullish|rising")
_DENIED = re.compile(
    r"\b(?:n[ãa]o (?:é|está|foi)|nem|sem|deixou|mas|embora"
    r"|(?:is|are|was) (?:not|no longer)|without|never|but|although)\b"
)
_MOVEMENT = re.compile(r"return_\d|momentum_|excess_|distance_sma_")
_TELLING = 0.1  # what weighs less is not named beside a verdict
_RISK_FIGURES: Final[Mapping[str, frozenset[str]]] = {
    "debt_risk": frozenset(
        ("net_debt_ebitda", "net_debt_equity", "interest_coverage", "altman_z", "current_ratio", "equity_assets")
    ),
    "volatility_risk": frozenset(("volatility_1y", "volatility_21d", "max_drawdown_1y", "beta_1y", "sharpe_1y")),
    "liquidity_risk": frozenset(("turnover_21d", "turnover_63d")),
}


def verdict_sentence(analysis: Analysis, book: FactBook) -> Claim:
    """The two figures that lift the score most and the one that weighs on it most, of different groups."""
    words, locale = book.locale.words, book.locale
    if analysis.withheld is Withheld.OUTDATED_PRICES:
        close = book.get("close")
        day = locale.day(close.as_of) if close is not None and close.as_of is not None else None
        text = words.t("strip.outdated", day=day) if day else words.t("strip.unpriced")
        return Claim(text=text, refs=book.refs([close.id] if close else []))
    if analysis.withheld is Withheld.NO_SCORECARD:
        return Claim(text=words.t("strip.unscored"))
    if analysis.recommendation == "insufficient_data":
        names = [book.short(key) for key in analysis.missing[:3]]
        coverage = locale.percent(analysis.coverage, 0)
        return Claim(text=words.t("strip.insufficient", coverage=coverage, missing=locale.listed(names) or "—"))
    strong, weak = _named(analysis, book)
    sentences = []
    if strong:
        sentences.append(words.t("strip.supports", items=locale.join([book.named(f) for f in strong])))
    if weak:
        sentences.append(words.t("strip.weighs", items=locale.join([book.named(f) for f in weak])))
    refs = book.refs([f.id for f in (*strong, *weak)])
    return Claim(text=" ".join(sentences) or words.t("strip.balanced"), refs=refs)


def _named(analysis: Analysis, book: FactBook) -> tuple[list[Fact], list[Fact]]:
    """The figures that stand beside the verdict, for and against."""
    strong = _apart(_facts("bull", analysis, book), 2)
    effects = {reason.fact_id: -reason.effect for reason in analysis.reasons}
    weak = [fact for fact in _facts("bear", analysis, book)[:1] if effects.get(fact.id, _TELLING) >= _TELLING]
    return strong, weak


def fit_arguments(
    side: Side, arguments: Sequence[Argument], analysis: Analysis, book: FactBook
) -> tuple[Argument, ...]:
    """The AIs' arguments without those that the same page contradicts.

    None rests on a figure that stands beside the verdict on the other side; none for the asset rests on figures
    outside their limits alone, or on those of a kind of risk that the page calls high; none calls the price's trend
    bad while all the movements it cites are rises, or good while they are falls.
    """
    strong, weak = _named(analysis, book)
    other = {fact.id for fact in (weak if side == "bull" else strong)}
    kept = [a for a in arguments if not (other.intersection(a.fact_ids) or _against_its_trend(a, book))]
    if side == "bear":
        return tuple(kept)
    risk, limits = analysis.risk_analysis, outside_limits(analysis)
    high = {key for name, keys in _RISK_FIGURES.items() if getattr(risk, name) == "high" for key in keys}
    barred = [{f.id for f in book.facts if f.key in keys} for keys in (limits, high)]
    return tuple(a for a in kept if not (a.fact_ids and any(ids.issuperset(a.fact_ids) for ids in barred)))


def _against_its_trend(argument: Argument, book: FactBook) -> bool:
    """Whether a sentence about the price's trend is contradicted by every movement that it cites."""
    text = argument.text.lower()
    bad, good = bool(_TREND_BAD.search(text)), bool(_TREND_GOOD.search(text))
    if bad == good or not _TREND.search(text) or _DENIED.search(text):
        return False
    cited = (book.by_id(fact_id) for fact_id in argument.fact_ids)
    moves = [f.value for f in cited if f is not None and f.value and _MOVEMENT.match(f.key)]
    return bool(moves) and all((move > 0) == bad for move in moves)


def figure_claims(side: Side, analysis: Analysis, book: FactBook, most: int = 4) -> list[Claim]:
    """The figures that speak for (`bull`) or against (`bear`) the asset, strongest first."""
    effects = {reason.fact_id: reason for reason in analysis.reasons}
    return [_claim(fact, effects.get(fact.id), book) for fact in _facts(side, analysis, book)[:most]]


def _claim(fact: Fact, reason: Reason | None, book: FactBook) -> Claim:
    words, reading = book.locale.words, book.reading(fact.key)
    name, value = book.label(fact.key), book.text(fact.key, fact.value, fact.unit)
    text = words.t("claim.figure", name=name, value=value)
    if fact.sector_median is not None:
        median = book.text(fact.key, fact.sector_median, fact.unit)
        text += words.t("claim.sector", reading=reading.text, median=median)
    if reason is not None:
        text += words.t("claim.effect", points=book.locale.number(reason.effect, 2, signed=True))
    return Claim(text=text + ".", refs=(Ref(fact_id=fact.id, text=""),))


def outside_limits(analysis: Analysis) -> frozenset[str]:
    """Keys of the figures that stand outside their limit on the risk checklist: none of them speaks for the asset."""
    checked = analysis.risk_analysis.checklist
    return frozenset(str(item.get("key")) for item in checked if item.get("passed") is False)


def _facts(side: Side, analysis: Analysis, book: FactBook) -> list[Fact]:
    """By effect on the score; without a score, by where the figure stands in its sector."""
    found = _moving(side, analysis, book)
    barred = outside_limits(analysis) if side == "bull" else frozenset()
    contrary = "bad" if side == "bull" else "good"  # what the table of figures says beside it
    return [fact for fact in found if fact.key not in barred and book.reading(fact.key).mark != contrary]


def _moving(side: Side, analysis: Analysis, book: FactBook) -> list[Fact]:
    if analysis.reasons:
        signed = [(r.effect if side == "bull" else -r.effect, r.fact_id) for r in analysis.reasons]
        ordered = sorted((pair for pair in signed if pair[0] >= _LEAST), key=lambda pair: -pair[0])
        found = (book.by_id(fact_id) for _, fact_id in ordered if fact_id)
        return [fact for fact in found if fact is not None]
    ranked = [(s if side == "bull" else 1 - s, f) for f in book.facts if (s := book.strength(f)) is not None]
    ranked.sort(key=lambda pair: -pair[0])
    return [fact for strength, fact in ranked if strength >= 2 / 3]


def _apart(facts: list[Fact], most: int) -> list[Fact]:
    """The first `most` facts, preferring different groups."""
    groups: set[str] = set()
    chosen: list[Fact] = []
    for fact in facts:
        entry = FACT_KEYS.get(fact.key)
        group = entry.group if entry else fact.key
        if group not in groups and len(chosen) < most:
            chosen.append(fact)
            groups.add(group)
    return chosen or facts[:most]
