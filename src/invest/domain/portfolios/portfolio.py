"""Portfolios: transactions are the truth, positions are derived from them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from enum import StrEnum

from pydantic import AwareDatetime, Field, model_validator

from invest.domain.frozen import Frozen
from invest.domain.market import Ticker


class Operation(StrEnum):
    """What a transaction does to a position."""

    BUY = "buy"
    SELL = "sell"
    DIVIDEND = "dividend"
    JCP = "jcp"
    SPLIT = "split"
    FEE = "fee"


class Transaction(Frozen):
    """One booked fact. `quantity` in shares (for a split: new shares per old one), `price` BRL per share.

    Dividends and JCP: quantity x price is the cash received. Fees: `price` is the amount, quantity 1.
    """

    date: date
    ticker: Ticker | None = Field(default=None, description="null only for fees of the account")
    operation: Operation
    quantity: Decimal = Field(gt=0, max_digits=24, decimal_places=8)
    price: Decimal = Field(ge=0, max_digits=24, decimal_places=8)
    note: str = Field(default="", max_length=500)
    origin: str = Field(default="", max_length=20, description="api, csv, negociacao, movimentacao, sinacor")


class Portfolio(Frozen):
    """A named list of transactions."""

    id: str
    name: str = Field(min_length=1, max_length=200)
    created_at: AwareDatetime
    transactions: tuple[Transaction, ...] = ()
    targets: dict[Ticker, Decimal] = Field(
        default_factory=dict, description="wanted weights by ticker, fractions that sum to at most 1"
    )

    @model_validator(mode="after")
    def _targets_fit(self) -> Portfolio:
        if any(weight < 0 for weight in self.targets.values()) or sum(self.targets.values()) > 1:
            raise ValueError("targets are fractions from 0 to 1 that sum to at most 1")
        return self
