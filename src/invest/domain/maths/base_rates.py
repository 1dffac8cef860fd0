"""How often assets beat their index in the past, over windows that do not overlap: where a forecast starts from."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from invest.domain.market import Days, Floats, Prices

HORIZON = 180
MIN_WINDOWS = 20

Windows = tuple[int, int]  # (beaten, counted)


def windows_beaten(prices: Prices, index: Prices, days: int = HORIZON) -> Windows:
    """Of the consecutive windows of `days` calendar days before the last session, how many the asset won.

    Total return by adjusted closes against the index (a total-return one); a window whose ends lie more than ten days
    from a session of either is left out.
    """
    if len(prices) < 2 or len(index) < 2:
        return 0, 0
    span = int((prices.days[-1] - prices.days[0]) / np.timedelta64(1, "D"))
    edges = prices.days[-1] - np.arange(span // days + 1) * np.timedelta64(days, "D")
    mine, theirs = _closes(prices, edges), _closes(index, edges)
    excess = (mine[:-1] / mine[1:]) / (theirs[:-1] / theirs[1:]) - 1
    known = np.isfinite(excess)
    return int((excess[known] > 0).sum()), int(known.sum())


def _closes(prices: Prices, days: Days) -> Floats:
    at = np.searchsorted(prices.days, days, side="right") - 1
    near = (at >= 0) & (days - prices.days[at] <= np.timedelta64(10, "D"))
    return np.where(near, prices.close[at], np.nan)


def base_rate(windows: Iterable[Windows | None]) -> float | None:
    """Share of all windows won, over several assets; None below twenty windows."""
    won = counted = 0
    for pair in windows:
        if pair is not None:
            won, counted = won + pair[0], counted + pair[1]
    return won / counted if counted >= MIN_WINDOWS else None
