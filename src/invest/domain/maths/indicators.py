"""Technical indicators over whole columns, by TA-Lib; the only module that imports it.

Every function takes one value per session, oldest first, and returns an array of the same length with NaN where the
indicator is not defined: too few sessions, a gap before it, or a ratio without denominator (a price that never moved
has no RSI). The value at a session depends on that session and earlier ones only.
"""

from __future__ import annotations

import math
import sys
from importlib import import_module
from inspect import unwrap
from typing import Any, NamedTuple

import numpy as np

from invest.domain.market import Floats


def _talib() -> Any:
    """TA-Lib without pandas and polars: it imports both where they are installed, 98 MB in each process for nothing."""
    hidden = [name for name in ("pandas", "polars") if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type] # None: importing it says it is not there
    try:
        return import_module("talib")
    finally:
        for name in hidden:
            del sys.modules[name]


talib = _talib()
# Beneath the wrapper that looks for pandas and polars among the arguments: here all of them are numpy's.
ADX = unwrap(talib.ADX)
ATR = unwrap(talib.ATR)
BBANDS = unwrap(talib.BBANDS)
EMA = unwrap(talib.EMA)
MACD = unwrap(talib.MACD)
MAX = unwrap(talib.MAX)
MIN = unwrap(talib.MIN)
MINUS_DI = unwrap(talib.MINUS_DI)
OBV = unwrap(talib.OBV)
PLUS_DI = unwrap(talib.PLUS_DI)
RSI = unwrap(talib.RSI)
SMA = unwrap(talib.SMA)
STOCH = unwrap(talib.STOCH)


class Macd(NamedTuple):
    """Difference of two exponential means, its own mean, and the distance between both (price units)."""

    line: Floats
    signal: Floats
    histogram: Floats


class Bands(NamedTuple):
    """Bollinger bands (price units)."""

    upper: Floats
    middle: Floats
    lower: Floats


class Directional(NamedTuple):
    """Wilder's directional movement, each 0..100."""

    adx: Floats
    plus: Floats
    minus: Floats


class Stochastic(NamedTuple):
    """Slow stochastic oscillator, each 0..100."""

    k: Floats
    d: Floats


def _empty(n: int) -> Floats:
    return np.full(n, np.nan)


def _usable(values: Floats, needed: int) -> bool:
    if len(values) < needed:
        return False
    return math.isfinite(values[-1]) or bool(np.isfinite(values[-needed:]).any())


def _floats(values: Floats) -> Floats:
    return np.ascontiguousarray(values, dtype=np.float64)


def _scale(values: Floats) -> float:
    """A power of two near 1 / the first price: brings any currency to the size TA-Lib's thresholds expect, exactly."""
    first = float(values[0])
    if not (math.isfinite(first) and first):
        known = values[np.isfinite(values) & (values != 0)]
        if not len(known):
            return 1.0
        first = float(known[0])
    return float(2.0 ** -math.frexp(abs(first))[1])


def sma(values: Floats, n: int) -> Floats:
    """Simple moving average over `n` sessions."""
    return np.asarray(SMA(_floats(values), n)) if _usable(values, n) else _empty(len(values))


def ema(values: Floats, n: int) -> Floats:
    """Exponential average, k = 2/(n + 1), seeded with the simple mean of the first `n`."""
    return np.asarray(EMA(_floats(values), n)) if _usable(values, n) else _empty(len(values))


def rsi(close: Floats, n: int = 14) -> Floats:
    """Wilder's relative strength index 0..100, seeded with the mean of the first `n` changes."""
    if not _usable(close, n + 1):
        return _empty(len(close))
    out = np.asarray(RSI(_floats(close) * _scale(close), n))
    out[: _first_change(close)] = np.nan
    return out


def _first_change(values: Floats) -> int:
    """Index of the first session that differs from the one before; the length where none does."""
    if values[1] != values[0]:
        return 1
    moved = np.flatnonzero(values[1:] != values[:-1])
    return int(moved[0]) + 1 if len(moved) else len(values)


def macd(close: Floats, fast: int = 12, slow: int = 26, signal: int = 9) -> Macd:
    """Moving average convergence divergence."""
    if not _usable(close, slow + signal - 1):
        return Macd(_empty(len(close)), _empty(len(close)), _empty(len(close)))
    return Macd(*(np.asarray(out) for out in MACD(_floats(close), fast, slow, signal)))


