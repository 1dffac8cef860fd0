"""One scale: what must hold between a panel of one to twelve analysts and its verdict."""

from __future__ import annotations

import itertools
import math
import re
from datetime import UTC, datetime
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invest.domain.opinions.opinion import AiConsensus, Opinion, OpinionStatus, Rating
from invest.domain.opinions.pooling import (
    Extremity,
    Skill,
    Vote,
    pool,
    pool_votes,
    rated,
    rating_of,
    shrunk,
    shrunk_like,
    whole_percent,
)
from invest.reports.locale import locale_of
from invest.reports.sections.analysts import consensus_text, printed

BUY, HOLD, SELL = Rating.BUY, Rating.HOLD, Rating.SELL
MAKERS = (
    "openai",
    "anthropic",
    "google",
    "meta",
    "mistral",
    "xai",
    "deepseek",
    "alibaba",
    "cohere",
    "zhipu",
    "ibm",
    "nvidia",
)
SIDE = {BUY: 1, HOLD: 0, SELL: -1}
probabilities = st.floats(0.0, 1.0, allow_nan=False)
# Near the thresholds the rounding decides: a panel drawn evenly would hardly ever be there.
near = st.sampled_from([0.3, 0.401, 0.4, 0.42, 0.449, 0.45, 0.5, 0.54, 0.55, 0.58, 0.595, 0.599, 0.6, 0.62, 0.7])
slopes = st.sampled_from([None, Extremity(0), Extremity(100, 0.7), Extremity(900, 5.0), Extremity(900, -2.0)])


def opinion(maker: str, p: float, *, number: int = 0, model: str | None = None, **fields: object) -> Opinion:
    base = {
        "opinion_id": f"{maker}-{number}", "ticker": "PETR4", "provider": f"{maker}{number or ''}", "vendor": maker,
        "model": model or f"{maker}-model", "status": OpinionStatus.OK, "p_beat_180d": p, "p_beat_30d": p,
        "price_p50": 30 + 10 * p, "prompt_hash": "p", "data_hash": "d", "seconds": 1.0,
        "asked_at": datetime(2026, 11, 27, tzinfo=UTC),
    }  # fmt: skip
    return Opinion.model_validate(base | fields)


@st.composite
def panels(draw: st.DrawFn, least: int = 1, most: int = 12) -> list[Opinion]:
    """Analysts of as many makers, some makers with two models."""
    ps = draw(st.lists(st.one_of(probabilities, near), min_size=least, max_size=most))
    makers = [draw(st.sampled_from(MAKERS[: max(2, len(ps))])) for _ in ps]
    return [opinion(m, p, number=i, model=f"{m}-{i}") for i, (m, p) in enumerate(zip(makers, ps, strict=True))]


@st.composite
def skills_of(draw: st.DrawFn) -> dict[str, Skill]:
    """Records of some of those models."""
    names = [f"{m}-{i}" for m in MAKERS for i in range(12)]
    chosen = draw(st.lists(st.sampled_from(names), max_size=20))
    return {name: Skill(draw(st.integers(0, 500)), draw(st.floats(0.05, 0.6))) for name in chosen}


def own_ratings(panel: list[Opinion], extremity: Extremity | None) -> list[Rating]:
    return [rating for o in panel if (rating := rated(o, extremity).rating) is not None]


@given(panels(), skills_of(), slopes)
def test_a_panel_that_agrees_never_dissents_from_its_verdict(
    panel: list[Opinion], skills: dict[str, Skill], extremity: Extremity | None
) -> None:
    verdict = pool(panel, skills, extremity=extremity)
    ratings = set(own_ratings(panel, extremity))
    if verdict.quorum and len(ratings) == 1:
        assert verdict.rating is ratings.pop()
        assert verdict.dissent == ()
        assert verdict.agreement == 1


def threshold(extremity: Extremity, percent: int) -> float:
    """The least stated probability that is printed as `percent`: its neighbour below is printed as one less."""
    low, high = 0.05, 0.95
    while (middle := (low + high) / 2) not in (low, high):
        low, high = (low, middle) if whole_percent(shrunk(middle, extremity)) >= percent else (middle, high)
    return high


@pytest.mark.parametrize("extremity", [Extremity(), Extremity(100, 0.7), Extremity(37, 0.9), Extremity(333, 1.234)])
@pytest.mark.parametrize("percent", [46, 55])
def test_a_rounding_error_at_a_threshold_turns_no_verdict(extremity: Extremity, percent: int) -> None:
    edge = threshold(extremity, percent)
    draw = Random(percent)
    for p, n in itertools.product((math.nextafter(edge, 0), edge, math.nextafter(edge, 1)), (2, 3, 5, 7, 12)):
        known = {f"{m}-{i}": Skill(draw.randint(0, 500), draw.uniform(0.05, 0.6)) for m in MAKERS for i in range(n)}
        apart = [opinion(maker, p, model=f"{maker}-0") for maker in MAKERS[:n]]
        shared = [opinion(MAKERS[i % 2], p, number=i, model=f"{MAKERS[i % 2]}-{i}") for i in range(n)]
        for panel in (apart, shared, [*shared, *shared[:1] * 6], [*apart, *apart[1:] * 2]):
            verdict = pool(panel, known, extremity=extremity)
            assert (verdict.rating, verdict.dissent, verdict.agreement) == (rated(panel[0], extremity).rating, (), 1)
            assert not verdict.fragile


