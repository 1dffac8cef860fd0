"""Dollars are never added to reais: what trades in dollars is converted at PTAX, or left out and named."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

import numpy as np

from invest.domain.market import Bars, MacroPoint
from invest.domain.portfolios.portfolio import Transaction

PLACES = Decimal("1e-8")


def in_dollars(ticker: str | None) -> bool:
    """Whether an asset is quoted in US dollars."""
    return ticker is not None and ticker.endswith("-USD")


def in_reais(
    transactions: Sequence[Transaction], bars: Mapping[str, Bars], ptax: Sequence[MacroPoint]
) -> tuple[Sequence[Transaction], Mapping[str, Bars], list[str]]:
    """(transactions, bars, tickers left out) with every dollar turned into reais at the PTAX of its day.

    `ptax`: reais per dollar by day (BCB SGS 1); the last one known on a day counts. What no PTAX reaches is left out.
    """
    foreign = sorted({t.ticker for t in transactions if t.ticker and in_dollars(t.ticker)})
    if not foreign:
        return transactions, bars, []
    rates = sorted((p.day, p.value) for p in ptax if p.value > 0)
    days = [day for day, _ in rates]
    kept: list[Transaction] = []
    missing: set[str] = set()
    for t in transactions:
        if not in_dollars(t.ticker):
            kept.append(t)
            continue
        at = bisect_right(days, t.date) - 1
        if at < 0:
            missing.add(t.ticker or "")
            continue
        rate = rates[at][1]
        kept.append(t.model_copy(update={"price": (t.price * rate).quantize(PLACES), "fees": t.fees * rate}))
    kept = [t for t in kept if t.ticker not in missing]
    converted = dict(bars)
    for ticker in foreign:
        if ticker in converted and days:
            converted[ticker] = _converted(converted[ticker], rates)
    return kept, converted, sorted(missing)


def _converted(bars: Bars, rates: Sequence[tuple[object, Decimal]]) -> Bars:
    days = np.array([day for day, _ in rates], dtype="datetime64[D]")
    factors = np.array([float(rate) for _, rate in rates])
    at = np.searchsorted(days, bars.days, side="right") - 1
    rate = np.where(at >= 0, factors[np.maximum(at, 0)], np.nan)
    prices = {name: getattr(bars, name) * rate for name in ("open", "high", "low", "close", "turnover")}
    return replace(bars, **prices)
