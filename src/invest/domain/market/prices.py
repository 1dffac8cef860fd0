"""A price history fit to compute on: bars without a usable close are left out, the rest adjusted and windowed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

import numpy as np
import numpy.typing as npt

from invest.domain.market.bars import Bars, Days, Floats

EPOCH = date(1970, 1, 1).toordinal()
YEAR = 365
SESSIONS_A_YEAR = 252
DAYS_A_YEAR_CRYPTO = 365
FULL_WINDOW = 0.8  # share of the expected sessions that a window must hold to be measured at all


@dataclass(frozen=True)
class Prices:
    """Adjusted columns of one asset, days ascending, every close finite and above zero.

    `whole` is the first session from which highs and lows have no gap: indicators that need them start there.
    """

    ticker: str
    days: Days
    high: Floats
    low: Floats
    close: Floats
    raw_close: Floats
    volume: Floats
    turnover: Floats
    periods: int
    whole: int

    def __len__(self) -> int:
        return len(self.days)

    @cached_property
    def returns(self) -> Floats:
        """Simple return of each session over the one before (one shorter than the history)."""
        return self.close[1:] / self.close[:-1] - 1 if len(self) > 1 else np.empty(0)

    @cached_property
    def stamps(self) -> npt.NDArray[np.int64]:
        """Days since 1970-01-01."""
        return self.days.astype(np.int64)

    @cached_property
    def last_day(self) -> date | None:
        """Day of the newest usable bar."""
        return self.days[-1].astype(object) if len(self) else None

    @cached_property
    def _starts(self) -> dict[int, int]:
        return {}

    def since(self, days: int) -> int:
        """Index of the first session later than `days` calendar days before the last one."""
        start = self._starts.get(days)
        if start is None:
            start = self._starts[days] = int(self.stamps.searchsorted(self.stamps[-1] - days, side="right"))
        return start

    def base(self, days: int) -> int:
        """Index of the session that the returns of the last `days` calendar days start from."""
        return max(0, self.since(days) - 1)

    def covers(self, days: int) -> bool:
        """Whether the history reaches back `days` calendar days and holds enough sessions since to be measured."""
        if len(self) < 2 or self.stamps[-1] - self.stamps[0] < days - 15:
            return False
        return len(self) - self.since(days) >= FULL_WINDOW * days / YEAR * self.periods

    def close_before(self, days: int) -> float | None:
        """Adjusted close `days` calendar days before the last session, at most ten days older; else None."""
        if not len(self):
            return None
        at = self.since(days) - 1
        if at < 0 or self.stamps[-1] - days - self.stamps[at] > 10:
            return None
        return float(self.close[at])

    def close_months_before(self, months: int) -> float | None:
        """Adjusted close of the last session up to the same day `months` calendar months earlier; else None.

        The last day of a month stands for a day that the earlier month does not have; at most ten days older.
        """
        last = self.last_day
        if last is None:
            return None
        stamp = stamp_of(_months_earlier(last, months))
        at = int(self.stamps.searchsorted(stamp, side="right")) - 1
        return float(self.close[at]) if at >= 0 and self.stamps[at] >= stamp - 10 else None

    def raw_close_on(self, day: date) -> float | None:
        """Unadjusted close of the last session up to `day`, at most ten days older; else None."""
        stamp = stamp_of(day)
        at = int(self.stamps.searchsorted(stamp, side="right")) - 1
        if at < 0 or self.stamps[at] < stamp - 10:
            return None
        return float(self.raw_close[at])


def _months_earlier(day: date, months: int) -> date:
    """The same day of an earlier month, its last one where it has no such day; a month's last day stays the last."""
    count = day.year * 12 + day.month - 1 - months
    first = date(count // 12, count % 12 + 1, 1)
    length = (first.replace(day=28) + timedelta(days=4)).replace(day=1) - first
    ends = (day + timedelta(days=1)).month != day.month
    return first + timedelta(days=length.days - 1 if ends else min(day.day, length.days) - 1)


def stamp_of(day: date) -> int:
    """Days since 1970-01-01."""
    return day.toordinal() - EPOCH


def usable(bars: Bars, *, periods: int = SESSIONS_A_YEAR) -> Prices:
    """The part of `bars` one can compute on.

    Left out: a close that is missing, infinite, zero or negative, and a flat bar without volume (a holiday that some
    upstreams fill in). A high or low that is missing or contradicts the close makes the bars before it unfit for
    indicators of range. `periods` is the number of sessions a year: 252, or 365 for crypto.
    """
    days, high, low, close = bars.days, bars.high, bars.low, bars.close
    volume, turnover, factor = bars.volume, bars.turnover, bars.factor
    whole = 0
    if not _spotless(bars):
        keep = _sessions(bars)
        days, high, low, close = days[keep], high[keep], low[keep], close[keep]
        volume, turnover, factor = volume[keep], turnover[keep], factor[keep]
        with np.errstate(invalid="ignore"):
            slack = 1e-6 * close
            fit = (low > 0) & (low <= close + slack) & (high >= close - slack) & np.isfinite(high)
            volume, turnover = np.where(volume >= 0, volume, np.nan), np.where(turnover >= 0, turnover, np.nan)
        gaps = np.flatnonzero(~fit)
        whole = int(gaps[-1]) + 1 if len(gaps) else 0
    if len(factor) and factor[-1] != 1:
        factor = factor / factor[-1]  # cut off in the past: adjusted to that day, not to a later one
    return Prices(
        ticker=bars.ticker,
        days=days,
        high=high * factor,
        low=low * factor,
        close=close * factor,
        raw_close=close,
        volume=volume,
        turnover=turnover,
        periods=periods,
        whole=whole,
    )


def _spotless(bars: Bars) -> bool:
    """Whether nothing in `bars` needs a second look; any gap (NaN) fails one of the comparisons."""
    return bool(
        len(bars)
        and bars.low.min() > 0
        and (bars.low <= bars.close).all()
        and (bars.close <= bars.high).all()
        and bars.high.max() < np.inf
        and bars.factor.min() > 0
        and bars.factor.max() < np.inf
        and bars.volume.min() > 0
        and bars.turnover.min() >= 0
    )


def _sessions(bars: Bars) -> npt.NDArray[np.bool_]:
    """Which bars are sessions with a usable close."""
    with np.errstate(invalid="ignore"):
        good = np.isfinite(bars.close) & (bars.close > 0) & np.isfinite(bars.factor) & (bars.factor > 0)
        idle = (bars.volume == 0) & (bars.high == bars.low) & (bars.low == bars.close)
    return np.asarray(good & ~idle)


def aligned_returns(asset: Prices, index: Prices, days: int) -> tuple[Floats, Floats]:
    """Returns of both over the sessions they share within the last `days` calendar days of the asset.

    A return is taken between two consecutive shared sessions, so a suspended stretch gives one return for both.
    """
    if len(asset) < 2 or len(index) < 2:
        return np.empty(0), np.empty(0)
    start = asset.base(days)
    mine, market = asset.stamps[start:], index.stamps
    at = np.minimum(np.searchsorted(market, mine), len(market) - 1)
    shared = market[at] == mine
    own, theirs = asset.close[start:][shared], index.close[at[shared]]
    return own[1:] / own[:-1] - 1, theirs[1:] / theirs[:-1] - 1
