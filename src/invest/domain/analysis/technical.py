"""Technical figures of one asset at its last session, from adjusted daily bars (docs/figures.md, "Technical")."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

import numpy as np

from invest.domain.analysis.models import TechnicalAnalysis
from invest.domain.frozen import bare
from invest.domain.market import YEAR, Floats, Prices, RateCurve, aligned_returns, sessions_between, stamp_of
from invest.domain.maths import (
    annual_volatility,
    atr,
    bollinger,
    directional,
    ema,
    macd,
    market_link,
    max_drawdown,
    obv,
    pivots,
    rsi,
    sharpe,
    sma,
    stochastic,
    value_at_risk,
)

Figures = dict[str, float | None]

TREND = ("sma_20", "sma_50", "sma_200", "ema_20", "distance_sma_50", "distance_sma_200", "adx_14")
MOMENTUM = (
    "rsi_14",
    "macd",
    "macd_signal",
    "macd_histogram",
    "stochastic_k",
    "stochastic_d",
    "return_1m",
    "return_3m",
    "return_6m",
    "return_1y",
    "momentum_12_1",
    "excess_ibov_1y",
    "excess_cdi_1y",
)
LEVELS = ("support", "resistance", "week52_high", "week52_low", "week52_position")
VOLUME = ("volume", "volume_avg_21d", "relative_volume", "obv", "obv_change_63d", "turnover_21d", "turnover_63d")
VOLATILITY = (
    "volatility_21d",
    "volatility_1y",
    "atr_14",
    "atr_percent",
    "bollinger_upper",
    "bollinger_middle",
    "bollinger_lower",
    "bollinger_position",
    "drawdown",
    "max_drawdown_1y",
    "max_drawdown_5y",
    "beta_1y",
    "correlation_1y",
    "sharpe_1y",
    "var_95",
)


def technical_figures(prices: Prices, index: Prices | None = None, cdi: RateCurve | None = None) -> Figures:
    """Every technical figure by its key in `fact_keys`; None where the history is too short or has gaps.

    `index` is the IBOV for beta, correlation and excess; `cdi` the daily curve for Sharpe and excess over cash.
    """
    figures: Figures = {}
    if not len(prices):
        return figures
    figures |= _trend(prices)
    figures |= _oscillators(prices)
    figures |= _returns(prices)
    figures |= _bands(prices)
    figures |= _risk(prices)
    figures |= _levels(prices)
    figures |= _volume(prices)
    if index is not None:
        figures |= _against_index(prices, index)
    if cdi is not None:
        figures |= _against_cdi(prices, cdi, figures.get("return_1y"))
    return figures


def _last(values: Floats) -> float | None:
    return float(values[-1]) if len(values) and np.isfinite(values[-1]) else None


def _over(value: float | None, base: float | None) -> float | None:
    return value / base - 1 if value is not None and base is not None and base > 0 else None


def _trend(prices: Prices) -> Figures:
    close = prices.close
    tail = close[-260:]
    price = _last(close)
    figures: Figures = {f"sma_{n}": _last(sma(tail, n)) for n in (20, 50, 200)}
    figures["ema_20"] = _last(ema(close, 20))
    figures["distance_sma_50"] = _over(price, figures["sma_50"])
    figures["distance_sma_200"] = _over(price, figures["sma_200"])
    start = prices.whole
    moves = directional(prices.high[start:], prices.low[start:], close[start:])
    figures["adx_14"], figures["plus_di_14"], figures["minus_di_14"] = map(_last, moves)
    return figures


def _oscillators(prices: Prices) -> Figures:
    close, start = prices.close, prices.whole
    lines = macd(close)
    slow = stochastic(prices.high[start:], prices.low[start:], close[start:])
    return {
        "rsi_14": _last(rsi(close)),
        "macd": _last(lines.line),
        "macd_signal": _last(lines.signal),
        "macd_histogram": _last(lines.histogram),
        "stochastic_k": _last(slow.k),
        "stochastic_d": _last(slow.d),
    }


def _returns(prices: Prices) -> Figures:
    """Returns over whole calendar months and over 365 days."""
    price = _last(prices.close)
    before = {
        f"{months}m": prices.close_months_before(months) for months in (1, 3, 6)
    }  # a month is one of the calendar
    before["1y"] = prices.close_before(YEAR)
    figures: Figures = {f"return_{name}": _over(price, base) for name, base in before.items()}
    five = _over(price, prices.close_before(5 * YEAR + 1))
    figures["return_5y"] = (1 + five) ** 0.2 - 1 if five is not None else None
    figures["momentum_12_1"] = _over(before["1m"], before["1y"])
    return figures


def _bands(prices: Prices) -> Figures:
    close, start = prices.close, prices.whole
    upper, middle, lower = map(_last, bollinger(close[-60:]))
    spread = upper - lower if upper is not None and lower is not None else 0.0
    true_range = _last(atr(prices.high[start:], prices.low[start:], close[start:]))
    price = float(close[-1])
    return {
        "bollinger_upper": upper,
        "bollinger_middle": middle,
        "bollinger_lower": lower,
        "bollinger_position": (price - lower) / spread if lower is not None and spread > 1e-9 * price else None,
        "atr_14": true_range,
        "atr_percent": true_range / price if true_range is not None else None,
    }


def _risk(prices: Prices) -> Figures:
    figures: Figures = dict.fromkeys(("volatility_21d", "volatility_1y", "max_drawdown_1y", "max_drawdown_5y"))
    figures["drawdown"] = float(prices.close[-1] / prices.close.max()) - 1
    if len(prices.returns) >= 21 and prices.covers(30):
        figures["volatility_21d"] = annual_volatility(prices.returns[-21:], prices.periods)
    if prices.covers(YEAR):
        base = prices.base(YEAR)
        figures["volatility_1y"] = annual_volatility(prices.returns[base:], prices.periods)
        figures["max_drawdown_1y"] = max_drawdown(prices.close[base:])
        figures["var_95"] = value_at_risk(prices.returns[base:])
    if prices.covers(5 * YEAR):
        figures["max_drawdown_5y"] = max_drawdown(prices.close[prices.base(5 * YEAR) :])
    return figures


def _levels(prices: Prices) -> Figures:
    figures: Figures = dict.fromkeys(LEVELS)
    price = float(prices.close[-1])
    start = max(prices.whole, len(prices) - 262)
    tops, bottoms = pivots(prices.high[start:], prices.low[start:])
    known = np.concatenate((tops, bottoms))
    known = known[np.isfinite(known)]
    above, below = known[known > price], known[known < price]
    figures["resistance"] = float(above.min()) if len(above) else None
    figures["support"] = float(below.max()) if len(below) else None
    if prices.covers(YEAR):
        year = prices.since(YEAR)
        close, low = prices.close[year:], prices.low[year:]
        high = float(np.fmax(close, prices.high[year:]).max())
        bottom = float((low if prices.whole <= year else np.fmin(close, np.where(low > 0, low, np.nan))).min())
        figures["week52_high"], figures["week52_low"] = high, bottom
        figures["week52_position"] = (price - bottom) / (high - bottom) if high > bottom else None
    return figures


def _volume(prices: Prices) -> Figures:
    figures: Figures = dict.fromkeys(VOLUME)
    volume = prices.volume
    known = np.isfinite(volume)
    if known[-1]:
        figures["volume"] = float(volume[-1])
    recent = volume[-22:-1]
    if len(recent) == 21 and known[-22:-1].all():
        mean = float(recent.mean())
        figures["volume_avg_21d"] = mean
        if mean > 0 and figures["volume"] is not None:
            figures["relative_volume"] = figures["volume"] / mean
    if known.any():
        balance = obv(prices.close, volume)
        figures["obv"] = _last(balance)
        quarter = volume[-63:][known[-63:]]
        typical = float(quarter.mean()) if len(quarter) else 0.0
        if len(balance) > 63 and typical > 0:
            figures["obv_change_63d"] = float(balance[-1] - balance[-64]) / typical
    figures["turnover_21d"] = _mean_turnover(prices, 21)
    figures["turnover_63d"] = _mean_turnover(prices, 63)
    return figures


def _mean_turnover(prices: Prices, sessions: int) -> float | None:
    """Mean turnover in BRL over the last `sessions` of the market; a session without a trade counts as zero."""
    last = prices.last_day
    if last is None:
        return None
    first = stamp_of(last - timedelta(days=sessions - 1)) if prices.periods == YEAR else _sessions_back(last, sessions)
    if prices.stamps[0] > first:
        return None
    at = int(prices.stamps.searchsorted(first, side="left"))
    money = prices.turnover[at:]
    if not np.isfinite(money).all():
        money = np.where(np.isfinite(money), money, prices.volume[at:] * prices.raw_close[at:])
    total = float(money.sum())
    return total / sessions if math.isfinite(total) else None


@lru_cache(maxsize=1024)
def _sessions_back(day: date, sessions: int) -> int:
    """The first of the last `sessions` sessions up to `day`, in days since 1970-01-01."""
    return int(sessions_between(day - timedelta(days=sessions * 2 + 15), day)[-sessions].astype(np.int64))


def _against_index(prices: Prices, index: Prices) -> Figures:
    figures: Figures = dict.fromkeys(("beta_1y", "correlation_1y", "excess_ibov_1y"))
    if prices.covers(YEAR):
        mine, market = aligned_returns(prices, index, YEAR)
        if len(mine) >= 120:
            figures["beta_1y"], figures["correlation_1y"] = market_link(mine, market)
    last = prices.last_day
    before = prices.close_before(YEAR)
    if last is not None and before is not None:
        then, now = index.raw_close_on(last - timedelta(days=YEAR)), index.raw_close_on(last)
        if then and now:
            figures["excess_ibov_1y"] = float(prices.close[-1]) / before / (now / then) - 1
    return figures


def _against_cdi(prices: Prices, cdi: RateCurve, return_1y: float | None) -> Figures:
    figures: Figures = dict.fromkeys(("cdi_1y", "cdi_annual", "excess_cdi_1y", "sharpe_1y"))
    last: date = prices.days[-1].astype(object)
    grown = cdi.growth(last - timedelta(days=YEAR), last)
    figures["cdi_annual"] = cdi.annual(last)
    if grown is not None:
        figures["cdi_1y"] = grown - 1
        figures["excess_cdi_1y"] = (1 + return_1y) / grown - 1 if return_1y is not None else None
    if prices.covers(YEAR):
        base = prices.base(YEAR)
        risk_free = cdi.over(prices.days[base:])
        if risk_free is not None:
            figures["sharpe_1y"] = sharpe(prices.returns[base:], risk_free, prices.periods)
    return figures


def direction(figures: Mapping[str, float | None], price: float | None) -> str | None:
    """`up` where price > SMA 50 > SMA 200, `down` where the reverse, else `sideways`; None without 200 sessions."""
    middle, long = figures.get("sma_50"), figures.get("sma_200")
    if price is None or middle is None or long is None:
        return None
    if price > middle > long:
        return "up"
    return "down" if price < middle < long else "sideways"


def technical_analysis(
    figures: Mapping[str, float | None], price: float | None, score: float | None
) -> TechnicalAnalysis:
    """The contract's `technical_analysis` from the figures."""

    def pick(keys: tuple[str, ...]) -> dict[str, Any]:
        return {key: figures.get(key) for key in keys}

    adx, rsi = figures.get("adx_14"), figures.get("rsi_14")
    trend = pick(TREND) | {
        "direction": direction(figures, price),
        "strength": None if adx is None else ("strong" if adx >= 25 else "weak"),
    }
    momentum = pick(MOMENTUM) | {
        "state": None if rsi is None else ("overbought" if rsi >= 70 else "oversold" if rsi <= 30 else "neutral")
    }
    return bare(
        TechnicalAnalysis,
        trend=trend,
        momentum=momentum,
        support_resistance=pick(LEVELS),
        volume_analysis=pick(VOLUME),
        volatility=pick(VOLATILITY),
        overall_score=score,
    )
