"""The tables of the scores: monotone, within 0..10, complete, and what happens where data is missing."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invest.domain.analysis.fact_keys import FACT_KEYS
from invest.domain.analysis.models import Recommendation
from invest.domain.analysis.scorecards import BANK, CARDS, DIMENSIONS, FII, STOCK, Card, Rule, card_for
from invest.domain.analysis.scoring import dimensions, judge, recommend, shown_score
from invest.domain.filings.filing import Chart
from invest.domain.market.tickers import AssetKind

RULES = [(card.name, part, rule) for card in CARDS.values() for part, rules in card.rules.items() for rule in rules]


@pytest.mark.parametrize(("card", "part", "rule"), RULES, ids=lambda x: x.key if isinstance(x, Rule) else str(x))
def test_every_curve_is_monotone_within_bounds_and_on_the_better_side(card: str, part: str, rule: Rule) -> None:
    assert part in CARDS[card].weights
    assert all(x0 < x1 for (x0, _), (x1, _) in pairwise(rule.curve))
    steps = [y1 - y0 for (_, y0), (_, y1) in pairwise(rule.curve)]
    assert all(step >= 0 for step in steps) or all(step <= 0 for step in steps)
    assert all(0 <= y <= 10 for _, y in rule.curve)
    better = FACT_KEYS[rule.key].better
    assert better is None or (steps[0] > 0) is (better > 0)


@pytest.mark.parametrize("card", CARDS.values(), ids=lambda c: c.name)
def test_the_weights_of_a_card_add_up_to_one(card: Card) -> None:
    assert sum(card.weights.values()) == pytest.approx(1)
    assert set(card.weights) == set(card.rules)


@pytest.mark.parametrize("card", [STOCK, BANK])
def test_stocks_and_banks_have_the_contracts_weights(card: Card) -> None:
    assert card.weights == {"fundamental": 0.35, "technical": 0.25, "valuation": 0.25, "risk": 0.10, "sentiment": 0.05}


def test_every_group_belongs_to_a_dimension() -> None:
    covered = {(part, group) for sources in DIMENSIONS.values() for part, groups in sources for group in groups}
    missing = {(part, rule.group) for _, part, rule in RULES} - covered
    assert missing == {("risk", "debt")}  # Altman's Z: shown in the risk section


@given(value=st.floats(-1e9, 1e9), more=st.floats(0, 1e9))
@pytest.mark.parametrize("rule", [rule for _, _, rule in RULES[:12]], ids=lambda r: r.key)
def test_a_better_value_never_scores_less(rule: Rule, value: float, more: float) -> None:
    rising = rule.curve[-1][1] >= rule.curve[0][1]
    low, high = rule.score(value), rule.score(value + more)
    assert (low <= high) if rising else (low >= high)
    assert 0 <= low <= 10


def test_a_curve_is_linear_between_its_points() -> None:
    rule = Rule("roe", 1, "profitability", ((0.0, 0.0), (0.10, 5.0), (0.20, 10.0)))
    assert [rule.score(x) for x in (-1, 0, 0.05, 0.10, 0.15, 0.2, 9)] == pytest.approx([0, 0, 2.5, 5, 7.5, 10, 10])


@pytest.mark.parametrize(
    ("score", "word"),
    [
        (10.0, "strong_buy"),
        (8.0, "strong_buy"),
        (7.99, "strong_buy"),  # it is shown as 8.0
        (7.95, "strong_buy"),
        (7.9499, "buy"),
        (6.5, "buy"),
        (6.4499, "hold"),
        (4.0, "hold"),
        (3.9499, "sell"),
        (2.0, "sell"),
        (1.9499, "strong_sell"),
        (0.0, "strong_sell"),
    ],
)
def test_the_words_of_the_contract(score: float, word: str) -> None:
    assert recommend(score, 1.0).value == word


@given(score=st.floats(0, 10), other=st.floats(0, 10))
def test_scores_that_look_the_same_have_the_same_word(score: float, other: float) -> None:
    if f"{shown_score(score):.1f}" == f"{shown_score(other):.1f}":
        assert recommend(score, 1.0) is recommend(other, 1.0)
    assert recommend(score, 1.0) is recommend(shown_score(score), 1.0)


def test_below_sixty_percent_of_data_there_is_no_verdict() -> None:
    assert recommend(9.0, 0.5999) is Recommendation.INSUFFICIENT_DATA
    assert recommend(9.0, 0.60) is Recommendation.STRONG_BUY
    assert recommend(None, 1.0) is Recommendation.INSUFFICIENT_DATA


def everything(card: Card, share: float = 1.0) -> dict[str, float | None]:
    """Figures in the middle of every curve."""
    return {
        rule.key: (rule.curve[0][0] + rule.curve[-1][0]) / 2 * share for rules in card.rules.values() for rule in rules
    }


@pytest.mark.parametrize("card", CARDS.values(), ids=lambda c: c.name)
def test_a_full_set_of_figures_covers_everything(card: Card) -> None:
    verdict = judge(card, everything(card))
    assert verdict.coverage == 1
    assert verdict.missing == ()
    assert verdict.overall is not None
    assert 0 <= verdict.overall <= 10


def test_the_overall_score_is_the_weighted_mean_of_the_parts_with_data() -> None:
    figures = everything(STOCK)
    figures["news_tone_30d"] = None
    verdict = judge(STOCK, figures)
    parts = {part: score for part, score in verdict.parts.items() if score is not None}
    assert set(parts) == {"fundamental", "technical", "valuation", "risk"}
    expected = sum(STOCK.weights[part] * score for part, score in parts.items()) / 0.95
    assert verdict.overall == pytest.approx(expected, abs=0.051)
    assert verdict.coverage == pytest.approx(0.95)
    assert verdict.missing == ("news_tone_30d",)


def test_missing_figures_are_never_scored_as_zero_or_five() -> None:
    best = {rule.key: max(rule.curve, key=lambda p: p[1])[0] for rules in STOCK.rules.values() for rule in rules}
    one_less: dict[str, float | None] = {**best, "roe": None, "momentum_12_1": None}
    verdict = judge(STOCK, one_less)
    assert verdict.parts["fundamental"] == verdict.parts["valuation"] == 10
    assert verdict.coverage < 1


def test_a_part_with_less_than_a_third_of_its_weight_is_not_scored() -> None:
    verdict = judge(STOCK, {"cash_conversion": 1.0, "rsi_14": 50.0})
    assert verdict.parts["fundamental"] is None
    assert verdict.overall is None
    assert verdict.recommendation is Recommendation.INSUFFICIENT_DATA


def test_the_effects_explain_the_whole_distance_from_five() -> None:
    verdict = judge(STOCK, everything(STOCK))
    assert verdict.exact is not None
    assert sum(effect.effect for effect in verdict.effects) == pytest.approx(verdict.exact - 5)
    assert verdict.overall == shown_score(verdict.exact)
    sizes = [abs(effect.effect) for effect in verdict.effects]
    assert sizes == sorted(sizes, reverse=True)


def test_nothing_known_is_no_score() -> None:
    verdict = judge(STOCK, {})
    assert verdict.overall is None
    assert verdict.coverage == 0
    assert verdict.effects == ()


def test_banks_and_insurers_are_scored_by_their_own_card() -> None:
    assert card_for(AssetKind.STOCK, Chart.BANK) is card_for(AssetKind.UNIT, Chart.INSURER) is BANK
    assert card_for(AssetKind.STOCK, Chart.INDUSTRY) is card_for(AssetKind.STOCK, None) is STOCK
    assert card_for(AssetKind.FII, None) is FII


@pytest.mark.parametrize("kind", [AssetKind.INDEX, AssetKind.RIGHT, AssetKind.OTHER])
def test_what_no_card_fits_has_no_score(kind: AssetKind) -> None:
    verdict = judge(card_for(kind, None), {"roe": 0.3})
    assert verdict.overall is None
    assert verdict.recommendation is Recommendation.INSUFFICIENT_DATA


def test_no_bank_rule_needs_what_banks_do_not_have() -> None:
    keys = {rule.key for rules in BANK.rules.values() for rule in rules}
    assert not keys & {
        "net_debt_ebitda",
        "ev_ebitda",
        "altman_z",
        "ebitda_margin",
        "current_ratio",
        "roic",
        "piotroski",
    }


def test_dimensions_hold_the_sides_a_card_knows() -> None:
    assert set(dimensions(STOCK, judge(STOCK, everything(STOCK)))) == {
        "value",
        "quality",
        "growth",
        "financial_health",
        "momentum",
        "stability",
        "liquidity",
        "news",
    }
    assert "income" in dimensions(FII, judge(FII, everything(FII)))
    assert dimensions(None, judge(None, {})) == {}


def test_a_side_without_data_is_null() -> None:
    most = {"roe": 0.2, "roic": 0.15, "net_margin": 0.1, "ebitda_margin": 0.2}
    sides = dimensions(STOCK, judge(STOCK, most))
    assert sides["quality"] is not None
    assert sides["growth"] is None


def test_a_side_of_which_most_is_missing_says_nothing() -> None:
    assert dimensions(STOCK, judge(STOCK, {"roe": 0.2}))["quality"] is None
    assert dimensions(STOCK, judge(STOCK, {"current_ratio": 2.0}))["financial_health"] is None


@pytest.mark.parametrize("entry", FACT_KEYS.values(), ids=lambda e: e.key)
def test_every_figure_has_words_in_both_languages(entry: object) -> None:
    known = FACT_KEYS[entry.key]  # type: ignore[attr-defined]  # parametrised with entries of the table
    assert known.label("pt-BR")
    assert known.label("en")
    assert known.decimals >= 0
