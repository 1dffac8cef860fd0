"""Everything computed of one portfolio, point in time: positions, value, returns, risk, spread, income, benchmarks.

Pure: the same transactions and prices give the same figures. Missing is null with its reason in `warnings`, never 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal

import numpy as np

from invest.domain.market import Asset, Bars, CorporateAction, Lineages, MacroPoint, RateCurve, TickerChange, market_day
from invest.domain.portfolios import allocation, performance, returns
from invest.domain.portfolios.events import Settled, settled
from invest.domain.portfolios.figures import PortfolioMetrics, PositionMetrics, UnbookedIncome
from invest.domain.portfolios.income import (
    amount_text,
    announced,
    event_name,
    projected_income,
    proposed,
    received_by_month,
    received_since,
)
from invest.domain.portfolios.known import Known, in_reais
from invest.domain.portfolios.ledger import Entry, Position
from invest.domain.portfolios.portfolio import CENT, ZERO, Portfolio, Transaction, tidy
from invest.domain.portfolios.positions import Book, derive
from invest.domain.portfolios.receipts import Holdings, Receipt, receipts_of
from invest.domain.portfolios.timeline import Timeline, build_timeline

__all__ = ["PortfolioInput", "PortfolioMetrics", "PositionMetrics", "measure", "positions_of"]

PRICE = Decimal("1e-8")
YEAR = timedelta(days=365)
WEEK = timedelta(days=7)
NAMED = 20  # warnings of one kind that are told one by one


@dataclass(frozen=True, slots=True)
class PortfolioInput:
    """What the metrics are computed from. `bars` and `actions` by ticker; `index` IBOV; `cdi` its daily rates.

    `changes` of code; `ifix` the index of funds; `ipca` its months and `ptax` reais per dollar, both as published.
    `cash` waits to be invested: the rebalancing spends it; without `sell` it spends nothing else. `remarks` are
    warnings of whoever asks, told with the others.
    """

    portfolio: Portfolio
    now: datetime
    bars: Mapping[str, Bars] = field(default_factory=dict)
    assets: Mapping[str, Asset] = field(default_factory=dict)
    actions: Mapping[str, Sequence[CorporateAction]] = field(default_factory=dict)
    index: Bars | None = None
    cdi: RateCurve | None = None
    changes: Sequence[TickerChange] | Lineages = ()
    ifix: Bars | None = None
    ipca: Sequence[MacroPoint] = ()
    ptax: Sequence[MacroPoint] = ()
    cash: Decimal = ZERO
    sell: bool = True
    remarks: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class _Facts:
    """A portfolio's facts once they are settled, with what follows from them."""

    today: date
    settled: Settled
    book: Book
    line: Timeline
    receipts: Sequence[Receipt]
    held: Mapping[str, Holdings]
    prices: Mapping[str, Decimal]
    bars: Mapping[str, Bars]
    left_out: Sequence[str]


def positions_of(transactions: Iterable[Transaction], known: Known, until: date) -> Book:
    """The book of a portfolio as metrics and reports see it: known events and changes of code included."""
    return derive(settled(transactions, known, until).transactions)


def measure(given: PortfolioInput) -> PortfolioMetrics:
    """All metrics of one portfolio at `given.now`; an empty one gives nulls, not errors."""
    facts = _facts(given)
    book, line, today = facts.book, facts.line, facts.today
    parts = performance.contributions(line)
    positions = _positions(given, facts, parts)
    values = {p.ticker: p.value for p in positions if p.value is not None}
    spread = allocation.weights(values)
    sectors = allocation.grouped(values, {p.ticker: p.sector for p in positions})
    sums = _sums(facts, values, positions)
    kept = _kept_income(facts)
    beside = returns.Benchmarks(given.index, given.ifix, given.cdi, given.ipca)
    unbooked = [_unbooked(r) for r in facts.receipts if not r.booked]
    return PortfolioMetrics(
        portfolio_id=given.portfolio.id,
        name=given.portfolio.name,
        as_of=today,
        calculated_at=given.now,
        **sums,
        **returns.own_figures(line),
        **returns.benchmark_figures(line, beside),
        hhi=allocation.hhi(spread),
        dividends_12m=received_since(facts.settled.transactions, today - YEAR, today),
        dividends_projected=_sum_known(p.income_projected for p in positions),
        dividends_projected_net=_sum_known(p.income_projected_net for p in positions),
        dividend_yield=_ratio(kept, sums["total_value"]),
        yield_on_cost=_ratio(kept, sums["total_invested"]),
        by_class=allocation.grouped(values, {p.ticker: p.kind for p in positions}),
        by_sector=sectors,
        dividends_by_month=received_by_month(facts.settled.transactions),
        positions=positions,
        contributions=parts,
        contributions_7d=performance.contributions(line, since=today - WEEK),
        rebalancing=allocation.rebalance(
            values, facts.prices, given.portfolio.targets, cash=given.cash, sell=given.sell
        ),
        concentration=allocation.concentrations(spread, sectors),
        receivables=sum((r.amount for r in facts.receipts if r.pending(today)), ZERO),
        income_not_booked=sum((u.amount for u in unbooked), ZERO),
        not_booked=unbooked,
        announced=announced(facts.held, given.actions, today),
        proposals=list(proposed(facts.settled.implied, facts.receipts, today).values()),
        periods=returns.period_returns(line, beside),
        day_trades=sum((p.day_trades for p in book.positions.values()), ZERO).quantize(CENT),
        taxes_withheld=book.taxes.quantize(CENT),
        warnings=_warnings(given, facts),
    )


