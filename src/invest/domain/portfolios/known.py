"""What the store knows beside a portfolio's own transactions: corporate actions, changes of code, prices, PTAX.

Dollars are never added to reais: what trades in dollars is converted at PTAX, or left out and named.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import numpy as np

from invest.domain.market import Bars, CorporateAction, Lineages, MacroPoint, TickerChange
from invest.domain.portfolios.portfolio import Transaction

HOPS = 16  # changes of one code that are followed; more would be a circle
NEAR_RANGE = Decimal("0.005")  # a price this far outside the day's range is still a rounding of it
NEAR_CLOSE = Decimal("0.20")  # where only the close is known, a trade may lie this far from it
WEEK = timedelta(days=10)
PLACES = Decimal("1e-8")


@dataclass(frozen=True, slots=True)
class Known:
    """Facts that positions follow from beside the transactions. `actions` and `bars` by ticker."""

    actions: Mapping[str, Sequence[CorporateAction]] = field(default_factory=dict)
    changes: Sequence[TickerChange] | Lineages = ()
    bars: Mapping[str, Bars] = field(default_factory=dict)
    lineages: Lineages = field(init=False, default_factory=Lineages)

    def __post_init__(self) -> None:
        given = self.changes
        if not isinstance(given, Lineages):  # told alone, every old code counts as ended
            given = Lineages(tuple(given), frozenset(c.old for c in given))
        object.__setattr__(self, "lineages", given)

    def code_of(self, ticker: str, day: date) -> tuple[str, Decimal]:
        """(the code that what was `ticker` on `day` trades as now, new shares per share of then).

        A code used after its end means its successor; one that another company took over means that company.
        """
        lineages = self.lineages
        if ticker not in lineages:
            return ticker, Decimal(1)
        code, since, ratio = ticker, day, Decimal(1)
        for _ in range(HOPS):
            change = _next(lineages, code, since)
            if change is None:
                break
            if change.changed_on > day:
                ratio *= change.ratio
            code, since = change.new, max(change.changed_on, since)
        return code, ratio

    def paper_on(self, ticker: str, day: date) -> str:
        """The code that what was `ticker` on `day` last traded as: itself merged into no other paper since then."""
        return self.codes_of(ticker, day, merged=False)[-1]

    def codes_of(self, ticker: str, day: date, *, merged: bool = True) -> list[str]:
        """The codes of what was `ticker` on `day`, up to the one it trades as now, through mergers too unless told."""
        codes, since = [ticker], day
        for _ in range(HOPS if ticker in self.lineages else 0):
            change = _next(self.lineages, codes[-1], since)
            if change is None or (not merged and not change.continues and change.changed_on > day):
                break
            codes.append(change.new)
            since = max(change.changed_on, since)
        return codes

    def range_of(self, ticker: str, day: date) -> tuple[Decimal, Decimal] | None:
        """Lowest and highest price at which `ticker` traded on `day`, BRL; None where that is not known."""
        bars = self.bars.get(ticker)
        if bars is None or not len(bars):
            return None
        at = int(np.searchsorted(bars.days, np.datetime64(day, "D")))
        if at >= len(bars) or bars.days[at] != np.datetime64(day, "D"):
            return None
        low, high, close = bars.low[at], bars.high[at], bars.close[at]
        if not np.isfinite(close) or close <= 0:
            return None
        if np.isfinite(low) and np.isfinite(high) and 0 < low <= close <= high and bars.volume[at] > 0:
            return _exact(low) * (1 - NEAR_RANGE), _exact(high) * (1 + NEAR_RANGE)
        return _exact(close) * (1 - NEAR_CLOSE), _exact(close) * (1 + NEAR_CLOSE)

    def fits(self, ticker: str, day: date, price: Decimal) -> bool | None:
        """Whether somebody may have paid `price` on `day`; None where no price of about that day is known."""
        span = self.range_of(ticker, day)
        if span is not None:
            return span[0] <= price <= span[1]
        close = self.close_before(ticker, day)
        if close is None:
            return None
        return close * (1 - NEAR_CLOSE) <= price <= close * (1 + NEAR_CLOSE)

    def close_before(self, ticker: str, day: date) -> Decimal | None:
        """The last close up to `day`, not older than ten days; None where there is none."""
        bars = self.bars.get(ticker)
        if bars is None or not len(bars):
            return None
        at = int(np.searchsorted(bars.days, np.datetime64(day, "D"), side="right")) - 1
        if at < 0 or bars.days[at].item() < day - WEEK or not np.isfinite(bars.close[at]) or bars.close[at] <= 0:
            return None
        return _exact(bars.close[at])


def _next(lineages: Lineages, code: str, since: date) -> TickerChange | None:
    """The change that `code` goes through next, seen from `since`."""
    mine = [c for c in lineages.changes if c.old == code]
    later = [c for c in mine if c.changed_on > since]
    if later:
        return min(later, key=lambda c: c.changed_on)
    if not mine or code not in lineages.ended:
        return None
    last = max(mine, key=lambda c: c.changed_on)
    back = any(c.new == code and last.changed_on < c.changed_on <= since for c in lineages.changes)
    return None if back else last


def _exact(figure: np.floating[Any]) -> Decimal:
    return Decimal(repr(float(figure)))


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
