"""Daily bars as columns, raw as traded; adjusted prices are computed on read from a factor kept apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
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

    def since(self, day: date) -> Bars:
        """The bars from `day` on."""
        n = int(np.searchsorted(self.days, np.datetime64(day, "D"), side="left"))
        return Bars(
            self.ticker,
            self.days[n:],
            self.open[n:],
            self.high[n:],
            self.low[n:],
            self.close[n:],
            self.volume[n:],
            self.turnover[n:],
            self.factor[n:],
        )

    def without_factor(self, day: date) -> Bars:
        """The same bars, none adjusted up to and including `day` (NaN)."""
        factor = self.factor.copy()
        factor[: int(np.searchsorted(self.days, np.datetime64(day, "D"), side="right"))] = np.nan
        return replace(self, factor=factor)

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


MICRO = 1_000_000


@dataclass(frozen=True, slots=True)
class BarTable:
    """Bars of many assets from one payload, as columns: what a whole session or year of quotes is stored from.

    Exact without Decimals: prices in micro-BRL (BRL x 1,000,000), turnover in centavos, volume in shares, all int64
    and -1 where the source gave nothing. Rows in any order; one per asset and day.
    """

    tickers: npt.NDArray[np.str_]
    days: Days
    open: npt.NDArray[np.int64]
    high: npt.NDArray[np.int64]
    low: npt.NDArray[np.int64]
    close: npt.NDArray[np.int64]
    volume: npt.NDArray[np.int64]
    turnover: npt.NDArray[np.int64]
    trades: npt.NDArray[np.int64]
    source: str
    payload: str

    def __len__(self) -> int:
        return len(self.days)

    def codes(self) -> list[str]:
        """The assets it has bars of, in order."""
        names = self.tickers
        if len(names) and names[0] == names[-1] and (names == names[0]).all():
            return [str(names[0])]
        return [str(name) for name in np.unique(names)]

    def take(self, rows: npt.NDArray[np.intp] | npt.NDArray[np.bool_]) -> BarTable:
        """The same columns of some rows."""
        return BarTable(
            self.tickers[rows],
            self.days[rows],
            self.open[rows],
            self.high[rows],
            self.low[rows],
            self.close[rows],
            self.volume[rows],
            self.turnover[rows],
            self.trades[rows],
            self.source,
            self.payload,
        )

    @classmethod
    def concat(cls, tables: Sequence[BarTable]) -> BarTable:
        """Tables of one payload as one."""
        columns = {name: np.concatenate([getattr(t, name) for t in tables]) for name in cls.__slots__[:-2]}
        return cls(**columns, source=tables[0].source, payload=tables[0].payload)

    def rows(self) -> list[Bar]:
        """The same as exact rows."""

        def price(micro: int) -> Decimal | None:
            cents, rest = divmod(micro, MICRO // 100)
            return None if micro < 0 else Decimal(micro).scaleb(-6) if rest else Decimal(cents).scaleb(-2)

        columns = (self.tickers, self.days.astype(object), self.open, self.high, self.low, self.close)
        counts = (self.volume, self.turnover, self.trades)
        return [
            Bar(
                str(t), d, price(o), price(h), price(lo), price(c) or Decimal(0), v if v >= 0 else None,
                None if u < 0 else Decimal(u).scaleb(-2), n if n >= 0 else None, self.source, self.payload,
            )
            for t, d, o, h, lo, c, v, u, n in zip(*(c.tolist() for c in columns + counts), strict=True)
        ]  # fmt: skip
