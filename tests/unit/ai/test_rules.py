"""The analyst without a key: the same facts, the same answer, in words the data holds."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invest.ai.rules import CRITERIA, REACH, RulesAnalyst
from invest.domain.opinions.faithfulness import check_figures
from invest.domain.opinions.opinion import OpinionStatus, Snapshot, SnapshotFact, SnapshotNews
from invest.domain.opinions.stance import language_of

NOW = datetime(2026, 3, 31, tzinfo=UTC)
GOOD: dict[str, tuple[float, str]] = {
    "close": (36.5, "BRL"),
    "p_l": (4.5, "x"),
    "p_vp": (0.9, "x"),
    "roe": (0.24, "fraction"),
    "net_debt_ebitda": (0.8, "x"),
    "momentum_12_1": (0.25, "fraction"),
    "volatility_1y": (0.28, "fraction"),
    "dividend_yield": (0.11, "fraction"),
}


def snapshot(values: dict[str, tuple[float, str]], **fields: Any) -> Snapshot:
    medians = {"p_l": 8.0, "p_vp": 1.8, "roe": 0.15}
    facts = tuple(
        SnapshotFact(id=f"f{i:02}", key=key, value=value, unit=unit, sector_median=medians.get(key))
        for i, (key, (value, unit)) in enumerate(values.items(), 1)
    )
    base = {"ticker": "PETR4", "name": None, "kind": "stock", "sector": None, "as_of": date(2026, 3, 31)}
    return Snapshot.model_validate({**base, "facts": facts, "base_rate_180d": 0.47, **fields})


async def ask(given: Snapshot, language: str = "pt-BR") -> Any:
    return await RulesAnalyst("rules", lambda: NOW).ask(given, language)


async def test_a_cheap_profitable_rising_asset_is_above_its_base_rate() -> None:
    opinion = await ask(snapshot(GOOD))
    assert opinion.status is OpinionStatus.OK
    assert 0.47 < opinion.p_beat_30d < opinion.p_beat_90d < opinion.p_beat_180d <= 0.47 + REACH
    assert "P/L: 4,5x, abaixo da mediana do setor (8,0x)." in [a.text for a in opinion.arguments_for]


async def test_a_dear_losing_falling_asset_is_below_it() -> None:
    bad = GOOD | {"p_l": (-3.0, "x"), "roe": (-0.2, "fraction"), "momentum_12_1": (-0.4, "fraction")}
    bad |= {"net_debt_ebitda": (5.0, "x"), "volatility_1y": (0.8, "fraction"), "p_vp": (4.0, "x")}
    opinion = await ask(snapshot(bad))
    assert opinion.p_beat_180d < 0.47
    assert {(risk.kind, risk.severity) for risk in opinion.risks} == {("debt", "high"), ("volatility", "high")}


@pytest.mark.parametrize("language", ["pt-BR", "en"])
async def test_its_words_are_in_the_language_and_its_figures_in_the_data(language: str) -> None:
    given_ = snapshot(GOOD)
    opinion = await ask(given_, language)
    texts = [opinion.summary, *(a.text for a in (*opinion.arguments_for, *opinion.arguments_against))]
    assert all(not check_figures(text, given_.facts, language).unmatched for text in texts)
    assert language_of(" ".join(texts)) in (language[:2], None)
    assert all(a.fact_ids for a in (*opinion.arguments_for, *opinion.arguments_against))


async def test_the_same_facts_give_the_same_answer_and_news_do_not_matter() -> None:
    news = SnapshotNews(tone="negative", topic="debt", age_days=0, excerpt="Empresa pede recuperação judicial")
    one, other = await ask(snapshot(GOOD)), await ask(snapshot(GOOD, news=(news,)))
    volatile = {"opinion_id", "seconds", "data_hash"}
    assert one.model_dump(exclude=volatile) == other.model_dump(exclude=volatile)


async def test_two_criteria_are_too_few() -> None:
    opinion = await ask(snapshot({"close": (10, "BRL"), "momentum_12_1": (0.1, "fraction"), "p_l": (5.0, "x")}))
    assert opinion.status is OpinionStatus.ABSTAINED
    assert opinion.reason == f"2 of {len(CRITERIA)} criteria have data; 3 are needed"
    assert opinion.p_beat_180d is None
    assert not opinion.valid


async def test_without_volatility_there_are_no_price_estimates() -> None:
    opinion = await ask(snapshot({k: v for k, v in GOOD.items() if k != "volatility_1y"}))
    assert (opinion.price_p10, opinion.target) == (None, None)


async def test_prices_spread_with_volatility_around_the_close() -> None:
    opinion = await ask(snapshot(GOOD))
    assert opinion.price_p10 < opinion.price_p50 == 36.5 < opinion.price_p90


@given(st.dictionaries(st.sampled_from([c.key for c in CRITERIA]), st.floats(-1e6, 1e6, allow_nan=False)))
async def test_no_figures_push_it_beyond_its_reach(values: dict[str, float]) -> None:
    opinion = await ask(snapshot({key: (value, "x") for key, value in values.items()}))
    for p in (opinion.p_beat_30d, opinion.p_beat_90d, opinion.p_beat_180d):
        assert p is None or abs(p - 0.47) <= REACH + 1e-9
