"""The backtest: alphalens as the oracle, planted look-ahead, shuffled scores, delisted assets."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from invest.domain.analysis.inputs import AnalysisInput
from invest.domain.analysis.score_models import Backtest
from invest.domain.backtest.backtest import backtest, quantile_of, rank_autocorrelation, ranks
from invest.domain.backtest.score_panel import ScorePanel, build_score_panel, looks_ahead, moment_of, outcomes
from invest.domain.filings.filing import read_filings
from invest.domain.market.bars import Bars, Floats
from invest.domain.market.calendar import sessions_between
from invest.domain.market.prices import Prices, usable
from tests.builders.domain import LAST, NOW, asset, bars, six_years

HORIZON = 30
MONTHS = [date(year, month, 1) for year in (2022, 2023, 2024, 2025) for month in range(1, 13)]
FIRST_SESSIONS = [sessions_between(day, day + timedelta(days=10))[0].astype(object) for day in MONTHS]


def market(assets: int = 60, seed: int = 0) -> dict[str, Prices]:
    """Independent random walks over 2021-2026."""
    return {f"A{n:03d}3": usable(bars(f"A{n:03d}3", seed=seed * 1000 + n)) for n in range(assets)}


def panel_of(scores: Floats, tickers: list[str]) -> ScorePanel:
    return ScorePanel(np.array(FIRST_SESSIONS, dtype="datetime64[D]"), tuple(tickers), scores)


def noise(assets: int, seed: int = 7) -> Floats:
    return np.random.default_rng(seed).normal(size=(len(FIRST_SESSIONS), assets))


def informed(prices: dict[str, Prices], strength: float, seed: int = 7) -> ScorePanel:
    """A score that knows a little of what comes: a planted skill, or with much strength a planted look-ahead."""
    blank = panel_of(noise(len(prices), seed), list(prices))
    held = outcomes(blank, prices, HORIZON).held
    spread = np.nanstd(held, axis=1, keepdims=True)
    return replace(blank, scores=blank.scores + strength * np.nan_to_num(held) / spread)


pandas_warnings = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")


@pytest.mark.slow
@pandas_warnings
def test_every_figure_agrees_with_alphalens() -> None:
    pd = pytest.importorskip("pandas")
    performance = pytest.importorskip("alphalens.performance")
    prices = market(40)
    panel = informed(prices, 0.2)
    held = outcomes(panel, prices, HORIZON).held
    done = np.isfinite(held).all(axis=1)
    ours = backtest(panel, prices, HORIZON)
    days = pd.DatetimeIndex(panel.days[done].astype("datetime64[ns]"))
    index = pd.MultiIndex.from_product([days, list(panel.tickers)], names=["date", "asset"])
    data = pd.DataFrame({"30D": held[done].ravel(), "factor": panel.scores[done].ravel()}, index=index)
    data["factor_quantile"] = (
        data.groupby(level="date")["factor"].transform(lambda x: pd.qcut(x, 5, labels=False) + 1).astype(int)
    )
    ic = performance.factor_information_coefficient(data)["30D"]
    assert ours.days == len(ic)
    assert [value for _, value in ours.ic_by_day] == pytest.approx(ic.tolist())
    assert ours.ic_mean == pytest.approx(ic.mean())
    assert ours.icir == pytest.approx(ic.mean() / ic.std())
    means, _ = performance.mean_return_by_quantile(data, by_date=True, demeaned=False)
    per_quantile = means["30D"].unstack("factor_quantile").mean()
    assert ours.quantile_returns == pytest.approx(per_quantile.tolist())
    spread, _ = performance.compute_mean_returns_spread(means, 5, 1)
    assert ours.spread == pytest.approx(2 * spread["30D"].mean())  # alphalens halves it; ours is the whole distance
    chained = performance.factor_rank_autocorrelation(data).dropna()
    assert ours.rank_autocorrelation == pytest.approx(chained.mean())


@pandas_warnings
def test_turnover_agrees_with_alphalens_over_cohorts() -> None:
    pd = pytest.importorskip("pandas")
    performance = pytest.importorskip("alphalens.performance")
    prices = market(40)
    panel = informed(prices, 0.2)
    spaced = ScorePanel(panel.days[::2], panel.tickers, panel.scores[::2])
    ours = backtest(spaced, prices, HORIZON)
    done = np.isfinite(outcomes(spaced, prices, HORIZON).held).all(axis=1)
    days = pd.DatetimeIndex(spaced.days[done].astype("datetime64[ns]"))
    index = pd.MultiIndex.from_product([days, list(spaced.tickers)], names=["date", "asset"])
    bins = np.array([quantile_of(row) + 1 for row in spaced.scores[done]])
    quantiles = pd.Series(bins.ravel(), index=index)
    worst = performance.quantile_turnover(quantiles, 1).dropna()
    best = performance.quantile_turnover(quantiles, 5).dropna()
    assert ours.turnover == pytest.approx((worst.mean() + best.mean()) / 2)


def test_spread_after_costs_pays_for_both_sides_of_both_quintiles() -> None:
    prices = market(40)
    result = backtest(informed(prices, 0.3), prices, HORIZON, cost_per_side=0.002)
    assert result.spread is not None
    assert result.turnover is not None
    assert result.spread_net == pytest.approx(result.spread - 4 * 0.002 * result.turnover)


def test_a_planted_skill_is_found() -> None:
    prices = market()
    result = backtest(informed(prices, 0.15), prices, HORIZON)
    assert result.ic.standing == "above"
    assert result.p_shuffled is not None
    assert result.p_shuffled < 0.05
    assert result.alarms == []


def test_a_planted_look_ahead_raises_the_alarm() -> None:
    prices = market()
    result = backtest(informed(prices, 20.0), prices, HORIZON)
    assert result.ic_mean is not None
    assert result.ic_mean > 0.95
    assert "implausible_ic" in result.alarms


def test_a_score_that_knows_tomorrows_return_raises_the_alarm() -> None:
    prices = market()
    blank = panel_of(noise(len(prices)), list(prices))
    missed = outcomes(blank, prices, HORIZON).missed
    leaked = replace(blank, scores=blank.scores + missed / np.nanstd(missed))
    assert "foresees_missed_return" in backtest(leaked, prices, HORIZON).alarms
    assert backtest(blank, prices, HORIZON).alarms == []


@pytest.mark.slow
def test_shuffled_scores_are_not_distinguishable_from_chance() -> None:
    prices = market()
    flagged = 0
    for seed in range(60):
        result = backtest(panel_of(noise(len(prices), seed), list(prices)), prices, HORIZON)
        assert result.alarms == []
        flagged += result.ic.standing != "chance"
    assert flagged <= 8  # 5 % of 60 is 3; nine or more has a chance below one in two hundred


def test_copies_of_the_same_days_do_not_narrow_the_interval() -> None:
    prices = market()
    panel = informed(prices, 0.15)
    spaced = ScorePanel(panel.days[::2], panel.tickers, panel.scores[::2])
    daily = np.repeat(spaced.days, 5) + np.tile(np.arange(5), len(spaced.days)).astype("timedelta64[D]")
    copied = ScorePanel(daily, panel.tickers, np.repeat(spaced.scores, 5, axis=0))
    once, often = backtest(spaced, prices, HORIZON), backtest(copied, prices, HORIZON)
    assert often.days > 4 * once.days
    assert often.ic == once.ic


def test_the_entry_is_the_first_close_strictly_after_the_score() -> None:
    prices = market(12)
    panel = panel_of(noise(12), list(prices))
    results = outcomes(panel, prices, HORIZON)
    history = prices[panel.tickers[0]]
    entry = int(np.searchsorted(history.days, panel.days[0], side="right"))
    leave = int(np.searchsorted(history.days, history.days[entry] + np.timedelta64(HORIZON, "D"), side="right")) - 1
    assert history.days[entry] > panel.days[0]
    assert results.held[0, 0] == pytest.approx(history.close[leave] / history.close[entry] - 1)
    assert results.missed[0, 0] == pytest.approx(history.close[entry] / history.close[entry - 1] - 1)


def test_a_delisted_asset_is_kept_with_its_last_price() -> None:
    prices = market(12)
    ticker = next(iter(prices))
    gone = FIRST_SESSIONS[20] + timedelta(days=12)
    full = bars(ticker, seed=0)
    prices[ticker] = usable(full.until(gone))
    results = outcomes(panel_of(noise(12), list(prices)), prices, HORIZON)
    history = prices[ticker]
    entry = int(np.searchsorted(history.days, np.datetime64(FIRST_SESSIONS[20]), side="right"))
    assert results.held[20, 0] == pytest.approx(history.close[-1] / history.close[entry] - 1)
    assert np.isnan(results.held[21, 0])
    assert np.isfinite(results.held[:20, 0]).all()


def test_a_suspended_asset_could_not_be_bought() -> None:
    prices = market(12)
    ticker = next(iter(prices))
    full = bars(ticker, seed=0)
    stop = np.datetime64(FIRST_SESSIONS[10])
    keep = (full.days <= stop) | (full.days > stop + np.timedelta64(20, "D"))
    columns = ("days", "open", "high", "low", "close", "volume", "turnover", "factor")
    prices[ticker] = usable(Bars(ticker, *(getattr(full, c)[keep] for c in columns)))
    results = outcomes(panel_of(noise(12), list(prices)), prices, HORIZON)
    assert np.isnan(results.held[10, 0])


def test_days_whose_horizon_is_not_over_do_not_count() -> None:
    prices = market(12)
    panel = ScorePanel(np.array([LAST - timedelta(days=10)], dtype="datetime64[D]"), tuple(prices), noise(12)[:1])
    result = backtest(panel, prices, HORIZON)
    assert result.days == 0
    assert result.ic_mean is result.spread is result.turnover is None
    assert result.ic.standing == "collecting"


@pytest.mark.parametrize("assets", [0, 3])
def test_hardly_any_assets_give_nulls(assets: int) -> None:
    prices = market(assets) if assets else {}
    result = backtest(panel_of(noise(assets), list(prices)), prices, HORIZON)
    assert result.days == 0
    assert result.quantile_returns == [None] * 5
    assert Backtest.model_validate_json(result.model_dump_json()) == result


def test_scores_all_alike_have_no_ic() -> None:
    prices = market(12)
    result = backtest(panel_of(np.full((len(FIRST_SESSIONS), 12), 5.0), list(prices)), prices, HORIZON)
    assert result.ic_mean is None
    assert result.ic.standing == "collecting"


def test_ranks_are_averaged_over_equal_values() -> None:
    assert ranks(np.array([10.0, 20.0, 20.0, 5.0])).tolist() == [2.0, 3.5, 3.5, 1.0]


def test_rank_autocorrelation_of_a_score_that_never_changes_is_one() -> None:
    assert rank_autocorrelation(np.tile(np.arange(20.0), (4, 1))) == pytest.approx(1)


def test_a_panel_must_fit_its_days_and_assets() -> None:
    with pytest.raises(ValueError, match="scores for"):
        ScorePanel(np.array([], dtype="datetime64[D]"), ("AAAA3",), np.zeros((2, 2)))


def candidate(seed: int = 0) -> AnalysisInput:
    return AnalysisInput(asset=asset(), bars=bars(seed=seed), statements=six_years(), now=NOW)


def test_our_own_score_reads_nothing_after_its_day() -> None:
    for day in (date(2024, 6, 3), date(2025, 3, 9), date(2025, 12, 30)):
        assert not looks_ahead(candidate(), day)


def test_a_score_that_peeks_at_later_bars_is_caught() -> None:
    def peeking(given: AnalysisInput) -> float:
        return float(given.bars.close[-1])

    assert looks_ahead(candidate(), date(2025, 6, 2), peeking)


def test_a_score_that_reads_a_filing_before_it_was_received_is_caught() -> None:
    given = replace(candidate(), statements=(), filings=read_filings(six_years()))

    def hasty(then: AnalysisInput) -> float:
        return max(filing.balance["equity"] for filing in then.filings or ())

    def patient(then: AnalysisInput) -> float:
        return max(f.balance["equity"] for f in then.filings or () if f.received_on <= then.today)

    assert looks_ahead(given, date(2025, 6, 2), hasty)
    assert not looks_ahead(given, date(2025, 6, 2), patient)


def test_the_panel_scores_each_day_by_what_was_known() -> None:
    given = candidate()
    days = [date(2026, 3, 9), date(2026, 3, 10)]

    def revenue(then: AnalysisInput) -> float | None:
        return then.company.ratios["revenue"] if then.company else None

    panel = build_score_panel([given], days, revenue)
    assert panel.scores[:, 0] == pytest.approx([800e6 / 1.1, 800e6])
    assert moment_of(days[0]).hour == 20


def test_an_asset_that_no_longer_trades_has_no_score() -> None:
    gone = replace(candidate(), bars=bars(until=date(2025, 1, 31)))
    panel = build_score_panel([gone], [date(2025, 2, 3), date(2025, 6, 2)])
    assert np.isfinite(panel.scores[0, 0])
    assert np.isnan(panel.scores[1, 0])
