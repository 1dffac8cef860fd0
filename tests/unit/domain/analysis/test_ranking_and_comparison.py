"""Sector statistics, comparison, ranking, opportunities, and what AIs read."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from invest.domain.analysis.asset_analysis import analyse
from invest.domain.analysis.comparison import Comparison, Criterion, compare
from invest.domain.analysis.inputs import AnalysisInput
from invest.domain.analysis.models import Analysis, Recommendation
from invest.domain.analysis.ranking import Ranking, greenblatt_ranks, opportunities, rank
from invest.domain.analysis.sectors import SectorStats, all_sector_stats, sector_stats
from invest.domain.market.macro import RateCurve
from invest.domain.market.prices import usable
from invest.domain.market.tickers import AssetKind, Market
from invest.domain.maths.base_rates import base_rate, windows_beaten
from invest.domain.opinions.snapshot import build_snapshot
from tests.builders.domain import NOW, SOUND, asset, bars, cdi, filed, grown, news, quarterly_dividends, six_years

INDEX = usable(bars("^BVSP", seed=99, volatility=0.01, price=100_000))
CURVE = RateCurve.of(cdi())


def one(ticker: str, **changes: Any) -> AnalysisInput:
    """A stock that differs from others by its walk."""
    made = AnalysisInput(
        asset=asset(ticker),
        bars=bars(ticker, seed=sum(map(ord, ticker)), price=8.0),
        index=INDEX,
        statements=six_years(),
        actions=quarterly_dividends(),
        cdi=CURVE,
        news=[news(0.2, 3, ticker)],
        now=NOW,
    )
    return replace(made, **changes)


@pytest.fixture(scope="module")
def analyses() -> list[Analysis]:
    """Eight chemical companies, one of them with two papers, and one without filings."""
    names = ["AAAA3", "BBBB3", "CCCC3", "DDDD3", "EEEE3", "FFFF3", "GGGG3", "GGGG4"]
    inputs = [one(name) for name in names]
    poor = one("HHHH3", statements=[], actions=[])
    return [analyse(given) for given in [*inputs, poor]]


def by_ticker(analyses: list[Analysis], ticker: str) -> Analysis:
    return next(a for a in analyses if a.ticker == ticker)


def scored(analysis: Analysis, score: float | None, **changes: Any) -> Analysis:
    """The analysis with another overall score."""
    return analysis.model_copy(update={"overall_score": score, **changes})


def test_a_company_with_two_papers_counts_once_in_its_sector(analyses: list[Analysis]) -> None:
    stats = sector_stats(analyses, "Química")
    assert stats.count == 8
    assert len({t[:4] for t in stats.tickers}) == 8


def test_percentiles_rank_an_asset_among_its_peers() -> None:
    stats = SectorStats(sector="x", count=5, values={"roe": (0.1, 0.2, 0.3, 0.4, 0.5)})
    assert stats.percentile("roe", 0.05) == 0
    assert stats.percentile("roe", 0.3) == 0.5
    assert stats.percentile("roe", 0.6) == 1
    assert stats.median("roe") == 0.3
    assert stats.percentile("roa", 0.3) is None


def test_few_peers_give_no_median_and_no_percentile() -> None:
    stats = SectorStats(sector="x", count=2, values={"roe": (0.1, 0.2)})
    assert stats.median("roe") is None
    assert stats.percentile("roe", 0.1) is None


def test_peers_stand_beside_facts_and_dimensions(analyses: list[Analysis]) -> None:
    peers = all_sector_stats(analyses)["Química"]
    analysis = analyse(one("AAAA3", peers=peers))
    facts = {fact.key: fact for fact in analysis.facts}
    assert facts["p_l"].sector_median is not None
    assert 0 <= (facts["p_l"].sector_percentile or 0) <= 1
    assert facts["close"].sector_median is None
    momentum = next(d for d in analysis.dimensions if d.name == "momentum")
    assert momentum.sector_median == peers.dimension_median("momentum")


def test_sector_statistics_survive_json(analyses: list[Analysis]) -> None:
    stats = sector_stats(analyses, "Química")
    assert SectorStats.model_validate_json(stats.model_dump_json()) == stats


def test_the_winner_has_the_highest_score_among_those_with_data(analyses: list[Analysis]) -> None:
    rich = [scored(a, 5.0 + n / 10) for n, a in enumerate(analyses[:3])]
    poor = scored(by_ticker(analyses, "HHHH3"), 9.9)
    result = compare([*rich, poor], compared_at=NOW)
    assert result.winner.ticker == rich[2].ticker
    assert result.winner.score == 5.2
    assert result.total_assets == 4
    assert result.rankings["by_overall_score"][0] == "HHHH3"


def test_each_criterion_has_its_winner_on_its_better_side(analyses: list[Analysis]) -> None:
    result = compare(analyses, [Criterion.P_L, Criterion.ROE, Criterion.VOLATILITY_1Y], compared_at=NOW)
    columns = {a.ticker: a.values for a in result.assets}
    cheapest = min((v["p_l"], t) for t, v in columns.items() if v["p_l"] is not None)
    calmest = min((v["volatility_1y"], t) for t, v in columns.items() if v["volatility_1y"] is not None)
    assert result.winners["p_l"] is not None
    assert result.winners["p_l"].ticker == cheapest[1]
    assert result.winners["volatility_1y"] is not None
    assert result.winners["volatility_1y"].ticker == calmest[1]
    assert "by_roe" in result.rankings
    assert {"by_overall_score", "by_fundamentals", "by_valuation"} <= set(result.rankings)


def test_a_criterion_nobody_has_has_no_winner(analyses: list[Analysis]) -> None:
    poor = by_ticker(analyses, "HHHH3")
    result = compare([poor, poor], [Criterion.ROE], compared_at=NOW)
    assert result.winners["roe"] is None
    assert result.winner.ticker is None
    assert result.best_opportunities == []


def test_best_opportunities_are_rated_buy_and_fresh(analyses: list[Analysis]) -> None:
    buys = [scored(a, 7.0 + n / 10, recommendation=Recommendation.BUY) for n, a in enumerate(analyses[:5])]
    stale = scored(analyses[5], 9.0, recommendation=Recommendation.STRONG_BUY, stale=True)
    result = compare([*buys, stale], compared_at=NOW)
    assert result.best_opportunities == [buys[4].ticker, buys[3].ticker, buys[2].ticker]


def test_assets_of_different_kinds_are_marked(analyses: list[Analysis]) -> None:
    fund = analyse(one("HGLG11", asset=asset("HGLG11", AssetKind.FII)))
    assert compare([analyses[0], fund], compared_at=NOW).mixed_kinds
    assert not compare(analyses[:2], compared_at=NOW).mixed_kinds


def test_a_comparison_survives_json(analyses: list[Analysis]) -> None:
    result = compare(analyses, compared_at=NOW)
    assert Comparison.model_validate_json(result.model_dump_json()) == result


def test_a_ranking_is_by_score_and_names_those_without_data(analyses: list[Analysis]) -> None:
    rows = [scored(a, s) for a, s in zip(analyses, (5.0, 7.0, 7.0, 6.0), strict=False)]
    ranking = rank([*rows, by_ticker(analyses, "HHHH3")], Market.STOCKS)
    assert [(r.position, r.overall_score) for r in ranking.rows] == [(1, 7.0), (1, 7.0), (3, 6.0), (4, 5.0)]
    assert ranking.unranked == ["HHHH3"]
    assert ranking.ranked_at == NOW
    assert Ranking.model_validate_json(ranking.model_dump_json()) == ranking


def test_a_ranking_holds_its_market_alone(analyses: list[Analysis]) -> None:
    assert rank(analyses, Market.FIIS).rows == []
    assert rank([], Market.STOCKS).ranked_at is None


def test_greenblatt_leaves_out_utilities_financials_and_second_papers(analyses: list[Analysis]) -> None:
    power = analyse(one("PPPP3", asset=asset("PPPP3", sector="Energia Elétrica")))
    ranks = greenblatt_ranks([*analyses, power])
    assert "PPPP3" not in ranks
    assert "HHHH3" not in ranks
    assert sum(ticker.startswith("GGGG") for ticker in ranks) == 1
    assert sorted(ranks.values()) == list(range(1, len(ranks) + 1))


def test_opportunities_reach_the_score_and_say_why(analyses: list[Analysis]) -> None:
    rows = [scored(a, s) for a, s in zip(analyses, (6.9, 7.0, 8.5), strict=False)]
    stale = scored(analyses[3], 9.0, stale=True)
    found = opportunities([*rows, stale, scored(by_ticker(analyses, "HHHH3"), 9.9)], 7.0)
    assert [o.overall_score for o in found] == [8.5, 7.0]
    assert all(reason.effect > 0 for o in found for reason in o.reasons)
    assert all(reason.effect < 0 for o in found for reason in o.cautions)
    assert found[0].reasons


def test_the_snapshot_holds_facts_and_no_score_of_ours(analyses: list[Analysis]) -> None:
    snapshot = build_snapshot(analyses[0], [news(0.5, 2), news(-0.5, 40)], "en")
    assert [f.id for f in snapshot.facts] == [f.id for f in analyses[0].facts]
    said = snapshot.model_dump_json()
    assert "overall_score" not in said
    assert "recommendation" not in said
    assert snapshot.language == "en"
    assert [item.age_days for item in snapshot.news] == [2, 40]


def test_a_snapshot_reads_no_news_of_the_future(analyses: list[Analysis]) -> None:
    assert build_snapshot(analyses[0], [news(0.5, -1)]).news == ()


def test_windows_do_not_overlap_and_count_who_won() -> None:
    strong, weak = usable(bars(drift=0.003, volatility=0.001)), usable(bars(drift=-0.003, volatility=0.001))
    won, counted = windows_beaten(strong, INDEX)
    span = (strong.days[-1] - strong.days[0]).astype(int)
    assert counted == span // 180
    assert won == counted
    assert windows_beaten(weak, INDEX)[0] == 0


def test_a_base_rate_needs_twenty_windows() -> None:
    assert base_rate([(6, 11), (5, 9)]) == pytest.approx(11 / 20)
    assert base_rate([(6, 11), None]) is None
    assert base_rate([]) is None


def test_the_base_rate_comes_from_peers_unless_given(analyses: list[Analysis]) -> None:
    peers = all_sector_stats(analyses)["Química"]
    analysis = analyse(one("AAAA3", peers=peers))
    assert analysis.base_rate_180d is not None
    assert build_snapshot(analysis).base_rate_180d == analysis.base_rate_180d
    assert build_snapshot(analysis, base_rate=0.47).base_rate_180d == 0.47
    assert build_snapshot(analyses[0]).base_rate_180d is None


def test_a_future_filing_changes_no_ranking() -> None:
    given = one("AAAA3")
    tomorrow = (NOW + timedelta(days=1)).date()
    later = [*six_years(), *filed(grown(SOUND, 3), version=2, received=tomorrow)]
    assert analyse(given).overall_score == analyse(replace(given, statements=later)).overall_score


def test_scores_stored_with_two_decimals_are_chosen_and_ordered_as_they_are_printed(analyses: list[Analysis]) -> None:
    stored, fresh = scored(by_ticker(analyses, "AAAA3"), 6.97), scored(by_ticker(analyses, "BBBB3"), 7.0)
    assert {o.ticker: o.overall_score for o in opportunities([stored, fresh], 7.0)} == {"AAAA3": 7.0, "BBBB3": 7.0}
    rows = rank([stored, fresh], Market.STOCKS).rows
    assert [(row.position, row.overall_score) for row in rows] == [(1, 7.0), (1, 7.0)]
