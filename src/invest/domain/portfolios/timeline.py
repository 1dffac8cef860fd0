"""A portfolio day by day as matrices: value and flows per session and asset, from transactions and raw closes."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

import numpy as np
import numpy.typing as npt

from invest.domain.market import Bars, Days, Floats, sessions_between
from invest.domain.portfolios.ledger import Entry
from invest.domain.portfolios.portfolio import ZERO, Operation, Transaction
from invest.domain.portfolios.positions import Book, by_day
from invest.domain.portfolios.receipts import PAYS, Holdings, Receipt

Matrix = npt.NDArray[np.float64]  # sessions x assets
STALE_SESSIONS = 10  # a price older than this is carried on, but said to be old
BOUGHT = frozenset({"buy", "subscription"})


@dataclass(frozen=True)
class Timeline:
    """Sessions from the first transaction on. BRL; `value` is quantity x close of the session, the last one carried.

    `bought` purchases, `fees` what they cost, `sold` sales, `income` what shares earned (on the ex-day), by the session
    they fall on; `paid` income by the session in which it came, `receivable` what is earned and not paid at the end.
    `account_fees` belong to no asset. `unpriced`: assets that no close was ever found for, carried at their last trade.
    `homeless`: income of assets that were never held. `book`: the positions at its end; `held` the shares of each asset
    day by day, `receipts` the cash that they brought.
    """

    days: Days
    tickers: tuple[str, ...]
    value: Matrix
    bought: Matrix
    sold: Matrix
    income: Matrix
    fees: Matrix
    account_fees: Floats
    unpriced: tuple[str, ...]
    stale: tuple[str, ...]
    paid: Floats
    receivable: float = 0.0
    cost: Floats = field(default_factory=lambda: np.empty(0))
    homeless: tuple[str, ...] = ()
    book: Book = field(default_factory=Book)
    held: Mapping[str, Holdings] = field(default_factory=dict)
    receipts: Sequence[Receipt] = ()

    def __len__(self) -> int:
        return len(self.days)

    @cached_property
    def before(self) -> Floats:
        """The value that each session begins with."""
        return np.concatenate(([0.0], self.value.sum(axis=1)[:-1])) if len(self) else np.empty(0)

    @cached_property
    def capital(self) -> Floats:
        """What was at work in each session: yesterday's value and what was put in, fees included.

        Fees alone put nothing to work: 0 in a session without holdings or purchases.
        """
        working = self.before + self.bought.sum(axis=1)
        return np.where(working > 0, working + self.fees.sum(axis=1) + self.account_fees, 0.0)

    @cached_property
    def gains(self) -> Matrix:
        """What each asset earned in each session, income and fees included."""
        before = np.vstack((np.zeros((1, len(self.tickers))), self.value[:-1])) if len(self) else self.value
        return np.asarray(self.value + self.sold + self.income - before - self.bought - self.fees)

    @cached_property
    def returns(self) -> Floats:
        """Return of each session: earned over capital at work; 0 where nothing was at work."""
        earned = self.gains.sum(axis=1) - self.account_fees
        return np.asarray(np.divide(earned, self.capital, out=np.zeros(len(self)), where=self.capital > 0))

    @cached_property
    def invested(self) -> npt.NDArray[np.bool_]:
        """Sessions in which money was at work."""
        return np.asarray(self.capital > 0)


@dataclass(slots=True)
class _Ledger:
    """The matrices while they are filled; `traded` holds trade prices, for assets without closes."""

    quantity: Matrix
    bought: Matrix
    sold: Matrix
    income: Matrix
    fees: Matrix
    traded: Matrix
    account: Floats
    cost: Floats
    in_kind: list[tuple[int, int, float, float]] = field(default_factory=list)
    moved: list[tuple[int, int, int, float]] = field(default_factory=list)

    @classmethod
    def of(cls, sessions: int, assets: int) -> _Ledger:
        quantity, bought, sold, income, fees = (np.zeros((sessions, assets)) for _ in range(5))
        traded = np.full((sessions, assets), np.nan)
        return cls(quantity, bought, sold, income, fees, traded, np.zeros(sessions), np.zeros(sessions))

    def enter(self, entry: Entry, row: int, column: Mapping[str, int]) -> None:
        """Put what one booked fact moved where it belongs, and remember its price."""
        at, gross = column[entry.ticker], float(entry.gross)
        if entry.costs:
            self.fees[row, at] += float(entry.costs)
        if entry.kind in BOUGHT:
            self.bought[row, at] += gross
            if gross > 0:
                self.traded[row, at] = gross / float(entry.quantity)
            return
        if entry.kind == "sell":
            self.sold[row, at] += gross
        elif entry.kind in ("day_trade", "short"):
            self.bought[row, at] += float(entry.cost)
            self.sold[row, at] += gross
        elif entry.kind == "opening":
            self.in_kind.append((row, at, float(entry.quantity), gross))
        elif entry.kind in ("conversion", "spin_off"):
            self.moved.append((row, column[entry.facts[0].ticker or entry.ticker], at, float(entry.quantity)))
        elif entry.kind == "split" and entry.held > 0:
            known = np.flatnonzero(np.isfinite(self.traded[: row + 1, at]))
            if len(known):
                self.traded[row, at] = self.traded[known[-1], at] * float(entry.held / (entry.held + entry.quantity))
        if entry.kind in ("sell", "day_trade", "short", "opening") and gross > 0:
            self.traded[row, at] = gross / float(entry.quantity)

    def value_moves(self, prices: Matrix) -> None:
        """Shares that came without money are put in at their price; what turned into another asset moves at its own."""
        for row, at, shares, cost in self.in_kind:
            self.bought[row, at] += shares * prices[row, at] if prices[row, at] > 0 else cost
        for row, source, target, shares in self.moved:
            worth = shares * prices[row, target]
            self.sold[row, source] += worth
            self.bought[row, target] += worth


def build_timeline(
    transactions: Sequence[Transaction],
    bars: Mapping[str, Bars],
    until: date,
    cash: Callable[[Mapping[str, Holdings]], Sequence[Receipt]] | None = None,
) -> Timeline:
    """The timeline of what can be booked of `transactions`, up to and including `until`.

    A transaction on a day without a session counts on the next one; `until` itself is the last row if it is none.
    `cash` gives the cash from shares with its ex-days, for what was held; by default what is booked, without any.
    """
    booked = [t for t in transactions if t.date <= until]
    if not booked:
        return _empty()
    days = _sessions(min(t.date for t in booked), until)
    tickers = tuple(sorted({t for b in booked for t in (b.ticker, b.other) if t}))
    column = {ticker: i for i, ticker in enumerate(tickers)}
    ledger = _Ledger.of(len(days), len(tickers))
    book, held = _walk(booked, days, column, ledger)
    receipts = _plain_receipts(booked) if cash is None else cash(held)
    prices, unpriced, stale = _prices(days, tickers, bars, ledger.traded, ledger.quantity[-1] > 0)
    ledger.value_moves(prices)
    paid, receivable, homeless = _income(receipts, days, column, ledger, until)
    flows = (ledger.bought, ledger.sold, ledger.income, ledger.fees)
    value = ledger.quantity * prices
    return Timeline(
        days, tickers, value, *flows, ledger.account, unpriced, stale, paid, receivable, ledger.cost, homeless, book,
        held, receipts,
    )  # fmt: skip


def _plain_receipts(booked: Sequence[Transaction]) -> list[Receipt]:
    return [
        Receipt(
            t.ticker,
            str(t.operation),
            -t.amount if t.operation is Operation.REVERSAL else t.amount,
            t.quantity,
            None,
            t.date,
        )
        for t in booked
        if t.operation in PAYS and t.ticker is not None
    ]


def _walk(
    booked: Sequence[Transaction], days: Days, column: Mapping[str, int], ledger: _Ledger
) -> tuple[Book, dict[str, Holdings]]:
    """Book day by day; quantities, flows and the cost of what is held fall on the session of each day.

    Returns the book and the shares held day by day of every asset that was ever held.
    """
    book = Book()
    ledger.quantity[:] = np.nan
    ledger.quantity[0] = 0.0
    costs = np.full(len(days), np.nan)
    cost, owned = 0.0, dict.fromkeys(column, 0.0)
    held = {ticker: Holdings([], []) for ticker in column}
    rows = np.searchsorted(days, np.array(sorted({t.date for t in booked}), dtype="datetime64[D]")).tolist()
    positions, journal, loose = book.positions, book.journal, dict.fromkeys(column, ZERO)
    for row, (day, facts) in zip(rows, by_day(booked), strict=True):
        seen, paid_fees = len(journal), book.account_fees
        book.apply_day(facts)
        for entry in journal[seen:]:
            ledger.enter(entry, row, column)
        touched = {f.ticker for _, f in facts}
        touched |= {f.other for _, f in facts if f.other}
        for ticker in touched:
            position = positions.get(ticker) if ticker else None
            if ticker is None or position is None:
                continue
            at, now, shares = column[ticker], float(position.cost), position.quantity
            steps = held[ticker]
            if not steps.shares or steps.shares[-1] is not shares:
                steps.days.append(day)
                steps.shares.append(shares)
                ledger.quantity[row, at] = float(shares)
            cost, owned[ticker] = cost + now - owned[ticker], now
            if position.loose_fees is not loose[ticker]:
                ledger.fees[row, at] += float(position.loose_fees - loose[ticker])
                loose[ticker] = position.loose_fees
        costs[row] = cost
        if book.account_fees is not paid_fees:
            ledger.account[row] += float(book.account_fees - paid_fees)
    for at in range(len(column)):
        ledger.quantity[:, at] = _carried(ledger.quantity[:, at])
    ledger.cost = np.nan_to_num(_carried(costs))
    return book, {ticker: steps for ticker, steps in held.items() if any(steps.shares)}


def _income(
    cash: Sequence[Receipt], days: Days, column: Mapping[str, int], ledger: _Ledger, until: date
) -> tuple[Floats, float, tuple[str, ...]]:
    """Put income on the session that earned it; returns it by the session that paid it, what is owed, the homeless."""
    paid, receivable, homeless = np.zeros(len(days)), 0.0, set()
    sessions: list[date] = days.astype(object).tolist()
    for receipt in cash:
        if receipt.ticker not in column:
            homeless.add(receipt.ticker)
            continue
        earned = _earned_on(receipt, sessions, ledger.quantity[:, column[receipt.ticker]])
        if earned is None:
            homeless.add(receipt.ticker)
            continue
        amount = float(receipt.amount)
        ledger.income[earned, column[receipt.ticker]] += amount
        came = receipt.paid or receipt.earned
        if came is not None and came > until:
            receivable += amount
        else:
            at = earned if came is None else min(len(days) - 1, bisect_left(sessions, came))
            paid[at] += amount
    return paid, receivable, tuple(sorted(homeless))


def _earned_on(receipt: Receipt, days: Sequence[date], held: Floats) -> int | None:
    """The session that a receipt belongs to: its ex-day, else the last one in which as many shares were held.

    None where nothing was held up to then: no capital earned it.
    """
    if receipt.earned is not None:
        return min(bisect_left(days, receipt.earned), len(days) - 1)
    row = min(bisect_left(days, receipt.paid or days[-1]), len(days) - 1)
    shares = float(receipt.quantity)
    if row > 0 and held[row - 1] > 0 and (held[row - 1] >= shares or shares <= 1):
        return row
    for enough in (held[:row] >= shares, held[:row] > 0):
        rows = np.flatnonzero(enough & (held[:row] > 0))
        if len(rows):
            return int(rows[-1])
    return row if held[row] > 0 else None


def _sessions(start: date, until: date) -> Days:
    days = sessions_between(start, until)
    last = np.datetime64(until, "D")
    return days if len(days) and days[-1] == last else np.append(days, last)


def _prices(
    days: Days, tickers: Sequence[str], bars: Mapping[str, Bars], traded: Matrix, held: npt.NDArray[np.bool_]
) -> tuple[Matrix, tuple[str, ...], tuple[str, ...]]:
    """Raw closes carried forward; before the first close, the price of the last trade."""
    prices = np.zeros((len(days), len(tickers)))
    unpriced: list[str] = []
    stale: list[str] = []
    for at, ticker in enumerate(tickers):
        closes, age = _closes(days, bars.get(ticker))
        trades = _carried(traded[:, at])
        prices[:, at] = np.nan_to_num(np.where(np.isfinite(closes), closes, trades))
        if not np.isfinite(closes[-1]):
            unpriced.append(ticker)
        elif age > STALE_SESSIONS and held[at]:
            stale.append(ticker)
    return prices, tuple(unpriced), tuple(stale)


def _closes(days: Days, bars: Bars | None) -> tuple[Floats, int]:
    """The last usable close at each session (NaN before the first), and how many sessions old the newest is."""
    if bars is None:
        return np.full(len(days), np.nan), 0
    usable = np.isfinite(bars.close) & (bars.close > 0) & (bars.days <= days[-1])
    if not usable.any():
        return np.full(len(days), np.nan), 0
    known, closes = bars.days[usable], bars.close[usable]
    at = np.searchsorted(known, days, side="right") - 1
    age = len(days) - int(np.searchsorted(days, known[-1], side="right"))
    return np.where(at >= 0, closes[np.maximum(at, 0)], np.nan), age


def _carried(values: Floats) -> Floats:
    """Each value carried on until the next one; NaN before the first."""
    at = np.where(np.isfinite(values), np.arange(len(values)), -1)
    at = np.maximum.accumulate(at)
    return np.where(at >= 0, values[np.maximum(at, 0)], np.nan)


def _empty() -> Timeline:
    nothing = np.zeros((0, 0))
    days = np.empty(0, dtype="datetime64[D]")
    empty = np.empty(0)
    return Timeline(days, (), nothing, nothing, nothing, nothing, nothing, empty, (), (), empty)
