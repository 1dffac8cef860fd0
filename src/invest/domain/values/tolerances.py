"""How far apart two sources may be on a field and still mean the same, and what kind of figure the field is."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

PRICES = frozenset({"open", "high", "low", "close", "average"})
DAILY = PRICES | {"volume", "turnover", "trades", "change_1d"}
POSITIVE = PRICES | {"market_cap", "shares_outstanding"}
SHARES = frozenset({"roe", "roa", "roic", "gross_margin", "ebit_margin", "ebitda_margin", "net_margin"})


@dataclass(frozen=True, slots=True)
class Tolerance:
    """`relative` to the larger value, or `absolute` in the field's unit; whichever allows more."""

    relative: Decimal = Decimal(0)
    absolute: Decimal = Decimal(0)

    def allows(self, a: Decimal, b: Decimal) -> bool:
        """Whether `a` and `b` agree."""
        gap = abs(a - b)
        return gap <= self.absolute or gap <= self.relative * max(abs(a), abs(b))


HALF_PERCENT = Tolerance(relative=Decimal("0.005"))
FIVE_PERCENT = Tolerance(relative=Decimal("0.05"))
ONE_POINT = Tolerance(absolute=Decimal("0.01"))
HALF_POINT = Tolerance(absolute=Decimal("0.005"))


def tolerance_of(field: str) -> Tolerance:
    """Close 0.5 %, margins and returns 1 percentage point, dividend yield half a point; the rest 5 %."""
    if field in PRICES:
        return HALF_PERCENT
    if field in SHARES or field.endswith("_margin"):
        return ONE_POINT
    if field.startswith("dividend_yield"):
        return HALF_POINT
    return FIVE_PERCENT
