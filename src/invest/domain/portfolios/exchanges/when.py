"""Which exchanges the store knows, in order of their days, and the papers that came by those that were counted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal

from invest.domain.market import SHARE_KINDS, ActionKind, CorporateAction, TickerChange
from invest.domain.portfolios.exchanges.credits import NEAR, slack
from invest.domain.portfolios.exchanges.spin_offs import EARLY, LATE, spun_off
from invest.domain.portfolios.known import Known
from invest.domain.portfolios.portfolio import NEEDS_OTHER, SHORT, ZERO, Operation, Transaction
from invest.domain.portfolios.positions import AUCTION, AUCTIONED

DAY = timedelta(days=1)
SPINS, MERGES, REDEEMS = range(3)  # order within a day: what is spun off goes before the paper itself does


def is_share_event(event: CorporateAction) -> bool:
    """Whether it changes how many papers there are: a split and its like, or what a receipt stands for."""
    return event.kind in SHARE_KINDS or event.kind is ActionKind.RATIO_CHANGE


def split_before_merger(t: Transaction, known: Known) -> bool:
    """Whether a booked split on the day of a merger is that of the paper that ended."""
    if t.operation is not Operation.SPLIT or t.ticker is None:
        return False
    before = [a for a in known.actions.get(t.ticker, ()) if a.last_date_with + DAY == t.date and is_share_event(a)]
    return bool(before) and any(c.old == t.ticker and c.changed_on == t.date for c in known.lineages.changes)


def mergers_of(known: Known) -> dict[str, list[TickerChange]]:
    """The changes by which papers went into others with a past of their own, by the code that ended."""
    found: dict[str, list[TickerChange]] = {}
    for change in known.lineages.changes:
        if not change.continues:
            found.setdefault(change.old, []).append(change)
    return found


def came_of(transactions: Iterable[Transaction]) -> dict[str, list[Transaction]]:
    """By paper, what came of it without a fact of its own: by conversions and spin-offs of others."""
    came: dict[str, list[Transaction]] = {}
    for t in transactions:
        if t.operation in NEEDS_OTHER and t.other is not None:
            quantity = t.quantity if t.shares is None or t.operation is Operation.SPIN_OFF else t.shares
            owed = {"operation": Operation.SELL, "note": SHORT} if t.of_borrowed else {"operation": Operation.OPENING}
            given = Transaction.model_construct(date=t.date, ticker=t.other, quantity=quantity, price=ZERO, **owed)
            came.setdefault(t.other, []).append(given)
    return came


def exchanges_until(known: Known, until: date) -> Iterator[tuple[date, int, int, str, CorporateAction | TickerChange]]:
    """(last day before it, order within a day, place of its source, paper, event): spin-offs go before mergers."""
    for ticker, actions in known.actions.items():
        for place, action in enumerate(actions):
            if action.last_date_with >= until:
                continue
            if spun_off(action) is not None:
                yield action.last_date_with, SPINS, place, ticker, action
            elif action.kind is ActionKind.REDEMPTION and (action.amount or ZERO) > 0:
                yield action.last_date_with, REDEEMS, place, ticker, action
    for ticker, changes in mergers_of(known).items():
        for change in changes:
            if change.changed_on <= until:
                yield change.changed_on - DAY, MERGES, 0, ticker, change


def tells(t: Transaction, operation: Operation, ticker: str, other: str) -> bool:
    """Whether a booked fact names an exchange of `ticker` for `other`."""
    return t.operation is operation and (t.ticker, t.other) == (ticker, other)


def pays_for(action: CorporateAction, last: date) -> bool:
    """Whether it is the part in cash of a merger after `last`."""
    return action.kind is ActionKind.MERGER and action.last_date_with == last and (action.amount or ZERO) > 0


def paid_for(
    transactions: Sequence[Transaction], change: TickerChange, cash: CorporateAction, held: Decimal
) -> Decimal:
    """For how many old papers facts tell the part in cash: one of about the whole sum, or one per broker at its rate.

    Of either paper, told per old or per new one.
    """
    due, day, each = held * (cash.amount or ZERO), cash.payment_date or change.changed_on, cash.amount or ZERO
    near = [
        t for t in transactions
        if t.operation in (Operation.AMORTISATION, Operation.DIVIDEND) and t.ticker in (change.old, change.new)
        and -EARLY <= t.date - day <= LATE
    ]  # fmt: skip
    if any(abs(t.amount - due) <= due * NEAR for t in near):
        return held
    rates = (each, each / change.ratio)
    parts = (t.amount for t in near if any(abs(t.price - rate) <= rate * NEAR for rate in rates))
    return min(held, sum(parts, ZERO) / each)


def fractions_sold(transactions: Iterable[Transaction], ticker: str, day: date) -> list[Decimal]:
    """Fractions of a paper that were sold at auction in the half year after an exchange into it."""
    return [
        t.quantity for t in transactions
        if t.ticker == ticker and t.note.startswith(AUCTION) and day < t.date <= day + AUCTIONED
    ]  # fmt: skip


def came_by(t: Transaction) -> Decimal:
    """The new papers that a conversion gave."""
    return t.shares if t.shares is not None else t.quantity


def chose_otherwise(t: Transaction, came: Decimal, change: TickerChange) -> bool:
    """Whether a booked conversion tells another ratio than the known one: its owner chose another offer."""
    if not tells(t, Operation.CONVERSION, change.old, change.new):
        return False
    return abs(came - t.quantity * change.ratio) > slack(t.quantity * change.ratio)
