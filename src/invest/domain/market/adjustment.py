"""The factor that turns raw prices into adjusted ones, from corporate actions (docs/figures.md, B3's own practice).

Cash: 1 - sum of the day's amounts (gross) / close of the last session with rights. Shares: 1 / new shares per old one.
Other events: the `price_factor` they were booked with. Each applies to every session up to and including the last one
with rights; factors multiply backwards. Where the size of a change is unknown there is no adjusted price before it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple, Protocol, TypeVar

import numpy as np

from invest.domain.market.assets import ActionKind
from invest.domain.market.bars import Days, Floats

SAME_EVENT_DAYS = 5  # two sources may date one event a few days apart
SAME_AMOUNT = Decimal("0.02")  # relative difference up to which two sources mean the same amount
NET_OF_JCP = (Decimal("0.85"), Decimal("0.825"))  # what is left of JCP after tax: 15 % until 2025, 17.5 % from 2026
EXACT_NET = Decimal("0.002")  # relative difference within which an amount is another one less tax
SHARE_KINDS = frozenset({ActionKind.SPLIT, ActionKind.REVERSE_SPLIT, ActionKind.BONUS})
# Events after which one share is worth another part of the company: without their terms, prices do not compare.
BREAKING = frozenset({ActionKind.SPIN_OFF, ActionKind.MERGER, ActionKind.REDEMPTION, ActionKind.RATIO_CHANGE})

EXTREME = 0.35  # a change of price in one session beyond which somebody should look
FAR = 6  # so many times the close before is no move of a market
SPLIT_SLACK = 0.04  # how near to 2, 3, 4 or 5 a ratio must be to be taken for an unknown split
LIKELY_SPLITS = (2, 3, 4, 5)
TICK = 0.0101  # BRL: the least a price can move, whatever part of a price of some centavos that is
TICKS = 0.05  # BRL: within a few ticks a ratio says nothing
SILENT_DAYS = 90  # after so long without a session a new price may be anything


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
    def price_factor(self) -> Decimal | None:
        """What earlier prices are multiplied by, where the event is neither cash nor a change of the share count."""

    @property
    def source(self) -> str:
        """Who reported it."""


Event = TypeVar("Event", bound=PriceEvent)


class Step(NamedTuple):
    """The least `PriceEvent`, for reading a thousand histories at once."""

    kind: ActionKind
    last_date_with: date
    amount: Decimal | None
    factor: Decimal | None
    source: str
    price_factor: Decimal | None = None


class Move(NamedTuple):
    """A change of price between two sessions that the known events do not explain.

    `ratio` is the adjusted close of `day` over that of `before`. `kind` names an event of unknown size on that
    day, None where none is known. `breaks`: no adjusted price is given up to and including `before`.
    """

    before: date
    day: date
    ratio: float
    kind: ActionKind | None
    breaks: bool

    @property
    def words(self) -> str:
        """What to tell a reader."""
        if self.kind is not None:
            return f"{self.kind.value.replace('_', ' ')} of {self.before} whose effect on the price is unknown"
        return f"price times {self.ratio:.3g} from {self.before} to {self.day} without a known event"


def right_of(kind: ActionKind) -> str:
    """What an event gives: "cash", "shares", or the event's own name where it stands for itself."""
    if kind.in_cash:
        return "cash"
    return "shares" if kind in SHARE_KINDS else kind.value


def distinct_actions(
    actions: Iterable[Event], preference: Callable[[Event], object], official: Collection[str] = ()
) -> list[Event]:
    """The events behind what several sources reported: of each day and kind of right, one source's word, whole.

    `preference` sorts the preferred source first. A source's events of a day are never mixed with another's: sources
    differ in parts and sums, gross and net amounts, old and new shares. A day that only a lesser source knows is left
    out where a better one reports the same total within five days. Amounts are gross: a source that is not `official`
    gives way where its interest on equity is what tax leaves of another's.
    """
    reported: dict[str, dict[str, dict[date, list[Event]]]] = {}
    for action in actions:
        by_source = reported.setdefault(right_of(action.kind), {})
        by_source.setdefault(action.source, {}).setdefault(action.last_date_with, []).append(action)
    changes = {day: _product(events) for days in reported.get("shares", {}).values() for day, events in days.items()}
    kept: list[Event] = []
    for by_source in reported.values():
        first = {source: next(iter(days.values()))[0] for source, days in by_source.items()}
        words: dict[date, list[Event]] = {}
        for source in sorted(by_source, key=lambda s: (preference(first[s]), s)):
            mine = {day: events for day, events in by_source[source].items() if day not in words}
            for day, events in mine.items():
                if not _reported_near(day, by_source[source], words, changes):
                    words[day] = events
        for day, events in words.items():
            if events[0].source not in official:
                words[day] = _gross(events, [days[day] for days in by_source.values() if day in days])
        kept += (action for events in words.values() for action in events)
    return sorted(kept, key=lambda a: (a.last_date_with, a.kind, a.source))


