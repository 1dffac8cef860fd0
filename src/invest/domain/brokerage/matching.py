"""Which rows of a statement tell what is booked already: by day, asset, side, institution, and summed quantities.

B3's two statements and the brokers' notes describe the same trades: negociação and notes by the day of the trade, the
movimentação by the day of its settlement and with the fills of a day summed. What remains ambiguous becomes a question.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Literal

from invest.domain.brokerage.rows import Row
from invest.domain.fixed_income import PaperFact
from invest.domain.portfolios import (
    CENT,
    PROPOSED,
    Operation,
    Transaction,
    broker_key,
    is_settlement,
    natural_key,
    same_broker,
    trade_day,
)

SETTLEMENT = timedelta(days=8)  # how long after a trade its settlement may show, holidays included
PAID_NEAR = timedelta(days=10)  # how far a confirmed payment may lie from the broker's day of it
SAME_PRICE = Decimal("0.02")  # relative difference up to which a part may be of a sum
BY_HAND = frozenset({"", "api"})
INCOME = frozenset({Operation.DIVIDEND, Operation.JCP, Operation.AMORTISATION})
TRADES = frozenset({Operation.BUY, Operation.SELL})
Status = Literal["booked", "duplicate", "refused", "question"]


@dataclass(slots=True)
class Pending:
    """A row on its way to its fate."""

    row: Row
    status: Status = "booked"
    reason: str | None = None
    transaction: Transaction | None = None
    advice: str | None = None
    paper: PaperFact | None = None

    def refuse(self, reason: str, advice: str | None = None) -> None:
        """It cannot be booked."""
        self.status, self.reason, self.advice = "refused", reason, advice

    def skip(self, reason: str) -> None:
        """It is told already."""
        self.status, self.reason = "duplicate", reason

    def ask(self, question: str) -> None:
        """It is booked once somebody says so."""
        self.status, self.reason = "question", question
        self.advice = "import again accepting this line (or all of them) where it is right: accept=LINE, --accept LINE"


@dataclass(slots=True)
class _Group:
    """Trades of one day, side and institution: what they sum up to."""

    quantity: Decimal = Decimal(0)
    value: Decimal = Decimal(0)
    rows: int = 0

    def add(self, t: Transaction) -> None:
        self.quantity += t.quantity
        self.value += t.amount
        self.rows += 1

    @property
    def price(self) -> Decimal:
        return self.value / self.quantity if self.quantity else Decimal(0)

    def equals(self, other: _Group) -> bool:
        """Whether both sum up to the same: values may differ by what rounded prices lose."""
        slack = CENT * (self.rows + other.rows) + self.quantity * CENT / 2
        return self.quantity == other.quantity and abs(self.value - other.value) <= slack

    def may_hold(self, part: _Group) -> bool:
        """Whether `part` may be some of these."""
        near = self.price > 0 and abs(part.price / self.price - 1) <= SAME_PRICE
        return part.quantity <= self.quantity and near


def mark_known(existing: Sequence[Transaction], rows: Sequence[Pending]) -> None:
    """Mark the rows that tell what `existing` holds, and ask about those that may."""
    left = _mark_same(existing, rows)
    _mark_trades(left, rows)
    _mark_payments(existing, rows)
    _mark_share_events(existing, rows)


def _open(rows: Iterable[Pending]) -> Iterable[tuple[Pending, Transaction]]:
    return ((p, p.transaction) for p in rows if p.status == "booked" and p.transaction is not None)


def _mark_same(existing: Sequence[Transaction], rows: Iterable[Pending]) -> list[Transaction]:
    """The nth of equal rows is a duplicate where n are booked already: two equal purchases are two.

    A row booked without an institution may be of any. Returns the existing ones that no row names.
    """
    by_key: dict[str, list[int]] = defaultdict(list)
    bare: dict[str, list[int]] = defaultdict(list)
    for at, t in enumerate(existing):
        by_key[natural_key(t)].append(at)
        bare[natural_key(t.model_copy(update={"broker": ""}) if t.broker else t)].append(at)
    matched: set[int] = set()
    for pending, t in _open(rows):
        nameless = natural_key(t.model_copy(update={"broker": ""}) if t.broker else t)
        candidates = by_key[natural_key(t)] + bare[nameless]
        twin = next((at for at in candidates if at not in matched and same_broker(existing[at].broker, t.broker)), None)
        if twin is not None:
            matched.add(twin)
            pending.skip("booked already")
    return [t for at, t in enumerate(existing) if at not in matched]


def _day_of(t: Transaction) -> date:
    return trade_day(t.date) if is_settlement(t) else t.date


def _mark_trades(existing: Sequence[Transaction], rows: Sequence[Pending]) -> None:
    """Compare the trades of each day, side and institution with those that other statements listed."""
    booked: dict[tuple[object, ...], list[Transaction]] = defaultdict(list)
    for t in existing:
        if t.operation in TRADES and t.price > 0:
            booked[t.ticker, t.operation, t.date].append(t)
    groups: dict[tuple[object, ...], list[Pending]] = defaultdict(list)
    for pending, t in _open(rows):
        if t.operation in TRADES and t.price > 0 and not pending.row.option:
            groups[t.ticker, t.operation, t.date, broker_key(t.broker), is_settlement(t), t.origin].append(pending)
    used: set[int] = set()
    for mine in groups.values():
        first = mine[0].transaction
        assert first is not None
        near = [first.date + timedelta(days=n) for n in range(-SETTLEMENT.days, SETTLEMENT.days + 1)]
        others = [
            t
            for day in near
            for t in booked.get((first.ticker, first.operation, day), ())
            if id(t) not in used and _other_telling(t, first)
        ]
        if others:
            _hold_against(mine, first, others, used)


def _other_telling(t: Transaction, new: Transaction) -> bool:
    """Whether a booked trade may be the same as a new one that another statement lists."""
    if t.origin == new.origin or not same_broker(t.broker, new.broker):
        return False
    if is_settlement(new) == is_settlement(t):
        return t.date == new.date
    trade, settled = (t.date, new.date) if is_settlement(new) else (new.date, t.date)
    return trade <= settled <= trade + SETTLEMENT


def _hold_against(mine: list[Pending], first: Transaction, others: list[Transaction], used: set[int]) -> None:
    """Mark the rows of one group that `others` tell: as a whole, fill by fill, or as a part; ask about the rest."""
    by_day: dict[date, list[Transaction]] = defaultdict(list)
    for t in others:
        by_day[t.date].append(t)
    expected = _day_of(first)
    days = sorted(by_day, key=lambda d: (_day_of(by_day[d][0]) != expected, abs((d - first.date).days)))
    whole = next((day for day in days if _sum(by_day[day]).equals(_sum_of(mine))), None)
    if whole is not None:
        _skip_all(mine, by_day[whole], used)
        return
    left = _fill_by_fill(mine, [t for day in days for t in by_day[day]], used)
    same_day = (day for day in days if _day_of(by_day[day][0]) == expected)
    rest = [t for t in by_day[next(same_day, date.min)] if id(t) not in used]
    by_hand = first.origin in BY_HAND or all(t.origin in BY_HAND for t in rest)
    if left and rest and not by_hand:
        _part_or_question(left, first, rest, used)


def _fill_by_fill(mine: Iterable[Pending], others: Iterable[Transaction], used: set[int]) -> list[Pending]:
    """Mark each row that one booked trade equals; returns the others."""
    by_quantity: dict[Decimal, list[Transaction]] = defaultdict(list)
    for t in others:
        by_quantity[t.quantity].append(t)
    left = []
    for pending in mine:
        assert pending.transaction is not None
        equal = by_quantity.get(pending.transaction.quantity, [])
        at = next((i for i, t in enumerate(equal[:50]) if _sum([t]).equals(_sum([pending.transaction]))), None)
        if at is None:
            left.append(pending)
        else:
            _skip_all([pending], [equal.pop(at)], used)
    return left


def _part_or_question(mine: Sequence[Pending], first: Transaction, rest: Sequence[Transaction], used: set[int]) -> None:
    booked, new = _sum(rest), _sum_of(mine)
    if booked.equals(new):
        _skip_all(mine, rest, used)
    elif is_settlement(rest[0]) is not is_settlement(first) and booked.may_hold(new):
        for pending in mine:
            pending.skip(f"part of {_named(rest)}, booked already")
    else:
        message = (
            f"{booked.quantity.normalize():f} at {booked.price:.2f} of that day are booked already ({_named(rest)})"
        )
        for pending in mine:
            pending.ask(
                f"{message}, and this tells {new.quantity.normalize():f} at {new.price:.2f}: is it another trade?"
            )


def _sum(trades: Iterable[Transaction]) -> _Group:
    group = _Group()
    for t in trades:
        group.add(t)
    return group


def _sum_of(rows: Iterable[Pending]) -> _Group:
    return _sum(p.transaction for p in rows if p.transaction is not None)


def _skip_all(mine: Iterable[Pending], booked: Sequence[Transaction], used: set[int]) -> None:
    for pending in mine:
        pending.skip(f"booked already as {_named(booked)}")
    used.update(id(t) for t in booked)


def _named(trades: Sequence[Transaction]) -> str:
    first = trades[0]
    word = "the trade" if len(trades) == 1 else f"the {len(trades)} trades"
    what = "settled on" if is_settlement(first) else "of"
    return f"{word} {what} {first.date:%d/%m/%Y} ({first.origin or 'by hand'})"


def _mark_payments(existing: Sequence[Transaction], rows: Iterable[Pending]) -> None:
    """Each broker lists payments that were confirmed from a known event again, in parts and on its own day."""
    confirmed: dict[str, list[list[object]]] = defaultdict(list)
    for t in existing:
        if t.operation in INCOME and t.origin == PROPOSED:
            confirmed[t.ticker or ""].append([t, t.quantity])
    if not confirmed:
        return
    for pending, t in _open(rows):
        if t.operation not in INCOME or t.origin == PROPOSED:
            continue
        for entry in confirmed.get(t.ticker or "", ()):
            known, left = entry
            assert isinstance(known, Transaction)
            assert isinstance(left, Decimal)
            near = abs(known.date - t.date) <= PAID_NEAR and known.price > 0
            if near and t.quantity <= left and abs(t.price / known.price - 1) <= SAME_PRICE * 10:
                entry[1] = left - t.quantity
                pending.skip(f"confirmed already, of {known.date:%d/%m/%Y}")
                break


def _mark_share_events(existing: Sequence[Transaction], rows: Iterable[Pending]) -> None:
    """A split booked as a ratio appears again as the shares that each broker credited, and the other way round."""
    ratios: dict[str, list[Transaction]] = defaultdict(list)
    counted: dict[str, list[Transaction]] = defaultdict(list)
    for t in existing:
        if t.operation is Operation.SPLIT:
            (ratios if t.shares is None else counted)[t.ticker or ""].append(t)
    seen: Counter[tuple[str, date]] = Counter()
    for pending, t in _open(rows):
        if t.operation is not Operation.SPLIT:
            continue
        if t.shares is not None:
            up = t.shares > 0
            known = [r for r in ratios.get(t.ticker or "", ()) if (r.quantity > 1) is up and _near(r, t)]
        else:
            up = t.quantity > 1
            known = [r for r in counted.get(t.ticker or "", ()) if ((r.shares or 0) > 0) is up and _near(t, r)]
        if known:
            seen[t.ticker or "", known[0].date] += 1
            pending.skip(f"booked already as the split of {known[0].date:%d/%m/%Y}")


def _near(split: Transaction, credit: Transaction) -> bool:
    """Whether shares credited on a day may be those of a split booked by its ratio."""
    return split.date - timedelta(days=5) <= credit.date <= split.date + timedelta(days=30)
