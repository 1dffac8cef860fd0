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
SHORTEST = 30  # days of flows below which an annual rate means nothing
MAX_RATE = 10_000.0  # a year; beyond it a figure says nothing


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
    if rate is None or not np.isfinite(rate) or rate <= -1:
        rate = _root(days, amounts)
    return float(rate) if rate is not None and rate < MAX_RATE else None


def _root(days: Sequence[date], amounts: Sequence[float]) -> float | None:
    """The rate nearest to 0 at which the flows change their sign, by bisection; None where they never do."""
    first = min(days)
    years = np.array([(day - first).days / 365 for day in days])
    flows = np.array(amounts, dtype=np.float64)

    def worth(growth: float) -> float:
        return float((flows * np.exp(-years * np.log(growth))).sum())

    grid = np.exp(np.linspace(np.log(1e-6), np.log(1 + MAX_RATE), 400))
    values = np.array([worth(g) for g in grid])
    signs = np.flatnonzero(np.isfinite(values[:-1]) & np.isfinite(values[1:]) & (values[:-1] * values[1:] <= 0))
    if not len(signs):
        return None
    at = min(signs.tolist(), key=lambda i: abs(np.log(grid[i])))
    low, high = float(grid[at]), float(grid[at + 1])
    below = worth(low)
    for _ in range(200):
        middle = (low + high) / 2
        value = worth(middle)
        if value * below > 0:
            low, below = middle, value
        else:
            high = middle
    return (low + high) / 2 - 1


def timeline_flows(timeline: Timeline) -> tuple[list[date], list[float]]:
    """(days, amounts) of a timeline's money: put in is negative; value and receivables at its end count as taken out.

    Income counts on the day it was paid, not on the day it was earned.
    """
    flows = timeline.sold.sum(axis=1) + timeline.paid
    flows = flows - timeline.bought.sum(axis=1) - timeline.fees.sum(axis=1) - timeline.account_fees
    flows[-1] += timeline.value[-1].sum() + timeline.receivable
    moved = np.flatnonzero(flows)
    return timeline.days[moved].astype(object).tolist(), flows[moved].tolist()


def timeline_xirr(timeline: Timeline) -> float | None:
    """`xirr` of a timeline's flows; None where `xirr_reason` says why."""
    return xirr_or_reason(timeline)[0]


def xirr_reason(timeline: Timeline) -> str | None:
    """Why there is no money-weighted annual return; None where there is one, or nothing to speak of."""
    return xirr_or_reason(timeline)[1]


def xirr_or_reason(timeline: Timeline) -> tuple[float | None, str | None]:
    """(`xirr` of a timeline's flows, why there is none); twice None where there is nothing to speak of."""
    if not len(timeline):
        return None, None
    days, amounts = timeline_flows(timeline)
    if not days or min(amounts) >= 0:
        return None, None
    if (days[-1] - days[0]).days < SHORTEST:
        return None, "money-weighted return: less than a month of flows, an annual rate would mean nothing"
    if max(amounts) <= 0:
        return None, "money-weighted return: nothing is left and nothing came back, so no rate fits the flows"
    rate = xirr(days, amounts)
    if rate is None:
        return None, "money-weighted return: no annual rate makes these flows worth nothing"
    return rate, None


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


def contributions(timeline: Timeline, since: date | None = None) -> dict[str, float]:
    """What each asset added to the time-weighted return; they sum to it, account fees under "fees" (Carino, 1999).

    With `since` of the sessions from that day on, and only of assets that moved anything in them.
    """
    first = 0 if since is None else int(np.searchsorted(timeline.days, np.datetime64(since, "D")))
    returns, capital = timeline.returns[first:], timeline.capital[first:]
    total = float(np.prod(1 + returns) - 1)
    if not len(returns) or total <= -1 or (returns <= -1).any():
        return {}
    weights = _carino(returns) / _carino(np.array([total]))[0]
    share = np.divide(weights, capital, out=np.zeros(len(returns)), where=capital > 0)
    parts = _weighted(share, timeline.gains[first:])
    found = dict(zip(timeline.tickers, parts.tolist(), strict=True))
    fees = timeline.account_fees[first:]
    if fees.any():
        found["fees"] = float(-(share * fees).sum())
    return found if since is None else {name: part for name, part in found.items() if part}


def _carino(returns: Floats) -> Floats:
    """ln(1 + r)/r, which is 1 at 0: it makes arithmetic contributions of periods add up to the compounded return."""
    small = np.abs(returns) < 1e-9
    return np.where(small, 1.0, np.log1p(returns) / np.where(small, 1.0, returns))


def _weighted(share: Floats, gains: Matrix) -> Floats:
    return np.asarray(share @ gains)
