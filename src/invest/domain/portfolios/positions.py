"""Positions derived from transactions: average cost, realised gains, income; a sale beyond the position is refused.

Within one day the order is: share events, purchases, income and fees, sales, since a transaction carries no time of
day. What was bought and sold on one day at one broker is a day trade: it never touches the average cost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from itertools import groupby

from invest.domain.portfolios.fills import Fill, Pair, fills_of, paired
from invest.domain.portfolios.identity import natural_key, row_hashes
from invest.domain.portfolios.portfolio import WITHOUT_TICKER, ZERO, Operation, Transaction, tidy

__all__ = ["Book", "Entry", "Position", "Refusal", "by_day", "derive", "in_order", "natural_key", "row_hashes"]

DUST = Decimal("1e-8")  # what is left of a position below this is rounding, not shares
SHARE = Decimal("1e-8")
AUCTION = "Leilão de Fração"  # the note of a sale that only a fraction of a share may feed
ORDER = {
    Operation.CONVERSION: 0,
    Operation.SPLIT: 0,
    Operation.BONUS: 0,
    Operation.SPIN_OFF: 0,
    Operation.OPENING: 0,
    Operation.EXERCISE: 0,
    Operation.SUBSCRIPTION: 1,
    Operation.BUY: 1,
    Operation.DIVIDEND: 2,
    Operation.JCP: 2,
    Operation.LENDING: 2,
    Operation.REVERSAL: 2,
    Operation.AMORTISATION: 2,
    Operation.FEE: 3,
    Operation.TAX: 3,
    Operation.SELL: 4,
}
GIVES = frozenset(
    {Operation.BUY, Operation.BONUS, Operation.OPENING, Operation.SUBSCRIPTION}
)  # operations that add `quantity` shares
TAKES = frozenset({Operation.SELL, Operation.CONVERSION, Operation.EXERCISE})
Indexed = tuple[int, Transaction]


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


@dataclass(frozen=True, slots=True)
class Entry:
    """What one fact did to a position: the derivation behind every figure of gains and tax. BRL and shares.

    `kind` is an operation, or "day_trade". `gross` before costs, `cost` what left (a sale) or entered the position,
    `result` the gain realised. `held` and `held_cost` before it. `facts` are the transactions it follows from.
    """

    day: date
    ticker: str
    kind: str
    quantity: Decimal
    gross: Decimal
    costs: Decimal
    cost: Decimal
    result: Decimal
    held: Decimal
    held_cost: Decimal
    facts: tuple[Transaction, ...]


@dataclass(slots=True)
class Book:
    """Positions by ticker, what belongs to no asset, and what could not be booked.

    `pending`: share events told before anything was held, which count once the purchases are known.
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

    def apply(self, transaction: Transaction) -> str | None:
        """Book one transaction as a day of its own; returns why it cannot be, and then changes nothing."""
        before = len(self.refused)
        self.apply_day([(0, transaction)])
        return self.refused.pop().reason if len(self.refused) > before else None

    def apply_day(self, day: Sequence[Indexed]) -> None:
        """Book the facts of one day, in order of what must come first."""
        trades: list[Indexed] = []
        fees: list[Transaction] = []
        for index, t in day:
            if t.ticker is None and t.operation not in WITHOUT_TICKER:
                self.refused.append(Refusal(index, f"a {t.operation} needs a ticker"))
            elif t.operation is Operation.FEE:
                fees.append(t)
            elif t.operation in (Operation.BUY, Operation.SELL):
                trades.append((index, t))
            elif ORDER[t.operation] < ORDER[Operation.DIVIDEND]:
                self._event(index, t)
        allowed = self._allowed(trades)
        fills, loose = fills_of(allowed, fees) if allowed or fees else ([], [])
        self._trade([f for f in fills if f.buys], fills)
        for index, t in day:
            if ORDER[t.operation] in (2, 3) and t.operation is not Operation.FEE and (t.ticker or t.price >= 0):
                self._receive(index, t)
        for fee in loose:
            self._loose(fee)
        self._sell_rest(fills)

    def _loose(self, fee: Transaction) -> None:
        if fee.ticker is None:
            self.account_fees += fee.amount
            return
        position = self._of(fee.ticker, fee.date)
        position.fees += fee.amount
        position.loose_fees += fee.amount

    def _of(self, ticker: str, day: date) -> Position:
        position = self.positions.get(ticker)
        if position is None:
            position = self.positions[ticker] = Position(ticker)
        position.first_day = position.first_day or day
        position.last_day = day
        return position

    def _allowed(self, trades: Sequence[Indexed]) -> list[Transaction]:
        """The trades that the position can feed; sales beyond it are refused."""
        left: dict[str, Decimal] = {}
        kept = []
        for _, t in trades:
            if t.operation is Operation.BUY:
                ticker = t.ticker or ""
                left[ticker] = left.get(ticker, self._quantity(ticker)) + t.quantity
                kept.append(t)
        for index, t in trades:
            if t.operation is Operation.BUY:
                continue
            ticker = t.ticker or ""
            held = left.get(ticker, self._quantity(ticker))
            if t.note == AUCTION and held % 1 < t.quantity:
                self.refused.append(Refusal(index, "the fraction sold at auction is not in the position"))
            elif t.quantity > held:
                said = f"sells {_plain(t.quantity)} {ticker} on {t.date}, but only {_plain(held)} are held then"
                self.refused.append(Refusal(index, said))
            else:
                left[ticker] = held - t.quantity
                kept.append(t)
        return kept

    def _quantity(self, ticker: str) -> Decimal:
        position = self.positions.get(ticker)
        return position.quantity if position else ZERO

    def _trade(self, buys: Sequence[Fill], fills: list[Fill]) -> None:
        """Pair the day trades of each asset, put what is left of the purchases into the average.

        `fills` then holds the common sales alone.
        """
        by_ticker: dict[str, list[Fill]] = {}
        for fill in fills:
            by_ticker.setdefault(fill.ticker, []).append(fill)
        fills.clear()
        for ticker, mine in by_ticker.items():
            two_sided = any(f.buys for f in mine) and not all(f.buys for f in mine)
            pairs, common = paired(mine) if two_sided else ([], mine)
            for pair in pairs:
                self._day_trade(ticker, pair)
            for fill in common:
                if fill.buys:
                    self._buy(fill)
                else:
                    fills.append(fill)

    def _day_trade(self, ticker: str, pair: Pair) -> None:
        bought, sold = pair.bought, pair.sold
        position = self._of(ticker, bought.day)
        costs = bought.costs + sold.costs
        self._note(
            position, bought.day, "day_trade", bought.quantity, sold.gross, costs, bought.gross, pair.result,
            (bought.source, sold.source),
        )  # fmt: skip
        position.bought += bought.net
        position.sold += sold.net
        position.fees += costs
        position.realized_gain += pair.result
        position.day_trades += pair.result

    def _buy(self, fill: Fill) -> None:
        position = self._of(fill.ticker, fill.day)
        self._note(
            position, fill.day, "buy", fill.quantity, fill.gross, fill.costs, fill.net, ZERO, (fill.source,)
        )  # fmt: skip
        position.quantity += fill.quantity
        position.cost += fill.net
        position.bought += fill.net
        position.fees += fill.costs

    def _sell_rest(self, sales: Iterable[Fill]) -> None:
        for fill in sales:
            position = self._of(fill.ticker, fill.day)
            cost = self._leave(position, fill.quantity)
            gain = fill.net - cost
            self._note(
                position, fill.day, "sell", fill.quantity, fill.gross, fill.costs, cost, gain, (fill.source,),
                before=(position.quantity + fill.quantity, position.cost + cost),
            )  # fmt: skip
            position.sold += fill.net
            position.fees += fill.costs
            position.realized_gain += gain

    @staticmethod
    def _leave(position: Position, quantity: Decimal) -> Decimal:
        """Take shares out at the average cost; returns their cost."""
        rest = position.quantity - quantity
        rest = ZERO if rest < DUST else rest
        cost = position.cost if not rest else position.cost * quantity / position.quantity
        position.quantity = rest
        position.cost = position.cost - cost if rest else ZERO
        return cost

    def _note(
        self,
        position: Position,
        day: date,
        kind: str,
        quantity: Decimal,
        gross: Decimal,
        costs: Decimal,
        cost: Decimal,
        result: Decimal,
        facts: tuple[Transaction, ...],
        before: tuple[Decimal, Decimal] | None = None,
    ) -> None:
        held, held_cost = before or (position.quantity, position.cost)
        entry = Entry(day, position.ticker, kind, quantity, gross, costs, cost, result, held, held_cost, facts)
        self.journal.append(entry)

    def _event(self, index: int, t: Transaction) -> None:
        """A share event, an opening position, a subscription: what comes before the day's trades."""
        reason = EVENTS[t.operation](self, t)
        if reason is not None:
            pending = t.operation is Operation.SPLIT and t.shares is not None and t.shares > 0
            (self.pending if pending else self.refused).append(Refusal(index, reason))

    def _split(self, t: Transaction) -> str | None:
        held = self._quantity(t.ticker or "")
        if held <= 0:
            return f"splits {t.ticker} on {t.date}, but none is held then"
        after = held + t.shares if t.shares is not None else tidy((held * t.quantity).quantize(SHARE))
        if after <= 0:
            return f"takes {_plain(abs(t.shares or ZERO))} {t.ticker} on {t.date}, but only {_plain(held)} are held then"
        position = self._of(t.ticker or "", t.date)
        self._note(position, t.date, "split", after - held, ZERO, ZERO, ZERO, ZERO, (t,))
        position.quantity = after
        return None

    def _came(self, t: Transaction) -> str | None:
        """A bonus or an opening position: shares with a cost, and no money moved."""
        position = self._of(t.ticker or "", t.date)
        cost = t.amount + t.fees
        self._note(position, t.date, str(t.operation), t.quantity, t.amount, t.fees, cost, ZERO, (t,))
        position.quantity += t.quantity
        position.cost += cost
        if t.operation is Operation.OPENING:
            position.bought += cost
        return None

    def _subscribe(self, t: Transaction) -> str | None:
        """New shares (or their receipts) for money; what the right had cost goes with them."""
        position = self._of(t.ticker or "", t.date)
        right = self.rights.pop(_root(t.ticker), ZERO)
        cost = t.amount + t.fees + right
        self._note(position, t.date, "subscription", t.quantity, t.amount, t.fees, cost, ZERO, (t,))
        position.quantity += t.quantity
        position.cost += cost
        position.bought += t.amount + t.fees
        position.fees += t.fees
        return None

    def _exercise(self, t: Transaction) -> str | None:
        """A right is used up, or lapses: it leaves, and its cost waits for the shares of the same issuer."""
        held = self._quantity(t.ticker or "")
        if held <= 0:
            return None  # a right that was never booked cost nothing
        position = self._of(t.ticker or "", t.date)
        cost = self._leave(position, min(t.quantity, held))
        self.rights[_root(t.ticker)] = self.rights.get(_root(t.ticker), ZERO) + cost
        return None

    def _convert(self, t: Transaction) -> str | None:
        held = self._quantity(t.ticker or "")
        if t.other is None:
            return "a conversion needs what it gives (`other`)"
        if t.quantity > held:
            return f"turns {_plain(t.quantity)} {t.ticker} into {t.other}, but only {_plain(held)} are held then"
        position = self._of(t.ticker or "", t.date)
        cost = self._leave(position, t.quantity)
        target = self._of(t.other, t.date)
        came = t.shares if t.shares is not None else t.quantity
        self._note(target, t.date, "conversion", came, ZERO, ZERO, cost, ZERO, (t,))
        target.quantity += came
        target.cost += cost
        return None

    def _spin_off(self, t: Transaction) -> str | None:
        held = self._quantity(t.ticker or "")
        if t.other is None or held <= 0:
            return f"a spin-off of {t.ticker} needs what came (`other`), and shares held then"
        if t.price > 1:
            return "the price of a spin-off is the fraction of the cost that goes with it, from 0 to 1"
        position, target = self._of(t.ticker or "", t.date), self._of(t.other, t.date)
        cost = position.cost * t.price
        self._note(target, t.date, "spin_off", t.quantity, ZERO, ZERO, cost, ZERO, (t,))
        position.cost -= cost
        target.quantity += t.quantity
        target.cost += cost
        return None

    def _receive(self, index: int, t: Transaction) -> None:
        """Cash that came, or went back: income, capital returned, tax withheld."""
        if t.operation is Operation.TAX:
            self.taxes += t.amount
            return
        position = self._of(t.ticker or "", t.date)
        if t.operation is Operation.AMORTISATION:
            back = min(position.cost, t.amount)
            above = t.amount - back
            self._note(position, t.date, "amortisation", t.quantity, t.amount, ZERO, back, above, (t,))
            position.cost -= back
            position.returned += t.amount
            position.realized_gain += above
        elif t.operation is Operation.REVERSAL:
            position.income -= t.amount
        else:
            position.income += t.amount


