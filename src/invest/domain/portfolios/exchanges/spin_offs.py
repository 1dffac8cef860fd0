"""Spin-offs: which papers they give, and which part of the cost goes with those.

The part is what the company published where that was booked (`cost_share`), else what the price lost in the first
session (1 - `price_factor`), which is an estimate; what the owner wrote on a booked row goes before both.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

from invest.domain.market import ActionKind, CorporateAction, InvalidTicker, parse_ticker
from invest.domain.portfolios.exchanges.credits import Due
from invest.domain.portfolios.portfolio import ZERO, Transaction

EARLY = timedelta(days=5)
LATE = timedelta(days=60)  # papers of a spin-off or a merger are credited weeks after the ex-day
PUBLISHED, ESTIMATED, OWN = "as published:", "an estimate by prices", "as booked"
EXACT = Decimal("1e-6")  # two parts of a cost that differ by less are the same figure


def spun_off(action: CorporateAction) -> str | None:
    """The code of the papers that a spin-off gives, where its terms are known; None else."""
    if action.kind is not ActionKind.SPIN_OFF or action.other is None or action.price_factor is None:
        return None
    if not (action.ratio or ZERO) > 0 or not 0 < action.price_factor < 1:
        return None
    try:
        return str(parse_ticker(action.other))
    except InvalidTicker:  # an ISIN: which code it is nobody said
        return None


def known_spin_off(actions: Mapping[str, Sequence[CorporateAction]], other: str, day: date) -> CorporateAction | None:
    """The spin-off that gave `other` to those whose account it reached on `day`."""
    for mine in actions.values():
        for action in mine:
            if spun_off(action) == other and -EARLY <= day - action.last_date_with <= LATE:
                return action
    return None


def shares_of_cost(day: Sequence[CorporateAction]) -> list[tuple[Decimal, Decimal]]:
    """(the part of the cost that goes with it, the part by prices) of each spin-off of one paper on one day.

    Both of the cost before the first of them. By prices each takes its part of what the ones before it left.
    """
    found, left = list[tuple[Decimal, Decimal]](), Decimal(1)
    for action in day:
        estimate = left * (1 - (action.price_factor or Decimal(1)))
        left -= estimate
        found.append((estimate if action.cost_share is None else action.cost_share, estimate))
    whole = sum((share for share, _ in found), ZERO)
    if whole >= 1:  # published parts beside prices of others: together they cannot be more than there is
        return [(share / whole * (1 - EXACT), estimate) for share, estimate in found]
    return found


@dataclass(slots=True)
class SpinOff:
    """What one paper gave of another on one day, for what was held; `short`: for what was owed.

    `share` of the cost goes with it, `estimate` by prices. `sources`: where each event's part was published, None for
    one that prices gave. `own_parts` are those that a row states as its own, `stated` says that all are. `alone`: by
    prices as if nothing else left the paper that day, as imports write it.
    """

    ticker: str
    other: str
    due: Due
    short: bool = False
    origin: str = ""
    share: Decimal = ZERO
    estimate: Decimal = ZERO
    own_parts: dict[int, Decimal] = field(default_factory=dict)
    stated: bool = False
    sources: list[str | None] = field(default_factory=list)
    alone: Decimal = ZERO

    @property
    def basis(self) -> str:
        """Who says which part of the cost goes with it."""
        if self.stated or self.own_parts:
            return OWN
        if None in self.sources:
            return ESTIMATED
        return f"{PUBLISHED} {'; '.join(sorted({source for source in self.sources if source})) or 'by the company'}"

    @property
    def part(self) -> Decimal:
        """The part of the cost that goes with it in all."""
        return sum((share for _, _, share in self.facts()), ZERO)

    def noted(self, note: str) -> str:
        """A row's note with who says which part of the cost goes; what an earlier reading said of it is left out."""
        bare = re.split(rf"(?:^|; )(?:{PUBLISHED} |{ESTIMATED}$|{OWN}$)", note, maxsplit=1)[0]
        return (f"{bare}; {self.basis}" if bare else self.basis)[:500]

    def add(self, action: CorporateAction, held: Decimal, share: Decimal, estimate: Decimal) -> None:
        """Count an event of the day in, for what was held."""
        self.due.whole += abs(held) * (action.ratio or ZERO)
        self.sources.append(None if action.cost_share is None else action.cost_source or "")
        self.share += share
        self.estimate += estimate
        self.alone += 1 - (action.price_factor or Decimal(1))

    def read_parts(self, rows: Sequence[Transaction]) -> None:
        """Take the part that booked rows state, where it is neither the known one nor one that prices gave.

        Rows by brokers state the whole part each, or their own parts of it: these differ as their papers do.
        """
        priced = [t for t in rows if t.price]
        known = {self.share, self.estimate, self.alone}
        if not priced or any(abs(sum((t.price for t in priced), ZERO) - one) <= EXACT for one in known):
            return
        quantity = sum((t.quantity for t in priced), ZERO)
        mean = sum((t.price * t.quantity for t in priced), ZERO) / quantity
        whole = [t.price * self.due.whole / t.quantity for t in priced]
        if any(abs(mean - one) <= EXACT or all(abs(part - one) <= EXACT for part in whole) for one in known):
            return
        parts = {(t.price / t.quantity).quantize(EXACT) for t in priced}
        if len(parts) == 1 and len({t.price for t in priced}) > 1:
            mean = sum(whole, ZERO) / len(whole)
        self.share, self.stated = min(mean, Decimal(1)), True

    def facts(self) -> Iterator[tuple[int | None, Decimal, Decimal]]:
        """(place of the row, None for what nobody booked; papers; their part of the cost)."""
        rest = self.due.missing
        rows: list[tuple[int | None, Decimal]] = [*self.due.rows, *([(None, rest)] if rest > 0 else [])]
        free = sum((quantity for at, quantity in rows if at not in self.own_parts), ZERO)
        whole = sum((quantity for _, quantity in rows), ZERO)
        left = self.share * (free / whole) if whole else ZERO
        for at, quantity in rows:
            own = None if at is None else self.own_parts.get(at)
            yield at, quantity, left * quantity / free if own is None else own
