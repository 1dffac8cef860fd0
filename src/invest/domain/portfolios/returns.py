"""Return and risk of a timeline, and what IBOV, IFIX, CDI and IPCA did over the same sessions.

A benchmark counts only where money was at work: what the index did while nothing was held is nobody's comparison.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from invest.domain.frozen import Frozen
from invest.domain.market import Bars, Days, Floats, MacroPoint, RateCurve
from invest.domain.maths import annual_volatility, beta, expected_shortfall, sharpe, value_at_risk
from invest.domain.portfolios import performance
from invest.domain.portfolios.timeline import Timeline

MIN_SESSIONS = 20  # below it risk figures say nothing
MONTH = 30  # days of flows below which an annual rate means nothing
Mask = npt.NDArray[np.bool_]


class PeriodReturn(Frozen):
    """One stretch of time beside its benchmarks, as fractions; null where a series does not reach.

    A month is a calendar month: from the close of the last session before it to that of its last session.
    """

    label: str = Field(description="2026-03, 2026, 12m or start")
    start: date
    end: date
    portfolio: float
    ibov: float | None = None
    ifix: float | None = None
    cdi: float | None = None
    ipca: float | None = Field(default=None, description="of the months whose figure is published")


@dataclass(frozen=True, slots=True)
class Benchmarks:
    """Series beside a portfolio: indices as bars, CDI as daily rates, IPCA in percent a month."""

    ibov: Bars | None = None
    ifix: Bars | None = None
    cdi: RateCurve | None = None
    ipca: Sequence[MacroPoint] = ()


def own_figures(line: Timeline) -> dict[str, object]:
    """Return and risk of the sessions in which money was at work."""
    names = ("twr", "annual_return", "volatility", "max_drawdown", "drawdown_from", "drawdown_to", "var_95", "cvar_95")
    at_work = line.returns[line.invested]
    if not len(at_work):
        return dict.fromkeys(names) | {"xirr": None}
    days = line.days[line.invested]
    total = float(np.prod(1 + at_work) - 1)
    span = performance.drawdown_span(at_work)
    enough = len(at_work) >= MIN_SESSIONS
    figures: dict[str, object] = {
        "twr": total,
        "annual_return": performance.annualised(total, _days_at_work(line)),
        "xirr": performance.timeline_xirr(line),
        "volatility": annual_volatility(at_work) if enough else None,
        "max_drawdown": span[0] if span else None,
        "drawdown_from": days[max(span[1] - 1, 0)].astype(object) if span and span[0] < 0 else None,
        "drawdown_to": days[span[2] - 1].astype(object) if span and span[0] < 0 else None,
        "var_95": value_at_risk(at_work),
        "cvar_95": expected_shortfall(at_work),
    }
    return figures | {"curve_days": days.astype(object).tolist(), "curve": np.cumprod(1 + at_work).tolist()}


def _days_at_work(line: Timeline) -> int:
    """Calendar days over which money was at work: nights in between count, stretches without a position do not."""
    gaps = np.diff(line.days).astype(int)
    return int(gaps[_carried_in(line)[1:]].sum())


def _carried_in(line: Timeline) -> Mask:
    """Sessions that began with a position: those in which a benchmark moves beside it."""
    return np.asarray(line.invested & (line.before > 0))


def benchmark_figures(line: Timeline, given: Benchmarks) -> dict[str, object]:
    """IBOV and CDI over the same sessions, from the close of the first one; figures that need them."""
    figures: dict[str, object] = dict.fromkeys(
        ("beta", "sharpe_ratio", "sortino_ratio", "ibov_return", "cdi_return", "excess_ibov", "excess_cdi")
    )
    at_work, beside = line.invested, _carried_in(line)
    if at_work.sum() < 2:
        return figures
    growth = float(np.prod(1 + line.returns[at_work]))
    mine = line.returns[beside]
    moved = _index_returns(given.ibov, line)
    if moved is not None:
        theirs = np.where(beside, moved, 0.0)
        grown = np.cumprod(1 + theirs[at_work])
        figures |= {
            "beta": beta(mine, moved[beside]) if len(mine) >= MIN_SESSIONS else None,
            "ibov_return": float(grown[-1] - 1),
            "excess_ibov": growth / float(grown[-1]) - 1,
            "curve_ibov": grown.tolist(),
        }
    rates = _rates(given.cdi, line)
    if rates is not None:
        grown = np.cumprod(1 + np.where(beside, rates, 0.0)[at_work])
        enough = len(mine) >= MIN_SESSIONS
        figures |= {
            "sharpe_ratio": sharpe(mine, rates[beside]) if enough else None,
            "sortino_ratio": performance.sortino(mine, rates[beside]) if enough else None,
            "cdi_return": float(grown[-1] - 1),
            "excess_cdi": growth / float(grown[-1]) - 1,
            "curve_cdi": grown.tolist(),
        }
    return figures


def _index_returns(index: Bars | None, line: Timeline) -> Floats | None:
    """What the index did in each session, 0 in the first; None where it does not reach back to the first at work."""
    if index is None or not len(index):
        return None
    usable = np.isfinite(index.close) & (index.close > 0)
    known, close = index.days[usable], index.close[usable]
    if not len(known):
        return None
    at = np.searchsorted(known, line.days, side="right") - 1
    if at[int(np.argmax(line.invested))] < 0:
        return None
    levels = np.where(at >= 0, close[np.maximum(at, 0)], np.nan)
    moved = np.zeros(len(levels))
    moved[1:] = levels[1:] / levels[:-1] - 1
    return np.nan_to_num(moved)


def _rates(curve: RateCurve | None, line: Timeline) -> Floats | None:
    """CDI earned in each session, 0 in the first; None where the curve does not reach."""
    first = int(np.argmax(line.invested))
    over = curve.over(line.days[first:]) if curve is not None else None
    return None if over is None else np.concatenate((np.zeros(first + 1), over))


def period_returns(line: Timeline, given: Benchmarks) -> list[PeriodReturn]:
    """Returns by calendar month and year, of the last twelve months and since the start, oldest first."""
    if not line.invested.any():
        return []
    beside = _carried_in(line)
    series: dict[str, Floats | None] = {
        "ibov": _index_returns(given.ibov, line),
        "ifix": _index_returns(given.ifix, line),
        "cdi": _rates(given.cdi, line),
    }
    grown = {name: None if s is None else np.where(beside, s, 0.0) for name, s in series.items()}
    inflation = {p.day.replace(day=1): float(p.value) / 100 for p in given.ipca}
    parts = [*_stretches(line.days, "M"), *_stretches(line.days, "Y")]
    year_ago = np.datetime64(line.days[-1].item() - timedelta(days=365), "D")
    if line.days[0] <= year_ago:
        parts.append(("12m", slice(int(np.searchsorted(line.days, year_ago, side="right")), len(line))))
    parts.append(("start", slice(0, len(line))))
    found = [_period(label, rows, line, grown, inflation) for label, rows in parts]
    return [p for p in found if p is not None]


def _stretches(days: Days, unit: Literal["M", "Y"]) -> list[tuple[str, slice]]:
    """The rows of each calendar month or year, with its label."""
    units = days.astype(f"datetime64[{unit}]")
    starts = [0, *(np.flatnonzero(units[1:] != units[:-1]) + 1).tolist(), len(days)]
    return [(str(units[start]), slice(start, end)) for start, end in pairwise(starts)]


def _period(
    label: str, rows: slice, line: Timeline, series: Mapping[str, Floats | None], inflation: Mapping[date, float]
) -> PeriodReturn | None:
    """One stretch; sessions without money at work are 0 in every series, so they change no product."""
    mine = np.flatnonzero(line.invested[rows])
    if not len(mine):
        return None
    days = line.days[rows][mine]
    others = {name: None if moved is None else float(np.prod(1 + moved[rows]) - 1) for name, moved in series.items()}
    months: list[date] = np.unique(days.astype("datetime64[M]")).astype(object).tolist() if inflation else []
    published = [inflation[m] for m in months if m in inflation]
    ipca = float(np.prod([1 + rate for rate in published]) - 1) if published and len(published) == len(months) else None
    return PeriodReturn(
        label=label,
        start=days[0].item(),
        end=days[-1].item(),
        portfolio=float(np.prod(1 + line.returns[rows]) - 1),
        ibov=others["ibov"],
        ifix=others["ifix"],
        cdi=others["cdi"],
        ipca=ipca,
    )