EVENTS: dict[Operation, Callable[[Book, Transaction], str | None]] = {
    Operation.SPLIT: Book._split,
    Operation.BONUS: Book._came,
    Operation.OPENING: Book._came,
    Operation.SUBSCRIPTION: Book._subscribe,
    Operation.EXERCISE: Book._exercise,
    Operation.CONVERSION: Book._convert,
    Operation.SPIN_OFF: Book._spin_off,
}


def derive(transactions: Iterable[Transaction]) -> Book:
    """The book after all `transactions`, whatever order they come in; those that cannot be booked are left out."""
    book = Book()
    for _, day in by_day(transactions):
        book.apply_day(day)
    book.refused.sort(key=lambda r: r.index)
    return book


def by_day(transactions: Iterable[Transaction]) -> Iterator[tuple[date, list[Indexed]]]:
    """Transactions with their places, day by day."""
    for day, group in groupby(in_order(transactions), key=lambda pair: pair[1].date):
        yield day, list(group)


def in_order(transactions: Iterable[Transaction]) -> list[Indexed]:
    """Transactions with their places, sorted by day and, within it, by what must come first.

    Nothing depends on the order given, unless two facts differ in nothing but their notes.
    """
    return sorted(enumerate(transactions), key=_rank)


def _rank(pair: Indexed) -> tuple[object, ...]:
    index, t = pair
    return (t.date, ORDER[t.operation], t.place, t.ticker or "", t.price, t.quantity, t.broker, index)


def shares_after(held: Decimal, t: Transaction) -> Decimal:
    """What is held after one fact, by the number of shares alone; a sale beyond the position is passed over."""
    if t.operation in GIVES:
        return held + t.quantity
    if t.operation in TAKES:
        return held - t.quantity if t.quantity <= held else held
    if t.operation is Operation.SPLIT and held > 0:
        return held + t.shares if t.shares is not None else held * t.quantity
    return held


def _root(ticker: str | None) -> str:
    return (ticker or "")[:4]


def _plain(figure: Decimal) -> str:
    return f"{figure.normalize():f}"
