"""Positions derived from transactions: average cost, realised gains, income; a sale beyond the position is refused.

Within one day the order is: splits, purchases, income and fees, sales, since a transaction carries no time of day.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from hashlib import sha256

from invest.domain.portfolios.portfolio import Operation, Transaction

ZERO = Decimal(0)
DUST = Decimal("1e-8")  # what is left of a position below this is rounding, not shares
SHARE = Decimal("1e-8")
ORDER = {
    Operation.SPLIT: 0,
    Operation.BUY: 1,
    Operation.DIVIDEND: 2,
    Operation.JCP: 2,
    Operation.FEE: 3,
    Operation.SELL: 4,
}


@dataclass(slots=True)
class Position:
    """One holding, BRL. `cost` is what the shares held now were bought for; income and fees are sums so far."""

    ticker: str
    quantity: Decimal = ZERO
    cost: Decimal = ZERO
    realized_gain: Decimal = ZERO
    income: Decimal = ZERO
    fees: Decimal = ZERO
    bought: Decimal = ZERO
    sold: Decimal = ZERO
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


@dataclass(slots=True)
class Book:
    """Positions by ticker, what belongs to no asset, and what could not be booked."""

    positions: dict[str, Position] = field(default_factory=dict)
    account_fees: Decimal = ZERO
    refused: list[Refusal] = field(default_factory=list)

    @property
    def held(self) -> dict[str, Position]:
        """The positions with shares."""
        return {ticker: p for ticker, p in self.positions.items() if p.open}

    def apply(self, transaction: Transaction) -> str | None:
        """Book one transaction; returns why it cannot be, and then changes nothing."""
        ticker = transaction.ticker
        if ticker is None:
            if transaction.operation is not Operation.FEE:
                return f"a {transaction.operation} needs a ticker"
            self.account_fees += transaction.quantity * transaction.price
            return None
        position = self.positions.get(ticker) or Position(ticker)
        reason = _book(position, transaction)
        if reason is None:
            self.positions[ticker] = position
            position.first_day = position.first_day or transaction.date
            position.last_day = transaction.date
        return reason


def derive(transactions: Iterable[Transaction]) -> Book:
    """The book after all `transactions`, whatever order they come in; those that cannot be booked are left out."""
    book = Book()
    for index, transaction in in_order(transactions):
        if reason := book.apply(transaction):
            book.refused.append(Refusal(index, reason))
    book.refused.sort(key=lambda r: r.index)
    return book


def in_order(transactions: Iterable[Transaction]) -> list[tuple[int, Transaction]]:
    """Transactions with their places, sorted by day and, within it, by what must come first."""
    return sorted(enumerate(transactions), key=lambda pair: (pair[1].date, ORDER[pair[1].operation], pair[0]))


def _book(position: Position, transaction: Transaction) -> str | None:
    quantity, amount = transaction.quantity, transaction.quantity * transaction.price
    match transaction.operation:
        case Operation.BUY:
            position.quantity += quantity
            position.cost += amount
            position.bought += amount
        case Operation.SELL:
            return _sell(position, quantity, amount, transaction.date)
        case Operation.SPLIT:
            return _split(position, quantity, transaction.date)
        case Operation.FEE:
            position.fees += amount
        case _:
            position.income += amount
    return None


def _sell(position: Position, quantity: Decimal, amount: Decimal, day: date) -> str | None:
    if quantity > position.quantity:
        held = f"{position.quantity.normalize():f}"
        return f"sells {quantity.normalize():f} {position.ticker} on {day}, but only {held} are held then"
    rest = position.quantity - quantity
    rest = ZERO if rest < DUST else rest
    cost_sold = position.cost if not rest else position.cost * quantity / position.quantity
    position.quantity = rest
    position.cost = position.cost - cost_sold if rest else ZERO
    position.sold += amount
    position.realized_gain += amount - cost_sold
    return None


def _split(position: Position, ratio: Decimal, day: date) -> str | None:
    if not position.open:
        return f"splits {position.ticker} on {day}, but none is held then"
    position.quantity = (position.quantity * ratio).quantize(SHARE).normalize()
    return None


def natural_key(transaction: Transaction) -> str:
    """What makes two transactions the same fact, however their figures were written: ``30,00`` is ``30``."""
    quantity, price = transaction.quantity.normalize(), transaction.price.normalize()
    return f"{transaction.date}|{transaction.ticker or ''}|{transaction.operation}|{quantity:f}|{price:f}"


def row_hashes(transactions: Sequence[Transaction], taken: Iterable[str] = ()) -> list[str]:
    """A hash per transaction; equal ones count up, so that two purchases alike are two, and a repeated file is none.

    `taken`: hashes that are in use and must not be given again (for adding the same fact once more on purpose).
    """
    used = set(taken)
    seen: Counter[str] = Counter()
    hashes = []
    for transaction in transactions:
        key = natural_key(transaction)
        while True:
            seen[key] += 1
            digest = sha256(f"{key}|{seen[key]}".encode()).hexdigest()
            if digest not in used:
                break
        hashes.append(digest)
    return hashes
