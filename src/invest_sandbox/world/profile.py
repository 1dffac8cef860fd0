"""The few numbers that price, dividends and statements of one issuer are all made from, so that they agree."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from invest_sandbox.seeds import stream


@dataclass(frozen=True, slots=True)
class Profile:
    """Fractions but for `earnings_multiple` (P/L) and `beta`."""

    earnings_multiple: float
    roe: float
    payout: float
    net_margin: float
    growth: float
    leverage: float
    beta: float
    volatility: float
    losing: bool
    months: tuple[int, ...]

    @property
    def dividend_yield(self) -> float:
        """Paid a year over price: payout / P/L, nothing while losing money."""
        return 0.0 if self.losing else self.payout / self.earnings_multiple


def profile(seed: int, issuer: str) -> Profile:
    """The profile of `issuer`: P/L 3.5 to 22 and ROE 5 to 30 % such that P/VP lies between .5 and 4."""
    rng = stream(seed, "profile", issuer)
    multiple = float(np.exp(rng.uniform(np.log(3.5), np.log(22))))
    low, high = max(0.05, 0.5 / multiple), min(0.30, 4.0 / multiple)
    roe = float(rng.uniform(low, high))
    count = int(rng.choice((1, 2, 2, 4)))
    first = int(rng.integers(3, 6))
    return Profile(
        earnings_multiple=multiple,
        roe=roe,
        payout=float(rng.uniform(0.25, 0.7)),
        net_margin=float(rng.uniform(0.05, 0.24)),
        growth=float(rng.normal(0.08, 0.05)),
        leverage=float(rng.uniform(0.2, 1.4)),
        beta=float(rng.uniform(0.5, 1.5)),
        volatility=float(rng.uniform(0.011, 0.026)),
        losing=bool(rng.random() < 0.07),
        months=tuple(sorted((first + 12 // count * k - 1) % 12 + 1 for k in range(count))),
    )
