"""The analysis of one asset: shape, origin of every figure, point in time, and poor data."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from invest.ai.answers import opinion_prompt
from invest.domain.analysis.asset_analysis import analyse
from invest.domain.analysis.fact_keys import FACT_KEYS
from invest.domain.analysis.inputs import AnalysisInput, as_known
from invest.domain.analysis.models import Analysis, Fact, Recommendation
from invest.domain.backtest.score_panel import looks_ahead
from invest.domain.frozen import bare
from invest.domain.market.assets import Asset
from invest.domain.market.bars import Bars
from invest.domain.market.macro import RateCurve
from invest.domain.market.prices import usable
from invest.domain.market.tickers import AssetKind
from invest.domain.maths import windows_beaten
from invest.domain.opinions import build_snapshot
from tests.builders.domain import (
    BANK,
    LAST,
    NOW,
    PAYLOAD,
    agreed,
    asset,
    bars,
    cdi,
    dividend,
    facts_of,
    filed,
    grown,
    news,
    of_closes,
    quarterly_dividends,
    six_years,
    split,
)


def whole(**changes: Any) -> AnalysisInput:
    """A stock with everything: bars, index, six years of filings, dividends, news, CDI."""
    made = AnalysisInput(
        asset=asset(),
        bars=bars(price=8.0, drift=0.0002),
        index=bars("^BVSP", seed=99, volatility=0.01, price=100_000),
        statements=six_years(),
        actions=quarterly_dividends(),
        latest={},
        news=[news(0.4), news(0.0, 10)],
        cdi=cdi(),
        now=NOW,
        bars_source="cotahist",
        bars_payload="b" * 64,
    )
    return replace(made, **changes)


def test_a_stock_with_everything_is_fully_covered_and_judged() -> None:
    analysis = analyse(whole())
    assert analysis.coverage == 1
    assert analysis.missing == []
    assert analysis.scorecard == "stock"
    assert analysis.recommendation is not Recommendation.INSUFFICIENT_DATA
    assert not analysis.stale
    for part in (
        analysis.fundamental_analysis.overall_score,
        analysis.technical_analysis.overall_score,
        analysis.valuation_analysis.score,
        analysis.risk_analysis.score,
        analysis.sentiment_analysis.score,
    ):
        assert part is not None
        assert 0 <= part <= 10


def test_the_analysis_survives_its_own_validation_and_json() -> None:
    analysis = analyse(whole())
    again = Analysis.model_validate_json(analysis.model_dump_json())
    assert again == analysis


def test_the_same_input_gives_the_same_analysis() -> None:
    assert analyse(whole()) == analyse(whole())


def test_facts_have_stable_ids_known_keys_units_and_an_origin() -> None:
    facts = analyse(whole()).facts
    assert [fact.id for fact in facts] == [f"f{n:02d}" for n in range(1, len(facts) + 1)]
    for fact in facts:
        assert fact.unit == FACT_KEYS[fact.key].unit
        assert fact.value is not None
        assert fact.source
        assert fact.as_of is not None


def test_each_figure_names_the_bytes_it_came_from() -> None:
    facts = {fact.key: fact for fact in analyse(whole()).facts}
    assert (facts["rsi_14"].source, facts["rsi_14"].payload) == ("cotahist", "b" * 64)
    assert (facts["roe"].source, facts["roe"].payload, facts["roe"].as_of) == ("cvm", PAYLOAD, date(2025, 12, 31))
    assert (facts["dividend_yield"].source, facts["dividend_yield"].payload) == ("b3", PAYLOAD)
    assert facts["cdi_1y"].source == "bcb"


def test_own_medians_stand_beside_ratios_and_multiples() -> None:
    facts = {fact.key: fact for fact in analyse(whole()).facts}
    assert facts["roe"].own_median == pytest.approx(0.18)
    assert facts["p_l"].own_median is not None
    assert facts["revenue"].own_median is None


def test_own_multiples_of_the_past_use_the_shares_of_their_time() -> None:
    halved = six_years()
    doubled = [split("2", date(2024, 5, 2))]
    later = whole(actions=doubled)
    before = [
        line.model_copy(update={"value": line.value * 2})
        if line.account.startswith("3.99") and line.reference_date.year <= 2023
        else line
        for line in halved
    ]
    raw = later.bars
    factor = np.where(raw.days <= np.datetime64("2024-05-02"), 0.5, 1.0)
    old = np.where(factor == 0.5, 2.0, 1.0)
    doubled_bars = replace(raw, close=raw.close * old, high=raw.high * old, low=raw.low * old, factor=factor)
    changed = analyse(replace(later, bars=doubled_bars, statements=before))
    plain = analyse(whole(actions=[]))
    pick = {f.key: f.own_median for f in changed.facts}
    same = {f.key: f.own_median for f in plain.facts}
    assert pick["p_l"] == pytest.approx(same["p_l"])


def test_the_score_has_its_reasons_with_facts() -> None:
    analysis = analyse(whole())
    ids = {fact.id for fact in analysis.facts}
    assert all(reason.fact_id in ids for reason in analysis.reasons)
    assert analysis.overall_score is not None
    assert sum(r.effect for r in analysis.reasons) == pytest.approx(analysis.overall_score - 5, abs=0.051)


def test_without_filings_the_verdict_is_insufficient_data() -> None:
    analysis = analyse(whole(statements=[], actions=[]))
    assert analysis.recommendation is Recommendation.INSUFFICIENT_DATA
    assert analysis.coverage < 0.6
    assert analysis.fundamental_analysis.overall_score is None
    assert analysis.fundamental_analysis.profitability["roe"] is None


def test_without_news_sentiment_is_null_and_weights_are_renormalised() -> None:
    analysis = analyse(whole(news=[]))
    assert analysis.sentiment_analysis.sentiment is None
    assert analysis.sentiment_analysis.score is None
    assert analysis.sentiment_analysis.news_count == 0
    assert analysis.coverage == pytest.approx(0.95)
    assert analysis.overall_score is not None


@pytest.mark.parametrize(("tone", "word"), [(0.5, "positive"), (-0.5, "negative"), (0.05, "neutral"), (None, None)])
def test_the_tone_of_the_news_in_words(tone: float | None, word: str | None) -> None:
    assert analyse(whole(news=[news(tone)])).sentiment_analysis.sentiment == word


def test_old_foreign_and_future_news_do_not_count() -> None:
    items = [news(0.9, 31), news(0.9, 2, "OTHR3"), news(0.9, -1)]
    assert analyse(whole(news=items)).sentiment_analysis.news_count == 0


def test_a_bank_has_its_own_card_and_no_ebitda() -> None:
    lines = []
    for back in range(6):
        amounts = {"1": 2e12, "2": 2e12, "2.08": 0.2e12, "3.01": 0.25e12, "3.03": 0.1e12, "3.09": 36e9, "3.09.01": 34e9}
        year = 2025 - back
        lines += filed(grown(amounts, 1.1**-back), date(year, 12, 31), chart=BANK, received=date(year + 1, 2, 10))
    analysis = analyse(whole(statements=lines, asset=asset("BANK4", shares=5_000_000_000)))
    assert analysis.scorecard == "bank"
    assert analysis.coverage > 0.9
    facts = facts_of(analysis)
    assert facts["roe"] == pytest.approx(0.17)
    assert not {"ebitda", "altman_z", "piotroski", "net_debt", "ev_ebitda"} & facts.keys()
    assert analysis.risk_analysis.debt_risk == "low"


@pytest.mark.parametrize(
    ("kind", "ticker", "card"),
    [
        (AssetKind.FII, "HGLG11", "fii"),
        (AssetKind.ETF, "BOVA11", "etf"),
        (AssetKind.BDR, "AAPL34", "bdr"),
        (AssetKind.UNIT, "TAEE11", "stock"),
    ],
)
def test_each_kind_has_a_card_of_its_own(kind: AssetKind, ticker: str, card: str) -> None:
    analysis = analyse(whole(asset=asset(ticker, kind), statements=[]))
    assert analysis.scorecard == card


def test_a_fii_is_judged_by_income_book_value_and_liquidity() -> None:
    monthly = [dividend("0.10", date(2026 - n // 12, 12 - n % 12, 10)) for n in range(9, 80)]
    given = whole(
        asset=asset("HGLG11", AssetKind.FII, None),
        statements=[],
        actions=monthly,
        latest={"p_vp": agreed("p_vp", "0.95")},
        bars=bars(price=10, drift=0, volatility=0.006),
    )
    analysis = analyse(given)
    facts = facts_of(analysis)
    assert facts["dividend_months_12m"] == 12
    assert facts["p_vp"] == 0.95
    assert analysis.recommendation is not Recommendation.INSUFFICIENT_DATA
    assert next(d for d in analysis.dimensions if d.name == "income").score is not None


def test_a_fii_is_held_against_its_own_index_where_it_is_stored() -> None:
    own = usable(bars("^IFIX", seed=3))
    given = whole(asset=asset("HGLG11", AssetKind.FII, None))
    assert analyse(given).index_label == "IBOV"
    measured = analyse(replace(given, own_index=own))
    assert measured.index_label == "IFIX"
    assert measured.windows_beaten_180d == windows_beaten(given.prices, own)
    snapshot = build_snapshot(measured)
    assert snapshot.index_label == "IFIX"
    for language in ("pt-BR", "en"):
        prompt = opinion_prompt(snapshot, language, with_news=False)
        assert "IFIX" in prompt.system and "IBOV" not in prompt.system


def test_crypto_trades_every_day_and_is_annualised_over_365() -> None:
    days = np.arange("2023-01-01", "2026-04-01", dtype="datetime64[D]")
    close = 200_000 * np.exp(np.cumsum(np.random.default_rng(5).normal(0.001, 0.03, len(days))))
    coin = AnalysisInput(asset=Asset(ticker="BTC-BRL", kind=AssetKind.CRYPTO), bars=of_closes(close, days), now=NOW)
    analysis = analyse(coin)
    last_year = usable(coin.bars, periods=365).returns[-365:]
    assert facts_of(analysis)["volatility_1y"] == pytest.approx(float(np.std(last_year, ddof=1)) * 365**0.5)
    assert analysis.scorecard == "crypto"
    assert not analysis.stale


def test_the_consensus_price_counts_where_it_is_as_new_as_the_bars() -> None:
    fresh = analyse(whole(latest={"close": agreed("close", "12.34")}))
    assert fresh.price == 12.34
    assert facts_of(fresh)["p_l"] == pytest.approx(12.34 / 0.9)
    old = analyse(whole(latest={"close": agreed("close", "12.34", NOW - timedelta(days=5))}))
    assert old.price == pytest.approx(float(whole().bars.close[-1]))


def test_a_quarantined_or_future_price_is_not_used() -> None:
    expected = float(whole().bars.close[-1])
    held = agreed("close", "999", quarantined=True)
    assert analyse(whole(latest={"close": held})).price == pytest.approx(expected)
    coming = agreed("close", "999", NOW + timedelta(hours=1))
    assert analyse(whole(latest={"close": coming})).price == pytest.approx(expected)


def test_a_computed_figure_goes_before_a_stated_one_which_fills_gaps() -> None:
    latest = {"roe": agreed("roe", "0.99"), "p_vp": agreed("p_vp", "9.9")}
    assert facts_of(analyse(whole(latest=latest)))["roe"] == pytest.approx(0.18)
    alone = {fact.key: fact for fact in analyse(whole(latest=latest, statements=[])).facts}
    assert alone["roe"].value == 0.99
    assert alone["roe"].source == "brapi"


def test_a_suspended_asset_is_stale_and_says_so() -> None:
    stopped = whole(bars=bars(until=LAST - timedelta(days=40)))
    analysis = analyse(stopped)
    assert analysis.stale
    assert analysis.overall_score is not None and analysis.coverage == 1
    assert (analysis.recommendation, analysis.withheld) == (Recommendation.INSUFFICIENT_DATA, "outdated_prices")
    assert analysis.risk_analysis.checklist[-1] == {
        "check": "fresh_prices",
        "key": "close",
        "value": None,
        "threshold": None,
        "passed": False,
    }


@pytest.mark.parametrize(("days", "withheld"), [(0, None), (30, None), (31, "outdated_prices")])
def test_a_verdict_is_withheld_from_the_thirty_first_day_without_a_price(days: int, withheld: str | None) -> None:
    analysis = analyse(whole(now=NOW + timedelta(days=days)))
    assert analysis.withheld == withheld
    assert (analysis.recommendation is Recommendation.INSUFFICIENT_DATA) is (withheld is not None)


def test_why_there_is_no_verdict_is_said() -> None:
    assert analyse(whole(statements=[])).withheld == "coverage"
    assert analyse(whole(asset=asset("IBOV11", AssetKind.INDEX))).withheld == "no_scorecard"
    assert analyse(whole(bars=bars().until(date(2000, 1, 1)))).withheld == "outdated_prices"


@pytest.mark.parametrize("n", [0, 1, 2, 30])
def test_hardly_any_bars_give_nulls_not_errors(n: int) -> None:
    few = Bars.from_rows("TEST3", []) if n == 0 else bars(sessions=n)
    analysis = analyse(AnalysisInput(asset=asset(shares=None), bars=few, now=NOW))
    assert analysis.recommendation is Recommendation.INSUFFICIENT_DATA
    assert analysis.technical_analysis.trend["sma_200"] is None
    assert (analysis.price is None) is (n == 0)
    Analysis.model_validate_json(analysis.model_dump_json())


def test_bars_full_of_nonsense_give_nulls_not_errors() -> None:
    made = bars(sessions=300)
    broken = replace(made, close=np.where(np.arange(300) % 2 == 0, np.nan, -made.close), factor=np.full(300, np.nan))
    analysis = analyse(AnalysisInput(asset=asset(), bars=broken, now=NOW))
    assert analysis.price is None
    assert analysis.stale
    assert analysis.facts == []


def test_negative_equity_is_seen_as_trouble_not_as_a_missing_number() -> None:
    lines = [
        line.model_copy(update={"value": Decimal(-100_000_000)}) if line.account == "2.03" else line
        for line in six_years()
    ]
    analysis = analyse(whole(statements=lines))
    facts = facts_of(analysis)
    assert "roe" not in facts
    assert "p_vp" not in facts
    assert facts["equity_assets"] == pytest.approx(-0.1)
    failed = {row["check"] for row in analysis.risk_analysis.checklist if row["passed"] is False}
    assert "positive_equity" in failed


def test_nothing_of_the_future_is_read() -> None:
    given = whole()
    past = datetime(2025, 6, 30, 23, tzinfo=UTC)
    then = replace(given, now=past, shares_as_of=LAST)
    assert analyse(then) == analyse(as_known(then))
    assert not looks_ahead(given, date(2025, 6, 30))


def test_a_report_received_tomorrow_is_not_used_today() -> None:
    lines = six_years()
    day = datetime(2026, 3, 9, 23, tzinfo=UTC)
    assert facts_of(analyse(whole(statements=lines, now=day)))["revenue"] == pytest.approx(800e6 / 1.1)
    assert facts_of(analyse(whole(statements=lines, now=day + timedelta(days=1))))["revenue"] == pytest.approx(800e6)


def test_a_split_after_the_day_looked_at_does_not_change_its_multiples() -> None:
    given = whole(actions=[split("2", date(2026, 2, 2))], asset=asset(shares=200_000_000))
    then = replace(given, now=datetime(2025, 12, 30, 23, tzinfo=UTC), shares_as_of=LAST)
    assert facts_of(analyse(then))["shares_outstanding"] == 100_000_000


def test_ready_curves_and_prices_give_the_same_as_raw_input() -> None:
    given = whole()
    assert isinstance(given.index, Bars)
    assert isinstance(given.cdi, list)
    ready = replace(given, index=usable(given.index), cdi=RateCurve.of(given.cdi))
    assert analyse(ready) == analyse(given)


def test_a_bare_model_equals_a_validated_one() -> None:
    values: dict[str, Any] = {
        "id": "f01",
        "key": "roe",
        "value": 0.2,
        "unit": "fraction",
        "as_of": LAST,
        "source": "cvm",
        "payload": None,
        "own_median": None,
        "sector_median": None,
        "sector_percentile": None,
        "stale": False,
    }
    assert bare(Fact, **values) == Fact(**values)
    assert bare(Fact, **values).model_dump_json() == Fact(**values).model_dump_json()


def test_risk_in_words() -> None:
    risky = analyse(whole(bars=bars(volatility=0.06, volume=2_000)))
    assert risky.risk_analysis.volatility_risk == "high"
    assert risky.risk_analysis.liquidity_risk == "high"
    assert risky.risk_analysis.overall_risk in ("medium", "high")
    calm = analyse(whole(bars=bars(volatility=0.008, volume=1e7, price=8)))
    assert calm.risk_analysis.overall_risk == "low"


def test_debt_without_ebitda_is_a_high_risk() -> None:
    lines = [
        line.model_copy(update={"value": Decimal(-300_000_000)}) if line.account == "3.05" else line
        for line in six_years()
    ]
    assert analyse(whole(statements=lines)).risk_analysis.debt_risk == "high"


def test_sandbox_data_is_stamped() -> None:
    assert analyse(whole(sandbox=True)).sandbox
