"""Where things go: round ticks, months, gaps in time, labels that do not touch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

# Longer than any closure of the exchange on the calendar (carnival takes five days): a real gap in the data.
GAP = timedelta(days=10)
# The same between values of month ends: a month without one.
MONTHS_GAP = timedelta(days=45)
_EQUAL_WITHIN = 1e-6  # of a value: closer ones are equal


@dataclass(frozen=True, slots=True)
class Scale:
    """Linear map of low..high onto start..end (pixels); a span of nothing maps to the middle."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        if self.high <= self.low:
            return (self.start + self.end) / 2
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)


def span_of(values: Sequence[float], pad: float = 0.05) -> tuple[float, float]:
    """Least and greatest value, widened by `pad` of their distance (of the value itself where all are equal)."""
    low, high = min(values), max(values)
    apart = high - low if high - low > abs(high) * _EQUAL_WITHIN else 0.0  # the rounding of equal values is no movement
    room = apart * pad or abs(high) * pad or 1.0
    return low - room, high + room


def ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Round values (1, 2, 2.5 or 5 times a power of ten) within low..high, `about` so many."""
    if not (math.isfinite(low) and math.isfinite(high)) or high <= low:
        return [low] if math.isfinite(low) else []
    rough = (high - low) / max(1, about)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [round(i * step, 12) for i in range(first, math.floor(high / step + 1e-9) + 1)]


def decimals_for(values: Sequence[float]) -> int:
    """The decimals that tell neighbouring ticks apart."""
    if len(values) < 2:
        return 2
    step = min(abs(b - a) for a, b in pairwise(values))
    return next((d for d in range(6) if abs(round(step, d) - step) < step * 1e-6), 6)


def runs(days: Sequence[date], values: Sequence[float | None], gap: timedelta = GAP) -> list[list[int]]:
    """Indices of the stretches that may be joined by a line: no missing value and no gap longer than `gap` within."""
    stretches: list[list[int]] = []
    current: list[int] = []
    for i, value in enumerate(values):
        if value is None or (current and days[i] - days[current[-1]] > gap):
            if current:
                stretches.append(current)
            current = []
        if value is not None:
            current.append(i)
    return [*stretches, current] if current else stretches


def spread(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Positions at least `gap` apart, in the order of `wanted` and as near to it as can be, within low..high."""
    order = sorted(range(len(wanted)), key=lambda i: wanted[i])
    placed = [min(max(wanted[i], low), high) for i in order]
    for i in range(1, len(placed)):
        placed[i] = max(placed[i], placed[i - 1] + gap)
    if placed and placed[-1] > high:
        placed[-1] = high
        for i in range(len(placed) - 2, -1, -1):
            placed[i] = min(placed[i], placed[i + 1] - gap)
    result = [0.0] * len(wanted)
    for position, i in zip(placed, order, strict=True):
        result[i] = position
    return result


def month_starts(days: Sequence[date]) -> list[int]:
    """Index of the first day of every month but the one the series begins in."""
    return [i for i in range(1, len(days)) if (days[i].year, days[i].month) != (days[i - 1].year, days[i - 1].month)]
