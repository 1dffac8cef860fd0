"""Papers that became others, or cash, as the store knows them: spin-offs, mergers, redemptions.

Of a spin-off the part of the cost that goes with the new papers is what the price lost (1 - `price_factor` of the
event); what its owner booked with a part of their own stays. A merger moves the whole cost; a redemption is a sale.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

import numpy as np

from invest.domain.market import OWNER, ActionKind, CorporateAction, InvalidTicker, TickerChange, parse_ticker
from invest.domain.portfolios.known import Known
from invest.domain.portfolios.ledger import DUST, SHARE
from invest.domain.portfolios.portfolio import NEEDS_OTHER, REDEEMED, ZERO, Operation, Transaction
from invest.domain.portfolios.positions import AUCTION
from invest.domain.portfolios.receipts import holdings

EARLY = timedelta(days=5)
LATE = timedelta(days=60)  # papers of a spin-off or a merger are credited weeks after the ex-day
NEAR = Decimal("0.02")  # a credit this near to the expected one is the event's
DAY = timedelta(days=1)
LAST = 1_000  # place within a day of what happens to a paper after all else: it becomes another
FREE = frozenset({Operation.BONUS, Operation.BUY, Operation.OPENING})  # what tells papers that came for nothing


def spun_off(action: CorporateAction) -> str | None:
    """The code of the papers that a spin-off gives, where its terms are known; None else."""
    terms = (action.ratio, action.price_factor)
    if action.kind is not ActionKind.SPIN_OFF or action.other is None or None in terms:
        return None
    if not (action.ratio or ZERO) > 0 or not 0 < (action.price_factor or ZERO) < 1:
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
            given = Transaction.model_construct(
                date=t.date, ticker=t.other, operation=Operation.OPENING, quantity=quantity, price=ZERO
            )
            came.setdefault(t.other, []).append(given)
    return came


def with_exchanges(transactions: list[Transaction], indices: list[int], known: Known, until: date) -> list[Transaction]:
    """Give booked exchanges their ex-day (and the part of the cost, where none was told); returns those not booked.

    `transactions` are changed in place; the new facts are added at their end with the index -1.
    """
    book = _Exchanges(transactions, indices, known, until)
    for last, _, place, ticker, event in sorted(_events(known, until), key=lambda e: e[:4]):
        if ticker not in book.codes:
            continue
        if isinstance(event, TickerChange):
            book.merge(event, last)
        elif event.kind is ActionKind.REDEMPTION:
            book.redeem(ticker, event)
        else:
            book.spin_off(ticker, event, place)
    return book.implied


def _events(known: Known, until: date) -> Iterator[tuple[date, int, int, str, CorporateAction | TickerChange]]:
    """(last day before it, order within a day, place of its source, paper, event): spin-offs go before mergers."""
    for ticker, actions in known.actions.items():
        for place, action in enumerate(actions):
            if action.last_date_with >= until:
                continue
            if spun_off(action) is not None:
                yield action.last_date_with, 0, place, ticker, action
            elif action.kind is ActionKind.REDEMPTION and (action.amount or ZERO) > 0:
                yield action.last_date_with, 2, place, ticker, action
    for ticker, changes in mergers_of(known).items():
        for change in changes:
            if change.changed_on <= until:
                yield change.changed_on - DAY, 1, 0, ticker, change


@dataclass(slots=True)
class _Exchanges:
    """The facts of a book while exchanges are put among them; `codes` are the papers that it ever held."""

    transactions: list[Transaction]
    indices: list[int]
    known: Known
    until: date
    implied: list[Transaction] = field(default_factory=list)
    codes: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.codes = {code for t in self.transactions for code in (t.ticker, t.other) if code}

    def spin_off(self, ticker: str, action: CorporateAction, place: int) -> None:
        """Papers of another company for what was held, with their part of the cost."""
        held, given = self._held(ticker, action.last_date_with), spun_off(action)
        if held <= 0 or given is None:
            return
        other = self.known.paper_on(given, action.last_date_with)
        made = Transaction(
            date=action.last_date_with + DAY,
            ticker=ticker,
            operation=Operation.SPIN_OFF,
            quantity=(held * (action.ratio or ZERO)).quantize(SHARE),
            price=(1 - (action.price_factor or ZERO)).quantize(SHARE),
            other=other,
            note="spin_off",
            origin=action.source[:20],
            place=place,
        )
        if not self._spin_off_booked(made, action):
            self._add(made)

    def merge(self, change: TickerChange, last: date) -> None:
        """The paper ends, and becomes another at the same cost; what was paid in cash lowers it."""
        held = self._held(change.old, last)
        if held <= 0:
            return
        change = change.model_copy(update={"new": self.known.paper_on(change.new, change.changed_on)})
        left = held - self._conversions_booked(change, held)
        if left > max(DUST, held * NEAR):
            made = Transaction(
                date=change.changed_on,
                ticker=change.old,
                operation=Operation.CONVERSION,
                quantity=left,
                price=ZERO,
                other=change.new,
                shares=(left * change.ratio).quantize(SHARE),
                note="merger",
                origin=change.source[:20],
                place=LAST,
            )
            self._add(made)
        cash = next((a for a in self.known.actions.get(change.old, ()) if _pays_for(a, last)), None)
        if cash is None:
            return
        day = max(change.changed_on, cash.payment_date or change.changed_on)
        if day <= self.until and not self._paid(change, cash, held):
            self._add(
                Transaction(
                    date=day,
                    ticker=change.new,
                    operation=Operation.AMORTISATION,
                    quantity=held,
                    price=cash.amount or ZERO,
                    note="merger, its part in cash",
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
        held = min(self._held(ticker, action.last_date_with), self._held(ticker, day + LATE))
        if held > 0 and day <= self.until:
            self._add(
                Transaction(
                    date=day,
                    ticker=ticker,
                    operation=Operation.SELL,
                    quantity=held,
                    price=action.amount or ZERO,
                    note=REDEEMED,
                    origin=action.source[:20],
                )
            )

    def _name_redemptions(self, ticker: str, action: CorporateAction, until: date) -> None:
        """Say of booked sales that they are the redemption: at its price, when the paper was traded no more."""
        bars, last, paid = self.known.bars.get(ticker), action.last_date_with, action.amount or ZERO
        traded = bars.days[-1].item() if bars is not None and len(bars) else last
        for at, t in enumerate(self.transactions):
            if t.operation is not Operation.SELL or t.ticker != ticker or t.note == AUCTION or t.short:
                continue
            if max(traded, last) < t.date <= until and abs(t.price - paid) <= paid * NEAR:
                note = f"{REDEEMED}: {t.note}"[:500] if t.note else REDEEMED
                self.transactions[at] = t.model_copy(update={"note": note})

    def _held(self, ticker: str, day: date) -> Decimal:
        steps = holdings(self.transactions, {ticker}).get(ticker)
        return steps.on(day) if steps else ZERO

    def _add(self, made: Transaction) -> None:
        self.implied.append(made)
        self.transactions.append(made)
        self.indices.append(-1)
        self.codes |= {code for code in (made.ticker, made.other) if code}

    def _spin_off_booked(self, made: Transaction, action: CorporateAction) -> bool:
        """Whether a fact tells this spin-off; what tells it gets its ex-day."""
        for at, t in enumerate(self.transactions):
            if not -EARLY <= t.date - action.last_date_with <= LATE:
                continue
            if t.operation is Operation.SPIN_OFF and (t.ticker, t.other) == (made.ticker, made.other):
                changes = {"date": made.date, "price": t.price or made.price, "place": made.place}
                self.transactions[at] = t.model_copy(update=changes)
                return True
            if t.ticker != made.other:
                continue
            if t.operation in FREE and not t.price:
                if abs(t.quantity - made.quantity) > max(Decimal(1), made.quantity * NEAR) and self._may_be_bonus(t):
                    continue
                changes = {"quantity": t.quantity, "note": t.note, "origin": t.origin, "broker": t.broker, "id": t.id}
                self.transactions[at] = made.model_copy(update=changes)
                return True
            if t.operation is Operation.OPENING:
                return True
        return False

    def _conversions_booked(self, change: TickerChange, held: Decimal) -> Decimal:
        """Of how many of the old papers a fact tells that they were exchanged; what tells it gets its ex-day."""
        booked = ZERO
        for at, t in enumerate(self.transactions):
            if not -EARLY <= t.date - change.changed_on <= LATE or booked >= held:
                continue
            if t.operation is Operation.CONVERSION and (t.ticker, t.other) == (change.old, change.new):
                booked += t.quantity
                self.transactions[at] = t.model_copy(update={"date": change.changed_on, "place": LAST})
            elif t.ticker == change.new and t.operation in FREE and not t.price and not self._is_bonus(t):
                gone = min(t.quantity / change.ratio, held - booked)
                if abs(gone * change.ratio - t.quantity) > max(Decimal(1), t.quantity * NEAR):
                    continue
                gone = held - booked if abs(held - booked - gone) * change.ratio < 1 else gone.quantize(SHARE)
                booked += gone
                self.transactions[at] = t.model_copy(
                    update={
                        "date": change.changed_on, "ticker": change.old, "operation": Operation.CONVERSION,
                        "quantity": gone, "other": change.new, "shares": t.quantity, "place": LAST,
                    }
                )  # fmt: skip
        return booked

    def _is_bonus(self, t: Transaction) -> bool:
        """Whether it is a bonus of its own paper, which stands at its ex-day once it was matched to the known one."""
        bonuses = (a for a in self.known.actions.get(t.ticker or "", ()) if a.kind is ActionKind.BONUS)
        return t.operation is Operation.BONUS and any(t.date == a.last_date_with + DAY for a in bonuses)

    def _may_be_bonus(self, t: Transaction) -> bool:
        """Whether a bonus of its own paper is known that it may tell."""
        bonuses = (a for a in self.known.actions.get(t.ticker or "", ()) if a.kind is ActionKind.BONUS)
        return t.operation is Operation.BONUS and any(-EARLY <= t.date - a.last_date_with <= LATE for a in bonuses)

    def _paid(self, change: TickerChange, cash: CorporateAction, held: Decimal) -> bool:
        """Whether a fact tells the part in cash: about the same sum, of either paper."""
        due, day = held * (cash.amount or ZERO), cash.payment_date or change.changed_on
        return any(
            t.operation in (Operation.AMORTISATION, Operation.DIVIDEND) and t.ticker in (change.old, change.new)
            and -EARLY <= t.date - day <= LATE and abs(t.amount - due) <= due * NEAR
            for t in self.transactions
        )  # fmt: skip


def _pays_for(action: CorporateAction, last: date) -> bool:
    return action.kind is ActionKind.MERGER and action.last_date_with == last and (action.amount or ZERO) > 0
