"""Dividends and JCP of a portfolio: what was booked, what today's shares may bring, what is announced."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal

from pydantic import Field

from invest.domain.frozen import Frozen
from invest.domain.market import ActionKind, CorporateAction
from invest.domain.portfolios.events import changes_shares
from invest.domain.portfolios.portfolio import CENT, IN_CASH, SHORT, Operation, Plain, Transaction
from invest.domain.portfolios.receipts import Holdings, Receipt, jcp_withheld

__all__ = ["Announced", "announced", "jcp_withheld", "projected_income", "received_by_month", "received_since"]

INCOME = frozenset({*IN_CASH, Operation.REVERSAL})
YEAR = timedelta(days=365)
PROPOSED = "proposal"  # origin of what was confirmed


class Announced(Frozen):
    """A payment that is announced and not yet made, for shares held at its last day with rights. BRL."""

    ticker: str
    kind: str
    last_date_with: date
    payment_date: date | None = Field(description="null: not announced yet")
    per_share: Plain = Field(description="gross")
    quantity: Plain = Field(description="shares held at the close of the last day with rights, or today")
    amount: Plain = Field(description="gross")
    net: Plain = Field(description="after the tax withheld from JCP")


def event_name(event: Transaction) -> str:
    """What kind of event it is, as warnings and proposals say it."""
    return event.note.removeprefix(f"{SHORT}: ").partition(";")[0].replace("spin_off", "spin-off").replace("_", " ")


def amount_text(event: Transaction) -> str:
    """How many shares a share event gives, as warnings and proposals say it."""
    if event.operation is Operation.SPIN_OFF:
        return f"{_plain(event.quantity)} {event.other}, with {event.price:.2%} of the cost"
    if event.operation is Operation.CONVERSION:
        return f"{_plain(event.quantity)} into {_plain(event.shares or Decimal(0))} {event.other}"
    if event.operation in (Operation.SELL, Operation.BUY, Operation.AMORTISATION):
        return f"{_plain(event.quantity)} at R$ {event.price:.2f}"
    return f"{_plain(event.shares)} shares" if event.shares is not None else f"{_plain(event.quantity)} per share"


def received_since(transactions: Iterable[Transaction], since: date, until: date) -> Decimal:
    """Dividends and JCP booked after `since` up to `until`, BRL."""
    amounts = (_cash(t) for t in transactions if t.operation in INCOME and since < t.date <= until)
    return sum(amounts, Decimal(0)).quantize(CENT)


def _cash(t: Transaction) -> Decimal:
    return -t.amount if t.operation is Operation.REVERSAL else t.amount


def received_by_month(transactions: Iterable[Transaction]) -> list[tuple[date, Decimal]]:
    """(first of the month, BRL) for every month in which something was booked, oldest first."""
    months: dict[date, Decimal] = defaultdict(Decimal)
    for t in transactions:
        if t.operation in INCOME:
            months[t.date.replace(day=1)] += _cash(t)
    return [(month, months[month].quantize(CENT)) for month in sorted(months)]


def projected_income(
    quantity: Plain, actions: Sequence[CorporateAction] | None, today: date, *, net: bool = False
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
        if changes_shares(action) and day < action.last_date_with < today:
            ratio *= action.factor or Decimal(1)
    return ratio


class Proposal(Frozen):
    """A known event of what was held that nobody booked, as the fact that confirming it books."""

    key: str = Field(description="the same event has the same key however often it is proposed")
    said: str
    transaction: Transaction


def proposed(implied: Iterable[Transaction], paid: Iterable[Receipt], today: date) -> dict[str, Proposal]:
    """What to confirm, by key: payments made by `today` that nobody booked, and share events that nobody booked."""
    found = [_payment(r) for r in paid if not r.booked and r.paid is not None and r.paid <= today]
    found += [_share_event(t) for t in implied if not t.of_borrowed]  # what is owed is booked nowhere
    return {p.key: p for p in found}


def _payment(r: Receipt) -> Proposal:
    operation = {"jcp": Operation.JCP, "amortisation": Operation.AMORTISATION}.get(r.kind, Operation.DIVIDEND)
    t = Transaction(
        date=r.paid or date.min,
        ticker=r.ticker,
        operation=operation,
        quantity=r.quantity,
        price=(r.per_share or Decimal(0)).quantize(Decimal("1e-8")),
        note=f"{r.kind} of {r.last_date_with}, as announced",
        origin=PROPOSED,
    )
    return Proposal(key=f"{r.ticker}:{r.kind}:{r.last_date_with}:{t.price.normalize():f}", said=r.text, transaction=t)


def _share_event(implied: Transaction) -> Proposal:
    basis = implied.note.partition("; ")[2]
    note = f"{event_name(implied)}, as announced{'; ' if basis else ''}{basis}"[:500]
    t = implied.model_copy(update={"origin": PROPOSED, "note": note})
    message = f"{t.ticker} {event_name(implied)} of {amount_text(t)} on {t.date}"
    return Proposal(
        key=f"{t.ticker}:{implied.note.partition(';')[0]}:{t.date}:{t.quantity.normalize():f}",
        said=message,
        transaction=t,
    )


def announced(
    held: Mapping[str, Holdings], actions: Mapping[str, Sequence[CorporateAction]], today: date
) -> list[Announced]:
    """Payments still to come for what is or was held with rights, by day; those without a day last.

    An event whose last day with rights lies ahead counts on what is held today.
    """
    found = []
    for ticker, steps in held.items():
        for action in actions.get(ticker, ()):
            if not action.kind.in_cash or action.amount is None or action.amount <= 0:
                continue
            due = action.payment_date
            ahead = action.last_date_with >= today
            if (due is not None and due <= today) or (due is None and not ahead):
                continue
            shares = steps.on(min(action.last_date_with, today))
            if shares <= 0:
                continue
            gross = (shares * action.amount).quantize(CENT)
            kept = 1 - jcp_withheld(due or action.last_date_with) if action.kind is ActionKind.JCP else Decimal(1)
            found.append(
                Announced(
                    ticker=ticker,
                    kind=str(action.kind),
                    last_date_with=action.last_date_with,
                    payment_date=due,
                    per_share=action.amount,
                    quantity=shares,
                    amount=gross,
                    net=(shares * action.amount * kept).quantize(CENT),
                )
            )
    return sorted(found, key=lambda a: (a.payment_date or date.max, a.last_date_with, a.ticker))


def _plain(figure: Decimal) -> str:
    return f"{figure.normalize():f}"
