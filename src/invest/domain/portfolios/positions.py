"""Positions derived from transactions: average cost, realised gains, income; a sale beyond the position is refused.

Within one day the order is: share events, purchases, income and fees, sales, since a transaction carries no time of
day. What was bought and sold on one day at one broker is a day trade: it never touches the average cost.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

from invest.domain.portfolios.fills import Fill, Pair, fill_of, fills_of, follow, paired
from invest.domain.portfolios.identity import natural_key, row_hashes
from invest.domain.portfolios.ledger import SHARE, SHARE_FACTS, Entry, Fact, Ledger, Position, Refusal
from invest.domain.portfolios.portfolio import WITHOUT_TICKER, ZERO, Operation, Transaction, tidy

__all__ = ["Book", "Entry", "Position", "Refusal", "by_day", "derive", "in_order", "natural_key", "row_hashes"]

AUCTION = "Leilão de Fração"  # the note of a sale that only a fraction of a share may feed
AUCTIONED = timedelta(days=183)  # fractions are sold within months
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
class Book(Ledger):
    """The book that transactions make, day by day. `shorts`: sales of borrowed shares that no purchase covers yet."""

    shorts: dict[str, list[Fill]] = field(default_factory=dict)

    def apply(self, transaction: Transaction) -> str | None:
        """Book one transaction as a day of its own; returns why it cannot be, and then changes nothing."""
        before = len(self.refused)
        self.apply_day([(0, transaction)])
        return self.refused.pop().reason if len(self.refused) > before else None

    def apply_day(self, day: Sequence[Indexed]) -> None:
        """Book the facts of one day, in order of what must come first."""
        trades: list[Indexed] = []
        fees: list[Transaction] = []
        cash: list[Indexed] = []
        for index, t in day:
            operation = t.operation
            if t.of_borrowed:
                follow(self.shorts, t)
            elif t.ticker is None and operation not in WITHOUT_TICKER:
                self.refused.append(Refusal(index, f"a {operation} needs a ticker"))
            elif operation is Operation.BUY or operation is Operation.SELL:
                trades.append((index, t))
            elif operation is Operation.FEE:
                fees.append(t)
            elif ORDER[operation] < ORDER[Operation.DIVIDEND]:
                self._event(index, t)
            else:
                cash.append((index, t))
        if not fees and all(t.operation is Operation.BUY for _, t in trades):
            fills, loose = self._only_bought(trades), list[Transaction]()
        else:
            fills, loose = fills_of(self._allowed(trades), fees)
            self._trade(fills)
        for index, t in cash:
            self._receive(index, t)
        for fee in loose:
            self._loose(fee)
        self._sell_rest(fills)

    def _only_bought(self, trades: Sequence[Indexed]) -> list[Fill]:
        """Book a day's purchases where there is nothing to pair, refuse or prorate; no sale is left."""
        for _, t in trades:
            if t.ticker in self.shorts:
                self._buy(fill_of(t, t.amount, t.fees))
            else:
                self._enter(t, t.quantity, t.amount, t.fees)
        return []

    def _loose(self, fee: Transaction) -> None:
        if fee.ticker is None:
            self.account_fees += fee.amount
            return
        position = self.position_of(fee.ticker, fee.date)
        position.fees += fee.amount
        position.loose_fees += fee.amount

    def _allowed(self, trades: Sequence[Indexed]) -> list[Transaction]:
        """The trades that the position can feed; sales beyond it are refused."""
        left: dict[str, Decimal] = {}
        kept = []
        for _, t in trades:
            if t.operation is Operation.BUY:
                ticker = t.ticker or ""
                left[ticker] = left.get(ticker, self.quantity_of(ticker)) + t.quantity
                kept.append(t)
        for index, t in trades:
            if t.operation is Operation.BUY:
                continue
            ticker = t.ticker or ""
            held = left.get(ticker, self.quantity_of(ticker))
            if t.note == AUCTION and held % 1 < t.quantity:
                self.refused.append(Refusal(index, "the fraction sold at auction is not in the position"))
            elif t.quantity > held and not (t.short and held <= 0):
                message = f"sells {_plain(t.quantity)} {ticker} on {t.date}, but only {_plain(held)} are held then"
                self.refused.append(Refusal(index, message))
            else:
                left[ticker] = max(ZERO, held - t.quantity)
                kept.append(t)
        return kept

    def _trade(self, fills: list[Fill]) -> None:
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
        position = self.position_of(ticker, bought.day)
        costs = bought.costs + sold.costs
        self.note(
            position,
            Fact(
                bought.day,
                "day_trade",
                bought.quantity,
                sold.gross,
                costs,
                bought.gross,
                pair.result,
                (bought.source, sold.source),
            ),
        )
        position.bought += bought.net
        position.sold += sold.net
        position.fees += costs
        position.realized_gain += pair.result
        position.day_trades += pair.result

    def _buy(self, fill: Fill) -> None:
        left = self._cover(fill) if fill.ticker in self.shorts else fill
        if left is not None:
            self._enter(left.source, left.quantity, left.gross, left.costs)

    def _enter(self, t: Transaction, quantity: Decimal, gross: Decimal, costs: Decimal) -> None:
        """Put a purchase, or what is left of it, into the average."""
        ticker, day = t.ticker or "", t.date
        position = self.positions.get(ticker) or self.position_of(ticker, day)
        held, held_cost, net = position.quantity, position.cost, gross + costs if costs else gross
        entry = Entry(ticker, held, held_cost, day, "buy", quantity, gross, costs, net, ZERO, (t,))
        self.journal.append(entry)
        position.quantity = held + quantity
        position.cost = held_cost + net
        position.bought += net
        position.last_day = day
        if costs:
            position.fees += costs

    def _cover(self, bought: Fill) -> Fill | None:
        """Hold a purchase against the oldest short sales; what is left of it, or None. The gain is of its day."""
        open_sales = self.shorts[bought.ticker]
        left: Fill | None = bought
        while open_sales and left is not None:
            quantity = min(open_sales[0].quantity, left.quantity)
            sold, rest = open_sales.pop(0).part(quantity)
            one, left = left.part(quantity)
            if rest is not None:
                open_sales.insert(0, rest)
            position, costs, result = self.position_of(one.ticker, one.day), one.costs + sold.costs, sold.net - one.net
            facts = (one.source, sold.source)
            self.note(position, Fact(one.day, "short", quantity, sold.gross, costs, one.gross, result, facts))
            position.bought += one.net
            position.sold += sold.net
            position.fees += costs
            position.realized_gain += result
        if not open_sales:
            del self.shorts[bought.ticker]
        return left

    def _sell_rest(self, sales: Iterable[Fill]) -> None:
        for fill in sales:
            position = self.position_of(fill.ticker, fill.day)
            if fill.source.short and position.quantity <= 0:
                self.shorts.setdefault(fill.ticker, []).append(fill)
                continue
            cost = self.leave(position, fill.quantity)
            gain = fill.net - cost
            self.note(
                position,
                Fact(fill.day, "sell", fill.quantity, fill.gross, fill.costs, cost, gain, (fill.source,)),
                before=(position.quantity + fill.quantity, position.cost + cost),
            )
            position.sold += fill.net
            position.fees += fill.costs
            position.realized_gain += gain

    def _event(self, index: int, t: Transaction) -> None:
        """A share event, an opening position, a subscription: what comes before the day's trades."""
        reason = SHARE_FACTS[t.operation](self, t)
        if reason is not None:
            pending = t.operation is Operation.SPLIT and t.shares is not None and t.shares > 0
            (self.pending if pending else self.refused).append(Refusal(index, reason))

    def _receive(self, index: int, t: Transaction) -> None:
        """Cash that came, or went back: income, capital returned, tax withheld."""
        if t.operation is Operation.TAX:
            self.taxes += t.amount
            return
        position = self.position_of(t.ticker or "", t.date)
        if t.operation is Operation.AMORTISATION:
            back = min(position.cost, t.amount)
            above = t.amount - back
            self.note(position, Fact(t.date, "amortisation", t.quantity, t.amount, ZERO, back, above, (t,)))
            position.cost -= back
            position.returned += t.amount
            position.realized_gain += above
        elif t.operation is Operation.REVERSAL:
            position.income -= t.amount
        else:
            position.income += t.amount


