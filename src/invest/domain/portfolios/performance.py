"""How a portfolio did: time-weighted and money-weighted return, Sortino, contributions that add up.

Cash is not kept: purchases and fees are money put in, sales and income are money taken out.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
import pyxirr

from invest.domain.market import Floats
from invest.domain.maths import drawdowns
from invest.domain.portfolios.timeline import Matrix, Timeline

SESSIONS_A_YEAR = 252


def twr(values: Sequence[float], flows: Sequence[float]) -> float | None:
    """Time-weighted return of sub-periods, as a fraction.

    `values[0]` is the start, `values[i]` the value at the end of period i; `flows[i]` is put in (or, negative, taken
    out) right after `values[i]`, so it belongs to the next period. None where a period starts with nothing.

    >>> round(twr([1_000_000, 1_162_484, 1_192_328], [0, 100_000, 0]), 4)
    0.0979
    """
    growth = 1.0
    for i in range(1, len(values)):
        start = values[i - 1] + flows[i - 1]
        if start <= 0:
            return None
        growth *= values[i] / start
    return growth - 1 if len(values) > 1 else None


def xirr(days: Sequence[date], amounts: Sequence[float]) -> float | None:
    """Money-weighted annual return: the rate at which the dated amounts are worth nothing (Σ CF/(1+r)^(d/365) = 0).

    Negative amounts are put in, positive ones taken out. None where all have one sign or no rate fits.
    """
    if len(days) < 2 or min(amounts, default=0) >= 0 or max(amounts, default=0) <= 0:
        return None
    try:
        rate = pyxirr.xirr(list(days), list(amounts))
    except pyxirr.InvalidPaymentsError:
        return None
    return float(rate) if rate is not None and np.isfinite(rate) and rate > -1 else None


def timeline_xirr(timeline: Timeline) -> float | None:
    """`xirr` of a timeline's flows, the value at its end counting as taken out then."""
    if not len(timeline):
        return None
    out = timeline.sold.sum(axis=1) + timeline.income.sum(axis=1)
    flows = out - timeline.bought.sum(axis=1) - timeline.fees.sum(axis=1) - timeline.account_fees
    flows[-1] += timeline.value[-1].sum()
    moved = np.flatnonzero(flows)
    return xirr(timeline.days[moved].astype(object).tolist(), flows[moved].tolist())


def annualised(total: float, days: int) -> float | None:
    """A return over calendar days as an annual one, (1 + r)^(365/days) - 1; None below a year, where it misleads."""
    if days < 365 or total <= -1:
        return None
    return float((1 + total) ** (365 / days) - 1)


def sortino(returns: Floats, target: Floats | float = 0.0, periods: int = SESSIONS_A_YEAR) -> float | None:
    """Mean excess over the target by its downside deviation (all periods in the denominator), annualised."""
    excess = returns - target
    if len(excess) < 2:
        return None
    downside = float(np.sqrt(np.mean(np.minimum(excess, 0.0) ** 2)))
    return float(excess.mean()) / downside * periods**0.5 if downside > 1e-12 else None


def drawdown_span(returns: Floats) -> tuple[float, int, int] | None:
    """The deepest fall (negative fraction) and the places of its peak and its bottom; the start is place 0."""
    if not len(returns):
        return None
    wealth = np.concatenate(([1.0], np.cumprod(1 + returns)))
    fall = drawdowns(wealth)
    bottom = int(fall.argmin())
    return float(fall[bottom]), int(wealth[: bottom + 1].argmax()), bottom


def contributions(timeline: Timeline) -> dict[str, float]:
    """What each asset added to the time-weighted return; they sum to it, account fees under "fees" (Carino, 1999)."""
    total = float(np.prod(1 + timeline.returns) - 1)
    if not len(timeline) or total <= -1 or (timeline.returns <= -1).any():
        return {}
    weights = _carino(timeline.returns) / _carino(np.array([total]))[0]
    share = np.divide(weights, timeline.capital, out=np.zeros(len(timeline)), where=timeline.capital > 0)
    parts = _weighted(share, timeline.gains)
    found = dict(zip(timeline.tickers, parts.tolist(), strict=True))
    if timeline.account_fees.any():
        found["fees"] = float(-(share * timeline.account_fees).sum())
    return found


def _carino(returns: Floats) -> Floats:
    """ln(1 + r)/r, which is 1 at 0: it makes arithmetic contributions of periods add up to the compounded return."""
    small = np.abs(returns) < 1e-9
    return np.where(small, 1.0, np.log1p(returns) / np.where(small, 1.0, returns))


def _weighted(share: Floats, gains: Matrix) -> Floats:
    return np.asarray(share @ gains)
