"""What one invested real is worth day by day, and the same as an asset with closes, so that it counts as any other.

CDI and Selic: product of (1 + r x percent) over the daily rates; a rate a year: (1 + rate)^(sessions/252); IPCA: the
product of the months, a month's part by its calendar days, the last published month carried on. A price that was typed
in, or told by a statement, holds on its day; the index goes on from there.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

import numpy as np

from invest.domain.fixed_income.bond import Bond, Index, Redeemed
from invest.domain.market import Bars, Days, Floats, MacroPoint, RateCurve, sessions_between
from invest.domain.portfolios import CENT, Operation, Transaction

FIXED_INCOME = "fixed_income"  # the class in the allocation
SESSIONS_A_YEAR = 252
UNIT = Decimal("1e-8")
LEFT = Decimal("0.005")  # BRL: what a redemption leaves below this is rounding
LEAST = 1e-6  # of its value, that interest leaves at least


@dataclass(frozen=True, slots=True)
class Curves:
    """What values follow: daily rates of CDI and Selic, IPCA in percent a month."""

    cdi: RateCurve | None = None
    selic: RateCurve | None = None
    ipca: Sequence[MacroPoint] = ()


@dataclass(slots=True)
class Course:
    """A bond day by day: `values` of one invested real on `days`, and what happened to it as `facts`.

    `units`: invested reals that are left; `known` is False where the index is not stored: it stands at cost.
    """

    days: Days
    values: Floats
    known: bool = True
    units: Decimal = Decimal(0)
    facts: list[Transaction] = field(default_factory=list)

    def on(self, day: date) -> Decimal:
        """The value of one invested real on a day, BRL."""
        return Decimal(repr(float(self.values[self.at(day)]))).quantize(UNIT, rounding=ROUND_HALF_UP)

    def at(self, day: date) -> int:
        """The place of a day, or of the last one before it."""
        return max(0, int(np.searchsorted(self.days, np.datetime64(day, "D"), side="right")) - 1)


def course_of(bond: Bond, curves: Curves, until: date, ticker: str = "RF") -> Course | None:
    """What became of a bond up to `until` or its end; None where it was not bought yet."""
    end = min(until, bond.matures_on) if bond.matures_on else until
    moved = [r.day for r in (*bond.redeemed, *bond.added, *bond.interest)] + [p.day for p in bond.prices]
    special = [bond.bought_on, end, *(d for d in moved if bond.bought_on <= d <= end)]
    days = np.union1d(sessions_between(bond.bought_on, end), np.array(special, dtype="datetime64[D]"))
    days = days[(days >= np.datetime64(bond.bought_on, "D")) & (days <= np.datetime64(end, "D"))]
    if not len(days):
        return None
    growth = _growth(bond, curves, days)
    known = growth is not None or bool(bond.prices)
    course = Course(days, _anchored(bond, days, np.ones(len(days)) if growth is None else growth), known)
    _happened(course, bond, ticker, until)
    return course


def _growth(bond: Bond, curves: Curves, days: Days) -> Floats | None:
    """Growth by index and rate from the first day on; None without the index. 1 where prices alone count."""
    if bond.index is Index.PRICE:
        return np.ones(len(days))
    after = sessions_between(days[0].item(), days[-1].item())
    after = after[after > days[0]]
    steps = np.searchsorted(after, days, side="right")
    fixed = (1 + float(bond.rate)) ** (steps / SESSIONS_A_YEAR)
    index = _index_growth(bond, curves, days)
    return None if index is None else np.asarray(index * fixed)


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


def _anchored(bond: Bond, days: Days, growth: Floats) -> Floats:
    """1 on the first day, each price typed in on its own, and growth from the last of them on."""
    priced = [p for p in bond.prices if days[0] <= np.datetime64(p.day, "D") <= days[-1]]
    anchors = {int(np.searchsorted(days, np.datetime64(p.day, "D"))): float(p.value) for p in priced}
    values = growth / growth[0]
    for at, value in sorted(anchors.items()):
        values[at:] = value * growth[at:] / growth[at]
    return np.asarray(values)


def _happened(course: Course, bond: Bond, ticker: str, until: date) -> None:
    """Walk through what was put in, paid and taken out, in the order of its days."""
    begun = Redeemed(day=bond.bought_on, amount=bond.amount)
    moves = [
        (0, begun),
        *((0, r) for r in bond.added),
        *((1, r) for r in bond.interest),
        *((2, r) for r in bond.redeemed),
    ]
    last = min(until, bond.matures_on or date.max)
    for kind, moved in sorted(moves, key=lambda pair: (pair[1].day, pair[0])):
        if moved.day > last:
            continue
        units, price = _units(course, moved, held=kind > 0)
        if kind == 0:
            course.facts.append(_fact(ticker, moved.day, Operation.BUY, units, price))
            course.units += units
        elif kind == 1 and course.units:
            price = (moved.amount / course.units).quantize(UNIT)
            course.facts.append(_fact(ticker, moved.day, Operation.DIVIDEND, course.units, price))
            _paid_out(course, bond, moved.day, float(price))
        elif kind == 2 and units > 0:
            course.facts.append(_fact(ticker, moved.day, Operation.SELL, units, price))
            course.units -= units
    if bond.matures_on is not None and bond.matures_on <= until and course.units > 0:
        value = course.on(bond.matures_on)
        course.facts.append(_fact(ticker, bond.matures_on, Operation.SELL, course.units, value))
        course.units = Decimal(0)


def _units(course: Course, moved: Redeemed, *, held: bool) -> tuple[Decimal, Decimal]:
    """(units that money stands for, BRL each): the part that is told, else by the value of the day.

    `held`: not more than there are, and what rounding would leave goes along.
    """
    value = course.on(moved.day)
    if moved.part is not None and course.units > 0:
        units = (course.units * moved.part).quantize(UNIT)
    else:
        units = (moved.amount / value).quantize(UNIT) if value else moved.amount
    if held and (course.units - units) * value < LEFT:
        units = course.units
    by_part = moved.part is not None and units > 0
    return units, (moved.amount / units).quantize(UNIT) if by_part else value


def _paid_out(course: Course, bond: Bond, day: date, paid: float) -> None:
    """Take interest out of the value, up to the next price, which holds without it."""
    at = course.at(day)
    if any(p.day == day for p in bond.prices) or bond.index is Index.PRICE:
        return
    later = [course.at(p.day) for p in bond.prices if p.day > day]
    stop = min(later, default=len(course.values))
    course.values[at:stop] *= max(LEAST, 1 - paid / course.values[at])


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
        ticker = f"RF:{bond.name[:40]} ({key})"
        course = course_of(bond, curves, until, ticker)
        if course is None:
            continue
        named[ticker] = bond
        if course.known:
            bars[ticker] = _as_bars(ticker, course)
        facts += course.facts
    return facts, bars, named


def _as_bars(ticker: str, course: Course) -> Bars:
    ones, values = np.ones(len(course.days)), course.values
    return Bars(ticker, course.days, values, values, values, values, ones, ones, ones)


def _fact(ticker: str, day: date, operation: Operation, units: Decimal, value: Decimal) -> Transaction:
    # model_construct: the name is no ticker of the exchange.
    return Transaction.model_construct(
        date=day, ticker=ticker, operation=operation, quantity=units, price=value, note="", origin=FIXED_INCOME,
        fees=Decimal(0), broker="", other=None, shares=None, place=0, id=None,
    )  # fmt: skip


def value_of(bond: Bond, curves: Curves, until: date) -> Decimal | None:
    """What is left of a bond on a day, BRL, gross; None without its index."""
    course = course_of(bond, curves, until)
    if course is None or not course.known:
        return None
    return (course.units * course.on(until)).quantize(CENT)
