"""What is computed of one portfolio: the figures of its positions and of the whole."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from pydantic import AwareDatetime, Field

from invest.domain.frozen import Frozen
from invest.domain.portfolios.allocation import Concentration, Trade
from invest.domain.portfolios.income import Announced, Proposal
from invest.domain.portfolios.portfolio import Plain
from invest.domain.portfolios.returns import PeriodReturn


class UnbookedIncome(Frozen):
    """A payment that the store knows, for shares held then, and that nobody booked. BRL, after tax withheld."""

    ticker: str
    kind: str
    last_date_with: date
    payment_date: date | None
    quantity: Plain
    per_share: Plain
    amount: Plain


class PositionMetrics(Frozen):
    """One holding today, BRL. `weight` of the priced value; `contribution` to the time-weighted return; fractions."""

    ticker: str
    name: str | None
    kind: str | None
    sector: str | None
    quantity: Plain
    average_price: Plain | None
    price: Plain | None
    price_day: date | None
    value: Plain | None
    cost: Plain
    weight: float | None
    unrealized_gain: Plain | None
    realized_gain: Plain
    income: Plain
    income_projected: Plain | None = Field(
        description="what the last 12 months paid per share, on today's shares, gross"
    )
    income_projected_net: Plain | None = Field(default=None, description="the same after the tax withheld from JCP")
    result: float | None = Field(description="price against average price, a fraction")
    contribution: float | None


class PortfolioMetrics(Frozen):
    """The contract's metrics and more. Rates and returns are fractions; BRL figures are exact."""

    portfolio_id: str
    name: str
    as_of: date
    calculated_at: AwareDatetime
    total_value: Plain | None = Field(description="of the positions that have a price")
    total_invested: Plain = Field(description="cost of what is held")
    realized_gain: Plain
    unrealized_gain: Plain | None
    income: Plain = Field(description="dividends and JCP booked since the start")
    fees: Plain
    gain: Plain | None = Field(
        default=None, description="of what is held and of what was sold, income known, less fees outside costs, BRL"
    )
    total_return: float | None = Field(description="all gains by the most that was at work at one time")
    return_percent: float | None = Field(description="total_return in percent, as the contract names it")
    twr: float | None
    annual_return: float | None = Field(description="twr a year; null below a year")
    xirr: float | None
    volatility: float | None
    sharpe_ratio: float | None = Field(description="over CDI")
    sortino_ratio: float | None = Field(description="over CDI")
    max_drawdown: float | None
    drawdown_from: date | None
    drawdown_to: date | None
    beta: float | None = Field(description="against IBOV")
    var_95: float | None = Field(description="one session, historical")
    cvar_95: float | None
    hhi: float | None
    ibov_return: float | None = Field(description="over the same sessions")
    cdi_return: float | None
    excess_ibov: float | None = Field(description="(1 + twr)/(1 + ibov) - 1")
    excess_cdi: float | None
    dividends_12m: Plain
    dividends_projected: Plain | None = Field(description="gross")
    dividends_projected_net: Plain | None = Field(default=None, description="after the tax withheld from JCP")
    dividend_yield: float | None = Field(description="what the last 12 months paid on what is still held, by its value")
    yield_on_cost: float | None = Field(description="the same by its cost")
    by_class: dict[str, float]
    by_sector: dict[str, float]
    dividends_by_month: list[tuple[date, Plain]]
    positions: list[PositionMetrics]
    contributions: dict[str, float] = Field(description="of open and closed positions; they sum to twr")
    contributions_7d: dict[str, float] = Field(
        default_factory=dict, description="the same of the sessions of the last seven days and today"
    )
    rebalancing: list[Trade]
    concentration: list[Concentration]
    warnings: list[str]
    capital_at_work: Plain = Field(default=Decimal(0), description="the highest cost that was held at one time, BRL")
    receivables: Plain = Field(default=Decimal(0), description="earned on the ex-day, not yet paid, BRL")
    income_not_booked: Plain = Field(default=Decimal(0), description="known of shares held, booked by nobody, BRL")
    not_booked: list[UnbookedIncome] = Field(default_factory=list, description="the same one by one")
    proposals: list[Proposal] = Field(default_factory=list, description="what can be confirmed", repr=False)
    announced: list[Announced] = Field(default_factory=list, description="still to be paid, by day")
    periods: list[PeriodReturn] = Field(default_factory=list, description="by month, year, 12 months, since the start")
    day_trades: Plain = Field(default=Decimal(0), description="the part of realized_gain made within a day, BRL")
    taxes_withheld: Plain = Field(default=Decimal(0), description="withheld from sales: an advance, not a cost, BRL")
    curve_days: list[date] = Field(default_factory=list, repr=False)
    curve: list[float] = Field(default_factory=list, repr=False, description="growth of 1 by time-weighted return")
    curve_ibov: list[float | None] = Field(default_factory=list, repr=False)
    curve_cdi: list[float | None] = Field(default_factory=list, repr=False)