def test_the_other_horizons_are_printed_on_the_scale_of_the_verdict() -> None:
    learnt = Extremity(10_000, 0.9)
    one = rated(opinion("openai", 0.8), learnt)
    assert shrunk_like(one, 0.8) == pytest.approx(one.p_shrunk)
    assert shrunk_like(opinion("openai", 0.8), 0.8) == shrunk(0.8)


@pytest.mark.parametrize("p", [0.55, 0.57, 0.58, 0.599])
def test_unanimous_buyers_of_old_are_not_listed_as_dissenting_from_a_hold(p: float) -> None:
    verdict = pool([opinion(maker, p) for maker in MAKERS[:4]])
    assert (verdict.rating is HOLD, verdict.dissent, verdict.agreement) == (rating_of(shrunk(p)) is HOLD, (), 1.0)


@given(st.integers(3, 12), st.floats(0.0, 0.4))
def test_analysts_who_all_sell_sell(n: int, p: float) -> None:
    assert pool([opinion(maker, p) for maker in MAKERS[:n]]).rating is SELL


@given(panels(most=11), skills_of(), slopes, st.one_of(probabilities, near))
def test_more_agreement_never_weakens_the_verdict(
    panel: list[Opinion], skills: dict[str, Skill], extremity: Extremity | None, p: float
) -> None:
    """One analyst more, of a maker of his own and with the panel's verdict, leaves it standing."""
    before = pool(panel, skills, extremity=extremity)
    newcomer = opinion("newcomer", p)
    if not before.quorum or before.rating is HOLD or rated(newcomer, extremity).rating is not before.rating:
        return
    assert pool([*panel, newcomer], skills, extremity=extremity).rating is before.rating


@given(panels(least=2), skills_of(), slopes, st.integers(0, 11))
def test_who_comes_round_to_the_verdict_never_weakens_it(
    panel: list[Opinion], skills: dict[str, Skill], extremity: Extremity | None, at: int
) -> None:
    before = pool(panel, skills, extremity=extremity)
    if before.probability is None or before.rating is None or before.rating is HOLD:
        return
    one = panel[at % len(panel)]
    p, wanted = one.p_beat_180d or 0.0, 0.9 if before.rating is BUY else 0.1
    if rated(one, extremity).rating is before.rating or (p > wanted) == (before.rating is BUY):
        return
    turned = [o.model_copy(update={"p_beat_180d": wanted}) if o is one else o for o in panel]
    after = pool(turned, skills, extremity=extremity)
    assert after.rating is before.rating
    assert after.probability is not None
    assert (after.probability - before.probability) * SIDE[before.rating] >= -1e-12


FIGURES = ("quorum", "probability", "probability_30d", "rating", "agreement", "independent_votes", "fragile", "dissent")


def same(one: AiConsensus, other: AiConsensus) -> None:
    for name in FIGURES:
        mine, theirs = getattr(one, name), getattr(other, name)
        assert mine == (pytest.approx(theirs, abs=1e-9) if isinstance(theirs, float) else theirs), name
    assert one.target == (None if other.target is None else pytest.approx(other.target))
    assert one.bull_case == other.bull_case


@given(panels(least=2, most=11), skills_of(), slopes, st.integers(0, 11), st.integers(1, 4))
def test_copies_of_an_analyst_change_nothing(
    panel: list[Opinion], skills: dict[str, Skill], extremity: Extremity | None, at: int, copies: int
) -> None:
    one = panel[at % len(panel)]
    more = [one.model_copy(update={"opinion_id": f"copy-{i}"}) for i in range(copies)]
    same(pool([*panel, *more], skills, extremity=extremity), pool(panel, skills, extremity=extremity))


@given(panels(least=2, most=6), skills_of(), slopes)
def test_a_copy_of_a_vendor_changes_nothing(
    panel: list[Opinion], skills: dict[str, Skill], extremity: Extremity | None
) -> None:
    vendor = panel[0].vendor
    twice = [*panel, *(o.model_copy(update={"opinion_id": "x" + o.opinion_id}) for o in panel if o.vendor == vendor)]
    same(pool(twice, skills, extremity=extremity), pool(panel, skills, extremity=extremity))


