"""Rounding as a person does it: once, half away from zero, on the decimal that is written."""

from __future__ import annotations

import math
from decimal import ROUND_HALF_UP, Context, Decimal

_WIDE = Context(prec=400)  # digits enough for every float
_STEPS = {decimals: Decimal(1).scaleb(-decimals) for decimals in range(-12, 13)}


def half_up(value: Decimal, decimals: int) -> Decimal:
    """`value` to so many decimals, a half away from zero: 2.345 is 2.35, −57.225 is −57.23."""
    step = _STEPS[decimals] if decimals in _STEPS else Decimal(1).scaleb(-decimals)
    return value.quantize(step, rounding=ROUND_HALF_UP, context=_WIDE)


def as_shown(value: float, decimals: int) -> float:
    """The number that is printed with so many decimals, so that words about it can be cut from what is seen."""
    return value if not math.isfinite(value) else float(half_up(Decimal(repr(float(value))), decimals))
