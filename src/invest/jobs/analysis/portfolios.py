"""Portfolios: read, measured, kept as a snapshot; and what their reports show."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from invest.domain.fixed_income import FIXED_INCOME, Bond, as_assets
from invest.domain.market import Asset, AssetKind, RateCurve, display_name, kind_of, market_day
from invest.domain.portfolios import (
    PROPOSED,
    Known,
    Portfolio,
    PortfolioInput,
    PortfolioMetrics,
    PositionMetrics,
    measure,
)
from invest.engine import Context, Ok, Workflow
from invest.errors import NotFound
from invest.jobs.analysis.bonds import IPCA, SELIC, curves_since, priced_long_ago
from invest.jobs.analysis.taxes import tax_of
from invest.jobs.fan_out import fan_out
from invest.jobs.loading import CDI, IFIX, INDEX
from invest.jobs.queues import ANALYSIS, FAN_OUT, NEVER, PERIODIC
from invest.jobs.results import (
    PortfoliosAnalysed,
)
from invest.reports import PortfolioReportData, PositionRow
from invest.settings import Settings
from invest.store import Store

AUTO_CONFIRM = "auto_confirm"  # option of a portfolio: known events confirm themselves
PTAX = "sgs:1"
# (prices, series) that every portfolio is measured against, fixed income's included.
MEASURED_AGAINST = ((INDEX, IFIX), (CDI, IPCA, PTAX, SELIC))
PRINTED = (
    "twr",
    "annual_return",
    "xirr",
    "volatility",
    "sharpe_ratio",
    "sortino_ratio",
    "max_drawdown",
    "beta",
    "var_95",
    "cvar_95",
    "hhi",
    "ibov_return",
    "cdi_return",
    "excess_ibov",
    "excess_cdi",
    "dividend_yield",
    "yield_on_cost",
)


@ANALYSIS.job(retry=PERIODIC, give_up_on=NEVER, owner={"portfolio_id": "portfolio"})
async def calculate_portfolio_metrics(ctx: Context, portfolio_id: str) -> PortfolioMetrics:
    """Value, returns, risk, allocation and income of one portfolio, from its transactions; keeps a snapshot."""
    return await measure_and_keep(ctx.use(Store), ctx.use(Settings), portfolio_id)


@ANALYSIS.job(retry=FAN_OUT, give_up_on=NEVER, cron="0 20 * * *", owner="everybody")
async def analyze_all_portfolios(ctx: Context) -> Workflow[PortfoliosAnalysed]:
    """Measure every portfolio: one job each, then one that counts them."""
    ids = await ctx.use(Store).portfolios.ids()
    return fan_out((calculate_portfolio_metrics(i) for i in ids), finish_portfolios(len(ids)))


@ANALYSIS.job(retry=PERIODIC, give_up_on=NEVER, owner="everybody")
async def finish_portfolios(ctx: Context, total: int) -> PortfoliosAnalysed:
    """Count the measured portfolios (the last step of `analyze_all_portfolios`)."""
    done = sum([isinstance(o, Ok) async for o in ctx.iter_results()])
    return PortfoliosAnalysed(total_portfolios=total, analyzed=done, failed=total - done, timestamp=datetime.now(UTC))


async def portfolio_of(store: Store, portfolio_id: str) -> Portfolio:
    """The portfolio. Raises `NotFound`."""
    found = await store.portfolios.get(portfolio_id)
    if found is None:
        raise NotFound(f"no portfolio {portfolio_id!r}; `GET /api/v1/portfolios` lists those there are")
    return found


async def measured(
    store: Store,
    settings: Settings,
    portfolio: Portfolio,
    *,
    cash: Decimal = Decimal(0),
    sell: bool = True,
    known: Known | None = None,
) -> PortfolioMetrics:
    """Metrics of one portfolio, now, from its transactions and what is stored of its assets; `cash` waits, BRL.

    `known`: what the store knows of its assets, where that was read already.
    """
    bonds = await store.portfolios.bonds(portfolio.id)
    days = [*(t.date for t in portfolio.transactions), *(b.bought_on for b in bonds.values())]
    first = min(days, default=settings.now().date())
    known = known or await store.portfolios.known(portfolio.transactions)
    wanted = sorted(set(portfolio.targets) - set(known.bars))
    tickers = sorted({*known.bars, *wanted, *(t.ticker for t in portfolio.transactions if t.ticker)})
    more, assets, index, ifix = await asyncio.gather(
        store.bars.read_many(wanted, since=first),
        store.assets.get_many(tickers),
        store.bars.read(INDEX),
        store.bars.read(IFIX),
    )
    cdi, ipca, ptax = await asyncio.gather(
        store.macro.read(CDI, since=first),
        store.macro.read(IPCA, since=first.replace(day=1)),
        store.macro.read(PTAX, since=first),
    )
    if bonds:
        until = market_day(settings.now())
        facts, closes, named = as_assets(bonds, await curves_since(store, first), until)
        portfolio = portfolio.model_copy(update={"transactions": (*portfolio.transactions, *facts)})
        more = {**more, **closes}
        assets = {**assets, **{t: _as_asset(t, bond) for t, bond in named.items()}}
    given = PortfolioInput(
        portfolio=portfolio,
        now=settings.now(),
        bars={**known.bars, **more},
        assets=assets,
        actions=known.actions,
        index=index if len(index) else None,
        cdi=RateCurve.of(cdi) if cdi else None,
        changes=known.lineages,
        ifix=ifix if len(ifix) else None,
        ipca=ipca,
        ptax=ptax,
        cash=cash,
        sell=sell,
        remarks=priced_long_ago(bonds.values(), market_day(settings.now())),
    )
    return await asyncio.to_thread(measure, given)


def _as_asset(ticker: str, bond: Bond) -> Asset:
    """A bond as an asset of a class of its own."""
    plain = Asset(ticker=ticker, kind=AssetKind.OTHER, name=bond.name, sector=bond.kind.value)
    return plain.model_copy(update={"kind": FIXED_INCOME})  # no kind of the exchange


async def propose(store: Store, settings: Settings, portfolio_id: str) -> tuple[PortfolioMetrics, int, int]:
    """(metrics, new proposals, events that confirmed themselves, where its owner wants that). Raises `NotFound`."""
    metrics = await measured(store, settings, await portfolio_of(store, portfolio_id))
    booked = 0
    if metrics.proposals and (await store.portfolios.options(portfolio_id)).get(AUTO_CONFIRM):
        proposed = [p.transaction for p in metrics.proposals]
        booked = len((await store.portfolios.add(portfolio_id, proposed, origin=PROPOSED)).transactions)
        metrics = await measured(store, settings, await portfolio_of(store, portfolio_id))
    new = await store.portfolios.propose(portfolio_id, {p.key: p for p in metrics.proposals})
    return metrics, new, booked


async def measure_and_keep(store: Store, settings: Settings, portfolio_id: str) -> PortfolioMetrics:
    """Measure, propose what nobody booked, keep today's snapshot. Raises `NotFound`."""
    metrics, _, _ = await propose(store, settings, portfolio_id)
    await store.portfolios.save_snapshot(portfolio_id, metrics.as_of, metrics.calculated_at, metrics)
    return metrics