def test_one_model_by_two_hosts_is_one_vote_and_four_makers_by_one_router_are_four() -> None:
    by_two = [
        opinion("anthropic", 0.9, model="claude-sonnet-5-5"),
        opinion("anthropic", 0.9, number=1, model="anthropic/claude-sonnet-5-5"),
        opinion("openai", 0.3),
    ]
    same(pool(by_two), pool(by_two[1:]).model_copy(update={"dissent": pool(by_two).dissent}))
    router = [opinion(m, 0.7, provider=f"router_{m}", model=f"{m}/x") for m in MAKERS[:4]]
    assert pool(router).independent_votes == pytest.approx(1.6)


@given(st.tuples(probabilities, probabilities, probabilities), slopes)
def test_one_outlier_in_three_never_turns_the_side_of_the_two_others(
    ps: tuple[float, float, float], extremity: Extremity | None
) -> None:
    skills = {"xai-model": Skill(10**6, 0.0), "openai-model": Skill(10**6, 0.9), "google-model": Skill(10**6, 0.9)}
    panel = [opinion("openai", ps[0]), opinion("google", ps[1]), opinion("xai", ps[2])]
    for known in ({}, skills):
        verdict = pool(panel, known, extremity=extremity)
        assert verdict.probability is not None
        assert verdict.rating is not None
        if ps[0] > 0.5 and ps[1] > 0.5:
            assert verdict.probability >= 0.5
        if ps[0] < 0.5 and ps[1] < 0.5:
            assert verdict.probability <= 0.5
        two = {SIDE[r] for r in own_ratings(panel[:2], extremity)}
        assert SIDE[verdict.rating] in two or len(two) > 1 or abs(SIDE[verdict.rating] - two.pop()) < 2
        if own_ratings(panel[:2], extremity) == [HOLD, HOLD]:
            assert verdict.rating is HOLD


@given(panels(), skills_of(), slopes, st.integers(0, 11), probabilities)
def test_the_verdict_is_monotone_in_every_probability(
    panel: list[Opinion], skills: dict[str, Skill], extremity: Extremity | None, at: int, p: float
) -> None:
    at %= len(panel)
    raised = [
        o.model_copy(update={"p_beat_180d": max(o.p_beat_180d or 0, p)}) if i == at else o for i, o in enumerate(panel)
    ]
    before, after = pool(panel, skills, extremity=extremity), pool(raised, skills, extremity=extremity)
    if before.rating is not None and after.rating is not None:
        assert SIDE[after.rating] >= SIDE[before.rating]
        assert (after.probability or 0) >= (before.probability or 0) - 1e-12


@given(panels(), skills_of(), slopes, st.sampled_from(["pt-BR", "en"]))
def test_the_printed_probability_never_contradicts_the_printed_word(
    panel: list[Opinion], skills: dict[str, Skill], extremity: Extremity | None, language: str
) -> None:
    locale = locale_of(language)
    verdict = pool(panel, skills, extremity=extremity)
    shown: list[tuple[float | None, Rating | None]] = [(verdict.probability, verdict.rating)] if verdict.rating else []
    shown += [(r.p_shrunk, r.rating) for r in (rated(o, extremity) for o in panel)]
    for p, rating in shown:
        percent = int(printed(p, locale).removesuffix("%"))
        assert rating is (BUY if percent >= 55 else SELL if percent <= 45 else HOLD)
        assert rating is rating_of(percent / 100)
    if verdict.rating:
        text = consensus_text(verdict, panel, locale)
        assert printed(verdict.probability, locale) in text
        assert re.search(r"\((?:a partir de|até|entre|from|up to|between) ", text)


@given(st.lists(probabilities, min_size=1, max_size=12), slopes)
def test_a_pool_lies_within_its_members_on_their_scale(ps: list[float], extremity: Extremity | None) -> None:
    views = [shrunk(p, extremity) for p in ps]
    votes = [Vote(f"v{i}", f"g{i}", p) for i, p in enumerate(ps)]
    pooled = pool_votes(votes, extremity).probability
    assert min(views) - 1e-12 <= pooled <= max(views) + 1e-12


def test_rules_have_no_vote_no_place_in_the_quorum_and_none_in_the_heading() -> None:
    rules = opinion("rules", 0.05, provider="rules", model="rules-1")
    panel = [opinion("openai", 0.7), opinion("google", 0.7)]
    with_rules = pool([*panel, rules])
    assert with_rules == pool(panel)
    assert (with_rules.asked, with_rules.headline) == (2, "2 de 2 responderam")
    alone = pool([opinion("openai", 0.7), rules])
    assert (alone.quorum, alone.headline) == (False, "uma opinião")
    assert pool([rules]).asked == 0


def test_one_ai_alone_is_called_one_opinion() -> None:
    panel = [rated(opinion("openai", 0.7))]
    locale = locale_of("pt-BR")
    text = consensus_text(pool(panel), panel, locale)
    assert text.startswith("Uma só opinião, a de OpenAI: compra (a partir de 55%), probabilidade de 60%")
