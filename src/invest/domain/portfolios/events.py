"""Share events where they belong: on their ex-day, whenever a broker credited them, and also where nobody booked them.

`settled` turns booked facts into what positions are derived from: codes as they trade now, trades on the day they were
made, splits and bonuses on their ex-day with the known ratio, and those that nobody booked added and named.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from math import prod

from invest.domain.market import CorporateAction, TickerChange
from invest.domain.portfolios.exchanges import came_of, is_share_event, split_before_merger, with_exchanges
from invest.domain.portfolios.known import HOPS, Known
from invest.domain.portfolios.ledger import SHARE
from invest.domain.portfolios.portfolio import NEEDS_OTHER, SHORT, ZERO, Operation, Transaction, tidy
from invest.domain.portfolios.positions import ORDER, shares_after, split_after_auction
from invest.domain.portfolios.settlement import SETTLED_BY, is_settlement, trade_day

EARLY = timedelta(days=5)  # a broker's day of an event may precede the last day with rights that B3 tells
LATE = timedelta(days=60)  # shares of a bonus arrive weeks after the ex-day
NEAR = timedelta(days=10)  # shares of a split arrive within days
SAME_RATIO = Decimal("0.02")
OFF_MARKET = Decimal("0.05")  # a price this far outside the day's range is no purchase of that day
DAY = timedelta(days=1)


@dataclass(slots=True)
class Item:
    """One booked fact on its way to the day it counts from; `index` its place in the given order.

    `exchanged`: it tells what a merger or a spin-off gave, and stands among what came by them too.
    """

    index: int
    booked: Transaction
    t: Transaction
    matched: bool = False
    exchanged: bool = False

    def move(self, day: date, **changes: object) -> None:
        """Count it from `day`."""
        self.t = self.t.model_copy(update={"date": day, **changes})


@dataclass(slots=True)
class Settled:
    """Facts as positions are derived from them. `indices[i]` is the place of `transactions[i]` in the given order.

    `implied` (index -1) are known events that nobody booked; `remarks` say what was read differently than booked.
    """

    transactions: list[Transaction] = field(default_factory=list)
    indices: list[int] = field(default_factory=list)
    implied: list[Transaction] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


def settled(transactions: Iterable[Transaction], known: Known, until: date) -> Settled:
    """The facts up to `until` as they count, with what is known beside them.

    What a spin-off or a merger gave has events of its own: facts are settled again until no paper comes anew.
    """
    facts, came, exchanged = list(transactions), dict[str, list[Transaction]](), set[int]()
    for _ in range(HOPS):
        found = _settled(facts, known, until, came, exchanged)
        given, told = came_of(found.transactions), _exchanged(found, facts)
        if (given, told) == (came, exchanged) or not any(_has_events(ticker, known) for ticker in given):
            break
        came, exchanged = given, told
    return found


def _exchanged(found: Settled, facts: Sequence[Transaction]) -> set[int]:
    """Places of the facts that were booked as papers that came for nothing, and tell of an exchange."""
    pairs = ((index, t) for index, t in zip(found.indices, found.transactions, strict=True) if index >= 0)
    return {i for i, t in pairs if t.operation in NEEDS_OTHER and facts[i].operation not in NEEDS_OTHER}


def _has_events(ticker: str, known: Known) -> bool:
    return ticker in known.lineages or any(changes_shares(a) for a in known.actions.get(ticker, ()))


def _settled(
    transactions: Sequence[Transaction],
    known: Known,
    until: date,
    came: Mapping[str, Sequence[Transaction]],
    exchanged: Collection[int],
) -> Settled:
    found = Settled()
    by_ticker: dict[str | None, list[tuple[int, Transaction, Transaction]]] = defaultdict(list)
    changed = known.lineages.touched
    for index, booked in enumerate(transactions):
        if booked.date > until:
            continue
        t = _renamed(booked, known) if booked.ticker in changed or booked.other in changed else booked
        if t is not None:
            by_ticker[t.ticker].append((index, booked, t))
    for ticker in sorted(by_ticker.keys() | came.keys(), key=lambda name: name or ""):
        facts = by_ticker[ticker]
        if ticker is None or not _to_settle(ticker, facts, known):
            found.transactions += [t for _, _, t in facts]
            found.indices += [index for index, _, _ in facts]
            continue
        given = [Item(-1, t, t, matched=True) for t in came.get(ticker, ())]
        items = [*(Item(*fact, exchanged=fact[0] in exchanged) for fact in facts), *given]
        implied = [*_share_events(ticker, items, known, until, found.remarks)]
        implied += _renamings(ticker, [*items, *_as_items(implied)], known, until)
        _trade_days(items, implied)
        _late_credits(items, implied)
        found.implied += implied
        found.transactions += [i.t for i in items[: len(facts)]]
        found.indices += [i.index for i in items[: len(facts)]]
    found.transactions += found.implied
    found.indices += [-1] * len(found.implied)
    found.implied += with_exchanges(found.transactions, found.indices, known, until, found.remarks)
    return found


def _to_settle(ticker: str, facts: Iterable[tuple[int, Transaction, Transaction]], known: Known) -> bool:
    """Whether anything but what was booked decides how these facts count."""
    if _has_events(ticker, known):
        return True
    return any(t.origin == SETTLED_BY or (t.shares is not None and t.operation is Operation.SPLIT) for _, _, t in facts)


def _renamed(t: Transaction, known: Known) -> Transaction | None:
    """The fact under the code that its paper traded as last; None for a change of code that is known already."""
    if t.ticker is None or split_before_merger(t, known):
        return t
    day = trade_day(t.date) if is_settlement(t) else t.date
    ticker, other = known.paper_on(t.ticker, day), known.paper_on(t.other, day) if t.other else None
    if t.operation in NEEDS_OTHER and t.other:
        # A broker books a merger or a spin-off weeks after its day: of the papers as they were before.
        ticker = next((c.old for c in known.lineages.changes if _is_merger(c, t, other, known)), ticker)
    if t.operation is Operation.CONVERSION and ticker == other and t.ticker != t.other:
        return None
    if ticker == t.ticker and other == t.other:
        return t
    return t.model_copy(update={"ticker": ticker, "other": other})


def _is_merger(change: TickerChange, t: Transaction, other: str | None, known: Known) -> bool:
    late = change.changed_on - EARLY <= t.date <= change.changed_on + LATE
    same = t.operation is Operation.SPIN_OFF or known.paper_on(change.new, change.changed_on) == other
    return not change.continues and change.old == t.ticker and same and late


def _renamings(ticker: str, items: list[Item], known: Known, until: date) -> list[Transaction]:
    """Changes of code that changed the number of shares, for what was held then, where nobody booked them."""
    if ticker not in known.lineages:
        return []
    end, made = _end(ticker, items, known, until), list[Transaction]()
    for last, change in known.lineages.ratios(ticker):
        if not change.continues or change.changed_on > end:
            continue
        booked = [i for i in items if i.index >= 0 and not i.matched and _may_be(i.t)]
        window = _beside(booked, last)
        early = {id(i) for i in window if i.t.date <= last and _is_share_fact(i.t)}
        held = held_on([*(i for i in items if id(i) not in early), *_as_items(made)], last)
        if held > 0 and (chosen := _booked(window, held, change.ratio, ticker, known, lonely=False)):
            for item in chosen:
                _count_from(item, change.changed_on, change.ratio)
        elif held:
            name = _name("change of code", held)
            made.append(_implied((ticker, change.changed_on, name, change.source), change.ratio))
    return made


def _end(ticker: str, items: Iterable[Item], known: Known, until: date) -> date:
    """The day up to which events are the paper's own: of its merger, behind which they are another's, or `until`."""
    first = min((i.t.date for i in items), default=until)
    ends = (c.changed_on for c in known.lineages.changes if c.old == ticker and not c.continues)
    return min((day for day in ends if first < day < until), default=until)


def _share_events(
    ticker: str, items: list[Item], known: Known, until: date, remarks: list[str]
) -> Iterable[Transaction]:
    """Match booked splits and bonuses to the known ones; yields those that nobody booked, or not whole."""
    end = _end(ticker, items, known, until)
    events = [e for e in known.actions.get(ticker, ()) if _counts(e, end)]
    made, so_far = list[Item](), dict[date, Decimal]()
    for event in sorted(events, key=lambda e: (e.last_date_with, e.factor or 0)):
        factor, last = event.factor or Decimal(1), event.last_date_with
        window = _beside([i for i in items if not i.matched and _may_be(i.t)], last)
        early = {id(i) for i in window if i.t.date <= last and _is_share_fact(i.t)}
        held = held_on([i for i in [*items, *made] if id(i) not in early], last)
        if not held:
            continue
        lonely = not any(e is not event and abs(e.last_date_with - last) <= LATE for e in events)
        ex = last + DAY
        before, after = so_far.get(last, Decimal(1)), _ratio_of(events, last) / factor
        chosen, base = _booked(window, held * before, factor, ticker, known, lonely=lonely) if held > 0 else [], before
        if not chosen and after != before and held > 0:  # counted on what the other events of the day left
            chosen = _booked(window, held * after, factor, ticker, known, lonely=False)
            base = after if chosen else before
        if base == before:
            so_far[last] = before * factor
        held *= base
        came = sum((_count(i.t, held, factor) for i in chosen), ZERO)
        for item in chosen:
            if item.t.operation is Operation.SPLIT and item.t.shares is None and _ratio_off(item.t.quantity, factor):
                message = f"{ticker}: the split booked on {item.booked.date} as {tidy(item.t.quantity):f} per share"
                remarks.append(f"{message} counts as {tidy(factor):f}, as known of {last}")
            _count_from(item, ex, factor)
            item.t = item.t if base == before else item.t.model_copy(update={"place": 1})
        missing = held * (factor - 1) - came
        if not chosen:
            implied = _implied((ticker, ex, _name(str(event.kind), held), event.source), factor.quantize(SHARE))
        elif abs(missing) >= len(chosen) and not any(i.t.shares is None and _is_ratio(i.t) for i in chosen):
            implied = _implied((ticker, ex, f"part of a {event.kind}", event.source), factor.quantize(SHARE), missing)
        else:
            continue
        made.append(Item(-1, implied, implied, matched=True))
        yield implied
    changes = [(e.last_date_with, e.factor or Decimal(1)) for e in events]
    for item in items:
        item.t = split_after_auction(item.t, changes)


def _beside(items: Iterable[Item], last: date) -> list[Item]:
    """Those that may be booked for an event, nearest to its ex-day first, in whatever order they were given."""
    window = [i for i in items if last - EARLY <= i.t.date <= last + LATE]
    return sorted(window, key=lambda i: (abs(i.t.date - last - DAY), i.t.date, repr(i.t)))


def _ratio_of(events: Iterable[CorporateAction], day: date) -> Decimal:
    """New papers per old one over all events with this last day."""
    factors = (event.factor or Decimal(1) for event in events if event.last_date_with == day)
    return prod(factors, start=Decimal(1))


def _name(event: str, held: Decimal) -> str:
    """The note of an event that nobody booked: of what is held, or of what is owed."""
    return event if held > 0 else f"{SHORT}: {event}"


def _counts(event: CorporateAction, until: date) -> bool:
    return changes_shares(event) and event.last_date_with < until


def changes_shares(event: CorporateAction) -> bool:
    """Whether it gives a known number of new papers per old one; of a receipt, by what one of it stands for."""
    return is_share_event(event) and event.factor is not None and event.factor > 0


def _implied(event: tuple[str, date, str, str], ratio: Decimal, shares: Decimal | None = None) -> Transaction:
    """A known event as a fact; `event` is its asset, the day it counts from, its kind and its source."""
    ticker, day, note, source = event
    return Transaction(
        date=day,
        ticker=ticker,
        operation=Operation.SPLIT,
        quantity=ratio,
        price=ZERO,
        shares=None if shares is None else shares.quantize(SHARE),
        note=note,
        origin=source[:20],
    )


def _is_ratio(t: Transaction) -> bool:
    return t.operation is Operation.SPLIT and t.shares is None


def _is_share_fact(t: Transaction) -> bool:
    return t.operation in (Operation.SPLIT, Operation.BONUS) or (t.operation is Operation.BUY and not t.price)


def _may_be(t: Transaction) -> bool:
    """Whether it may tell of a share event: one by name, shares for nothing, or a purchase that may be a bonus."""
    return _is_share_fact(t) or t.operation is Operation.BUY


def _count(t: Transaction, held: Decimal, factor: Decimal) -> Decimal:
    """How many shares it brought (negative: took)."""
    if t.operation is Operation.SPLIT:
        return held * (factor - 1) if t.shares is None else t.shares
    return t.quantity


def _ratio_off(ratio: Decimal, factor: Decimal) -> bool:
    return abs(ratio / factor - 1) > SAME_RATIO


def _booked(
    window: Sequence[Item], held: Decimal, factor: Decimal, ticker: str, known: Known, *, lonely: bool
) -> list[Item]:
    """The facts of `window` that tell of an event which multiplied `held` shares by `factor`."""
    ratios = [i for i in window if _is_ratio(i.t)]
    fitting = [i for i in ratios if not _ratio_off(i.t.quantity, factor)]
    if fitting:
        return fitting[:1]
    expected = held * (factor - 1)
    counted = [i for i in window if _is_share_fact(i.t) and not _is_ratio(i.t)]
    counted = [i for i in counted if _count(i.t, held, factor) * expected > 0]
    credited = (expected, int(held) * (factor - 1))  # of a fraction nothing is credited: it is sold at auction
    whole = [i for i in counted if any(abs(_count(i.t, held, factor) - one) < 1 for one in credited)]
    if whole:
        return whole[:1]
    total = sum((_count(i.t, held, factor) for i in counted), ZERO)
    if counted and abs(total - expected) < len(counted):
        return counted
    bonus = [i for i in window if _is_priced_bonus(i.t, expected, ticker, known)]
    if bonus:
        return bonus[:1]
    if lonely and counted and abs(total) <= abs(expected):
        return counted  # one broker's part of it
    same_way = [i for i in ratios if (i.t.quantity > 1) == (factor > 1)]
    return same_way[:1] if lonely else []


def _is_priced_bonus(t: Transaction, expected: Decimal, ticker: str, known: Known) -> bool:
    """Whether a purchase is a bonus at its declared cost: as many shares, at a price that nobody paid that day."""
    if t.operation is not Operation.BUY or not t.price or not 0 <= expected - t.quantity < 1:
        return False
    if "bonifica" in t.note.lower():
        return True
    span = known.range_of(ticker, t.date)
    if span is None and (close := known.close_before(ticker, t.date)) is not None:
        span = (close, close)
    return span is not None and not span[0] * (1 - OFF_MARKET) <= t.price <= span[1] * (1 + OFF_MARKET)


def _count_from(item: Item, ex: date, factor: Decimal) -> None:
    """Give a booked event its ex-day and, where it was booked as a ratio, the known ratio."""
    t, item.matched = item.t, True
    if t.operation is Operation.SPLIT:
        item.move(ex, quantity=factor.quantize(SHARE))
    elif t.operation is Operation.BUY and not t.price:
        item.move(ex, operation=Operation.SPLIT, shares=t.quantity, quantity=factor.quantize(SHARE))
    else:
        item.move(ex, operation=Operation.BONUS)


def held_on(items: Iterable[Item], day: date) -> Decimal:
    """Shares held at the close of `day`; sales beyond the position are passed over."""
    held = ZERO
    for t in sorted((i.t for i in items if i.t.date <= day and not i.exchanged), key=_rank):
        held = shares_after(held, t)
    return held


def _rank(t: Transaction) -> tuple[date, int]:
    return (t.date, ORDER[t.operation])


def _trade_days(items: list[Item], implied: Sequence[Transaction]) -> None:
    """Trades dated by their settlement count from the day they were made, unless the shares were not there yet."""
    moved = [i for i in items if is_settlement(i.t)]
    if not moved:
        return
    for item in moved:
        item.move(trade_day(item.booked.date))
    heap = [(i.t.date, ORDER[i.t.operation], n, i) for n, i in enumerate([*items, *_as_items(implied)])]
    heapq.heapify(heap)
    held = ZERO
    while heap:
        _, rank, n, item = heapq.heappop(heap)
        if item.t.operation is Operation.SELL and item.t.quantity > held and item.t.date < item.booked.date:
            item.move(item.booked.date)
            heapq.heappush(heap, (item.t.date, rank, n, item))
            continue
        held = shares_after(held, item.t)


def _as_items(implied: Iterable[Transaction]) -> list[Item]:
    return [Item(-1, t, t) for t in implied]


def _late_credits(items: list[Item], implied: Sequence[Transaction]) -> None:
    """Shares of a split credited after all was sold belong to the days before: they count from the last day held."""
    for item in items:
        t = item.t
        if item.matched or t.operation is not Operation.SPLIT or t.shares is None or t.shares <= 0:
            continue
        others = [i for i in [*items, *_as_items(implied)] if i is not item]
        if held_on(others, t.date - DAY) > 0:
            continue
        sales = [i.t.date for i in others if i.t.operation is Operation.SELL and t.date - NEAR <= i.t.date < t.date]
        last = max((day for day in sales if held_on(others, day - DAY) > 0), default=None)
        if last is not None:
            item.move(last)
