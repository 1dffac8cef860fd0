"""Dividends and JCP of a portfolio: what was booked, what today's shares may bring, splits nobody booked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal

from invest.domain.market import SHARE_KINDS, ActionKind, CorporateAction
from invest.domain.portfolios.portfolio import Operation, Transaction
from invest.domain.portfolios.positions import SHARE, derive

CENT = Decimal("0.01")
# Income tax withheld from interest on equity by the first day of its rate: Law 9,249 of 1995, article 9, paragraph 2,
# and as Complementary Law 224 of 2025 amended it.
JCP_RATES = ((date(1996, 1, 1), Decimal("0.15")), (date(2026, 1, 1), Decimal("0.175")))
INCOME = (Operation.DIVIDEND, Operation.JCP)
NEAR = timedelta(days=10)  # a booked split may carry the day its shares arrived


def received_since(transactions: Iterable[Transaction], since: date, until: date) -> Decimal:
    """Dividends and JCP booked after `since` up to `until`, BRL."""
    amounts = (t.quantity * t.price for t in transactions if t.operation in INCOME and since < t.date <= until)
    return sum(amounts, Decimal(0)).quantize(CENT)


def received_by_month(transactions: Iterable[Transaction]) -> list[tuple[date, Decimal]]:
    """(first of the month, BRL) for every month in which something was booked, oldest first."""
    months: dict[date, Decimal] = defaultdict(Decimal)
    for t in transactions:
        if t.operation in INCOME:
            months[t.date.replace(day=1)] += t.quantity * t.price
    return [(month, months[month].quantize(CENT)) for month in sorted(months)]


def jcp_withheld(day: date) -> Decimal:
    """The share of interest on equity that is withheld when it is paid or credited on `day`; a fraction."""
    rates = [rate for since, rate in JCP_RATES if since <= day]
    return rates[-1] if rates else Decimal(0)


def projected_income(
    quantity: Decimal, actions: Sequence[CorporateAction] | None, today: date, *, net: bool = False
) -> Decimal | None:
    """What `quantity` shares would receive if the next 12 months paid, per share, what the last 12 paid, BRL.

    Gross, or with `net` after the tax withheld from JCP at the rate of `today`. Amounts from before a split are divided
    by it. None where the events of the asset are not known at all. Amortisations give back capital and are left out.
    """
    if actions is None:
        return None
    since = today - timedelta(days=365)
    paid, untaxed = Decimal(0), 1 - jcp_withheld(today)
    for action in actions:
        if action.kind is ActionKind.AMORTISATION or not action.kind.in_cash or action.amount is None:
            continue
        if since < action.last_date_with <= today:
            kept = untaxed if net and action.kind is ActionKind.JCP else Decimal(1)
            paid += action.amount * kept / _splits_after(actions, action.last_date_with, today)
    return (quantity * paid).quantize(CENT)


def _splits_after(actions: Sequence[CorporateAction], day: date, today: date) -> Decimal:
    ratio = Decimal(1)
    for action in actions:
        if action.kind in SHARE_KINDS and action.factor and day < action.last_date_with < today:
            ratio *= action.factor
    return ratio


def implied_splits(
    transactions: Sequence[Transaction], actions: Mapping[str, Sequence[CorporateAction]], today: date
) -> list[Transaction]:
    """Splits and bonuses of shares held that no transaction shows, as they would be booked the day after the last
    one with rights: without them quantity and price would not speak of the same shares."""
    found: list[Transaction] = []
    for ticker, events in actions.items():
        mine = [t for t in transactions if t.ticker == ticker]
        for event in sorted(events, key=lambda e: e.last_date_with) if mine else ():
            if event.kind not in SHARE_KINDS or not event.factor or event.last_date_with >= today:
                continue
            held = derive(t for t in mine if t.date <= event.last_date_with).positions.get(ticker)
            if held is None or not held.open or _booked(mine, event.last_date_with, held.quantity, event.factor):
                continue
            split = Transaction(
                date=event.last_date_with + timedelta(days=1),
                ticker=ticker,
                operation=Operation.SPLIT,
                quantity=event.factor.quantize(SHARE),
                price=Decimal(0),
                note=str(event.kind),
                origin=event.source[:20],
            )
            mine.append(split)
            found.append(split)
    return found


def _booked(transactions: Iterable[Transaction], day: date, held: Decimal, factor: Decimal) -> bool:
    """Whether a split, shares that came for nothing, or as many shares as the event gave are booked around it."""
    given = held * (factor - 1)
    for t in transactions:
        if not day - NEAR <= t.date <= day + 4 * NEAR:
            continue
        if t.operation is Operation.SPLIT or (t.operation is Operation.BUY and t.price == 0):
            return True
        if t.operation is Operation.BUY and t.date > day and factor > 1 and 0 <= given - t.quantity < 1:
            return True  # a bonus has a price of its own, and pays its fraction in cash
    return False
