"""Portfolios: transactions are the truth, positions are derived from them."""

from __future__ import annotations

from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from typing import Annotated

from pydantic import AwareDatetime, Field, PlainSerializer, model_validator

from invest.domain.frozen import Frozen
from invest.domain.market import Ticker

ZERO = Decimal(0)
# Decimals as people write them: 400, never 4E+2.
Plain = Annotated[Decimal, PlainSerializer(lambda figure: f"{figure:f}", return_type=str, when_used="json")]
CENT = Decimal("0.01")
HALF_A_PLACE = Decimal("5e-9")  # a price is kept to eight places, so it stands for its value within this, per share


class Operation(StrEnum):
    """What a transaction does to a position."""

    BUY = "buy"
    SELL = "sell"
    DIVIDEND = "dividend"
    JCP = "jcp"
    SPLIT = "split"
    FEE = "fee"
    BONUS = "bonus"
    AMORTISATION = "amortisation"
    OPENING = "opening"
    EXERCISE = "exercise"
    SUBSCRIPTION = "subscription"
    CONVERSION = "conversion"
    SPIN_OFF = "spin_off"
    LENDING = "lending"
    REVERSAL = "reversal"
    TAX = "tax"


SHORT = "Venda a descoberto"  # the note of a sale of shares that were borrowed: a later purchase covers it
REDEEMED = "redemption"  # the note of a sale to the company itself, which ended the paper
TRADES = frozenset({Operation.BUY, Operation.SELL})
IN_CASH = frozenset({Operation.DIVIDEND, Operation.JCP, Operation.LENDING})
NEEDS_OTHER = frozenset({Operation.CONVERSION, Operation.SPIN_OFF})
FOLLOWED = NEEDS_OTHER | {Operation.SPLIT, Operation.AMORTISATION}  # what open short sales go through
WITHOUT_TICKER = frozenset({Operation.FEE, Operation.TAX})


class Transaction(Frozen):
    """One booked fact. `quantity` in shares (for a split: new shares per old one), `price` BRL per share.

    Dividends, JCP, lending income, amortisations and their reversals: quantity x price is the cash received (or taken
    back). Fees and taxes: `price` is the amount, quantity 1. A bonus and an opening position carry the cost per share
    as `price`; no money moved. A conversion turns `quantity` of `ticker` into `shares` of `other` at the same cost. A
    spin-off gives `quantity` of `other`, and `price` is the fraction of the cost of `ticker` that goes with them.
    """

    date: date
    ticker: Ticker | None = Field(default=None, description="null only for fees and taxes of the account")
    operation: Operation
    quantity: Plain = Field(gt=0, max_digits=24, decimal_places=8)
    price: Plain = Field(ge=0, max_digits=24, decimal_places=8)
    note: str = Field(default="", max_length=500)
    origin: str = Field(default="", max_length=20, description="api, csv, negociacao, movimentacao, sinacor, …")
    fees: Plain = Field(
        default=ZERO, ge=0, max_digits=24, decimal_places=8, description="costs of this trade, BRL: part of its cost"
    )
    broker: str = Field(default="", max_length=100, description="the institution; part of what identifies a row")
    other: Ticker | None = Field(default=None, description="what a conversion or a spin-off gives")
    shares: Plain | None = Field(
        default=None,
        max_digits=24,
        decimal_places=8,
        description="shares that came (negative: went) by a split told as a number of shares; that a conversion gave",
    )
    place: int = Field(
        default=0, ge=0, le=1_000_000, description="order within its day where the source tells one; 0: unknown"
    )
    id: int | None = Field(default=None, description="of the stored row, for correcting it")

    @property
    def short(self) -> bool:
        """Whether its owner says that it sold borrowed shares."""
        return self.operation is Operation.SELL and self.note.startswith(SHORT)

    @property
    def of_borrowed(self) -> bool:
        """Whether it says what an event made of borrowed shares that were sold."""
        return self.note.startswith(SHORT) and self.operation in FOLLOWED

    @property
    def amount(self) -> Decimal:
        """quantity x price, BRL; the exact cents where the price was computed from them."""
        exact = self.quantity * self.price
        cents = exact.quantize(CENT, rounding=ROUND_HALF_UP)
        return cents if abs(cents - exact) <= self.quantity * HALF_A_PLACE else exact


class Portfolio(Frozen):
    """A named list of transactions."""

    id: str
    name: str = Field(min_length=1, max_length=200)
    created_at: AwareDatetime
    transactions: tuple[Transaction, ...] = ()
    targets: dict[Ticker, Plain] = Field(
        default_factory=dict, description="wanted weights by ticker, fractions that sum to at most 1"
    )

    @model_validator(mode="after")
    def _targets_fit(self) -> Portfolio:
        if any(weight < 0 for weight in self.targets.values()) or sum(self.targets.values()) > 1:
            raise ValueError("targets are fractions from 0 to 1 that sum to at most 1")
        return self


def tidy(figure: Decimal) -> Decimal:
    """The same figure without trailing zeros and without an exponent: 400, not 4E+2 nor 400.00000000."""
    bare = figure.normalize()
    return bare.quantize(Decimal(1)) if bare == bare.to_integral_value() else bare
