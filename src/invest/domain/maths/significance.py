"""How sure a mean is: Student's t, and Holm's correction for several questions at once."""

from __future__ import annotations

import math
from collections.abc import Sequence


def holm(p_values: Sequence[float], alpha: float = 0.05) -> list[bool]:
    """Which hypotheses Holm's step-down procedure rejects, family-wise at `alpha`."""
    rejected = [False] * len(p_values)
    for step, i in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        if p_values[i] > alpha / (len(p_values) - step):
            break
        rejected[i] = True
    return rejected


def student_cdf(t: float, degrees: int) -> float:
    """P(T <= t) for a whole number of degrees of freedom, by the finite sums (Abramowitz & Stegun 26.7.3, 26.7.4)."""
    angle = math.atan2(t, math.sqrt(degrees))
    cosine, total, term = math.cos(angle), 0.0, 1.0
    if degrees % 2:
        term = cosine
        for j in range(1, degrees - 1, 2):
            total += term
            term *= cosine**2 * (j + 1) / (j + 2)
        area = 2 / math.pi * (angle + math.sin(angle) * total)
    else:
        for j in range(0, degrees - 1, 2):
            total += term
            term *= cosine**2 * (j + 1) / (j + 2)
        area = math.sin(angle) * total
    return 0.5 + area / 2


def student_quantile(p: float, degrees: int) -> float:
    """t with P(T <= t) = p, 0 < p < 1, by bisection."""
    if p < 0.5:
        return -student_quantile(1 - p, degrees)
    low, high = 0.0, 1.0
    while student_cdf(high, degrees) < p:
        high *= 2
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if student_cdf(middle, degrees) < p else (low, middle)
        if high - low < 1e-12 * high:
            break
    return (low + high) / 2