def _reported_near(
    day: date,
    mine: Mapping[date, Sequence[PriceEvent]],
    words: Mapping[date, Sequence[PriceEvent]],
    changes: Mapping[date, Decimal],
) -> bool:
    """Whether a source's event of `day` is one that a better source dates a few days before or after."""
    near = {d: events for d, events in words.items() if abs((d - day).days) <= SAME_EVENT_DAYS}
    if not near:
        return False
    if right_of(mine[day][0].kind) not in ("cash", "shares"):
        return True
    around = [event for d, events in mine.items() if abs((d - day).days) <= SAME_EVENT_DAYS for event in events]
    every = [event for events in near.values() for event in events]
    ratios = {ratio for d, ratio in changes.items() if abs((d - day).days) <= SAME_EVENT_DAYS}
    known = [*near.values(), every, *([event] for event in every)]
    theirs = {size for events in known for size in _sizes(events, ratios)}
    ours = {size for events in (mine[day], around) for size in _sizes(events, ())}
    return any(abs(a - b) <= SAME_AMOUNT * max(abs(a), abs(b)) for a in ours for b in theirs)


def _gross(events: list[Event], others: Iterable[list[Event]]) -> list[Event]:
    """`events` of one source and day, or those of another one where theirs are these before tax."""
    mine = sorted(event.amount for event in events if event.kind is ActionKind.JCP and event.amount)
    for other in others:
        theirs = sorted(event.amount for event in other if event.kind is ActionKind.JCP and event.amount)
        if mine and len(mine) == len(theirs) and len(events) == len(other):
            pairs = list(zip(mine, theirs, strict=True))
            if any(all(abs(a / (b * left) - 1) <= EXACT_NET for a, b in pairs) for left in NET_OF_JCP):
                return other
    return events


def _sizes(events: Sequence[PriceEvent], ratios: Iterable[Decimal]) -> Iterator[Decimal]:
    """What a source may say of `events` together: gross or net of tax, per share before or after a change of them."""
    if not events[0].kind.in_cash:
        yield _product(events)
        return
    gross = sum((event.amount or Decimal(0) for event in events), Decimal(0))
    taxed = sum((event.amount or Decimal(0) for event in events if event.kind is ActionKind.JCP), Decimal(0))
    for total in {gross, *(gross - taxed * (1 - left) for left in NET_OF_JCP)}:
        yield total
        for ratio in ratios:
            yield total * ratio
            yield total / ratio


def _product(events: Iterable[PriceEvent]) -> Decimal:
    """New shares per old one over several events."""
    product = Decimal(1)
    for event in events:
        product *= event.factor if event.factor and event.factor > 0 else 1
    return product


def shares_by_day(actions: Iterable[PriceEvent]) -> dict[date, Decimal]:
    """New shares per old one by last day with rights, the events of one day together."""
    days: dict[date, list[PriceEvent]] = {}
    for action in actions:
        if action.factor and action.factor > 0:
            days.setdefault(action.last_date_with, []).append(action)
    return {day: _product(events) for day, events in days.items()}


def adjustment_factors(days: Days, close: Floats, actions: Sequence[PriceEvent]) -> Floats:
    """Factor per session: 1.0 on the last one, smaller before each dividend and split.

    Events after the last session do not count yet; events before the first one never did. An event that makes no sense
    (paid more than the price, a factor of zero) is left out rather than spoiling the series. Sessions up to an event
    whose effect is unknown (a spin-off without terms) have no factor: NaN.
    """
    factors = _known_factors(days, close, actions)
    last = max((end for end, _ in _unknown_sizes(days, actions)), default=0)
    factors[:last] = np.nan
    return factors


