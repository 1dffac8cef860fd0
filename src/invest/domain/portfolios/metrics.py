"""Everything computed of one portfolio, point in time: positions, value, returns, risk, spread, income, benchmarks.

Pure: the same transactions and prices give the same figures. Missing is null with its reason in `warnings`, never 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal

import numpy as np
from pydantic import AwareDatetime, Field

from invest.domain.frozen import Frozen
from invest.domain.market import Asset, Bars, CorporateAction, Floats, RateCurve, market_day
from invest.domain.maths import annual_volatility, beta, expected_shortfall, sharpe, value_at_risk
from invest.domain.portfolios import allocation, performance
from invest.domain.portfolios.allocation import Concentration, Trade
from invest.domain.portfolios.income import implied_splits, projected_income, received_by_month, received_since
from invest.domain.portfolios.portfolio import Portfolio, Transaction
from invest.domain.portfolios.positions import Book, Position, derive
from invest.domain.portfolios.timeline import Timeline, build_timeline

CENT = Decimal("0.01")
PRICE = Decimal("1e-8")
YEAR = timedelta(days=365)
MIN_SESSIONS = 20  # below it risk figures say nothing


class PositionMetrics(Frozen):
    """One holding today, BRL. `weight` of the priced value; `contribution` to the time-weighted return; fractions."""

    ticker: str
    name: str | None
    kind: str | None
    sector: str | None
    quantity: Decimal
    average_price: Decimal | None
    price: Decimal | None
    price_day: date | None
    value: Decimal | None
    cost: Decimal
    weight: float | None
    unrealized_gain: Decimal | None
    realized_gain: Decimal
    income: Decimal
    income_projected: Decimal | None = Field(
        description="what the last 12 months paid per share, on today's shares, gross"
    )
    income_projected_net: Decimal | None = Field(default=None, description="the same after the tax withheld from JCP")
    result: float | None = Field(description="price against average price, a fraction")
    contribution: float | None


class PortfolioMetrics(Frozen):
    """The contract's metrics and more. Rates and returns are fractions; BRL figures are exact."""

    portfolio_id: str
    name: str
    as_of: date
    calculated_at: AwareDatetime
    total_value: Decimal | None = Field(description="of the positions that have a price")
    total_invested: Decimal = Field(description="cost of what is held")
    realized_gain: Decimal
    unrealized_gain: Decimal | None
    income: Decimal = Field(description="dividends and JCP booked since the start")
    fees: Decimal
    total_return: float | None = Field(description="all gains by all purchases")
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
    dividends_12m: Decimal
    dividends_projected: Decimal | None = Field(description="gross")
    dividends_projected_net: Decimal | None = Field(default=None, description="after the tax withheld from JCP")
    dividend_yield: float | None = Field(description="dividends_12m by value")
    yield_on_cost: float | None
    by_class: dict[str, float]
    by_sector: dict[str, float]
    dividends_by_month: list[tuple[date, Decimal]]
    positions: list[PositionMetrics]
    contributions: dict[str, float] = Field(description="of open and closed positions; they sum to twr")
    rebalancing: list[Trade]
    concentration: list[Concentration]
    warnings: list[str]
    curve_days: list[date] = Field(default_factory=list, repr=False)
    curve: list[float] = Field(default_factory=list, repr=False, description="growth of 1 by time-weighted return")
    curve_ibov: list[float | None] = Field(default_factory=list, repr=False)
    curve_cdi: list[float | None] = Field(default_factory=list, repr=False)


@dataclass(frozen=True, slots=True)
class PortfolioInput:
    """What the metrics are computed from. `bars` and `actions` by ticker; `index` IBOV; `cdi` its daily rates."""

    portfolio: Portfolio
    now: datetime
    bars: Mapping[str, Bars] = field(default_factory=dict)
    assets: Mapping[str, Asset] = field(default_factory=dict)
    actions: Mapping[str, Sequence[CorporateAction]] = field(default_factory=dict)
    index: Bars | None = None
    cdi: RateCurve | None = None


