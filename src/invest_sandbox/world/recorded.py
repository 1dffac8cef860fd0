"""Recorded bars from a CSV: ticker,date,open,high,low,close,adj_close,volume,kind.

Closes are served as recorded. Yahoo's are split-adjusted already, so no splits exist for these papers; dividends are
read back from the ratio of close to adj_close where the kind is ``yf-unadj``, and there are none where it is not.
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import numpy as np

from invest.errors import ConfigError
from invest_sandbox.world.series import Action, Days, Floats, Series
from invest_sandbox.world.sessions import is_session, next_session

COLUMNS = ("ticker", "date", "open", "high", "low", "close", "adj_close", "volume", "kind")
# Where a ticker has several recordings of one day, the first of these wins.
PREFERENCE = {"yf-unadj": 0, "yf": 1, "yf-adjusted": 2, "agg-60min": 3, "close-only": 4}
STEP = 4e-4  # a smaller jump of adj_close / close is rounding, not a dividend


@dataclass(slots=True)
class _Rows:
    days: list[str] = field(default_factory=list)
    values: list[tuple[float, ...]] = field(default_factory=list)
    ranks: list[int] = field(default_factory=list)
    kinds: set[str] = field(default_factory=set)


def read_bars(path: Path) -> dict[str, Series]:
    """Every series of the CSV (plain or .gz) by ticker. Raises `ConfigError` naming the file and line that is wrong."""
    groups: dict[str, _Rows] = {}
    for number, row in _lines(path):
        rows = groups.setdefault(row[0], _Rows())
        try:
            rows.values.append(tuple(float(v) if v else np.nan for v in row[2:8]))
            np.datetime64(row[1], "D")
        except ValueError as error:
            raise ConfigError(f"{path}:{number}: {error}; expected {','.join(COLUMNS)}") from None
        rows.days.append(row[1])
        rows.ranks.append(PREFERENCE.get(row[8], 9))
        rows.kinds.add(row[8])
    if not groups:
        raise ConfigError(f"{path}: no bars in it; expected {','.join(COLUMNS)}")
    made = {ticker: _series(rows) for ticker, rows in groups.items()}
    return {ticker: series for ticker, series in made.items() if len(series)}


def _lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rt", encoding="utf-8", newline="") as text:
            lines = csv.reader(text)
            header = next(lines, [])
            if tuple(header) != COLUMNS:
                raise ConfigError(f"{path}: its columns are {','.join(header)}; expected {','.join(COLUMNS)}")
            for number, row in enumerate(lines, 2):
                if len(row) != len(COLUMNS):
                    raise ConfigError(f"{path}:{number}: {len(row)} columns instead of {len(COLUMNS)}")
                yield number, row
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise ConfigError(f"bars {path}: {error}") from None


def _series(rows: _Rows) -> Series:
    """One ticker: one row a day, sessions only; rows without a price and flat ones without volume go."""
    days = np.array(rows.days, dtype="datetime64[D]")
    values = np.array(rows.values)
    order = np.lexsort((np.array(rows.ranks), days))
    days, values = days[order], values[order]
    open_days = np.array([is_session(d.astype(date)) for d in days], dtype=bool)
    good = np.append(True, days[1:] != days[:-1]) & open_days & np.isfinite(values[:, 3]) & (values[:, 3] > 0)
    idle = (np.nan_to_num(values[:, 5]) == 0) & (values[:, 0] == values[:, 3]) & (values[:, 1] == values[:, 2])
    days, values = days[good & ~idle], values[good & ~idle]
    open_, high, low, close, adjusted, volume = values.T
    close = np.round(close, 2)
    open_ = np.where(np.isfinite(open_) & (open_ > 0), np.round(open_, 2), close)
    high = np.fmax(np.where(np.isfinite(high), np.round(high, 2), close), np.maximum(open_, close))
    low = np.fmin(np.where(np.isfinite(low) & (low > 0), np.round(low, 2), close), np.minimum(open_, close))
    raw = rows.kinds == {"yf-unadj"}
    actions, factor = _dividends(days, values[:, 3], adjusted) if raw else ((), np.ones(len(days)))
    shares = np.nan_to_num(volume).astype(np.int64)
    return Series(
        days,
        open_,
        high,
        low,
        close,
        np.round((open_ + high + low + close) / 4, 2),
        shares,
        np.maximum(1, shares // 400),
        np.ones(len(days)),
        factor,
        actions,
        real=True,
    )


def _dividends(days: Days, close: Floats, adjusted: Floats) -> tuple[tuple[Action, ...], Floats]:
    """Cash paid, read from where adj_close / close steps: D = P·(1 - step) on the last day with rights."""
    ratio = adjusted / close
    step = ratio[:-1] / ratio[1:]
    factor = np.ones(len(days))
    actions = []
    for at in np.flatnonzero(step < 1 - STEP):
        part = float(step[at])
        factor[: at + 1] *= part
        last_with = days[at].astype(date)
        amount = round(float(close[at]) * (1 - part), 6)
        payment = next_session(last_with + timedelta(30))
        actions.append(Action("DIVIDENDO", last_with - timedelta(12), last_with, payment, amount))
    return tuple(actions), factor
