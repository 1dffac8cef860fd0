"""What one row of a statement says: a transaction, a question, or the reason why it books nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation

from pydantic import ValidationError

from invest.domain.brokerage.reading import Cells, Signs, day, number
from invest.domain.fixed_income import PaperFact
from invest.domain.market import InvalidTicker, parse_ticker
from invest.domain.portfolios import Operation, Transaction

EIGHT = Decimal("1e-8")


def eight(value: Decimal) -> Decimal:
    """`value` with eight decimals. Raises `ValueError` for one of more digits than an amount can have."""
    try:
        return value.quantize(EIGHT)
    except InvalidOperation:
        raise ValueError(f"{value:.6g} is no amount that can be: look at this row's figures") from None


YAHOO = ".SA"  # Yahoo's mark of B3 behind a code


@dataclass(frozen=True, slots=True)
class Movement:
    """A row of B3's movimentação that has a meaning only beside another: shares of one code for those of another."""

    kind: str
    credit: bool
    ticker: str
    day: date
    quantity: Decimal
    price: Decimal | None
    broker: str


@dataclass(frozen=True, slots=True)
class Row:
    """One row as read. `question`: what must be confirmed before it books its transaction."""

    line: int
    text: str
    transaction: Transaction | None = None
    reason: str | None = None
    question: str | None = None
    movement: Movement | None = None
    option: str = ""  # the root of the share that an exercised option is of
    same_as: int | None = None  # the line that tells the same fact
    more: tuple[Transaction, ...] = ()  # what else the row books
    holding: Transaction | None = None  # a position that the row states
    paper: PaperFact | None = None  # what it says of a paper of fixed income


@dataclass(frozen=True, slots=True)
class Reading:
    """How the cells of one file are to be read."""

    thousands: bool
    today: date
    signs: Signs = field(default_factory=Signs)

    @classmethod
    def of(cls, signs: Signs, today: date) -> Reading:
        """As the file's figures say."""
        return cls(signs.thousands, today, signs)

    def number(self, text: str) -> Decimal | None:
        """A figure of this file; None for nothing. Raises `ValueError`."""
        return number(text or "-", thousands=self.thousands, commas=self.signs.commas, mixed=self.signs.mixed)

    def day(self, text: str) -> date:
        """A day of this file. Raises `ValueError`."""
        return day(text, self.today, month_first=self.signs.month_first)

    def later_day(self, text: str) -> date:
        """A day of this file that may lie ahead, such as a maturity. Raises `ValueError`."""
        return day(text, date.max, month_first=self.signs.month_first)


Reader = Callable[[Cells, Reading], Row]


def guarded(read: Reader, cells: Cells, how: Reading) -> Row:
    """`read`, with whatever a cell gets wrong as the row's reason."""
    try:
        return read(cells, how)
    except InvalidTicker as error:
        return Row(cells.line, cells.text, reason=str(error))
    except ValidationError as error:
        problems = "; ".join(f"{e['loc'][-1] if e['loc'] else 'row'}: {e['msg']}" for e in error.errors())
        return Row(cells.line, cells.text, reason=problems)
    except ValueError as error:
        return Row(cells.line, cells.text, reason=str(error))


def refused(cells: Cells, reason: str) -> Row:
    """A row that books nothing, and why."""
    return Row(cells.line, cells.text, reason=reason)


def code(product: str) -> str:
    """``PETR4 - PETROLEO BRASILEIRO`` -> ``PETR4``; Yahoo's ``PETR4.SA`` too."""
    bare = product.split(" - ", 1)[0].strip()
    return bare[: -len(YAHOO)] if bare.upper().endswith(YAHOO) else bare


def booked(
    cells: Cells,
    how: Reading,
    *,
    when: str,
    ticker: str,
    operation: Operation,
    quantity: Decimal | None,
    price: str,
    value: str,
    origin: str,
    note: str = "",
    broker: str = "",
    fees: Decimal = Decimal(0),
    place: int = 0,
    factor: Decimal = Decimal(1),
) -> Row:
    """The row as a transaction. `factor`: shares that the price is for (Fator Cotação)."""
    unit, total = how.number(price), how.number(value)
    unit = eight(unit / factor) if unit is not None and factor != 1 else unit
    if quantity is not None and quantity < 0 and operation is Operation.SELL:
        quantity, total = -quantity, abs(total) if total is not None else None
    if quantity is None or quantity <= 0:
        return refused(cells, "the quantity is missing or not above zero")
    if (unit is not None and unit < 0) or (total is not None and total < 0):
        return refused(cells, "the price or value is negative")
    if not ticker and operation not in (Operation.FEE, Operation.TAX):
        return refused(cells, "the ticker is missing")
    transaction = Transaction(
        date=how.day(when),
        ticker=parse_ticker(code(ticker)) if ticker else None,
        operation=operation,
        quantity=quantity,
        price=Decimal(0) if operation is Operation.SPLIT else price_of(operation, quantity, unit, total, price),
        note=note[:500],
        origin=origin,
        fees=fees,
        broker=broker[:100],
        place=place,
    )
    return Row(cells.line, cells.text, transaction)


RECEIVED = frozenset({Operation.DIVIDEND, Operation.JCP, Operation.LENDING, Operation.REVERSAL, Operation.AMORTISATION})


def price_of(
    operation: Operation, quantity: Decimal, unit: Decimal | None, total: Decimal | None, written: str
) -> Decimal:
    """BRL per share. The value is exact and the price beside it rounded, so the value wins; of income it is net.

    Raises `ValueError` where there is neither, or where price and value contradict each other in a trade.
    """
    if unit is None and total is None:
        raise ValueError("neither price nor value is given")
    if total is None:
        assert unit is not None
        return unit
    exact = eight(total / quantity)
    if unit is None or operation in RECEIVED:
        return exact
    decimals = len(written.rsplit(",", 1)[1].strip()) if "," in written else 2
    slack = quantity * Decimal(10) ** -decimals + Decimal("0.01")
    if abs(quantity * unit - total) > slack:
        raise ValueError(f"quantity x price is {quantity * unit:f}, but the value says {total:f}")
    return unit if abs(quantity * unit - total) < Decimal("0.005") else exact
