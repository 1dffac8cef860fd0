"""Daily prices of one paper as columns, raw as traded, with what is needed to adjust them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Days = npt.NDArray[np.datetime64]

Label = Literal["DIVIDENDO", "JRS CAP PROPRIO", "RENDIMENTO", "DESDOBRAMENTO", "GRUPAMENTO", "BONIFICACAO"]


@dataclass(frozen=True, slots=True)
class Action:
    """One corporate action. `amount` BRL per share as of then; `factor` new shares per old one (1.0 for cash)."""

    label: Label
    approved: date
    last_with: date
    payment: date
    amount: float = 0.0
    factor: float = 1.0

    @property
    def in_cash(self) -> bool:
        """Whether it pays money."""
        return self.factor == 1.0


@dataclass(frozen=True, slots=True)
class Series:
    """Columns of one paper, days ascending.

    Prices in BRL as traded; `volume` in shares; `average` the day's mean price; `split` is the product of the factors
    of later splits (raw / split = split-adjusted, as Yahoo and brapi print closes); `factor` turns split-adjusted into
    dividend-adjusted prices.
    """

    days: Days
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    average: Floats
    volume: Ints
    trades: Ints
    split: Floats
    factor: Floats
    actions: tuple[Action, ...] = ()
    real: bool = False

    def __len__(self) -> int:
        return len(self.days)

    def upto(self, day: date) -> int:
        """How many of the rows lie on or before `day`."""
        return int(np.searchsorted(self.days, np.datetime64(day, "D"), side="right"))

    def span(self, start: date, end: date) -> slice:
        """The rows from `start` to `end`, both included."""
        return slice(int(np.searchsorted(self.days, np.datetime64(start, "D"))), self.upto(end))


def factors(days: Days, close: Floats, actions: tuple[Action, ...]) -> tuple[Floats, Floats]:
    """`split` and `factor` columns that `actions` imply: 1 - sum(D)/P on the last day with rights, backwards."""
    split, factor = np.ones(len(days)), np.ones(len(days))
    cash: dict[int, float] = {}
    for action in actions:
        at = int(np.searchsorted(days, np.datetime64(action.last_with, "D"), side="right"))
        if not 0 < at < len(days):
            continue  # before the first bar, or not yet ex: nothing to adjust
        if action.in_cash:
            cash[at] = cash.get(at, 0.0) + action.amount
        else:
            split[:at] *= action.factor
    for at, amount in cash.items():
        factor[:at] *= 1 - amount / float(close[at - 1])
    return split, factor
