"""Pooling: the published vectors, and the properties that must hold for any opinions."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import composite

from invest.domain.opinions.opinion import Argument, Opinion, OpinionStatus, Rating
from invest.domain.opinions.pooling import (
    Extremity,
    Skill,
    Vote,
    agreement_of,
    independent_votes,
    is_fragile,
    pool,
    pool_votes,
    rating_of,
)

BUY, HOLD, SELL = Rating.BUY, Rating.HOLD, Rating.SELL


def vote(name: str, p: float, n: int = 0, brier: float | None = None) -> Vote:
    return Vote(name, name, p, Skill(n, brier))


def opinion(
    provider: str, p: float | None, *, vendor: str | None = None, p50: float | None = None, **fields: object
) -> Opinion:
    status = OpinionStatus.OK if p is not None else OpinionStatus.TIMEOUT
    given_ = {"status": status, "p_beat_180d": p, "price_p50": p50, "vendor": vendor, "language": "en", **fields}
    base = {"opinion_id": provider, "ticker": "PETR4", "provider": provider, "model": "m", "prompt_hash": "p"}
    return Opinion.model_validate(
        base | {"data_hash": "d", "asked_at": datetime(2026, 1, 5, tzinfo=UTC), "seconds": 1.0} | given_
    )


def test_skills_weigh_the_four_analysts_of_the_published_vector() -> None:
    votes = [
        vote("a", 0.70, 120, 0.236),
        vote("b", 0.62, 120, 0.228),
        vote("c", 0.55, 60, 0.251),
        vote("d", 0.80, 10, 0.310),
    ]
    pooled = pool_votes(votes)
    assert [round(w, 4) for w in pooled.weights.values()] == [0.2659, 0.2824, 0.2355, 0.2162]
    assert round(pooled.log_odds, 4) == 0.7105
    assert round(pooled.probability, 4) == 0.5879
    assert rating_of(pooled.probability) is BUY


def test_without_a_record_all_weigh_the_same() -> None:
    pooled = pool_votes([vote(str(i), p) for i, p in enumerate((0.70, 0.62, 0.55, 0.80))])
    assert (round(pooled.log_odds, 4), round(pooled.probability, 4)) == (0.7310, 0.5904)


def test_a_hold_that_the_median_would_call_a_buy_is_fragile() -> None:
    votes = [vote(str(i), p) for i, p in enumerate((0.72, 0.58, 0.35, 0.66))]
    pooled = pool_votes(votes)
    assert (round(pooled.log_odds, 4), round(pooled.probability, 4)) == (0.3279, 0.5409)
    assert rating_of(pooled.probability) is HOLD
    assert is_fragile(votes)


def test_opposite_opinions_cancel() -> None:
    assert pool_votes([vote("a", 0.9), vote("b", 0.1)]).probability == pytest.approx(0.5, abs=1e-12)


def test_four_alike_are_not_fragile() -> None:
    assert not is_fragile([vote(str(i), p) for i, p in enumerate((0.70, 0.69, 0.71, 0.70))])


@pytest.mark.parametrize(("ratings", "wanted"), [([BUY, BUY, HOLD, BUY], 0.567), ([BUY, SELL], 0.0), ([BUY, BUY], 1.0)])
def test_agreement_is_one_minus_the_population_deviation(ratings: list[Rating], wanted: float) -> None:
    assert agreement_of(ratings) == pytest.approx(wanted, abs=5e-4)


def test_four_correlated_analysts_are_worth_one_and_six_tenths() -> None:
    assert independent_votes(4, 0.5) == pytest.approx(1.6)
    assert independent_votes(1) == 1
    assert independent_votes(4, 0.0) == 4


@pytest.mark.parametrize(("n", "a_hat", "wanted"), [(0, 3.0, 0.5), (100, 0.7, 0.6), (900, 5.0, 1.0), (900, -2.0, 0.2)])
def test_the_slope_is_learnt_with_shrinkage_and_clipped(n: int, a_hat: float, wanted: float) -> None:
    assert Extremity(n, a_hat).slope == pytest.approx(wanted)


def test_a_skill_of_a_short_record_is_drawn_to_none() -> None:
    assert Skill(100, 0.20).shrunk == pytest.approx(0.5 * 0.2)
    assert Skill(0, None).shrunk == 0
    assert Skill(5, None).shrunk == 0


def test_the_worst_and_the_best_record_differ_by_a_factor_of_three_at_most() -> None:
    weights = pool_votes([vote("best", 0.6, 10**6, 0.0), vote("worst", 0.6, 10**6, 0.9)]).weights
    assert weights["best"] / weights["worst"] == pytest.approx(3.0)


probabilities = st.floats(0.0, 1.0, allow_nan=False)


@composite
def ballots(draw: st.DrawFn, at_least: int = 1) -> list[Vote]:
    ps = draw(st.lists(probabilities, min_size=at_least, max_size=6))
    skills = [Skill(draw(st.integers(0, 500)), draw(st.floats(0.05, 0.6))) for _ in ps]
    return [
        Vote(f"v{i}", f"g{draw(st.integers(0, 3))}", p, skill)
        for i, (p, skill) in enumerate(zip(ps, skills, strict=True))
    ]


@given(ballots(), st.integers(0, 5), probabilities)
def test_raising_one_probability_never_lowers_the_pool(votes: list[Vote], at: int, p: float) -> None:
    at %= len(votes)
    raised = [Vote(v.name, v.group, max(v.p, p) if i == at else v.p, v.skill) for i, v in enumerate(votes)]
    assert pool_votes(raised).probability >= pool_votes(votes).probability - 1e-12


@given(ballots())
def test_turning_every_probability_round_turns_the_pool_round(votes: list[Vote]) -> None:
    mirrored = [Vote(v.name, v.group, 1 - v.p, v.skill) for v in votes]
    assert pool_votes(mirrored).probability == pytest.approx(1 - pool_votes(votes).probability, abs=1e-9)


@given(ballots(), st.randoms(use_true_random=False))
def test_the_order_of_the_analysts_does_not_matter(votes: list[Vote], shuffler: object) -> None:
    other = list(votes)
    shuffler.shuffle(other)  # type: ignore[attr-defined]  # hypothesis hands out random.Random
    assert pool_votes(other).probability == pytest.approx(pool_votes(votes).probability, abs=1e-12)
    assert is_fragile(other) == is_fragile(votes)


@given(ballots())
def test_the_pool_stays_within_its_members_and_is_drawn_to_one_half(votes: list[Vote]) -> None:
    pooled = pool_votes(votes).probability
    far = max(abs(min(max(v.p, 0.05), 0.95) - 0.5) for v in votes)
    assert abs(pooled - 0.5) <= far + 1e-12


@given(probabilities, probabilities, st.integers(1, 8))
def test_clones_of_one_vendor_never_outvote_the_other(p: float, q: float, copies: int) -> None:
    alone = pool_votes([Vote("a", "A", p), Vote("b", "B", q)]).probability
    clones = [Vote(f"a{i}", "A", p) for i in range(copies)]
    assert pool_votes([*clones, Vote("b", "B", q)]).probability == pytest.approx(alone, abs=1e-9)


@given(st.lists(st.one_of(st.none(), probabilities), min_size=2, max_size=6))
def test_an_abstention_counts_as_absence(ps: list[float | None]) -> None:
    opinions = [opinion(f"p{i}", p) for i, p in enumerate(ps)]
    valid = [o for o in opinions if o.valid]
    whole = pool(opinions)
    assert (whole.asked, whole.answered) == (len(opinions), len(valid))
    if valid:
        rest = pool(valid)
        same = ("probability", "rating", "agreement", "fragile", "weights", "target", "dissent", "quorum")
        assert all(getattr(whole, name) == getattr(rest, name) for name in same)


def test_one_answer_is_no_quorum_and_gives_no_figures() -> None:
    consensus = pool([opinion("openai", 0.8, p50=10), opinion("gemini", None)])
    assert not consensus.quorum
    assert consensus.headline == "1 of 2 answered"
    figures = (consensus.probability, consensus.rating, consensus.agreement, consensus.target)
    assert figures == (None, None, None, None)


def test_two_models_of_one_vendor_are_no_quorum() -> None:
    opinions = [opinion("openai", 0.8, vendor="openai"), opinion("openai_mini", 0.8, vendor="openai")]
    assert not pool(opinions).quorum


def test_a_quorum_of_one_is_still_two() -> None:
    assert not pool([opinion("openai", 0.8)], quorum=1).quorum


def test_the_headline_speaks_the_language_of_the_opinions() -> None:
    assert pool([opinion("a", 0.6, language="pt-BR"), opinion("b", None)]).headline == "1 de 2 responderam"


def test_the_target_is_the_median_of_the_middle_prices() -> None:
    opinions = [opinion("a", 0.6, p50=10), opinion("b", 0.6, p50=30), opinion("c", 0.6, p50=11), opinion("d", 0.6)]
    assert pool(opinions).target == 11


def test_dissent_names_who_differs_from_the_pool() -> None:
    consensus = pool([opinion("a", 0.8), opinion("b", 0.8), opinion("c", 0.2), opinion("d", 0.75)])
    assert (consensus.rating, consensus.dissent) == (BUY, ("c",))


def test_the_cases_put_first_what_most_weight_cites_and_say_it_once() -> None:
    debt, cheap = Argument(text="debt is low", fact_ids=("f1",)), Argument(text="it is cheap", fact_ids=("f2",))
    again = Argument(text="cheap against peers", fact_ids=("f2",))
    opinions = [opinion("a", 0.6, arguments_for=(debt, cheap)), opinion("b", 0.6, arguments_for=(again,))]
    assert pool(opinions).bull_case == (again, debt)
    assert pool(opinions[::-1]).bull_case == (again, debt)


def test_opinions_on_two_assets_are_refused() -> None:
    with pytest.raises(ValueError, match="one asset"):
        pool([opinion("a", 0.6), opinion("b", 0.6, ticker="VALE3")])