def measure(given: PortfolioInput) -> PortfolioMetrics:
    """All metrics of one portfolio at `given.now`; an empty one gives nulls, not errors."""
    today = market_day(given.now)
    booked = [t for t in given.portfolio.transactions if t.date <= today]
    implied = implied_splits(booked, given.actions, today)
    transactions = [*booked, *implied]
    book = derive(transactions)
    line = build_timeline(transactions, given.bars, today)
    parts = performance.contributions(line)
    positions = _positions(given, book, line, parts, today)
    values = {p.ticker: p.value for p in positions if p.value is not None}
    sums = _sums(book, values, positions)
    spread = allocation.weights(values)
    sectors = allocation.grouped(values, {p.ticker: p.sector for p in positions})
    income_12m = received_since(transactions, today - YEAR, today)
    prices = {t: Decimal(str(c)) for t, b in given.bars.items() if (c := _last_close(b, today)[0]) is not None}
    return PortfolioMetrics(
        portfolio_id=given.portfolio.id,
        name=given.portfolio.name,
        as_of=today,
        calculated_at=given.now,
        **sums,
        **_returns(line),
        **_benchmarks(line, given),
        hhi=allocation.hhi(spread),
        dividends_12m=income_12m,
        dividends_projected=_sum_known(p.income_projected for p in positions),
        dividends_projected_net=_sum_known(p.income_projected_net for p in positions),
        dividend_yield=_ratio(income_12m, sums["total_value"]),
        yield_on_cost=_ratio(income_12m, sums["total_invested"]),
        by_class=allocation.grouped(values, {p.ticker: p.kind for p in positions}),
        by_sector=sectors,
        dividends_by_month=received_by_month(transactions),
        positions=positions,
        contributions=parts,
        rebalancing=allocation.rebalance(values, prices, given.portfolio.targets),
        concentration=allocation.concentrations(spread, sectors),
        warnings=_warnings(given, book, line, implied),
    )


def _positions(
    given: PortfolioInput, book: Book, line: Timeline, parts: Mapping[str, float], today: date
) -> list[PositionMetrics]:
    """Holdings by value, the largest first; those without a price last."""
    rows = []
    total = Decimal(0)
    closes: dict[str, tuple[float | None, date | None]] = {}
    for ticker, position in book.held.items():
        closes[ticker] = _last_close(given.bars.get(ticker), today)
        close = closes[ticker][0]
        total += position.quantity * Decimal(str(close)) if close is not None else Decimal(0)
    for ticker, position in book.held.items():
        close, day = closes[ticker]
        rows.append(
            _position(
                position,
                asset=given.assets.get(ticker),
                close=close,
                day=day,
                total=total,
                projected=[
                    projected_income(position.quantity, given.actions.get(ticker), today, net=net)
                    for net in (False, True)
                ],
                contribution=parts.get(ticker),
            )
        )
    return sorted(rows, key=lambda p: (p.value is None, -(p.value or 0), p.ticker))


def _position(
    position: Position,
    *,
    asset: Asset | None,
    close: float | None,
    day: date | None,
    total: Decimal,
    projected: Sequence[Decimal | None],
    contribution: float | None,
) -> PositionMetrics:
    price = None if close is None else Decimal(str(close))
    value = None if price is None else (position.quantity * price).quantize(CENT)
    average = position.average_price
    return PositionMetrics(
        ticker=position.ticker,
        name=asset.name if asset else None,
        kind=str(asset.kind) if asset else None,
        sector=asset.sector if asset else None,
        quantity=position.quantity,
        average_price=None if average is None else average.quantize(PRICE),
        price=price,
        price_day=day,
        value=value,
        cost=position.cost.quantize(CENT),
        weight=float(position.quantity * price / total) if price is not None and total > 0 else None,
        unrealized_gain=None if value is None else value - position.cost.quantize(CENT),
        realized_gain=position.realized_gain.quantize(CENT),
        income=position.income.quantize(CENT),
        income_projected=projected[0],
        income_projected_net=projected[1],
        result=float(price / average - 1) if price is not None and average else None,
        contribution=contribution,
    )


def _sums(book: Book, values: Mapping[str, Decimal], positions: Sequence[PositionMetrics]) -> dict[str, object]:
    every = book.positions.values()
    cost = sum((p.cost for p in positions), Decimal(0))
    priced = bool(values) or not positions
    value = sum(values.values(), Decimal(0)) if priced and book.positions else None
    unrealized = _sum_known(p.unrealized_gain for p in positions) if positions else Decimal(0)
    realized = sum((p.realized_gain for p in every), Decimal(0))
    income = sum((p.income for p in every), Decimal(0))
    fees = sum((p.fees for p in every), book.account_fees)
    bought = sum((p.bought for p in every), Decimal(0))
    whole = all(p.value is not None for p in positions)
    gain = None if unrealized is None or not whole else unrealized + realized + income - fees
    whole_return = float(gain / bought) if gain is not None and bought > 0 else None
    return {
        "total_value": value,
        "total_invested": cost,
        "realized_gain": realized.quantize(CENT),
        "unrealized_gain": unrealized,
        "income": income.quantize(CENT),
        "fees": fees.quantize(CENT),
        "total_return": whole_return,
        "return_percent": None if whole_return is None else whole_return * 100,
    }


