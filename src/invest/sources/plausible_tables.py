"""Whole histories of prices beyond doubt, told by their columns: a first collection brings thousands of rows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np

from invest.domain.market import MICRO, BarTable
from invest.sources.model import Want
from invest.sources.plausible import HIGHEST, MOST, NEAR

TURNOVER = 10**17  # BRL; beyond it the exact rule is asked
TRADES = 2**30
FOURFOLD = 4  # between two closes in a row, or prices of one day: from here on one may be in another unit


def clearly_believed(want: Want, tables: Sequence[BarTable], last: date) -> bool:
    """Whether `believe` would keep every row of an asset's first history, oldest table first, and remark nothing.

    Where it says no, the rows are to be asked one by one: it knows fewer rules and leaves room for rounding.
    """
    if want.last_close is not None or want.splits or not any(map(len, tables)):
        return False
    days, low, high, opened, close, volume, turnover, trades = (
        np.concatenate([getattr(table, name) for table in tables])
        for name in ("days", "low", "high", "open", "close", "volume", "turnover", "trades")
    )
    if (days[1:] <= days[:-1]).any() or days[-1] > np.datetime64(last, "D"):
        return False
    prices = np.stack([opened, high, low, close])
    inside = (low <= close) & (close <= high) & (low <= opened) & (opened <= high)
    near = (high < FOURFOLD * close) & (FOURFOLD * low > close)
    priced = (prices > 0).all() and (prices < int(HIGHEST) * MICRO // 2).all() and (inside & near).all()
    traded = (volume > 0) & (volume < MOST // 2) & (turnover >= 0) & (turnover < TURNOVER * 100)
    if not (priced and traded.all() and ((trades >= 0) & (trades < TRADES)).all()):
        return False
    ratios = close[1:] / close[:-1]
    steady = ((ratios > 1 / FOURFOLD) & (ratios < FOURFOLD)).all()
    return bool(
        steady and (len(close) < 2 or abs(1 / ratios[0] - 1) < float(NEAR))
    )  # the first as the rule divides them
