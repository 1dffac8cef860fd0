"""The state of a book: positions, what was refused, the journal of what each fact did; what share events do to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from invest.domain.portfolios.portfolio import ZERO, Operation, Transaction, tidy

SHARE = Decimal("1e-8")
DUST = Decimal("1e-8")  # what is left of a position below this is rounding, not shares


@dataclass(slots=True)
class Position:
    """One holding, BRL. `cost` is what the shares held now were bought for, costs of the trades included.

    `bought` and `sold` are what was paid and received, costs included; `income` and `fees` (all costs, those of trades
    too) are sums so far; `day_trades` is the part of `realized_gain` that was opened and closed within a day.
    """

    ticker: str
    quantity: Decimal = ZERO
    cost: Decimal = ZERO
    realized_gain: Decimal = ZERO
    income: Decimal = ZERO
    fees: Decimal = ZERO
    bought: Decimal = ZERO
    sold: Decimal = ZERO
    day_trades: Decimal = ZERO
    returned: Decimal = ZERO
    loose_fees: Decimal = ZERO
    first_day: date | None = None
    last_day: date | None = None

    @property
    def average_price(self) -> Decimal | None:
        """Cost per share held, or None where nothing is held."""
        return self.cost / self.quantity if self.quantity else None

    @property
    def open(self) -> bool:
        """Whether shares are held."""
        return self.quantity > 0


@dataclass(frozen=True, slots=True)
class Refusal:
    """A transaction that cannot be booked: its place in the given order, and why."""

    index: int
    reason: str


class Fact(NamedTuple):
    """The fact that an `Entry` books."""

    day: date
    kind: str
    quantity: Decimal
    gross: Decimal
    costs: Decimal
    cost: Decimal
    result: Decimal
    facts: tuple[Transaction, ...]


class Entry(NamedTuple):
    """What one fact did to a position: the derivation behind every figure of gains and tax. BRL and shares.

    `kind` is an operation, or "day_trade". `gross` before costs, `cost` what left (a sale) or entered the position,
    `result` the gain realised. `held` and `held_cost` before it. `facts` are the transactions it follows from.
    """

    ticker: str
    held: Decimal
    held_cost: Decimal
    day: date
    kind: str
    quantity: Decimal
    gross: Decimal
    costs: Decimal
    cost: Decimal
    result: Decimal
    facts: tuple[Transaction, ...]


@dataclass(slots=True)
class Ledger:
    """Positions by ticker, what belongs to no asset, and what could not be booked.

    `pending`: share events booked before anything was held, which count once the purchases are known.
    """

    positions: dict[str, Position] = field(default_factory=dict)
    account_fees: Decimal = ZERO
    taxes: Decimal = ZERO
    refused: list[Refusal] = field(default_factory=list)
    pending: list[Refusal] = field(default_factory=list)
    journal: list[Entry] = field(default_factory=list)
    rights: dict[str, Decimal] = field(default_factory=dict)

    @property
    def held(self) -> dict[str, Position]:
        """The positions with shares."""
        return {ticker: p for ticker, p in self.positions.items() if p.open}

    def position_of(self, ticker: str, day: date) -> Position:
        """The position of an asset, touched on `day`; made where there is none."""
        position = self.positions.get(ticker)
        if position is None:
            position = self.positions[ticker] = Position(ticker)
        position.first_day = position.first_day or day
        position.last_day = day
        return position

    def quantity_of(self, ticker: str) -> Decimal:
        """Shares held now."""
        position = self.positions.get(ticker)
        return position.quantity if position else ZERO

    @staticmethod
    def leave(position: Position, quantity: Decimal) -> Decimal:
        """Take shares out at the average cost; returns their cost."""
        rest = position.quantity - quantity
        rest = ZERO if rest < DUST else rest
        cost = position.cost if not rest else position.cost * quantity / position.quantity
        position.quantity = rest
        position.cost = position.cost - cost if rest else ZERO
        return cost

    def note(self, position: Position, fact: Fact, *, before: tuple[Decimal, Decimal] | None = None) -> None:
        """Write down what one fact did to a position; `before`: shares and cost it had, where they changed already."""
        held, held_cost = before or (position.quantity, position.cost)
        self.journal.append(Entry(position.ticker, held, held_cost, *fact))


def _split(book: Ledger, t: Transaction) -> str | None:
    held = book.quantity_of(t.ticker or "")
    if held <= 0:
        return f"splits {t.ticker} on {t.date}, but none is held then"
    after = held + t.shares if t.shares is not None else tidy((held * t.quantity).quantize(SHARE))
    if after <= 0:
        return f"takes {_plain(abs(t.shares or ZERO))} {t.ticker} on {t.date}, but only {_plain(held)} are held then"
    position = book.position_of(t.ticker or "", t.date)
    book.note(position, Fact(t.date, "split", after - held, ZERO, ZERO, ZERO, ZERO, (t,)))
    position.quantity = after
    return None


def _came(book: Ledger, t: Transaction) -> str | None:
    """A bonus or an opening position: shares with a cost, and no money moved."""
    position = book.position_of(t.ticker or "", t.date)
    cost = t.amount + t.fees
    book.note(position, Fact(t.date, str(t.operation), t.quantity, t.amount, t.fees, cost, ZERO, (t,)))
    position.quantity += t.quantity
    position.cost += cost
    if t.operation is Operation.OPENING:
        position.bought += cost
    return None


def _subscribe(book: Ledger, t: Transaction) -> str | None:
    """New shares (or their receipts) for money; what the right had cost goes with them."""
    position = book.position_of(t.ticker or "", t.date)
    right = book.rights.pop(_root(t.ticker), ZERO)
    cost = t.amount + t.fees + right
    book.note(position, Fact(t.date, "subscription", t.quantity, t.amount, t.fees, cost, ZERO, (t,)))
    position.quantity += t.quantity
    position.cost += cost
    position.bought += t.amount + t.fees
    position.fees += t.fees
    return None


def _exercise(book: Ledger, t: Transaction) -> str | None:
    """A right is used up, or lapses: it leaves, and its cost waits for the shares of the same issuer."""
    held = book.quantity_of(t.ticker or "")
    if held <= 0:
        return None  # a right that was never booked cost nothing
    position = book.position_of(t.ticker or "", t.date)
    cost = book.leave(position, min(t.quantity, held))
    book.rights[_root(t.ticker)] = book.rights.get(_root(t.ticker), ZERO) + cost
    return None


def _convert(book: Ledger, t: Transaction) -> str | None:
    held = book.quantity_of(t.ticker or "")
    if t.other is None:
        return "a conversion needs what it gives (`other`)"
    if t.quantity > held:
        return f"turns {_plain(t.quantity)} {t.ticker} into {t.other}, but only {_plain(held)} are held then"
    position = book.position_of(t.ticker or "", t.date)
    cost = book.leave(position, t.quantity)
    target = book.position_of(t.other, t.date)
    came = t.shares if t.shares is not None else t.quantity
    book.note(target, Fact(t.date, "conversion", came, ZERO, ZERO, cost, ZERO, (t,)))
    target.quantity += came
    target.cost += cost
    return None


def _spin_off(book: Ledger, t: Transaction) -> str | None:
    held = book.quantity_of(t.ticker or "")
    if t.other is None or held <= 0:
        return f"a spin-off of {t.ticker} needs what came (`other`), and shares held then"
    if t.price > 1:
        return "the price of a spin-off is the fraction of the cost that goes with it, from 0 to 1"
    position, target = book.position_of(t.ticker or "", t.date), book.position_of(t.other, t.date)
    cost = position.cost * t.price
    book.note(target, Fact(t.date, "spin_off", t.quantity, ZERO, ZERO, cost, ZERO, (t,)))
    position.cost -= cost
    target.quantity += t.quantity
    target.cost += cost
    return None


SHARE_FACTS: dict[Operation, Callable[[Ledger, Transaction], str | None]] = {
    Operation.SPLIT: _split,
    Operation.BONUS: _came,
    Operation.OPENING: _came,
    Operation.SUBSCRIPTION: _subscribe,
    Operation.EXERCISE: _exercise,
    Operation.CONVERSION: _convert,
    Operation.SPIN_OFF: _spin_off,
}


def _root(ticker: str | None) -> str:
    return (ticker or "")[:4]


def _plain(figure: Decimal) -> str:
    return f"{figure.normalize():f}"
