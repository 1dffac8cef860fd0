"""The factor that turns raw prices into adjusted ones, from corporate actions (figures.md of B3's own practice).

Cash: 1 - sum of the day's amounts (gross) / close of the last session with rights. Shares: 1 / new shares per old one.
Each applies to every session up to and including the last one with rights; factors multiply backwards.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple, Protocol, TypeVar

import numpy as np

from invest.domain.market.assets import ActionKind
from invest.domain.market.bars import Days, Floats

SAME_EVENT_DAYS = 5  # two sources may date one event a few days apart
SAME_AMOUNT = 0.02  # relative difference up to which two sources mean the same amount
SHARE_KINDS = frozenset({ActionKind.SPLIT, ActionKind.REVERSE_SPLIT, ActionKind.BONUS})


class PriceEvent(Protocol):
    """What adjusting needs of a corporate action."""

    @property
    def kind(self) -> ActionKind:
        """What happened."""

    @property
    def last_date_with(self) -> date:
        """Last session with rights."""

    @property
    def amount(self) -> Decimal | None:
        """BRL per share, gross."""

    @property
    def factor(self) -> Decimal | None:
        """New shares per old one."""

    @property
    def source(self) -> str:
        """Who told it."""


Event = TypeVar("Event", bound=PriceEvent)


class Step(NamedTuple):
    """The least `PriceEvent`, for reading a thousand histories at once."""

    kind: ActionKind
    last_date_with: date
    amount: Decimal | None
    factor: Decimal | None
    source: str


def distinct_actions(actions: Iterable[Event], preference: Callable[[Event], object]) -> list[Event]:
    """The events behind what several sources reported: each once, as the preferred source tells it.

    `preference` sorts the preferred first. Amounts of one source always count, however alike: two payments of the same
    amount on one day happen. An action of another source is the same event where kind of right, amount (within 2 %)
    and day (within five days) agree.
    """
    kept: list[Event] = []
    for action in sorted(actions, key=lambda a: (preference(a), a.last_date_with)):
        if not any(_same_event(action, other) for other in kept):
            kept.append(action)
    return sorted(kept, key=lambda a: (a.last_date_with, a.kind, a.source))


def _same_event(new: PriceEvent, old: PriceEvent) -> bool:
    if new.source == old.source or new.kind.in_cash != old.kind.in_cash:
        return False
    if abs((new.last_date_with - old.last_date_with).days) > SAME_EVENT_DAYS:
        return False
    mine, theirs = (new.amount, old.amount) if new.kind.in_cash else (new.factor, old.factor)
    if mine is None or theirs is None:
        return mine is theirs and new.kind == old.kind
    return abs(mine - theirs) <= Decimal(str(SAME_AMOUNT)) * max(abs(mine), abs(theirs))


def adjustment_factors(days: Days, close: Floats, actions: Sequence[PriceEvent]) -> Floats:
    """Factor per session: 1.0 on the last one, smaller before each dividend and split.

    Events after the last session do not count yet; events before the first one never did. An event that makes no sense
    (paid more than the price, a factor of zero) is left out rather than spoiling the series.
    """
    factors = np.ones(len(days))
    if not len(days) or not actions:
        return factors
    for day, factor in _steps(days, close, actions):
        factors[:day] *= factor
    return factors


def _steps(days: Days, close: Floats, actions: Sequence[PriceEvent]) -> list[tuple[int, float]]:
    """(number of sessions it applies to, factor) of every event that lies within the series."""
    cash: dict[date, float] = defaultdict(float)
    shares: dict[date, float] = defaultdict(lambda: 1.0)
    for action in actions:
        if action.kind.in_cash and action.amount is not None and action.amount > 0:
            cash[action.last_date_with] += float(action.amount)
        elif action.kind in SHARE_KINDS and action.factor is not None and action.factor > 0:
            shares[action.last_date_with] *= float(action.factor)
    every = sorted(cash.keys() | shares.keys())
    if not every:
        return []
    ends = np.searchsorted(days, np.array(every, dtype="datetime64[D]"), side="right")
    steps = []
    for day, end in zip(every, ends.tolist(), strict=True):
        if 0 < end < len(days):
            factor = _cash_factor(cash[day], float(close[end - 1])) if day in cash else 1.0
            steps.append((end, factor / shares[day] if day in shares else factor))
    return steps


def _cash_factor(paid: float, price: float) -> float:
    return 1 - paid / price if 0 < paid < price else 1.0
