"""Papers that became others, or cash, as the store knows them: put among the booked facts, on their day.

A spin-off takes a part of the cost along (`spin_offs`), a merger the whole; a redemption is a sale to the company. Rows
that brokers booked of them count from the event's day; what no row tells is added. Papers owed go the same ways.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from itertools import groupby

import numpy as np

from invest.domain.market import OWNER, ActionKind, CorporateAction, TickerChange
from invest.domain.portfolios.exchanges.credits import (
    NEAR,
    Credit,
    Due,
    allot,
    slack,
    spill,
    stand_beside,
    with_auctions,
)
from invest.domain.portfolios.exchanges.spin_offs import EARLY, EXACT, LATE, SpinOff, shares_of_cost, spun_off
from invest.domain.portfolios.exchanges.when import (
    MERGES,
    SPINS,
    came_by,
    chose_otherwise,
    exchanges_until,
    fractions_sold,
    is_share_event,
    mergers_of,
    paid_for,
    pays_for,
    tells,
)
from invest.domain.portfolios.known import Known
from invest.domain.portfolios.ledger import DUST, SHARE
from invest.domain.portfolios.portfolio import CENT, REDEEMED, SHORT, ZERO, Operation, Transaction
from invest.domain.portfolios.positions import AUCTION, derive, shares_after
from invest.domain.portfolios.receipts import holdings

Placed = tuple[int, Transaction]  # a fact and its place
DAY = timedelta(days=1)
LAST = 1_000  # place within a day of what happens to a paper after all else: it becomes another
WITHHELD = (Decimal("0.145"), Decimal("0.23"))  # of a gain, by Law 8,981 of 1995, article 21: 15 to 22.5 %
FREE = frozenset({Operation.BONUS, Operation.BUY, Operation.OPENING})  # what tells papers that came for nothing


def with_exchanges(
    transactions: list[Transaction], indices: list[int], known: Known, until: date, remarks: list[str]
) -> list[Transaction]:
    """Give booked exchanges their ex-day (and the part of the cost, where none was told); returns those not booked.

    `transactions` are changed in place; new facts are added at their end with the index -1, further parts of a booked
    row with that row's. `remarks` say what was read differently than booked.
    """
    book = _Exchanges(transactions, indices, known, until, remarks=remarks)
    ordered = sorted(exchanges_until(known, until), key=lambda e: e[:4])
    for (last, order), group in groupby(ordered, key=lambda e: e[:2]):
        mine = [(ticker, event) for _, _, _, ticker, event in group if ticker in book.codes]
        if order == MERGES:
            book.merge([event for _, event in mine if isinstance(event, TickerChange)], last)
            continue
        events = [(ticker, event) for ticker, event in mine if isinstance(event, CorporateAction)]
        if order == SPINS:
            book.spin_off(events, last)
        else:
            for ticker, event in events:
                book.redeem(ticker, event)
    return book.implied


@dataclass(slots=True)
class _Exchanges:
    """The facts of a book while exchanges are put among them; `codes` are the papers that it ever held."""

    transactions: list[Transaction]
    indices: list[int]
    known: Known
    until: date
    implied: list[Transaction] = field(default_factory=list)
    codes: set[str] = field(default_factory=set)
    remarks: list[str] = field(default_factory=list)
    replaced: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.codes = {code for t in self.transactions for code in (t.ticker, t.other) if code}

    def spin_off(self, events: Sequence[tuple[str, CorporateAction]], last: date) -> None:
        """Papers of other companies for what was held on `last`, with their parts of the cost."""
        spun = dict[tuple[str, str], SpinOff]()
        for ticker in dict.fromkeys(ticker for ticker, _ in events):
            held, mine = self._held(ticker, last), [action for name, action in events if name == ticker]
            for action, (share, estimate) in zip(mine, shares_of_cost(mine), strict=True) if held else ():
                other = self.known.paper_on(spun_off(action) or "", last)
                made = SpinOff(ticker, other, Due(ZERO, greedy=True), short=held < 0, origin=action.source[:20])
                one = spun.setdefault((ticker, other), made)
                one.add(action, held, share, estimate)
        booked = list(self.transactions)
        owned = [one for one in spun.values() if not one.short]
        for other in dict.fromkeys(one.other for one in owned):
            self._spin_offs_booked([one for one in owned if one.other == other], last)
        for ticker in dict.fromkeys(one.ticker for one in spun.values()):
            self._carve([one for one in spun.values() if one.ticker == ticker], last, booked)

    def _spin_offs_booked(self, spun: Sequence[SpinOff], last: date) -> None:
        """Find the facts that tell of the spin-offs of one day into one paper."""
        other, dues = spun[0].other, [one.due for one in spun]
        near = [(at, t) for at, t in enumerate(self.transactions) if -EARLY <= t.date - last <= LATE]
        for one in spun:
            naming = [(at, t) for at, t in near if tells(t, Operation.SPIN_OFF, one.ticker, other)]
            for at, t in naming:
                spill(Credit(at, t.quantity), one.due, dues)
            one.read_parts([t for _, t in naming])
        priced = [(at, t) for at, t in near if t.ticker == other and t.price]
        for at, t in priced:
            if t.operation is Operation.OPENING:
                self._opening(spun, at, t, last)
        bonuses = [(at, t) for at, t in priced if t.operation is Operation.BONUS and not self._may_be_bonus(t)]
        stand_beside([Credit(at, t.quantity) for at, t in bonuses], dues)
        free = [(at, t) for at, t in near if t.ticker == other and t.operation in FREE and not t.price]
        free = self._without_mergers(free, sum((due.left for due in dues), ZERO), other, last)
        allot([Credit(at, self._then(t, last, dues), not self._may_be_bonus(t)) for at, t in free], dues)
        with_auctions(dues, fractions_sold(self.transactions, other, last))

    def _without_mergers(self, free: Sequence[Placed], left: Decimal, other: str, last: date) -> list[Placed]:
        """The credits, one that tells what mergers of the same day gave of `other` as well in two parts."""
        day = (c for mine in mergers_of(self.known).values() for c in mine if c.changed_on == last + DAY)
        mine = [c for c in day if self.known.paper_on(c.new, c.changed_on) == other]
        merged = sum((max(ZERO, self._held_through_splits(c.old, last)) * c.ratio for c in mine), ZERO)
        parts = list[Placed]()
        for at, t in free:
            if ZERO < left < t.quantity and merged > 0 and abs(t.quantity - left - merged) <= slack(merged):
                self.transactions[at] = t.model_copy(update={"quantity": left})
                self._append(t.model_copy(update={"quantity": t.quantity - left}), self.indices[at])
            parts.append((at, self.transactions[at]))
        return parts

    def _opening(self, spun: Sequence[SpinOff], at: int, t: Transaction, last: date) -> None:
        """An opening position of the new paper tells its cost: it left the cost of the old ones, in their order."""
        missing, left = [one for one in spun if one.due.missing > 0], t.quantity
        for one in missing:
            due = one.due.left
            quantity = left if one is missing[-1] and left <= due + slack(due) else min(left, due)
            if quantity <= 0:
                break
            position = derive(u for u in self.transactions if u.date <= last).positions.get(one.ticker)
            cost, worth = position.cost if position else ZERO, (t.amount + t.fees) * quantity / t.quantity
            one.due.take(at, quantity)
            left -= quantity
            if ZERO < worth < cost:
                one.own_parts[at] = worth / cost
            else:
                self.remarks.append(
                    f"{t.ticker}: its opening position of {t.date} costs more than the {one.ticker} that it was spun "
                    f"off from; it counts with {one.share:.2%} of that cost"
                )
        if missing and left > 0:
            rest = t.model_copy(update={"quantity": left, "fees": (t.fees * left / t.quantity).quantize(SHARE)})
            self._append(rest, self.indices[at])

    def _carve(self, spun: Sequence[SpinOff], last: date, booked: Sequence[Transaction]) -> None:
        """Put the spin-offs of one paper among the facts: each takes its part of the cost that the ones before left."""
        left, place = Decimal(1), 0
        for one in spun:
            if not one.short and one.due.whole > 0:
                self.remarks.append(
                    f"{one.other}: {one.part:.2%} of the cost of {one.ticker} went with the spin-off of {last + DAY}, "
                    f"{one.basis}"
                )
            for at, quantity, share in one.facts():
                made = Transaction(
                    date=last + DAY,
                    ticker=one.ticker,
                    operation=Operation.SPIN_OFF,
                    quantity=quantity.quantize(SHARE),
                    price=share.quantize(SHARE),
                    other=one.other,
                    note=f"{SHORT}: spin_off" if one.short else f"spin_off; {one.basis}"[:500],
                    origin=one.origin,
                    place=place,
                )
                fact = made.model_copy(update={"price": min(Decimal(1), share / left).quantize(SHARE)})
                left, place = max(EXACT, left - share), place + 1
                if at is None:
                    self.implied.append(made)
                    self._append(fact, -1)
                else:
                    t = booked[at]
                    kept = {"note": one.noted(t.note), "origin": t.origin, "broker": t.broker, "id": t.id}
                    self._put(at, fact.model_copy(update=kept))

    def merge(self, changes: Sequence[TickerChange], last: date) -> None:
        """Papers end, and become others at the same cost; what was paid in cash lowers it."""
        merged = list[tuple[TickerChange, Decimal, Due]]()
        for change in changes:
            held = self._held_through_splits(change.old, last)
            if held:
                into = self.known.paper_on(change.new, change.changed_on)
                gone = change.model_copy(update={"new": into})
                merged.append((gone, held, Due(abs(held) * change.ratio)))
        for other in dict.fromkeys(change.new for change, _, _ in merged):
            self._conversions_booked([one for one in merged if one[0].new == other and one[1] > 0])
        booked = list(self.transactions)
        for change, held, due in merged:
            own = any(chose_otherwise(booked[at], came, change) for at, came in due.rows)
            self._exchange(change, held, due, booked)
            if not own:  # whoever took more papers instead, or less, books the cash by hand
                self._pay(change, held, last)

    def _exchange(self, change: TickerChange, held: Decimal, due: Due, booked: Sequence[Transaction]) -> None:
        """Put a merger among the facts: the rows that tell of it, and what none tells."""
        fact = {
            "date": change.changed_on, "ticker": change.old, "operation": Operation.CONVERSION, "price": ZERO,
            "other": change.new, "place": LAST,
        }  # fmt: skip
        gone = ZERO
        for n, (at, came) in enumerate(due.rows):
            t = booked[at]
            if tells(t, Operation.CONVERSION, change.old, change.new):
                old = t.quantity
            elif n == len(due.rows) - 1 and not due.open:
                old = held - gone
            else:
                old = min(held - gone, (came / change.ratio).quantize(SHARE))
            if old > 0:
                gone += old
                self._put(at, t.model_copy(update={**fact, "quantity": old, "shares": came}))
        rest = abs(held) - gone
        if rest > max(DUST, abs(held) * NEAR):
            more = {"note": f"{SHORT}: merger" if held < 0 else "merger", "origin": change.source[:20]}
            came = (rest * change.ratio).quantize(SHARE)
            self._add(Transaction.model_validate({**fact, **more, "quantity": rest, "shares": came}))

    def _pay(self, change: TickerChange, held: Decimal, last: date) -> None:
        """The part of a merger in cash: it lowers the cost of what came, or the proceeds of what is owed."""
        cash = next((a for a in self.known.actions.get(change.old, ()) if pays_for(a, last)), None)
        if cash is None:
            return
        day = max(change.changed_on, cash.payment_date or change.changed_on)
        left = abs(held) if held < 0 else held - paid_for(self.transactions, change, cash, held)
        if day <= self.until and left > abs(held) * NEAR:
            note = "merger, its part in cash"
            self._add(
                Transaction(
                    date=day,
                    ticker=change.new,
                    operation=Operation.AMORTISATION,
                    quantity=left.quantize(SHARE),
                    price=cash.amount or ZERO,
                    note=f"{SHORT}: {note}" if held < 0 else note,
                    origin=cash.source[:20],
                )
            )

    def redeem(self, ticker: str, action: CorporateAction) -> None:
        """The company buys the whole paper back: a sale at what it pays. Nothing where it goes on being traded.

        Without prices, and in its first days, the owner alone is believed: companies redeem a part too.
        """
        bars, settled = self.known.bars.get(ticker), action.last_date_with + EARLY
        silent = bars is None or not len(bars) or bool(bars.days[-1] <= np.datetime64(settled, "D"))
        shown = bars is not None and len(bars) > 0 and settled < self.until
        if not silent or not (shown or action.source == OWNER):
            return
        day = max(action.last_date_with + DAY, action.payment_date or date.min)
        self._name_redemptions(ticker, action, day + LATE)
        held, later = self._held(ticker, action.last_date_with), self._held(ticker, day + LATE)
        held = min(held, later) if held > 0 else max(held, later)
        if held and day <= self.until and (held > 0) == (later > 0):
            self._add(
                Transaction(
                    date=day,
                    ticker=ticker,
                    operation=Operation.SELL if held > 0 else Operation.BUY,
                    quantity=abs(held),
                    price=action.amount or ZERO,
                    note=REDEEMED,
                    origin=action.source[:20],
                )
            )

    def _name_redemptions(self, ticker: str, action: CorporateAction, until: date) -> None:
        """Say of booked sales that they are the redemption: at its price, when the paper was traded no more.

        One at what was left after tax counts at the whole price, and the tax as withheld: it is an advance, no cost.
        """
        bars, last, paid = self.known.bars.get(ticker), action.last_date_with, action.amount or ZERO
        traded = bars.days[-1].item() if bars is not None and len(bars) else last
        for at, t in enumerate(list(self.transactions)):
            if t.operation is not Operation.SELL or t.ticker != ticker or t.note == AUCTION or t.short:
                continue
            if not max(traded, last) < t.date <= until:
                continue
            note = f"{REDEEMED}: {t.note}"[:500] if t.note else REDEEMED
            withheld = self._withheld(t, paid)
            if withheld:
                self.transactions[at] = t.model_copy(update={"note": note, "price": paid})
                tax = {"operation": Operation.TAX, "quantity": Decimal(1), "price": withheld}
                self._append(t.model_copy(update={**tax, "note": note, "fees": ZERO}), self.indices[at])
                self.remarks.append(
                    f"{ticker}: the redemption of {t.date} is booked after tax; it counts at R$ {paid:.2f} a share, "
                    f"with R$ {withheld:.2f} withheld"
                )
            elif abs(t.price - paid) <= paid * NEAR:
                self.transactions[at] = t.model_copy(update={"note": note})

    def _withheld(self, t: Transaction, paid: Decimal) -> Decimal:
        """What lacks of the redemption's price in a booked sale, where it is the income tax on the gain; else 0."""
        position = derive(u for u in self.transactions if u.date < t.date).positions.get(t.ticker or "")
        average = position.average_price if position is not None else None
        if average is None or not paid - t.price > ZERO or paid <= average:
            return ZERO
        part = (paid - t.price) / (paid - average)
        return ((paid - t.price) * t.quantity).quantize(CENT) if WITHHELD[0] <= part <= WITHHELD[1] else ZERO

    def _held(self, ticker: str, day: date) -> Decimal:
        steps = holdings(self.transactions, {ticker}).get(ticker)
        return steps.on(day) if steps else ZERO

    def _held_through_splits(self, ticker: str, day: date) -> Decimal:
        """What was held on `day`, in papers as they are after the splits of the next: a merger is of those."""
        held = self._held(ticker, day)
        splits = (
            t for t in self.transactions if (t.ticker, t.date, t.operation) == (ticker, day + DAY, Operation.SPLIT)
        )
        for t in splits:
            held = shares_after(held, t)
        return held

    def _add(self, made: Transaction) -> None:
        self.implied.append(made)
        self._append(made, -1)

    def _append(self, made: Transaction, index: int) -> None:
        self.transactions.append(made)
        self.indices.append(index)
        self.codes |= {code for code in (made.ticker, made.other) if code}

    def _put(self, at: int, made: Transaction) -> None:
        """Put what a booked row tells in its place; the second exchange that one row tells beside the first."""
        if at in self.replaced:
            self._append(made, self.indices[at])
            return
        self.replaced.add(at)
        self.transactions[at] = made
        self.codes |= {code for code in (made.ticker, made.other) if code}

    def _then(self, t: Transaction, last: date, dues: Sequence[Due]) -> Decimal:
        """How many papers a credit told when the exchange took place: it may be late, and the paper split meanwhile."""
        ratio = Decimal(1)
        for action in self.known.actions.get(t.ticker or "", ()):
            if last < action.last_date_with < t.date and action.factor and is_share_event(action):
                ratio *= action.factor
        whole = [*(due.left for due in dues), sum((due.left for due in dues), ZERO)]
        of_then = any(abs(t.quantity - one) <= slack(one) for one in whole)
        return t.quantity if of_then or ratio == 1 else (t.quantity / ratio).quantize(SHARE)

    def _conversions_booked(self, merged: Sequence[tuple[TickerChange, Decimal, Due]]) -> None:
        """Find the facts that tell of the mergers of one day into one paper."""
        if not merged:
            return
        day, new, dues = merged[0][0].changed_on, merged[0][0].new, [due for _, _, due in merged]
        near = [(at, t) for at, t in enumerate(self.transactions) if -EARLY <= t.date - day <= LATE]
        for change, held, due in merged:
            gone = ZERO
            for at, t in near:  # by the old papers: an offer that its owner chose gives other new ones than are due
                if tells(t, Operation.CONVERSION, change.old, new) and gone < held:
                    due.take(at, came_by(t))
                    gone += t.quantity
        free = [(at, t) for at, t in near if t.ticker == new and t.operation in FREE and not t.price]
        allot([Credit(at, self._then(t, day - DAY, dues), True) for at, t in free if not self._is_bonus(t)], dues)
        with_auctions(dues, fractions_sold(self.transactions, new, day))

    def _is_bonus(self, t: Transaction) -> bool:
        """Whether it is a bonus of its own paper, which stands at its ex-day once it was matched to the known one."""
        bonuses = (a for a in self.known.actions.get(t.ticker or "", ()) if a.kind is ActionKind.BONUS)
        return t.operation is Operation.BONUS and any(t.date == a.last_date_with + DAY for a in bonuses)

    def _may_be_bonus(self, t: Transaction) -> bool:
        """Whether a bonus of its own paper is known that it may tell."""
        bonuses = (a for a in self.known.actions.get(t.ticker or "", ()) if a.kind is ActionKind.BONUS)
        return t.operation is Operation.BONUS and any(-EARLY <= t.date - a.last_date_with <= LATE for a in bonuses)
