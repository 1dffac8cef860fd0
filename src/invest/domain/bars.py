"""Daily bars as columns, raw as traded; adjusted prices are computed on read from a factor kept apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Days = npt.NDArray[np.datetime64]


class Bar(NamedTuple):
    """One session of one asset, unadjusted: prices and turnover in BRL, volume in shares."""

    ticker: str
    day: date
    open: Decimal | None
    high: Decimal | None
    low: Decimal | None
    close: Decimal
    volume: int | None
    turnover: Decimal | None
    trades: int | None
    source: str
    payload: str


@dataclass(frozen=True, slots=True)
class Bars:
    """Columns of one asset, days ascending and unique. NaN where a source gave nothing.

    `factor` turns raw prices into adjusted ones (close * factor); 1.0 on the last day.
    """

    ticker: str
    days: Days
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    turnover: Floats
    factor: Floats

    def __len__(self) -> int:
        return len(self.days)

    @property
    def adjusted(self) -> Floats:
        """Closes adjusted for splits and dividends, BRL."""
        return self.close * self.factor

    def until(self, day: date) -> Bars:
        """The bars up to and including `day`: what could be known then."""
        n = int(np.searchsorted(self.days, np.datetime64(day, "D"), side="right"))
        return Bars(
            self.ticker,
            self.days[:n],
            self.open[:n],
            self.high[:n],
            self.low[:n],
            self.close[:n],
            self.volume[:n],
            self.turnover[:n],
            self.factor[:n],
        )

    @classmethod
    def from_rows(cls, ticker: str, rows: Sequence[Bar]) -> Bars:
        """Columns of `rows` in the order of their days, with factor 1."""
        rows = sorted(rows, key=lambda r: r.day)

        def column(name: str) -> Floats:
            values = (getattr(r, name) for r in rows)
            return np.array([np.nan if v is None else float(v) for v in values], dtype=np.float64)

        days = np.array([r.day for r in rows], dtype="datetime64[D]")
        return cls(
            ticker,
            days,
            column("open"),
            column("high"),
            column("low"),
            column("close"),
            column("volume"),
            column("turnover"),
            np.ones(len(rows)),
        )
