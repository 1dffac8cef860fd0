"""Income belongs to those who held at the ex-day: booked income meets the event that it pays, the rest is named.

A receipt is earned on its ex-day and paid later; between the two it is a receivable. Where no event is known, the
timeline looks for the last session in which as many shares were held.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

from invest.domain.market import ActionKind, CorporateAction
from invest.domain.portfolios.known import Known
from invest.domain.portfolios.portfolio import CENT, ZERO, Operation, Transaction
from invest.domain.portfolios.positions import in_order, shares_after

# Income tax withheld from interest on equity by the first day of its rate: Law 9,249 of 1995, article 9, paragraph 2,
# and as Complementary Law 224 of 2025 amended it.
JCP_RATES = ((date(1996, 1, 1), Decimal("0.15")), (date(2026, 1, 1), Decimal("0.175")))
PAYS = frozenset(
    {Operation.DIVIDEND, Operation.JCP, Operation.LENDING, Operation.AMORTISATION, Operation.REVERSAL}
)  # operations that bring cash without a trade
DAY = timedelta(days=1)
PAID_NEAR = 10  # days between the known payment and the broker's
PAID_WITHIN = 400  # days after the ex-day up to which an event without a payment date may be paid
SAME_AMOUNT = Decimal("0.02")
ROUNDING = Decimal("0.006")  # BRL per share: an amount printed in cents
FORGOTTEN = Decimal("0.02")  # the part of an entitlement below which nothing is missing


@dataclass(frozen=True, slots=True)
class Receipt:
    """Cash from shares held. BRL; `amount` as received (interest on equity after tax), negative where taken back.

    `earned` is the ex-day (None: not known), `paid` the day it came or is due (None: not known). `booked` False for an
    event that the store knows and nobody booked.
    """

    ticker: str
    kind: str
    amount: Decimal
    quantity: Decimal
    earned: date | None
    paid: date | None
    booked: bool = True
    last_date_with: date | None = None
    per_share: Decimal | None = None
    index: int = -1

    @property
    def text(self) -> str:
        """As warnings and proposals name it: ``PETR4 dividend 100.00 of 2025-05-30``."""
        return f"{self.ticker} {self.kind} {self.amount:.2f} of {self.last_date_with or self.earned}"

    def pending(self, day: date) -> bool:
        """Whether it is earned and not yet paid at the end of `day`."""
        return self.earned is not None and self.earned <= day and (self.paid is None or self.paid > day)


def jcp_withheld(day: date) -> Decimal:
    """The share of interest on equity that is withheld when it is paid or credited on `day`; a fraction."""
    rates = [rate for since, rate in JCP_RATES if since <= day]
    return rates[-1] if rates else ZERO


@dataclass(slots=True)
class _Due:
    """A known payment and how many of the entitled shares have been paid for."""

    action: CorporateAction
    amount: Decimal
    entitled: Decimal
    left: Decimal

    @property
    def net(self) -> Decimal:
        paid = self.action.payment_date or self.action.last_date_with
        kept = 1 - jcp_withheld(paid) if self.action.kind is ActionKind.JCP else Decimal(1)
        return self.amount * kept


def receipts_of(
    transactions: Sequence[Transaction], known: Known, until: date, held: Mapping[str, Holdings] | None = None
) -> list[Receipt]:
    """All cash from shares up to `until`: what was booked, by its ex-day where known, and what nobody booked.

    `transactions` are settled (`events.settled`): shares as they were `held` on each day (`holdings`).
    """
    booked: dict[str, list[tuple[int, Transaction]]] = defaultdict(list)
    for index, t in enumerate(transactions):
        if t.operation in PAYS and t.ticker is not None:
            booked[t.ticker].append((index, t))
    wanted = set(known.actions) | set(booked)
    steps = holdings(transactions, wanted) if held is None else held
    found: list[Receipt] = []
    for ticker in sorted(wanted & steps.keys()):
        due = [*_due(known.actions.get(ticker, ()), steps[ticker], until)]
        mine = [_receipt(index, t, due) for index, t in _in_order(booked.get(ticker, ()))]
        found += _with_reversals(mine)
        found += [_forgotten(ticker, d) for d in due if d.left > FORGOTTEN * d.entitled]
    return found + [_receipt(i, t, ()) for name in sorted(set(booked) - steps.keys()) for i, t in booked[name]]


@dataclass(frozen=True, slots=True)
class Holdings:
    """Shares of one asset after each day on which they changed."""

    days: list[date]
    shares: list[Decimal]

    def on(self, day: date) -> Decimal:
        """Shares held at the close of `day`."""
        at = bisect_right(self.days, day) - 1
        return self.shares[at] if at >= 0 else ZERO


def holdings(transactions: Sequence[Transaction], tickers: Iterable[str]) -> dict[str, Holdings]:
    """What was held of each of these assets, day by day; assets never held are left out."""
    wanted = set(tickers)
    if not wanted:
        return {}
    found: dict[str, Holdings] = {}
    for _, t in in_order(t for t in transactions if t.ticker in wanted or t.other in wanted):
        for ticker, after in _changes(t, found):
            steps = found.setdefault(ticker, Holdings([], []))
            if steps.days and steps.days[-1] == t.date:
                steps.shares[-1] = after
            else:
                steps.days.append(t.date)
                steps.shares.append(after)
    return found


def _changes(t: Transaction, found: Mapping[str, Holdings]) -> Iterable[tuple[str, Decimal]]:
    """What is held after one fact, of each asset that it touches."""
    for ticker in (t.ticker, t.other):
        if ticker is None:
            continue
        steps = found.get(ticker)
        held = steps.shares[-1] if steps and steps.shares else ZERO
        if ticker == t.other:
            came = t.shares if t.shares is not None and t.operation is Operation.CONVERSION else t.quantity
            yield ticker, held - came if t.of_borrowed else held + came
        elif (after := shares_after(held, t)) != held or steps is None:
            yield ticker, after


def _due(actions: Iterable[CorporateAction], held: Holdings, until: date) -> Iterable[_Due]:
    for action in sorted(actions, key=lambda a: a.last_date_with):
        if action.kind.in_cash and action.amount is not None and action.amount > 0 and action.last_date_with < until:
            entitled = held.on(action.last_date_with)
            if entitled > 0:
                yield _Due(action, action.amount, entitled, entitled)


def _in_order(booked: Iterable[tuple[int, Transaction]]) -> list[tuple[int, Transaction]]:
    return sorted(booked, key=lambda p: (p[1].date, p[1].operation, p[1].price, p[1].quantity, p[1].broker))


def _receipt(index: int, t: Transaction, due: Sequence[_Due]) -> Receipt:
    sign = -1 if t.operation is Operation.REVERSAL else 1
    made = Receipt(
        t.ticker or "", str(t.operation), sign * t.amount, t.quantity, None, t.date, index=index, per_share=t.price
    )
    if t.operation in (Operation.REVERSAL, Operation.LENDING):
        return made if t.operation is Operation.REVERSAL else replace(made, earned=t.date)
    paid = _paid_by(t, due)
    if not paid:
        return made
    for one in paid:
        one.left = max(ZERO, one.left - (t.quantity if t.quantity > 1 else one.entitled))
    last = paid[0].action.last_date_with
    return replace(made, earned=last + DAY, last_date_with=last)


def _paid_by(t: Transaction, due: Sequence[_Due]) -> list[_Due]:
    """The known payments that a booked one is; several where one row sums what was paid on one day."""
    near = [d for d in due if d.left > 0 and d.action.last_date_with < t.date and _apart(d, t) is not None]
    near.sort(key=lambda d: _apart(d, t) or 0)
    capital = t.operation is Operation.AMORTISATION
    near = [d for d in near if (d.action.kind is ActionKind.AMORTISATION) == capital]
    fitting = [d for d in near if _same_amount(t, d.amount, d.entitled) or _same_amount(t, d.net, d.entitled)]
    if fitting:
        return fitting[:1]
    by_day: dict[date | None, list[_Due]] = defaultdict(list)
    for one in near:
        by_day[one.action.payment_date].append(one)
    for day, group in by_day.items():
        if day is None or len(group) < 2:
            continue
        gross, net = sum((d.amount for d in group), ZERO), sum((d.net for d in group), ZERO)
        if _same_amount(t, gross, group[0].entitled) or _same_amount(t, net, group[0].entitled):
            return group
    exact = [d for d in near if d.action.payment_date is not None and (_apart(d, t) or 0) <= 3]
    return exact if len(exact) == 1 else []


def _apart(due: _Due, t: Transaction) -> int | None:
    """Days between the payment as known and as booked; None where they cannot be one."""
    if due.action.payment_date is not None:
        apart = abs((due.action.payment_date - t.date).days)
        return apart if apart <= PAID_NEAR else None
    apart = (t.date - due.action.last_date_with).days
    return PAID_NEAR + apart if 0 < apart <= PAID_WITHIN else None


def _same_amount(t: Transaction, amount: Decimal, entitled: Decimal) -> bool:
    """Whether price per share, or the whole over the shares entitled, is `amount`."""
    for per_share in (t.price, t.amount / entitled):
        if abs(per_share - amount) <= max(SAME_AMOUNT * amount, min(ROUNDING, amount / 10)):
            return True
    return False


def _with_reversals(mine: list[Receipt]) -> list[Receipt]:
    """A payment taken back is taken back from the day on which it was earned."""
    for at, receipt in enumerate(mine):
        if receipt.kind != Operation.REVERSAL or receipt.earned is not None:
            continue
        equal = [r for r in mine if r.amount == -receipt.amount and r.paid and receipt.paid and r.paid <= receipt.paid]
        origin = equal[-1] if equal else None
        mine[at] = replace(receipt, earned=origin.earned if origin else None)
    return mine


def _forgotten(ticker: str, due: _Due) -> Receipt:
    return Receipt(
        ticker,
        str(due.action.kind),
        (due.left * due.net).quantize(CENT, rounding=ROUND_HALF_UP),
        due.left,
        due.action.last_date_with + DAY,
        due.action.payment_date,
        booked=False,
        last_date_with=due.action.last_date_with,
        per_share=due.net,
    )
