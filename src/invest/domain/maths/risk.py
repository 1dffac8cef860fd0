"""Measures of risk and return over simple periodic returns (fractions). None where they are not defined."""

from __future__ import annotations

import math

import numpy as np

from invest.domain.market import Floats


def annual_volatility(returns: Floats, periods: int = 252) -> float | None:
    """Sample standard deviation (ddof 1) times the square root of `periods`."""
    if len(returns) < 2:
        return None
    return _number(_deviation(returns) * periods**0.5)


def _deviation(values: Floats) -> float:
    """Sample standard deviation (ddof 1)."""
    apart = values - _mean(values)
    return math.sqrt(float(apart @ apart) / (len(values) - 1))


def sharpe(returns: Floats, risk_free: Floats | float = 0.0, periods: int = 252) -> float | None:
    """Mean excess return over its standard deviation, annualised; None where nothing ever varied."""
    excess = returns - risk_free
    if len(excess) < 2:
        return None
    deviation = _deviation(excess)
    if deviation <= 1e-12:
        return None
    return _number(_mean(excess) / deviation * periods**0.5)


def annual_return(returns: Floats, periods: int = 252) -> float | None:
    """Compounded: (product of 1 + r) ** (periods / n) - 1, never a scaled sum."""
    if not len(returns):
        return None
    growth = float(np.prod(1 + returns))
    return _number(growth ** (periods / len(returns)) - 1) if growth > 0 else -1.0


def drawdowns(values: Floats) -> Floats:
    """Distance of each value from the highest one so far: V / peak - 1, at most 0."""
    return values / np.maximum.accumulate(values) - 1


def max_drawdown(values: Floats) -> float | None:
    """The deepest fall from a peak, as a negative fraction; `values` are prices or wealth above zero."""
    return _number(float(drawdowns(values).min())) if len(values) else None


def beta(returns: Floats, market: Floats) -> float | None:
    """cov(r, market) / var(market) over returns of the same sessions; None where the market never moved."""
    return market_link(returns, market)[0]


def correlation(returns: Floats, market: Floats) -> float | None:
    """Pearson's correlation, -1..1; None where either never moved."""
    return market_link(returns, market)[1]


def market_link(returns: Floats, market: Floats) -> tuple[float | None, float | None]:
    """Beta and correlation at once."""
    if len(returns) < 2 or len(returns) != len(market):
        return None, None
    own, moved = returns - _mean(returns), market - _mean(market)
    shared, variance = float(moved @ own), float(moved @ moved)
    norm = (float(own @ own) * variance) ** 0.5
    slope = _number(shared / variance) if variance > 1e-18 else None
    return slope, _number(max(-1.0, min(1.0, shared / norm))) if norm > 1e-18 else None


def value_at_risk(returns: Floats, level: float = 0.95) -> float | None:
    """Historical: the (1 - level) quantile of returns, usually negative; None below 20 returns."""
    if len(returns) < 20:
        return None
    place = (1 - level) * (len(returns) - 1)
    at = int(place)
    ordered = np.partition(returns, (at, at + 1))
    return _number(float(ordered[at] + (ordered[at + 1] - ordered[at]) * (place - at)))


def expected_shortfall(returns: Floats, level: float = 0.95) -> float | None:
    """Mean of the returns at or below the value at risk (CVaR)."""
    cut = value_at_risk(returns, level)
    return None if cut is None else _number(float(returns[returns <= cut].mean()))


def _mean(values: Floats) -> float:
    return float(values.sum()) / len(values)  # what numpy's own does, without its dispatch


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None
