"""A portfolio day by day as matrices: value and flows per session and asset, from transactions and raw closes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np
import numpy.typing as npt

from invest.domain.market import Bars, Days, Floats, sessions_between
from invest.domain.portfolios.portfolio import Operation, Transaction
from invest.domain.portfolios.positions import Book, in_order

Matrix = npt.NDArray[np.float64]  # sessions x assets
INCOME = (Operation.DIVIDEND, Operation.JCP)
STALE_SESSIONS = 10  # a price older than this is carried on, but said to be old


@dataclass(frozen=True)
class Timeline:
    """Sessions from the first transaction on. BRL; `value` is quantity x close of the session, the last one carried.

    `bought` purchases, `fees` what they cost, `sold` sales, `income` dividends and JCP, by the session they fall on.
    `account_fees` belong to no asset. `unpriced`: assets that no close was ever found for, carried at their last trade.
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

    def __len__(self) -> int:
        return len(self.days)

    @cached_property
    def capital(self) -> Floats:
        """What was at work in each session: yesterday's value and what was put in, fees included.

        Fees alone put nothing to work: 0 in a session without holdings or purchases.
        """
        before = np.concatenate(([0.0], self.value.sum(axis=1)[:-1])) if len(self) else np.empty(0)
        working = before + self.bought.sum(axis=1)
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

    @classmethod
    def of(cls, sessions: int, assets: int) -> _Ledger:
        quantity, bought, sold, income, fees = (np.zeros((sessions, assets)) for _ in range(5))
        return cls(quantity, bought, sold, income, fees, np.full((sessions, assets), np.nan))

    def enter(self, transaction: Transaction, amount: float, row: int, at: int) -> None:
        """Put one booked transaction's money where it belongs, and remember its price."""
        operation = transaction.operation
        if operation is Operation.BUY:
            self.bought[row, at] += amount
        elif operation is Operation.FEE:
            self.fees[row, at] += amount
        elif operation is Operation.SELL:
            self.sold[row, at] += amount
        elif operation in INCOME:
            self.income[row, at] += amount
        if operation in (Operation.BUY, Operation.SELL) and transaction.price > 0:
            self.traded[row, at] = float(transaction.price)
        elif operation is Operation.SPLIT:
            known = np.flatnonzero(np.isfinite(self.traded[: row + 1, at]))
            if len(known):
                self.traded[row, at] = self.traded[known[-1], at] / float(transaction.quantity)


def build_timeline(transactions: Sequence[Transaction], bars: Mapping[str, Bars], until: date) -> Timeline:
    """The timeline of what can be booked of `transactions`, up to and including `until`.

    A transaction on a day without a session counts on the next one; `until` itself is the last row if it is none.
    """
    booked = [t for _, t in in_order(transactions) if t.date <= until]
    if not booked:
        return _empty()
    days = _sessions(booked[0].date, until)
    tickers = tuple(sorted({t.ticker for t in booked if t.ticker}))
    column = {ticker: i for i, ticker in enumerate(tickers)}
    ledger = _Ledger.of(len(days), len(tickers))
    fees = np.zeros(len(days))
    rows = np.searchsorted(days, np.array([t.date for t in booked], dtype="datetime64[D]"))
    book = Book()
    for row, transaction in zip(rows.tolist(), booked, strict=True):
        if book.apply(transaction):
            continue
        amount = float(transaction.quantity * transaction.price)
        if transaction.ticker is None:
            fees[row] += amount
            continue
        at = column[transaction.ticker]
        held = book.positions[transaction.ticker].quantity
        ledger.quantity[row:, at] = float(held)
        ledger.enter(transaction, amount, row, at)
    quantity = ledger.quantity
    prices, unpriced, stale = _prices(days, tickers, bars, ledger.traded, quantity[-1] > 0)
    flows = (ledger.bought, ledger.sold, ledger.income, ledger.fees)
    return Timeline(days, tickers, quantity * prices, *flows, fees, unpriced, stale)


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
    return Timeline(days, (), nothing, nothing, nothing, nothing, nothing, np.empty(0), (), ())
