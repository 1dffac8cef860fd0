"""Whether a figure is in another unit than a known one: about 10, 100 or 1,000 times it, or too far off for a price."""

from __future__ import annotations

from decimal import Decimal

UNITS = (10, 100, 1000)
UNIT_SLACK = Decimal("0.15")  # how near to 10, 100 or 1000 a ratio must be to be taken for a wrong unit
FAR = 6  # so many times the known price, or a part of it, is another unit too, however far from 10, 100 or 1000
FAR_DAYS = 90  # days for which a known price speaks against a new one: beyond, and after a wrong first one, it heals


def unit_error(value: Decimal, reference: Decimal) -> Decimal | None:
    """10, 100, 1000 or their inverse where `value` is about so many times `reference`; None otherwise.

    >>> unit_error(Decimal("36100"), Decimal("36.5"))
    Decimal('1000')
    """
    if not value or not reference or (value > 0) != (reference > 0):
        return None
    ratio = value / reference
    for unit in UNITS:
        for factor in (Decimal(unit), 1 / Decimal(unit)):
            if abs(ratio / factor - 1) <= UNIT_SLACK:
                return factor
    return None


def scale_error(value: Decimal, reference: Decimal, days: int) -> Decimal | None:
    """By how many times a price is off the one known `days` before or after it; None where it can be true."""
    if days > FAR_DAYS or not value or not reference or (value > 0) != (reference > 0):
        return None
    ratio = value / reference
    return unit_error(value, reference) or (ratio if ratio >= FAR or ratio * FAR <= 1 else None)