def _returns(line: Timeline) -> dict[str, object]:
    """Return and risk of the sessions in which money was at work."""
    empty: dict[str, object] = dict.fromkeys(
        ("twr", "annual_return", "volatility", "max_drawdown", "drawdown_from", "drawdown_to", "var_95", "cvar_95")
    )
    at_work = line.returns[line.invested]
    if not len(at_work):
        return empty | {"xirr": None}
    days = line.days[line.invested]
    total = float(np.prod(1 + at_work) - 1)
    span = performance.drawdown_span(at_work)
    enough = len(at_work) >= MIN_SESSIONS
    figures: dict[str, object] = {
        "twr": total,
        "annual_return": performance.annualised(total, int((days[-1] - days[0]).astype(int))),
        "xirr": performance.timeline_xirr(line),
        "volatility": annual_volatility(at_work) if enough else None,
        "max_drawdown": span[0] if span else None,
        "drawdown_from": days[max(span[1] - 1, 0)].astype(object) if span and span[0] < 0 else None,
        "drawdown_to": days[span[2] - 1].astype(object) if span and span[0] < 0 else None,
        "var_95": value_at_risk(at_work),
        "cvar_95": expected_shortfall(at_work),
    }
    return figures | {"curve_days": days.astype(object).tolist(), "curve": np.cumprod(1 + at_work).tolist()}


def _benchmarks(line: Timeline, given: PortfolioInput) -> dict[str, object]:
    """IBOV and CDI over the same sessions, from the close of the first one; figures that need them."""
    at_work = line.invested
    days, mine = line.days[at_work], line.returns[at_work]
    figures: dict[str, object] = dict.fromkeys(
        ("beta", "sharpe_ratio", "sortino_ratio", "ibov_return", "cdi_return", "excess_ibov", "excess_cdi")
    )
    if len(days) < 2:
        return figures
    growth = float(np.prod(1 + mine))
    ibov = _index_growth(given.index, days)
    if ibov is not None:
        moved = ibov[1:] / ibov[:-1] - 1
        figures |= {
            "beta": beta(mine[1:], moved) if len(moved) >= MIN_SESSIONS else None,
            "ibov_return": float(ibov[-1] - 1),
            "excess_ibov": growth / float(ibov[-1]) - 1,
            "curve_ibov": ibov.tolist(),
        }
    rates = given.cdi.over(days) if given.cdi is not None else None
    if rates is not None:
        cdi = np.concatenate(([1.0], np.cumprod(1 + rates)))
        enough = len(rates) >= MIN_SESSIONS
        figures |= {
            "sharpe_ratio": sharpe(mine[1:], rates) if enough else None,
            "sortino_ratio": performance.sortino(mine[1:], rates) if enough else None,
            "cdi_return": float(cdi[-1] - 1),
            "excess_cdi": growth / float(cdi[-1]) - 1,
            "curve_cdi": cdi.tolist(),
        }
    return figures


def _index_growth(index: Bars | None, days: np.ndarray[tuple[int], np.dtype[np.datetime64]]) -> Floats | None:
    """The index at each session as growth of 1 from the first; None where it does not reach back that far."""
    if index is None or not len(index) or index.days[0] > days[0]:
        return None
    usable = np.isfinite(index.close) & (index.close > 0)
    known, close = index.days[usable], index.close[usable]
    at = np.searchsorted(known, days, side="right") - 1
    if not len(known) or at[0] < 0:
        return None
    return np.asarray(close[at] / close[at[0]])


def _last_close(bars: Bars | None, today: date) -> tuple[float | None, date | None]:
    if bars is None:
        return None, None
    known = bars.until(today)
    usable = np.flatnonzero(np.isfinite(known.close) & (known.close > 0))
    if not len(usable):
        return None, None
    return float(known.close[usable[-1]]), known.days[usable[-1]].astype(object)


def _warnings(given: PortfolioInput, book: Book, line: Timeline, implied: Sequence[Transaction]) -> list[str]:
    held, today = book.held, market_day(given.now)
    found = [f"not booked: {refusal.reason}" for refusal in book.refused]
    found += [f"{t}: no price is known, it is left out of the value" for t in line.unpriced if t in held]
    found += [f"{t}: its last price is more than ten sessions old" for t in line.stale if t in held]
    future = sum(1 for t in given.portfolio.transactions if t.date > today)
    if future:
        found.append(f"{future} transactions lie in the future and do not count yet")
    found += [
        f"{s.ticker}: {s.note} of {s.quantity.normalize():f} per share on {s.date} is not booked; it is counted as one"
        for s in implied
    ]
    return found


def _sum_known(amounts: Iterable[Decimal | None]) -> Decimal | None:
    known = [a for a in amounts if a is not None]
    return sum(known, Decimal(0)) if known else None


def _ratio(part: object, whole: object) -> float | None:
    if not isinstance(part, Decimal) or not isinstance(whole, Decimal) or whole <= 0:
        return None
    return float(part / whole)