def comparable_factors(days: Days, close: Floats, actions: Sequence[PriceEvent]) -> Floats:
    """`adjustment_factors`, and none (NaN) either up to a jump that must be a split nobody reported."""
    factors = _known_factors(days, close, actions)
    broken = max((move.before for move in _moves(days, close, factors, actions) if move.breaks), default=None)
    if broken is not None:
        factors[: int(np.searchsorted(days, np.datetime64(broken, "D"), side="right"))] = np.nan
    return factors


def unexplained_moves(days: Days, close: Floats, actions: Sequence[PriceEvent]) -> list[Move]:
    """Changes of price that nothing known explains, oldest first: events of unknown size, and moves beyond 35 %.

    One that an owner confirmed (`ActionKind.PRICE_MOVE` on its last session before) is none.
    """
    return _moves(days, close, _known_factors(days, close, actions), actions)


def _known_factors(days: Days, close: Floats, actions: Sequence[PriceEvent]) -> Floats:
    factors = np.ones(len(days))
    if len(days) and actions:
        for end, factor in _steps(days, close, actions):
            factors[:end] *= factor
    return factors


def _moves(days: Days, close: Floats, factors: Floats, actions: Sequence[PriceEvent]) -> list[Move]:
    if len(days) < 2:
        return []
    adjusted = close * factors
    with np.errstate(invalid="ignore", divide="ignore"):
        sound = np.flatnonzero(np.isfinite(adjusted) & (adjusted > 0))
        prices = adjusted[sound]
        ratios = prices[1:] / prices[:-1]
        far = np.flatnonzero(np.abs(ratios - 1) > EXTREME)
    unknown = _unknown_sizes(days, actions)
    if not len(far) and not unknown:
        return []
    confirmed = {a.last_date_with for a in actions if a.kind is ActionKind.PRICE_MOVE}
    found: dict[date, Move] = {}
    for i in far.tolist():
        at, then = int(sound[i]), int(sound[i + 1])
        before, day = days[at].astype(date), days[then].astype(date)
        if abs(close[then] - close[at]) > TICK and not any(before <= c < day for c in confirmed):
            breaks = _is_change_of_unit(ratios[i], abs(close[then] - close[at]), (day - before).days)
            found[before] = Move(before, day, float(ratios[i]), None, breaks)
    for end, kind in unknown:
        before, day = days[end - 1].astype(date), days[end].astype(date)
        if not any(before <= c < day for c in confirmed):
            ratio = float(adjusted[end] / adjusted[end - 1]) if adjusted[end - 1] else float("nan")
            found[before] = Move(before, day, ratio, kind, True)
    return [found[day] for day in sorted(found)]


def _unknown_sizes(days: Days, actions: Sequence[PriceEvent]) -> list[tuple[int, ActionKind]]:
    """(number of sessions before it, kind) of each event within the series that changes a share by an unknown part."""
    found = []
    for action in actions:
        if action.kind in BREAKING and not action.price_factor and not action.factor:
            end = int(np.searchsorted(days, np.datetime64(action.last_date_with, "D"), side="right"))
            if 0 < end < len(days):
                found.append((end, action.kind))
    return found


def _is_change_of_unit(ratio: float, difference: float, gap: int) -> bool:
    """Whether two closes are of different units of the paper: a split nobody reported rather than a move."""
    times = max(ratio, 1 / ratio)
    if difference <= TICKS or gap > SILENT_DAYS:
        return False
    return times >= FAR or any(abs(times / n - 1) <= SPLIT_SLACK for n in LIKELY_SPLITS)


def _steps(days: Days, close: Floats, actions: Sequence[PriceEvent]) -> list[tuple[int, float]]:
    """(number of sessions it applies to, factor) of every event that lies within the series."""
    cash: dict[date, float] = defaultdict(float)
    shares: dict[date, float] = defaultdict(lambda: 1.0)
    for action in actions:
        if action.kind.in_cash and action.amount is not None and action.amount > 0:
            cash[action.last_date_with] += float(action.amount)
        elif action.price_factor is not None and action.price_factor > 0:
            shares[action.last_date_with] /= float(action.price_factor)
        elif action.kind in (*SHARE_KINDS, ActionKind.RATIO_CHANGE, ActionKind.MERGER) and (action.factor or 0) > 0:
            shares[action.last_date_with] *= float(action.factor or 1)
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
