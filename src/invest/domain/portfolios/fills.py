"""The trades of one day: their costs, and which of them close each other (day trades).

A day trade is what was bought and sold on one day, of one asset, at one broker; the first purchase meets the first sale
(Law 9,959 of 1995, article 8; IN RFB 1,585 of 2015, article 65). What is left over is a common trade.
"""

from __future__ import annotations

from collections.abc import Iterable, MutableMapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

from invest.domain.portfolios.identity import broker_key, same_broker
from invest.domain.portfolios.portfolio import CENT, ZERO, Operation, Transaction

APART = ("custod", "platform", "plataforma", "mensalidade", "robô", "robo ")  # fees that no trade caused


class Fill(NamedTuple):
    """One trade, BRL. `gross` quantity x price; `costs` its own fees and its part of the note's."""

    day: date
    ticker: str
    buys: bool
    quantity: Decimal
    gross: Decimal
    costs: Decimal
    broker: str
    place: int
    source: Transaction
    day_trade: bool = False

    @property
    def net(self) -> Decimal:
        """What was paid with costs, or received after them."""
        return self.gross + self.costs if self.buys else self.gross - self.costs

    def part(self, quantity: Decimal) -> tuple[Fill, Fill | None]:
        """`quantity` of this trade, and what is left of it."""
        if quantity >= self.quantity:
            return self, None
        gross, costs = self.gross * quantity / self.quantity, self.costs * quantity / self.quantity
        taken = self._replace(quantity=quantity, gross=gross, costs=costs)
        rest = self._replace(quantity=self.quantity - quantity, gross=self.gross - gross, costs=self.costs - costs)
        return taken, rest


@dataclass(frozen=True, slots=True)
class Pair:
    """What was bought and sold again (or sold and bought back) within a day; `bought` and `sold` of one quantity."""

    bought: Fill
    sold: Fill

    @property
    def result(self) -> Decimal:
        """Received less paid, costs included, BRL."""
        return self.sold.net - self.bought.net


def prorated(total: Decimal, values: Sequence[Decimal]) -> list[Decimal]:
    """`total` split by value in whole cents; what rounding leaves goes to the largest (the last of equals)."""
    whole = sum(values, ZERO)
    if not values or whole <= 0:
        return [ZERO] * len(values)
    parts = [(total * value / whole).quantize(CENT, rounding=ROUND_HALF_UP) for value in values]
    largest = max(range(len(values)), key=lambda i: (values[i], i))
    parts[largest] += total - sum(parts, ZERO)
    return parts


def is_trade_cost(fee: Transaction) -> bool:
    """Whether a fee of the account may be what that day's trades cost: all but custody and platforms."""
    return fee.ticker is None and not any(word in fee.note.lower() for word in APART)


def fills_of(trades: Sequence[Transaction], fees: Sequence[Transaction]) -> tuple[list[Fill], list[Transaction]]:
    """The fills of one day with their costs, in order, and the fees that belong to none of them.

    A fee of the account goes to the day's trades at its broker, by value; that of an asset to the trades of that asset.
    """
    amounts = [t.amount for t in trades]
    costs = [t.fees for t in trades]
    left: list[Transaction] = []
    for fee in fees:
        mine = [i for i, t in enumerate(trades) if _bears(t, fee)]
        if not mine:
            left.append(fee)
            continue
        for i, part in zip(mine, prorated(fee.amount, [amounts[i] for i in mine]), strict=True):
            costs[i] += part
    return [fill_of(t, a, c) for t, a, c in zip(trades, amounts, costs, strict=True)], left


def fill_of(t: Transaction, gross: Decimal, costs: Decimal) -> Fill:
    """One trade with what it cost, BRL."""
    buys = t.operation is Operation.BUY
    return Fill(t.date, t.ticker or "", buys, t.quantity, gross, costs, broker_key(t.broker), t.place, t)


def _bears(trade: Transaction, fee: Transaction) -> bool:
    if fee.ticker is not None:
        return fee.ticker == trade.ticker and same_broker(fee.broker, trade.broker)
    return is_trade_cost(fee) and same_broker(fee.broker, trade.broker)


def paired(fills: Iterable[Fill]) -> tuple[list[Pair], list[Fill]]:
    """The day trades among the fills of one day and asset, and the common trades that are left."""
    by_broker: dict[str, tuple[list[Fill], list[Fill]]] = {}
    common: list[Fill] = []
    pairs: list[Pair] = []
    for fill in sorted(fills, key=_order):
        if not fill.gross:
            common.append(fill)  # shares that came for nothing were not bought at a price
            continue
        by_broker.setdefault(fill.broker, ([], []))[0 if fill.buys else 1].append(fill)
    for bought, sold in by_broker.values():
        buys, sales = list(reversed(bought)), list(reversed(sold))
        while buys and sales:
            quantity = min(buys[-1].quantity, sales[-1].quantity)
            one, rest = buys.pop().part(quantity)
            other, left = sales.pop().part(quantity)
            pairs.append(Pair(one._replace(day_trade=True), other._replace(day_trade=True)))
            buys += [rest] if rest else []
            sales += [left] if left else []
        common += [*reversed(buys), *reversed(sales)]
    return pairs, common


def _order(fill: Fill) -> tuple[object, ...]:
    """By the order that the source gives; without one by price, so that the order of rows decides nothing."""
    return (fill.place, fill.source.price, fill.quantity)


def order_matters(fills: Sequence[Fill]) -> bool:
    """Whether a day trade's result depends on an order of fills that no source gives."""
    for broker in {f.broker for f in fills}:
        mine = [f for f in fills if f.broker == broker]
        bought, sold = [f for f in mine if f.buys], [f for f in mine if not f.buys]
        if not bought or not sold:
            continue
        longer = bought if sum(f.quantity for f in bought) > sum(f.quantity for f in sold) else sold
        uneven = sum(f.quantity for f in bought) != sum(f.quantity for f in sold)
        unknown = len({f.place for f in longer}) < len(longer)
        if uneven and unknown and len({f.source.price for f in longer}) > 1:
            return True
    return False


def follow(shorts: MutableMapping[str, list[Fill]], t: Transaction) -> None:
    """Let open short sales go through an event: what is owed is split, merged and spun off as what is held is.

    The proceeds go with what is owed, as a cost goes with what is held; what a merger pays in cash is paid out of them.
    """
    ticker = t.ticker or ""
    sales = shorts.get(ticker)
    if not sales:
        return
    owed = sum((sale.quantity for sale in sales), ZERO)
    if t.operation is Operation.SPLIT:
        shorts[ticker] = [_owed(sale, ticker, t.quantity, Decimal(1)) for sale in sales]
    elif t.operation is Operation.AMORTISATION:
        shorts[ticker] = [sale._replace(gross=sale.gross - t.amount * sale.quantity / owed) for sale in sales]
    elif t.other is not None and t.operation is Operation.CONVERSION:
        ratio = (t.shares or t.quantity) / t.quantity
        shorts.setdefault(t.other, []).extend(_owed(sale, t.other, ratio, Decimal(1)) for sale in sales)
        del shorts[ticker]
    elif t.other is not None:
        shorts.setdefault(t.other, []).extend(_owed(sale, t.other, t.quantity / owed, t.price) for sale in sales)
        shorts[ticker] = [_owed(sale, ticker, Decimal(1), 1 - t.price) for sale in sales]


def _owed(sale: Fill, ticker: str, ratio: Decimal, part: Decimal) -> Fill:
    return sale._replace(
        ticker=ticker, quantity=sale.quantity * ratio, gross=sale.gross * part, costs=sale.costs * part
    )
