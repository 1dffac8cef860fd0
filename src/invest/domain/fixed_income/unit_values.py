"""What one invested real is worth day by day, and the same as an asset with closes, so that it counts as any other.

CDI and Selic: product of (1 + r x percent) over the daily rates; a rate a year: (1 + rate)^(sessions/252); IPCA: the
product of the months, a month's part by its calendar days, the last published month carried on.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

import numpy as np

from invest.domain.fixed_income.bond import Bond, Index
from invest.domain.market import Bars, Days, Floats, MacroPoint, RateCurve, sessions_between
from invest.domain.portfolios import CENT, Operation, Transaction

FIXED_INCOME = "fixed_income"  # the class in the allocation
SESSIONS_A_YEAR = 252
UNIT = Decimal("1e-8")


@dataclass(frozen=True, slots=True)
class Curves:
    """What values follow: daily rates of CDI and Selic, IPCA in percent a month."""

    cdi: RateCurve | None = None
    selic: RateCurve | None = None
    ipca: Sequence[MacroPoint] = ()


def unit_values(bond: Bond, curves: Curves, until: date) -> tuple[Days, Floats] | None:
    """(sessions, value of one invested real) from the day it was bought to `until` or its end; None without index."""
    end = min(until, bond.matures_on) if bond.matures_on else until
    days = np.union1d(sessions_between(bond.bought_on, end), np.array([bond.bought_on, end], dtype="datetime64[D]"))
    days = days[(days >= np.datetime64(bond.bought_on, "D")) & (days <= np.datetime64(end, "D"))]
    if not len(days):
        return None
    if bond.index is Index.PRICE:
        return days, _typed(bond, days)
    after = sessions_between(bond.bought_on, end)
    after = after[after > np.datetime64(bond.bought_on, "D")]
    steps = np.searchsorted(after, days, side="right")
    fixed = (1 + float(bond.rate)) ** (steps / SESSIONS_A_YEAR)
    index = _index_growth(bond, curves, days)
    return None if index is None else (days, index * fixed)


def _index_growth(bond: Bond, curves: Curves, days: Days) -> Floats | None:
    if bond.index is Index.FIXED:
        return np.ones(len(days))
    if bond.index is Index.IPCA:
        return _inflation(curves.ipca, days)
    curve = curves.selic if bond.index is Index.SELIC and curves.selic is not None else curves.cdi
    rates = curve.over(days) if curve is not None else None
    if rates is None:
        return None
    return np.concatenate(([1.0], np.cumprod(1 + rates * float(bond.percent))))


def _inflation(points: Sequence[MacroPoint], days: Days) -> Floats | None:
    """Growth by IPCA from the first day on; None where the months do not reach back to it."""
    months = {p.day.replace(day=1): float(p.value) / 100 for p in points}
    if not months or min(months) > days[0].item().replace(day=1):
        return None
    last = months[max(months)]
    level, levels = 1.0, []
    previous = days[0].item()
    for day in days.astype(object).tolist():
        passed = (day - previous).days
        length = monthrange(day.year, day.month)[1]
        level *= (1 + months.get(day.replace(day=1), last)) ** (passed / length)
        levels.append(level)
        previous = day
    return np.array(levels)


def _typed(bond: Bond, days: Days) -> Floats:
    """Prices typed in, each carried on until the next; 1 before the first."""
    typed = sorted((p.day, float(p.value)) for p in bond.prices)
    at = np.searchsorted(np.array([d for d, _ in typed], dtype="datetime64[D]"), days, side="right") - 1
    values = np.array([v for _, v in typed])
    return np.where(at >= 0, values[np.maximum(at, 0)], 1.0)


def as_assets(
    bonds: Mapping[str, Bond], curves: Curves, until: date
) -> tuple[list[Transaction], dict[str, Bars], dict[str, Bond]]:
    """Bonds as facts and closes of assets named after them: a unit is one real invested on the first day.

    A bond whose index is not known has no closes, so it stands at cost and is named as without a price.
    """
    facts: list[Transaction] = []
    bars: dict[str, Bars] = {}
    named: dict[str, Bond] = {}
    for key, bond in sorted(bonds.items()):
        if bond.bought_on > until:
            continue
        ticker = f"RF:{bond.name[:40]} ({key})"
        named[ticker] = bond
        found = unit_values(bond, curves, until)
        if found is not None:
            bars[ticker] = _as_bars(ticker, *found)
        facts += _facts(ticker, bond, found, until)
    return facts, bars, named


def _as_bars(ticker: str, days: Days, values: Floats) -> Bars:
    ones = np.ones(len(days))
    return Bars(ticker, days, values, values, values, values, ones, ones, ones)


def _facts(ticker: str, bond: Bond, found: tuple[Days, Floats] | None, until: date) -> list[Transaction]:
    """The investment, what was taken out, and the end at maturity."""
    left = bond.amount
    facts = [_fact(ticker, bond.bought_on, Operation.BUY, left, Decimal(1))]
    for out in sorted(bond.redeemed, key=lambda r: r.day):
        value = _value_on(found, out.day)
        units = min(left, (out.amount / value).quantize(UNIT))
        if units > 0 and out.day <= until:
            facts.append(_fact(ticker, out.day, Operation.SELL, units, value))
            left -= units
    if bond.matures_on is not None and bond.matures_on <= until and left > 0:
        facts.append(_fact(ticker, bond.matures_on, Operation.SELL, left, _value_on(found, bond.matures_on)))
    return facts


def _value_on(found: tuple[Days, Floats] | None, day: date) -> Decimal:
    if found is None:
        return Decimal(1)
    at = int(np.searchsorted(found[0], np.datetime64(day, "D"), side="right")) - 1
    return Decimal(repr(float(found[1][max(at, 0)]))).quantize(UNIT, rounding=ROUND_HALF_UP)


def _fact(ticker: str, day: date, operation: Operation, units: Decimal, value: Decimal) -> Transaction:
    # model_construct: the name is no ticker of the exchange.
    return Transaction.model_construct(
        date=day, ticker=ticker, operation=operation, quantity=units, price=value, note="", origin=FIXED_INCOME,
        fees=Decimal(0), broker="", other=None, shares=None, place=0, id=None,
    )  # fmt: skip


def value_of(bond: Bond, curves: Curves, until: date) -> Decimal | None:
    """What is left of a bond on a day, BRL, gross; None without its index."""
    found = unit_values(bond, curves, until)
    if found is None:
        return None
    facts = _facts("RF", bond, found, until)
    units = sum((t.quantity if t.operation is Operation.BUY else -t.quantity for t in facts), Decimal(0))
    return (units * _value_on(found, until)).quantize(CENT)
