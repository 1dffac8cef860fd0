"""What the tax of a year says: months with their derivation, what is held, income by payer. BRL, after costs."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from enum import StrEnum

from pydantic import Field

from invest.domain.frozen import Frozen
from invest.domain.market import AssetKind, Ticker
from invest.domain.portfolios import Plain
from invest.domain.taxes.rules import DARF_CODE, DISCLAIMER, NOT_COVERED, Bucket, Mark

ZERO = Decimal(0)


class State(StrEnum):
    """Where a month stands."""

    NO_MOVEMENT = "no_movement"
    EXEMPT = "exempt"
    LOSS = "loss"
    OFFSET = "offset"
    BELOW_MINIMUM = "below_minimum"
    DUE = "due"
    PAID = "paid"
    LATE = "late"
    INCOMPLETE = "incomplete"


class Flag(Frozen):
    """Something that must be settled or known before a figure can be trusted."""

    code: str
    message: str
    message_pt: str = Field(default="", description="the same in Portuguese")
    ticker: str | None = None
    day: date | None = None
    mark: Mark = "uncertain"
    blocks: bool = Field(default=True, description="the month cannot be called complete")


class TaxLine(Frozen):
    """One sale or day trade and what it follows from; `transactions` are the ids of its facts."""

    day: date
    ticker: str
    kind: str = Field(description="sell, day_trade or amortisation")
    bucket: Bucket
    exempt_asset: bool = Field(description="whether it is of the assets that the R$ 20,000 exemption is for")
    quantity: Plain
    gross: Plain
    costs: Plain
    cost: Plain
    result: Plain
    average_before: Plain | None
    held_before: Plain
    transactions: tuple[int, ...] = ()
    mark: Mark = "verified"
    source: str = ""


class BucketMonth(Frozen):
    """One bucket in one month: result -> loss used -> base -> tax -> credit used -> due."""

    result: Plain = ZERO
    loss_before: Plain = ZERO
    loss_used: Plain = ZERO
    loss_after: Plain = ZERO
    base: Plain = ZERO
    rate: Plain = ZERO
    tax: Plain = ZERO
    withheld: Plain = Field(default=ZERO, description="IRRF of this month")
    withheld_estimated: bool = Field(default=False, description="computed, since no note tells it")
    credit_used: Plain = ZERO
    credit_after: Plain = ZERO
    due: Plain = ZERO


class Darf(Frozen):
    """One payment: code 6015, the month it is for, what it holds, when it is due."""

    code: str = DARF_CODE
    period: str = Field(description="month of the last gain in it, YYYY-MM")
    amount: Plain
    carried: Plain = Field(description="the part of it from months below R$ 10.00")
    due: date


class MonthTax(Frozen):
    """One month. `sales` of shares count towards the R$ 20,000; `exempt_gain` is Isentos 20."""

    month: str
    state: State
    sales: Plain
    exempt_gain: Plain
    buckets: dict[Bucket, BucketMonth]
    tax: Plain
    due: Plain = Field(description="tax less credits of this month, before what was carried")
    carried: Plain = Field(description="below R$ 10.00, added to a later month")
    darf: Darf | None = None
    paid: Plain | None = None
    difference: Plain | None = Field(default=None, description="the DARF less what was paid for it")
    lines: list[TaxLine] = Field(default_factory=list)
    flags: list[Flag] = Field(default_factory=list)


class Good(Frozen):
    """One line of Bens e Direitos, at cost."""

    code: str
    ticker: str
    cnpj: str | None
    description: str
    quantity: Plain
    before: Plain | None = Field(description="cost on 31 December of the year before; null where it stays blank")
    now: Plain | None = Field(description="cost on 31 December of the year; null where it stays blank")
    must: bool = Field(description="whether its cost reaches the sum from which it must be declared")
    brokers: tuple[str, ...] = ()
    mark: Mark = "verified"


class PayerIncome(Frozen):
    """Income of one kind from one payer."""

    section: str = Field(description="isentos or exclusiva")
    code: str
    title: str
    ticker: str
    payer: str | None
    cnpj: str | None
    amount: Plain
    transactions: tuple[int, ...] = ()
    mark: Mark = "verified"


class DarfPaid(Frozen):
    """A DARF that was paid."""

    period: str = Field(pattern=r"^\d{4}-(0[1-9]|1[0-2])$")
    amount: Plain = Field(ge=0, max_digits=24, decimal_places=2)
    paid_on: date


class TaxOpening(Frozen):
    """What the tax needs from before. All as they stood at the end of `day`; credits of that year alone."""

    day: date | None = None
    losses: dict[Bucket, Plain] = Field(default_factory=dict)
    credits: dict[Bucket, Plain] = Field(default_factory=dict)
    darf_below_minimum: Plain = ZERO
    paid: tuple[DarfPaid, ...] = ()
    kinds: dict[Ticker, AssetKind] = Field(default_factory=dict, description="what an unknown or wrong asset is")


class TaxOpen(Frozen):
    """What waits to be paid as of a day: months whose DARF is not paid, the running month, what is below R$ 10.00."""

    unpaid: list[MonthTax] = Field(description="months that are over and owe a DARF, the newest first")
    running: MonthTax | None = Field(description="the month that is not over yet; null where nothing was booked")
    carried: Plain = Field(description="below R$ 10.00 at the end of the last month that is over")
    incomplete: list[str] = Field(
        default_factory=list, description="months that are over, without a DARF yet, in which a question is open"
    )


class TaxYear(Frozen):
    """The tax of one person and year."""

    year: int
    months: list[MonthTax]
    goods: list[Good]
    income: list[PayerIncome]
    losses: dict[Bucket, Plain] = Field(description="carried into the next year")
    credits_lost: dict[Bucket, Plain] = Field(description="IRRF left in December: for the return or PER/DCOMP")
    darf_carried: Plain
    flags: list[Flag]
    not_covered: tuple[str, ...] = NOT_COVERED
    disclaimer: str = DISCLAIMER
