"""One investment in fixed income, as it was agreed."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from enum import StrEnum

from pydantic import Field, model_validator

from invest.domain.frozen import Frozen
from invest.domain.portfolios import Plain


class BondKind(StrEnum):
    """What it is."""

    TESOURO = "tesouro"
    CDB = "cdb"
    LCI = "lci"
    LCA = "lca"
    FUND = "fund"
    OTHER = "other"


class Index(StrEnum):
    """What its value follows."""

    CDI = "cdi"
    SELIC = "selic"
    IPCA = "ipca"
    FIXED = "prefixado"
    PRICE = "price"


class Redeemed(Frozen):
    """Money that moved on a day, BRL: taken out, put in later, or paid as interest."""

    day: date
    amount: Plain = Field(gt=0, max_digits=24, decimal_places=2)
    part: Plain | None = Field(
        default=None, gt=0, max_digits=24, decimal_places=12,
        description="of what was held before, that went or came (1: as much again, or all of it); null: by its value",
    )  # fmt: skip


class Priced(Frozen):
    """A price typed in: value of what one invested real has become on a day, BRL."""

    day: date
    value: Plain = Field(gt=0, max_digits=24, decimal_places=8)


class Bond(Frozen):
    """An investment of `amount` BRL on `bought_on`.

    `percent`: the share of CDI or Selic (1.10 is 110 %); `rate`: a year's rate on 252 sessions, alone (prefixado) or on
    top of the index (CDI + 2 %, IPCA + 6 %); `prices` that were typed in: from each on the index goes on. `added` was
    put in later, `interest` paid out (income). Values are gross of tax.
    """

    name: str = Field(min_length=1, max_length=100, examples=["CDB Banco Exemplo 2028"])
    kind: BondKind
    bought_on: date
    amount: Plain = Field(gt=0, max_digits=24, decimal_places=2)
    index: Index
    percent: Plain = Field(default=Decimal(1), gt=0, le=10, max_digits=10, decimal_places=6)
    rate: Plain = Field(default=Decimal(0), ge=0, le=1, max_digits=10, decimal_places=6)
    matures_on: date | None = None
    institution: str = Field(default="", max_length=100)
    redeemed: tuple[Redeemed, ...] = Field(default=(), max_length=500)
    prices: tuple[Priced, ...] = Field(default=(), max_length=5000)
    added: tuple[Redeemed, ...] = Field(default=(), max_length=5000)
    interest: tuple[Redeemed, ...] = Field(default=(), max_length=5000)

    @model_validator(mode="after")
    def _fits(self) -> Bond:
        if self.matures_on is not None and self.matures_on <= self.bought_on:
            raise ValueError("it matures before it was bought")
        if any(r.day < self.bought_on for r in self.redeemed):
            raise ValueError("money was taken out before it was bought")
        if any(r.day < self.bought_on for r in (*self.added, *self.interest)):
            raise ValueError("money was put in, or interest paid, before it was bought")
        if self.index is Index.PRICE and not self.prices:
            raise ValueError("index price needs prices")
        if self.index is Index.FIXED and not self.rate:
            raise ValueError("prefixado needs a rate")
        return self
