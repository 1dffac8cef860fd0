"""Changes of code: whose bars and events make up the history of an asset that traded under several codes.

A code may change more than once, come back to its company (NATU3 → NTCO3 → NATU3) or be taken by another company.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from math import prod
from typing import NamedTuple

import numpy as np

from invest.domain.market.assets import TickerChange
from invest.domain.market.bars import Bars
from invest.domain.market.events import OWNER

AT_ONCE = timedelta(days=30)  # changes into one code within so many days are papers that became one
NEXT = timedelta(days=5)  # a source's day of a change may lie so far from the owner's: a weekend, a holiday
HOPS = 16  # changes of one code that are followed; more would be a circle
DAY = timedelta(days=1)
FIGURES = ("open", "high", "low", "close", "volume", "turnover", "factor")


class Span(NamedTuple):
    """A stretch of days under one code; None: open at that end."""

    ticker: str
    first: date | None
    last: date | None

    def holds(self, day: date) -> bool:
        """Whether `day` lies within."""
        return (self.first is None or day >= self.first) and (self.last is None or day <= self.last)


@dataclass(frozen=True, slots=True)
class Lineages:
    """All known changes. `ended`: codes that trade no more under their own name (the others may have been reused)."""

    changes: Sequence[TickerChange] = ()
    ended: frozenset[str] = frozenset()
    _touched: frozenset[str] = field(init=False, default=frozenset())

    def __post_init__(self) -> None:
        touched = {c.old for c in self.changes} | {c.new for c in self.changes}
        object.__setattr__(self, "_touched", frozenset(touched))
        object.__setattr__(self, "changes", _with_one_past_each(_as_booked(self.changes)))

    def __contains__(self, ticker: object) -> bool:
        """Whether `ticker` ever changed, or was changed into."""
        return ticker in self._touched

    @property
    def touched(self) -> frozenset[str]:
        """Every code that changed, or was changed into."""
        return self._touched

    def __iter__(self) -> Iterator[str]:
        """Every code that changed, or was changed into."""
        return iter(sorted(self._touched))

    def current(self, ticker: str) -> str:
        """The code that `ticker` trades as now: the end of its chain, itself where there is none."""
        path = self._path(ticker)
        return path[-1].new if path else ticker

    def ratio(self, ticker: str) -> Decimal:
        """Papers of the code that `ticker` trades as now per paper of it, by the changes of code alone."""
        return prod((change.ratio for change in self._path(ticker)), start=Decimal(1))

    def _path(self, ticker: str) -> list[TickerChange]:
        """The changes that lead from `ticker` to the code it trades as now."""
        since, path = date.min, list[TickerChange]()
        for _ in range(HOPS):
            later = [c for c in self.changes if c.old == ticker and c.changed_on >= since]
            if not later or ticker not in self.ended:
                break
            newest = max(later, key=lambda c: c.changed_on)
            path.append(newest)
            ticker, since = newest.new, newest.changed_on
        return path

    def spans(self, ticker: str) -> list[Span]:
        """The stretches that make up the history of `ticker`, oldest first, up to the code it trades as now.

        A paper merged into another continues as that one from the day of the merger; the other's own past is not its.
        """
        merged = [change for change in self._path(ticker) if not change.continues]
        if not merged:
            return self._history(self.current(ticker), None)
        last = merged[-1]
        after = [span for span in self._history(self.current(ticker), None) if _reaches(span, last.changed_on)]
        after[0] = after[0]._replace(first=last.changed_on)
        return [*self._history(last.old, last.changed_on - DAY), *after]

    def merged_on(self, ticker: str) -> date | None:
        """The day from which `ticker` is another paper that it was merged into; None where it never was."""
        return max((change.changed_on for change in self._path(ticker) if not change.continues), default=None)

    def _history(self, code: str, last: date | None) -> list[Span]:
        """The stretches of the paper that trades as `code` up to `last`, oldest first."""
        found: list[Span] = []
        for _ in range(HOPS):
            before = self._before(code, last)
            if before is None or before.new != code:
                # Where the code was another company's before, its bars up to then are that company's.
                found.append(Span(code, before.changed_on if before else None, last))
                break
            found.append(Span(code, before.changed_on, last))
            code, last = before.old, before.changed_on - DAY
        return found[::-1]

    def ratios(self, ticker: str) -> list[tuple[date, TickerChange]]:
        """The changes within the history of `ticker` that changed the number of shares, by the last day before them."""
        spans = self.spans(ticker)
        pairs = {(a.ticker, b.ticker, b.first) for a, b in pairwise(spans)}
        mine = [c for c in self.changes if (c.old, c.new, c.changed_on) in pairs and c.ratio != 1]
        return [(c.changed_on - DAY, c) for c in mine]

    def _before(self, code: str, last: date | None) -> TickerChange | None:
        """The newest change that `code` took part in up to `last`."""
        mine = (c for c in self.changes if c.old == code or (c.new == code and c.continues))
        parts = [c for c in mine if last is None or c.changed_on <= last]
        return max(parts, key=lambda c: (c.changed_on, c.new == code), default=None)


def _as_booked(changes: Sequence[TickerChange]) -> list[TickerChange]:
    """The changes without what others tell of one that the owner booked: sources date it by the next session."""
    booked = [c for c in changes if c.source == OWNER]
    return [
        c for c in changes
        if c.source == OWNER or not any(c.old == b.old and abs(c.changed_on - b.changed_on) <= NEXT for b in booked)
    ]  # fmt: skip


def _with_one_past_each(changes: Sequence[TickerChange]) -> tuple[TickerChange, ...]:
    """The changes, of several papers that became one code at once only one as its past: the others were merged into it.

    The one that was renamed share for share, then what an official list says, then the same class of share.
    """
    into: dict[str, list[TickerChange]] = {}
    for change in changes:
        if change.continues:
            into.setdefault(change.new, []).append(change)
    rivals = {id(c) for group in into.values() for c in group if any(_goes_before(other, c) for other in group)}
    return tuple(c.model_copy(update={"continues": False}) if id(c) in rivals else c for c in changes)


def _goes_before(other: TickerChange, change: TickerChange) -> bool:
    def order(c: TickerChange) -> tuple[bool, bool, bool, str]:
        return c.ratio != 1, c.source == OWNER, c.old[4:] != c.new[4:], c.old

    return abs(other.changed_on - change.changed_on) <= AT_ONCE and order(other) < order(change)


def _reaches(span: Span, day: date) -> bool:
    """Whether the stretch holds `day` or lies after it."""
    return span.last is None or span.last >= day


def joined(ticker: str, spans: Iterable[Span], found: Mapping[str, Bars]) -> Bars | None:
    """The bars of `spans` as one history of `ticker`, raw; None where there are none."""
    parts = [_between(found[s.ticker], s) for s in spans if s.ticker in found]
    parts = [part for part in parts if len(part)]
    if not parts:
        return None
    days = np.concatenate([part.days for part in parts])
    figures = [np.concatenate([getattr(part, name) for part in parts]) for name in FIGURES]
    return Bars(ticker, days, *figures)


def _between(bars: Bars, span: Span) -> Bars:
    kept = bars.until(span.last) if span.last is not None else bars
    start = int(np.searchsorted(kept.days, np.datetime64(span.first, "D"))) if span.first is not None else 0
    return Bars(bars.ticker, kept.days[start:], *(getattr(kept, name)[start:] for name in FIGURES))


def known_changes(ticker: str, changes: Iterable[TickerChange]) -> list[TickerChange]:
    """Each change of code that `ticker` takes part in, once; the earliest day where sources differ."""
    best: dict[tuple[str, str], TickerChange] = {}
    for change in changes:
        key = (change.old, change.new)
        if ticker in key and (key not in best or change.changed_on < best[key].changed_on):
            best[key] = change
    return [best[key] for key in sorted(best)]