async def report_data(
    store: Store, settings: Settings, portfolio_id: str, *, report_id: str, language: str, recommend: bool
) -> PortfolioReportData:
    """What the report of a portfolio shows."""
    portfolio = await portfolio_of(store, portfolio_id)
    metrics, tax = await asyncio.gather(
        measured(store, settings, portfolio), tax_of(store, settings, [portfolio_id], settings.now().year)
    )
    tickers = [p.ticker for p in metrics.positions]
    analyses = await store.analyses.latest_many(tickers) if recommend else {}
    curves: dict[str, list[float | None]] = {"portfolio": list(metrics.curve)}
    curves |= {"ibov": metrics.curve_ibov} if metrics.curve_ibov else {}
    curves |= {"cdi": metrics.curve_cdi} if metrics.curve_cdi else {}
    return PortfolioReportData(
        report_id=report_id,
        generated_at=datetime.now(UTC),
        language=language,
        sandbox=settings.sandbox,
        portfolio_id=portfolio_id,
        name=metrics.name,
        as_of=metrics.as_of,
        positions=[_row(p, analyses.get(p.ticker)) for p in metrics.positions],
        total_value=metrics.total_value,
        total_invested=metrics.total_invested,
        metrics={"return_percent": metrics.total_return} | {name: getattr(metrics, name) for name in PRINTED},
        gain=metrics.gain,
        contributions=metrics.contributions,
        periods=metrics.periods,
        rebalancing=metrics.rebalancing,
        announced=metrics.announced,
        tax=tax,
        receivables=metrics.receivables,
        income_not_booked=metrics.income_not_booked,
        dividends_projected=metrics.dividends_projected,
        dividends_projected_net=metrics.dividends_projected_net,
        week_contributions=metrics.contributions_7d,
        curve_days=metrics.curve_days,
        curves=curves,
        dividends_by_month=metrics.dividends_by_month,
        include_recommendations=recommend,
        missing_prices=[p.ticker for p in metrics.positions if p.price is None],
    )


def kind_of_position(position: PositionMetrics) -> AssetKind:
    """Its kind as it is known, else by its code."""
    return AssetKind(position.kind) if position.kind else kind_of(position.ticker)


def _row(position: PositionMetrics, analysis: Any) -> PositionRow:
    return PositionRow(
        ticker=position.ticker,
        name=display_name(position.ticker, kind_of_position(position), position.name),
        sector=position.sector,
        kind=position.kind,
        quantity=position.quantity,
        average_price=position.average_price,
        price=position.price,
        value=position.value,
        cost=position.cost,
        weight=position.weight,
        result=position.result,
        dividends_12m=position.income_projected,
        analysis=analysis,
    )


def change_over(days: list[date], curve: list[float | None], start: date) -> float | None:
    """Growth of a curve from its last point before `start` to its end, as a fraction."""
    before = [v for d, v in zip(days, curve, strict=True) if d < start and v]
    if not before or not curve or curve[-1] is None:
        return None
    last = before[-1]
    return None if last is None else curve[-1] / last - 1