def _facts(given: PortfolioInput) -> _Facts:
    today = market_day(given.now)
    booked, bars, left_out = in_reais(given.portfolio.transactions, given.bars, given.ptax)
    known = Known(given.actions, given.changes, bars)
    facts = settled(booked, known, today)
    line = build_timeline(
        facts.transactions, bars, today, lambda held: receipts_of(facts.transactions, known, today, held)
    )
    closes = {t: c for t, b in bars.items() if (c := _last_close(b, today)[0]) is not None}
    return _Facts(
        today=today,
        settled=facts,
        book=line.book,
        line=line,
        receipts=line.receipts,
        held=line.held,
        prices={t: Decimal(str(c)) for t, c in closes.items()},
        bars=bars,
        left_out=left_out,
    )


def _positions(given: PortfolioInput, facts: _Facts, parts: Mapping[str, float]) -> list[PositionMetrics]:
    """Holdings by value, the largest first; those without a price last."""
    held = facts.book.held
    closes = {ticker: _last_close(facts.bars.get(ticker), facts.today) for ticker in held}
    exact = (p.quantity * Decimal(str(c)) for t, p in held.items() if (c := closes[t][0]) is not None)
    total = sum(exact, ZERO)
    rows = [
        _position(
            position,
            asset=given.assets.get(ticker),
            close=closes[ticker][0],
            day=closes[ticker][1],
            total=total,
            projected=[
                projected_income(position.quantity, given.actions.get(ticker), facts.today, net=net)
                for net in (False, True)
            ],
            contribution=parts.get(ticker),
        )
        for ticker, position in held.items()
    ]
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


def _sums(facts: _Facts, values: Mapping[str, Decimal], positions: Sequence[PositionMetrics]) -> dict[str, object]:
    book = facts.book
    every = book.positions.values()
    cost = sum((p.cost for p in positions), ZERO)
    priced = bool(values) or not positions
    value = sum(values.values(), ZERO) if priced and book.positions else None
    unrealized = _sum_known(p.unrealized_gain for p in positions) if positions else ZERO
    realized = sum((p.realized_gain for p in every), ZERO)
    income = sum((p.income for p in every), ZERO)
    loose = sum((p.loose_fees for p in every), book.account_fees)
    forgotten = sum((r.amount for r in facts.receipts if not r.booked and r.kind != "amortisation"), ZERO)
    whole = all(p.value is not None for p in positions)
    gain = None if unrealized is None or not whole else unrealized + realized + income + forgotten - loose
    capital = Decimal(str(_most_at_work(facts.line))).quantize(CENT)
    whole_return = float(gain / capital) if gain is not None and capital > 0 else None
    return {
        "total_value": value,
        "total_invested": cost,
        "realized_gain": realized.quantize(CENT),
        "unrealized_gain": unrealized,
        "income": income.quantize(CENT),
        "fees": sum((p.fees for p in every), book.account_fees).quantize(CENT),
        "capital_at_work": capital,
        "gain": None if gain is None else gain.quantize(CENT),
        "total_return": whole_return,
        "return_percent": None if whole_return is None else whole_return * 100,
    }


def _most_at_work(line: Timeline) -> float:
    """The highest cost that was held at one time, BRL; of day trades alone, what was bought in the largest day."""
    if not len(line):
        return 0.0
    return float(line.cost.max()) or float(line.bought.sum(axis=1).max())


