"""The record of a market's score: planted look-ahead raises an alarm, a shuffled score is found to be nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import pytest

from invest.domain.analysis.inputs import AnalysisInput
from invest.domain.analysis.score_models import ScoreRecord
from invest.domain.backtest.score_panel import build_score_panel, joined, judged_score
from invest.domain.backtest.score_record import (
    STEP_DAYS,
    build_score_record,
    checked_for_future,
    corrected,
    scored_days,
)
from invest.domain.filings.filing import read_filings
from invest.domain.market.tickers import Market
from invest.domain.maths.cohorts import Interval
from tests.builders.domain import LAST, NOW, asset, bars, filed, grown, six_years
from tests.builders.domain import SOUND as BALANCE

Scorer = Callable[[AnalysisInput], float | None]
DAYS = scored_days(date(2022, 6, 1), LAST)


def market(assets: int = 40) -> list[AnalysisInput]:
    return [AnalysisInput(asset=asset(f"A{n:03d}3"), bars=bars(f"A{n:03d}3", seed=n), now=NOW) for n in range(assets)]


def recorded(inputs: Sequence[AnalysisInput], score: Scorer) -> ScoreRecord:
    panel = build_score_panel(inputs, DAYS, score)
    prices = {given.asset.ticker: given.prices for given in inputs}
    checks = checked_for_future(inputs, DAYS, score)
    record = build_score_record(Market.STOCKS, panel, prices, checks=checks, computed_at=NOW)
    assert record is not None
    return record


def close_after(given: AnalysisInput, days: int) -> float:
    """Return from the last close a score may know to one `days` sessions later: what no score may read."""
    at = int(np.searchsorted(given.bars.days, np.datetime64(given.today, "D"), side="right")) - 1
    close = given.bars.close
    return float(close[min(at + days, len(close) - 1)] / close[at] - 1)


def test_a_score_that_reads_later_closes_raises_every_alarm() -> None:
    record = recorded(market(), lambda given: close_after(given, 25))
    month = record.horizons[0]
    assert month.ic_mean is not None and month.ic_mean > 0.8
    assert set(month.alarms) == {"implausible_ic", "foresees_missed_return", "looks_ahead"}
    assert record.verdicts[0].startswith("alarm, not to be believed: ")


def test_a_score_with_only_tomorrows_return_leaked_in_is_caught_too() -> None:
    record = recorded(market(), lambda given: close_after(given, 1))
    assert all({"foresees_missed_return", "looks_ahead"} <= set(b.alarms) for b in record.horizons)


def test_a_score_that_reads_a_filing_before_it_was_received_is_caught() -> None:
    def early(given: AnalysisInput) -> float | None:
        return max((f.balance["equity"] for f in given.filings or ()), default=None)

    inputs = [
        replace(given, filings=read_filings(six_years(pace=1.05 + n / 100))) for n, given in enumerate(market(12))
    ]
    assert checked_for_future(inputs, DAYS, early)[1] > 0
    assert all("looks_ahead" in b.alarms for b in recorded(inputs, early).horizons)


def test_a_shuffled_score_is_found_to_be_nothing() -> None:
    inputs = market()
    random = np.random.default_rng(3)
    dealt = {(g.asset.ticker, day): float(random.normal()) for g in inputs for day in DAYS}
    record = recorded(inputs, lambda given: dealt[given.asset.ticker, given.today])
    assert record.verdicts[0] == "not distinguishable from chance"
    assert all(not b.alarms for b in record.horizons)
    assert all(b.p_shuffled is not None and b.p_shuffled > 0.05 for b in record.horizons)


@pytest.mark.slow
def test_our_own_score_reads_nothing_ahead_and_says_how_sure_it_is() -> None:
    inputs = [replace(given, filings=read_filings(six_years())) for given in market(12)]
    record = recorded(inputs, judged_score)
    assert record.checked == 12
    assert all("looks_ahead" not in b.alarms for b in record.horizons)
    assert [b.horizon_days for b in record.horizons] == [30, 90, 180]
    assert all(b.ic.cohorts >= 3 for b in record.horizons)
    assert ScoreRecord.model_validate_json(record.model_dump_json()) == record
    brief = record.brief()
    assert all(not b.ic_by_day for b in brief.horizons)
    assert brief.horizons[0].ic == record.horizons[0].ic


def test_what_is_scored_is_what_is_ranked() -> None:
    poor = AnalysisInput(asset=asset(), bars=bars(), now=NOW)  # no filings: under 60 % of the card has data
    sound = replace(poor, statements=six_years())
    panel = build_score_panel([poor, sound], [date(2026, 3, 30)], judged_score)
    assert np.isnan(panel.scores[0, 0])
    assert np.isfinite(panel.scores[0, 1])


def test_a_restated_report_is_read_in_the_version_of_its_day() -> None:
    """A second version, received in June, says a tenth of the revenue: scores of April do not know it."""
    first = filed(BALANCE, date(2024, 12, 31), received=date(2025, 3, 10))
    second = filed(grown(BALANCE, 0.1), date(2024, 12, 31), version=2, received=date(2025, 6, 2))
    given = AnalysisInput(asset=asset(), bars=bars(), now=NOW, filings=read_filings([*first, *second]))

    def revenue(then: AnalysisInput) -> float | None:
        return then.company.ratios["revenue"] if then.company else None

    panel = build_score_panel([given], [date(2025, 4, 30), date(2025, 6, 2)], revenue)
    assert panel.scores[:, 0] == pytest.approx([800e6, 80e6])


def test_a_delisted_asset_stays_in_the_record_with_its_last_price() -> None:
    inputs = market(12)
    inputs[0] = replace(inputs[0], bars=bars("A0003", seed=0, until=date(2024, 5, 31)))
    record = recorded(inputs, lambda given: float(given.prices.close[-1]))
    assert (record.assets, record.ended) == (12, 1)
    assert record.horizons[0].assets > 11


def test_tomorrow_scores_the_same_days_as_today() -> None:
    today, tomorrow = (scored_days(LAST - timedelta(days=1800), LAST + timedelta(days=n)) for n in (0, 1))
    assert set(today) <= set(tomorrow)
    assert {(b - a).days for a, b in pairwise(today)} == {STEP_DAYS}


def test_one_horizon_of_three_is_not_enough_where_chance_would_do() -> None:
    inputs = market(12)
    record = recorded(inputs, lambda given: float(given.prices.close[-1]))

    def with_p(*values: float | None) -> list[bool]:
        made = [
            b.model_copy(update={"ic": Interval(cohorts=9, mean=0.1, p_value=p, standing="above")})
            for b, p in zip(record.horizons, values, strict=True)
        ]
        return [b.significant for b in corrected(made)]

    assert with_p(0.03, 0.40, 0.60) == [False, False, False]
    assert with_p(0.01, 0.40, 0.60) == [True, False, False]
    assert with_p(0.01, 0.02, 0.04) == [True, True, True]
    assert with_p(0.04, None, None) == [True, False, False]


def test_few_months_are_collecting_and_no_prices_are_no_record() -> None:
    inputs = market(12)
    days = DAYS[-3:]
    panel = build_score_panel(inputs, days, lambda given: float(given.prices.close[-1]))
    prices = {given.asset.ticker: given.prices for given in inputs}
    record = build_score_record(Market.STOCKS, panel, prices, checks=(0, 0), computed_at=NOW)
    assert record is not None
    assert record.verdicts == ["collecting: 2 of 3 cohorts", "collecting: 0 of 3 cohorts", "collecting: 0 of 3 cohorts"]
    assert build_score_record(Market.STOCKS, panel, {}, checks=(0, 0), computed_at=NOW) is None


def test_pages_of_assets_are_joined_side_by_side() -> None:
    inputs = market(4)
    whole = build_score_panel(inputs, DAYS[:3], lambda given: float(given.prices.close[-1]))
    parts = [
        build_score_panel(inputs[at : at + 2], DAYS[:3], lambda given: float(given.prices.close[-1])) for at in (0, 2)
    ]
    both = joined(parts)
    assert both.tickers == whole.tickers
    np.testing.assert_array_equal(both.scores, whole.scores)
