"""The peer of the analysis benchmark: the same figures in pandas, asset by asset, as a user would write them."""

from __future__ import annotations

import json
import time
from typing import Any

import asyncpg
import numpy as np
import pandas as pd

READ = "SELECT day, open, high, low, close, volume FROM bar WHERE ticker = $1 ORDER BY day"
KEEP = "INSERT INTO pandas_analysis (ticker, body) VALUES ($1, $2::text::jsonb)"


def wilder(values: pd.Series, n: int = 14) -> pd.Series:
    """Wilder's smoothing."""
    return values.ewm(alpha=1 / n, adjust=False).mean()


def figures(frame: pd.DataFrame, index: pd.Series, cash: pd.Series) -> dict[str, float]:
    """The technical figures of `invest.domain.analysis.technical` for one asset."""
    close, high, low, volume = frame["close"], frame["high"], frame["low"], frame["volume"]
    returns = close.pct_change()
    out: dict[str, Any] = {}
    for n in (20, 50, 200):
        out[f"sma_{n}"] = close.rolling(n).mean()
    out["ema_20"] = close.ewm(span=20, adjust=False).mean()
    change = close.diff()
    out["rsi_14"] = 100 - 100 / (1 + wilder(change.clip(lower=0)) / wilder(-change.clip(upper=0)))
    macd = close.ewm(span=12, adjust=False).mean() - close.ewm(span=26, adjust=False).mean()
    out["macd"], out["macd_signal"] = macd, macd.ewm(span=9, adjust=False).mean()
    lowest, highest = low.rolling(14).min(), high.rolling(14).max()
    out["stochastic_k"] = (100 * (close - lowest) / (highest - lowest)).rolling(3).mean()
    out["stochastic_d"] = out["stochastic_k"].rolling(3).mean()
    ranges = pd.concat([high - low, (high - close.shift()).abs(), (low - close.shift()).abs()], axis=1).max(axis=1)
    out["atr_14"] = wilder(ranges)
    up, down = high.diff(), -low.diff()
    plus = 100 * wilder(up.where((up > down) & (up > 0), 0.0)) / out["atr_14"]
    minus = 100 * wilder(down.where((down > up) & (down > 0), 0.0)) / out["atr_14"]
    out["adx_14"] = wilder(100 * (plus - minus).abs() / (plus + minus))
    middle, width = close.rolling(20).mean(), close.rolling(20).std(ddof=0)
    out["bollinger_upper"], out["bollinger_lower"] = middle + 2 * width, middle - 2 * width
    out["obv"] = (np.sign(change).fillna(0) * volume).cumsum()
    out["relative_volume"] = volume / volume.rolling(21).mean().shift()
    out["turnover_21d"] = (volume * close).rolling(21).mean()
    out["turnover_63d"] = (volume * close).rolling(63).mean()
    out["volatility_21d"] = returns.rolling(21).std() * 252**0.5
    out["volatility_1y"] = returns.rolling(252).std() * 252**0.5
    out["drawdown"] = close / close.cummax() - 1
    tail = close.iloc[-252:]
    out["max_drawdown_1y"] = tail / tail.cummax() - 1
    out["week52_high"], out["week52_low"] = high.rolling(252).max(), low.rolling(252).min()
    out["resistance"] = high.where(high == high.rolling(11, center=True).max())
    out["support"] = low.where(low == low.rolling(11, center=True).min())
    for name, n in (("1m", 21), ("3m", 63), ("6m", 126), ("1y", 252)):
        out[f"return_{name}"] = close.pct_change(n)
    both = pd.concat([returns, index.pct_change()], axis=1, join="inner").iloc[-252:]
    moved = both.to_numpy()
    out["beta_1y"] = pd.Series([np.cov(moved[:, 0], moved[:, 1])[0, 1] / np.var(moved[:, 1], ddof=1)])
    out["correlation_1y"] = pd.Series([both.corr().iloc[0, 1]])
    excess = (returns - cash.reindex(returns.index)).iloc[-252:]
    out["sharpe_1y"] = pd.Series([excess.mean() / excess.std() * 252**0.5])
    out["var_95"] = pd.Series([returns.iloc[-252:].quantile(0.05)])
    last = {}
    for key, values in out.items():
        known = values.dropna()
        if len(known):
            last[key] = float(known.iloc[-1])
    return last


def score(values: dict[str, float]) -> float:
    """A score of a few figures, to have something to keep."""
    marks = [
        values.get("rsi_14", 50) / 10,
        5 + 10 * values.get("return_6m", 0),
        10 - 15 * values.get("volatility_1y", 0.3),
    ]
    return max(0.0, min(10.0, sum(marks) / len(marks)))


async def read(connection: asyncpg.Connection, ticker: str) -> pd.DataFrame:
    """The bars of one asset as a frame."""
    rows = await connection.fetch(READ, ticker)
    frame = pd.DataFrame(rows, columns=["day", "open", "high", "low", "close", "volume"])
    frame["day"] = pd.to_datetime(frame["day"])
    return frame.set_index("day").astype(float)


async def analyse_all(url: str, tickers: list[str], index: pd.Series, cash: pd.Series) -> float:
    """Read, compute and keep every asset; the seconds it took."""
    begun = time.perf_counter()
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("CREATE TABLE IF NOT EXISTS pandas_analysis (ticker text, body jsonb)")
        for ticker in tickers:
            values = figures(await read(connection, ticker), index, cash)
            await connection.execute(KEEP, ticker, json.dumps({"figures": values, "score": score(values)}))
    finally:
        await connection.close()
    return time.perf_counter() - begun