def bollinger(close: Floats, n: int = 20, width: float = 2.0) -> Bands:
    """Mean over `n` sessions plus and minus `width` population standard deviations."""
    if not _usable(close, n):
        return Bands(_empty(len(close)), _empty(len(close)), _empty(len(close)))
    values = _floats(close)
    first = values[np.isfinite(values)][0]
    # Measured from the first price: TA-Lib takes a difference of squares for variance and loses digits far from 0.
    upper, middle, lower = BBANDS(values - first, n, width, width)
    return Bands(np.asarray(upper) + first, np.asarray(middle) + first, np.asarray(lower) + first)


def atr(high: Floats, low: Floats, close: Floats, n: int = 14) -> Floats:
    """Wilder's average true range (price units).

    The first true range is that of the second session (it needs a close before it); the seed is the mean of the first
    `n` true ranges, so the first value stands at session n + 1.
    """
    if not _usable(close, n + 1):
        return _empty(len(close))
    return np.asarray(ATR(_floats(high), _floats(low), _floats(close), n))


def directional(high: Floats, low: Floats, close: Floats, n: int = 14) -> Directional:
    """ADX with its +DI and -DI; not defined while the price never moved."""
    if not _usable(close, n + 1):
        return Directional(_empty(len(close)), _empty(len(close)), _empty(len(close)))
    scale = _scale(close)
    columns = (_floats(high) * scale, _floats(low) * scale, _floats(close) * scale)
    moved = min(_first_change(close), 0 if high[0] != low[0] else _first_range(high, low))
    out = Directional(*(np.asarray(f(*columns, n)) for f in (ADX, PLUS_DI, MINUS_DI)))
    for column in out:
        column[:moved] = np.nan
    return out


def _first_range(high: Floats, low: Floats) -> int:
    """Index of the first session whose high differs from its low; the length where none does."""
    ranged = np.flatnonzero(high != low)
    return int(ranged[0]) if len(ranged) else len(high)


def stochastic(high: Floats, low: Floats, close: Floats, n: int = 14, smooth: int = 3) -> Stochastic:
    """Slow stochastic: %K over `n` sessions smoothed by `smooth`, %D its mean over `smooth`; NaN in a flat range."""
    needed = n + 2 * (smooth - 1)
    if not _usable(close, needed):
        return Stochastic(_empty(len(close)), _empty(len(close)))
    scale = _scale(close)
    columns = (_floats(high) * scale, _floats(low) * scale, _floats(close) * scale)
    k, d = STOCH(*columns, fastk_period=n, slowk_period=smooth, slowd_period=smooth)
    flat = np.asarray(MAX(columns[0], n)) <= np.asarray(MIN(columns[1], n))
    out = Stochastic(np.asarray(k), np.asarray(d))
    if flat.any():
        reached = np.convolve(flat, np.ones(2 * smooth - 1))[: len(close)] > 0
        out.k[reached] = np.nan
        out.d[reached] = np.nan
    return out


def obv(close: Floats, volume: Floats) -> Floats:
    """On-balance volume, from the first session on; a missing volume counts as none."""
    if not len(close):
        return _empty(0)
    shares = _floats(volume)
    known = shares if np.isfinite(shares.sum()) else np.nan_to_num(shares)
    return np.asarray(OBV(_floats(close), known))


def pivots(high: Floats, low: Floats, reach: int = 5) -> tuple[Floats, Floats]:
    """Highs (and lows) that exceed all others within `reach` sessions on both sides; NaN elsewhere.

    A pivot is known only `reach` sessions later, so the last `reach` sessions never hold one.
    """
    n, span = len(high), 2 * reach + 1
    tops, bottoms = _empty(n), _empty(n)
    if n < span:
        return tops, bottoms
    middle = slice(reach, n - reach)
    if np.isfinite(high.sum() + low.sum()):
        top = np.asarray(MAX(_floats(high), span))[span - 1 :]
        bottom = np.asarray(MIN(_floats(low), span))[span - 1 :]
    else:
        top = np.lib.stride_tricks.sliding_window_view(high, span).max(axis=1)
        bottom = np.lib.stride_tricks.sliding_window_view(low, span).min(axis=1)
    tops[middle] = np.where((high[middle] == top) & (top > bottom), high[middle], np.nan)
    bottoms[middle] = np.where((low[middle] == bottom) & (top > bottom), low[middle], np.nan)
    return tops, bottoms