def _kept_income(facts: _Facts) -> Decimal:
    """What the last 12 months paid on the shares that are still held, BRL."""
    kept, splits = ZERO, [e for e in facts.book.journal if e.kind == "split" and e.held > 0]
    for receipt in facts.receipts:
        paid = receipt.paid or receipt.earned
        held = facts.held.get(receipt.ticker)
        if paid is None or not facts.today - YEAR < paid <= facts.today or held is None:
            continue
        if receipt.kind == "amortisation":
            continue
        before = held.on((receipt.last_date_with or paid) - timedelta(days=0 if receipt.last_date_with else 1))
        entitled = max(before, receipt.quantity if receipt.quantity > 1 else ZERO)
        if entitled <= 0:
            continue
        entitled *= _ratio_since(splits, receipt.ticker, receipt.last_date_with or paid)
        kept += receipt.amount * min(Decimal(1), held.on(facts.today) / entitled)
    return kept


def _ratio_since(splits: Iterable[Entry], ticker: str, day: date) -> Decimal:
    """New shares today per share of `day`, by the splits in between."""
    ratio = Decimal(1)
    for entry in splits:
        if entry.ticker == ticker and entry.day > day:
            ratio *= (entry.held + entry.quantity) / entry.held
    return ratio


def _unbooked(receipt: Receipt) -> UnbookedIncome:
    return UnbookedIncome(
        ticker=receipt.ticker,
        kind=receipt.kind,
        last_date_with=receipt.last_date_with or date.min,
        payment_date=receipt.paid,
        quantity=receipt.quantity,
        per_share=receipt.per_share or ZERO,
        amount=receipt.amount,
    )


def _last_close(bars: Bars | None, today: date) -> tuple[float | None, date | None]:
    if bars is None:
        return None, None
    known = bars.until(today)
    usable = np.flatnonzero(np.isfinite(known.close) & (known.close > 0))
    if not len(usable):
        return None, None
    return float(known.close[usable[-1]]), known.days[usable[-1]].astype(object)


def _warnings(given: PortfolioInput, facts: _Facts) -> list[str]:
    held, line = facts.book.held, facts.line
    found = [f"not booked: {refusal.reason}" for refusal in facts.book.refused]
    found += [f"not counted yet: {p.reason}; import the older statements" for p in facts.book.pending]
    found += [
        f"{t}: {tidy(owed):f} sold short and not bought back yet; it counts once it is"
        for t, sales in sorted(facts.book.shorts.items())
        if (owed := sum((s.quantity for s in sales), ZERO))
    ]
    found += [f"{t}: no price is known, it is left out of the value" for t in line.unpriced if t in held]
    found += [_old_price(t, given.assets.get(t), facts) for t in line.stale if t in held]
    found += [f"{t}: income of shares that were never held; it is in no return" for t in line.homeless]
    found += [f"{t}: traded in dollars, and no PTAX is known: left out" for t in facts.left_out]
    future = sum(1 for t in given.portfolio.transactions if t.date > facts.today)
    if future:
        found.append(f"{future} transactions lie in the future and do not count yet")
    found += [
        f"{s.ticker}: {event_name(s)} of {amount_text(s)} on {s.date} is not booked; it is counted as one"
        for s in facts.settled.implied
        if not s.of_borrowed
    ]
    found += [
        f"{s.ticker}: the short sale goes through the {event_name(s)} of {s.date}, {amount_text(s)}"
        for s in facts.settled.implied
        if s.of_borrowed
    ]
    found += [*facts.settled.remarks, *given.remarks]
    unbooked = [r for r in facts.receipts if not r.booked]
    found += [f"{r.text} is known and not booked; it counts as earned" for r in unbooked[-NAMED:]]
    if len(unbooked) > NAMED:
        found.append(f"{len(unbooked) - NAMED} older payments are known and not booked: see not_booked")
    reason = performance.xirr_reason(line)
    return [*found, reason] if reason and not facts.left_out else found


def _old_price(ticker: str, asset: Asset | None, facts: _Facts) -> str:
    day = _last_close(facts.bars.get(ticker), facts.today)[1]
    if asset is not None and not asset.active and day is not None:
        return f"{ticker}: it trades no more, its last price is of {day}"
    return f"{ticker}: its last price is more than ten sessions old"


def _sum_known(amounts: Iterable[Decimal | None]) -> Decimal | None:
    known = [a for a in amounts if a is not None]
    return sum(known, ZERO) if known else None


def _ratio(part: object, whole: object) -> float | None:
    if not isinstance(part, Decimal) or not isinstance(whole, Decimal) or whole <= 0:
        return None
    return float(part / whole)