def derive(transactions: Iterable[Transaction]) -> Book:
    """The book after all `transactions`, in any order; those that cannot be booked are left out."""
    book = Book()
    for _, day in by_day(transactions):
        book.apply_day(day)
    book.refused.sort(key=lambda r: r.index)
    return book


def by_day(transactions: Iterable[Transaction]) -> Iterator[tuple[date, list[Indexed]]]:
    """Transactions with their places, day by day."""
    days: dict[date, list[Indexed]] = {}
    for pair in enumerate(transactions):
        days.setdefault(pair[1].date, []).append(pair)
    for day in sorted(days):
        facts = days[day]
        if len(facts) > 1:
            facts.sort(key=_rank)
        yield day, facts


def in_order(transactions: Iterable[Transaction]) -> list[Indexed]:
    """Transactions with their places, sorted by day and, within it, by what must come first.

    Nothing depends on the order given, unless two facts differ in nothing but their notes.
    """
    return [pair for _, facts in by_day(transactions) for pair in facts]


def _rank(pair: Indexed) -> tuple[object, ...]:
    index, t = pair
    return (t.date, ORDER[t.operation], t.place, t.ticker or "", t.price, t.quantity, t.broker, index)


def shares_after(held: Decimal, t: Transaction) -> Decimal:
    """What is held after one fact, by the number of shares alone; a sale beyond the position is passed over.

    Borrowed shares that were sold count as fewer than none.
    """
    if t.operation in GIVES:
        return held + t.quantity
    if t.of_borrowed:
        return _owed_after(held, t)
    if t.operation in TAKES:
        return held - t.quantity if t.quantity <= held or (t.short and held <= 0) else held
    if t.operation is Operation.SPLIT and held > 0:
        return held + t.shares if t.shares is not None else held * t.quantity
    return held


def split_after_auction(t: Transaction, changes: Sequence[tuple[date, Decimal]]) -> Transaction:
    """An auction of a fraction of papers that were grouped and split on one day, in papers as they are after both.

    `changes`: last day and ratio of each known change of the number of shares. Other facts stay as they are.
    """
    if t.operation is not Operation.SELL or t.note != AUCTION or t.quantity >= 1:
        return t
    for day, ratio in changes:
        up = next((one for last, one in changes if last == day and ratio < 1 < one), None)
        if up is not None and day < t.date <= day + AUCTIONED:
            price = (t.price / up).quantize(SHARE)
            return t.model_copy(
                update={"quantity": t.quantity * up, "price": price, "note": f"{AUCTION} x {tidy(up):f}"}
            )
    return t


def _owed_after(held: Decimal, t: Transaction) -> Decimal:
    if t.operation is Operation.SPLIT:
        return held * t.quantity
    return held + t.quantity if t.operation is Operation.CONVERSION else held


def _plain(figure: Decimal) -> str:
    return f"{figure.normalize():f}"
