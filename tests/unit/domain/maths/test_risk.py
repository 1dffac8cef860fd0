"""Risk measures and compounded rates against published numbers and plain re-computations."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from invest.domain.market import macro
from invest.domain.market.assets import MacroPoint
from invest.domain.market.macro import RateCurve
from invest.domain.maths import risk
from tests.builders.domain import PAYLOAD, cdi

PUBLISHED = np.array([1, 10, -4, 2, 3, 2, 1, -10]) / 100
RETURNS = st.lists(st.floats(-0.2, 0.2), min_size=5, max_size=80).map(np.array)


def wealth(returns: np.ndarray[tuple[int], np.dtype[np.float64]]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """What one becomes, its start included."""
    return np.concatenate(([1.0], np.cumprod(1 + returns)))


def test_volatility_sharpe_and_drawdown_of_the_published_returns() -> None:
    assert risk.annual_volatility(PUBLISHED) == pytest.approx(0.9136465, abs=5e-8)
    assert risk.sharpe(PUBLISHED) == pytest.approx(1.7238614, abs=5e-8)
    assert risk.max_drawdown(wealth(PUBLISHED)) == pytest.approx(-0.10)


def test_annual_return_is_compounded_not_summed() -> None:
    assert risk.annual_return(np.full(252, 0.001)) == pytest.approx(1.001**252 - 1)
    assert risk.annual_return(np.array([0.1, -0.1]), 2) == pytest.approx(-0.01)


def test_a_total_loss_is_minus_one_hundred_percent() -> None:
    assert risk.annual_return(np.array([0.1, -1.0])) == -1.0


def test_beta_of_twice_the_market_is_two() -> None:
    market = np.random.default_rng(0).normal(0, 0.01, 300)
    assert risk.beta(2 * market, market) == pytest.approx(2)
    assert risk.correlation(2 * market, market) == pytest.approx(1)


def test_a_market_that_never_moved_has_no_beta() -> None:
    assert risk.beta(PUBLISHED, np.zeros(8)) is None
    assert risk.correlation(PUBLISHED, np.full(8, 0.01)) is None


def test_a_return_without_variance_has_no_sharpe() -> None:
    assert risk.sharpe(np.full(100, 0.001)) is None


def test_sharpe_is_over_the_cash_of_each_day() -> None:
    cash = np.linspace(0.0001, 0.0005, 8)
    assert risk.sharpe(PUBLISHED, cash) == pytest.approx(risk.sharpe(PUBLISHED - cash))


def test_value_at_risk_is_the_fifth_percentile_and_the_shortfall_the_mean_below() -> None:
    returns = np.arange(-50, 51) / 1000
    assert risk.value_at_risk(returns) == pytest.approx(-0.045)
    assert risk.expected_shortfall(returns) == pytest.approx(np.mean([-0.050, -0.049, -0.048, -0.047, -0.046, -0.045]))


@pytest.mark.parametrize("n", [0, 1])
def test_too_few_returns_give_nulls(n: int) -> None:
    few = PUBLISHED[:n]
    assert risk.annual_volatility(few) is risk.sharpe(few) is risk.beta(few, few) is risk.value_at_risk(few) is None


def test_nothing_gives_nothing() -> None:
    empty = np.empty(0)
    assert risk.max_drawdown(empty) is risk.annual_return(empty) is None


@given(returns=RETURNS)
def test_drawdown_lies_between_minus_one_and_zero(returns: np.ndarray[tuple[int], np.dtype[np.float64]]) -> None:
    deepest = risk.max_drawdown(wealth(returns))
    assert deepest is not None
    assert -1 <= deepest <= 0


@given(returns=RETURNS, times=st.floats(0.1, 10))
def test_leverage_scales_volatility_and_leaves_sharpe(
    returns: np.ndarray[tuple[int], np.dtype[np.float64]], times: float
) -> None:
    plain = risk.annual_volatility(returns)
    assert plain is not None
    assert risk.annual_volatility(returns * times) == pytest.approx(plain * times, rel=1e-9, abs=1e-12)
    if plain > 1e-3:
        assert risk.sharpe(returns * times) == pytest.approx(risk.sharpe(returns), rel=1e-6, abs=1e-9)


def test_daily_cdi_of_the_published_rate_is_11_65_percent_a_year() -> None:
    assert macro.annual_rate(0.043739) == pytest.approx(0.1165, abs=5e-6)


def test_months_of_ipca_compound() -> None:
    assert macro.compound([1.27, 0.90, 0.43]) == pytest.approx(1.0127 * 1.009 * 1.0043 - 1)
    assert macro.compound([]) == 0


def points(*rates: tuple[str, str]) -> RateCurve:
    return RateCurve.of(
        MacroPoint(series="sgs:12", day=date.fromisoformat(day), value=Decimal(rate), source="bcb", payload=PAYLOAD)
        for day, rate in rates
    )


def test_a_rate_accrues_from_its_day_to_the_next() -> None:
    curve = points(("2024-01-02", "0.05"), ("2024-01-03", "0.04"), ("2024-01-04", "0.03"))
    assert curve.growth(date(2024, 1, 2), date(2024, 1, 3)) == pytest.approx(1.0005)
    assert curve.growth(date(2024, 1, 2), date(2024, 1, 4)) == pytest.approx(1.0005 * 1.0004)
    assert curve.growth(date(2024, 1, 3), date(2024, 1, 3)) == 1


def test_the_newest_rate_is_carried_ten_sessions_and_no_further() -> None:
    curve = points(("2024-01-02", "0.05"), ("2024-01-03", "0.04"))
    assert curve.growth(date(2024, 1, 2), date(2024, 1, 9)) == pytest.approx(1.0005 * 1.0004**4)
    assert curve.growth(date(2024, 1, 2), date(2024, 2, 9)) is None
    assert curve.annual(date(2024, 2, 9)) is None


def test_before_its_first_day_the_curve_knows_nothing() -> None:
    curve = points(("2024-01-02", "0.05"), ("2024-01-03", "0.04"))
    assert curve.growth(date(2023, 12, 28), date(2024, 1, 3)) is None
    assert curve.annual(date(2023, 12, 28)) is None
    assert RateCurve.of([]).growth(date(2024, 1, 2), date(2024, 1, 3)) is None


def test_the_rate_of_a_day_is_the_newest_up_to_it() -> None:
    curve = points(("2024-01-02", "0.05"), ("2024-01-03", "0.04"))
    assert curve.annual(date(2024, 1, 2)) == pytest.approx(macro.annual_rate(0.05))
    assert curve.annual(date(2024, 1, 4)) == pytest.approx(macro.annual_rate(0.04))


def test_cash_between_sessions_multiplies_up_to_cash_over_all() -> None:
    curve = RateCurve.of(cdi())
    days = curve.days[-30:]
    earned = curve.over(days)
    assert earned is not None
    assert len(earned) == 29
    whole = curve.growth(days[0].astype(object), days[-1].astype(object))
    assert np.prod(1 + earned) == pytest.approx(whole)
