"""A hundred printed figures of each kind of report, computed again from the stored bytes by code of its own.

One market of eight papers, a kind each, is collected once; every report is written from it (see `figures_kit`).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from typing import Any

import pytest

from invest.domain.market import Market
from invest.domain.portfolios import Operation, Transaction
from invest.jobs.analysis import update_asset_rankings
from invest.jobs.data_collection import batch_collect_assets, update_benchmarks, update_fundamentals_batch
from invest.jobs.reports import (
    generate_comparison_report_async,
    generate_market_overview_async,
    generate_portfolio_report_async,
    generate_report_async,
    generate_weekly_report_async,
)
from invest.reports import AnyView
from invest.settings import Settings
from invest_sandbox import World
from tests.integration.jobs import figures_kit as kit
from tests.integration.jobs.job_platform import Platform, running_platform

STOCKS = ("PETR4", "ITUB4", "IRBR3", "TAEE11")
KINDS = {
    "stock": "PETR4", "bank": "ITUB4", "insurer": "IRBR3", "unit": "TAEE11", "fii": "HGLG11", "etf": "BOVA11",
    "bdr": "AAPL34", "crypto": "BTC-BRL",
}  # fmt: skip
HELD = {"PETR4": 100, "ITUB4": 80, "IRBR3": 50, "HGLG11": 10, "BOVA11": 20, "AAPL34": 30}


@dataclass
class Written:
    """What the stored bytes say, and the view of every report."""

    known: kit.Bytes
    views: dict[str, AnyView] = field(default_factory=dict)


_written: list[Written] = []


def market() -> World:
    """The upstreams' market with the papers of `KINDS` alone."""
    made = World(100, 11, None, None)
    made.listings = tuple(paper for paper in made.listings if paper.ticker in KINDS.values())
    made.by_ticker = {paper.ticker: paper for paper in made.listings}
    return made


@pytest.fixture
async def written(settings: Callable[..., Settings], redis_url: str, database_url: str) -> AsyncIterator[Written]:
    """Every report of one market, written once for all tests of this module."""
    if not _written:
        async with running_platform(settings, redis_url, database_url, market()) as platform:
            _written.append(await _write_all(platform))
    yield _written[0]


async def _write_all(platform: Platform) -> Written:
    tickers = list(KINDS.values())
    await platform.run(update_benchmarks())
    await platform.run(batch_collect_assets(tickers))
    await platform.run(update_fundamentals_batch())
    await platform.run(update_asset_rankings(Market.STOCKS))
    made = Written(await kit.Bytes.of(platform, tickers))
    portfolio, _ = await platform.store.portfolios.create("Bytes", bought(made.known))
    calls: dict[str, Any] = {kind: generate_report_async(ticker, "anthropic") for kind, ticker in KINDS.items()}
    calls |= {
        "comparison": generate_comparison_report_async(list(STOCKS), "anthropic"),
        "market": generate_market_overview_async(Market.STOCKS),
        "portfolio": generate_portfolio_report_async(portfolio.id),
        "weekly": generate_weekly_report_async(portfolio.id),
    }
    for name, call in calls.items():
        made.views[name] = await kit.written(platform, call)
    return made


def bought(known: kit.Bytes) -> list[Transaction]:
    """Everything that is held, bought on one day at its close."""
    day = sorted(known.papers["PETR4"].closes)[-400]
    return [
        Transaction(date=day, ticker=t, operation=Operation.BUY, quantity=n, price=str(known.papers[t].closes[day]))
        for t, n in HELD.items()
    ]


@pytest.mark.parametrize("kind", KINDS)
async def test_a_hundred_figures_of_each_kind_come_from_the_bytes(written: Written, kind: str) -> None:
    known, view, check = written.known, written.views[kind], kit.Checked()
    ticker = KINDS[kind]
    paper = known.papers[ticker]
    kit.check_market_figures(view, paper, check)
    kit.check_price_chart(view, paper, check)
    kit.check_keyed(view, kit.by_key(paper, known.index, known.indices["IFIX"]), check)
    kit.check_returns(view, paper, known.indices | {"IBOV": known.index}, check)
    if view.section("dividends") is not None:
        kit.check_rights(view, paper, max(paper.closes), check)
    if ticker in kit.CNPJ:
        kit.check_results(view, known, kit.CNPJ[ticker], check)
    if kind == "fii":
        kit.check_income_months(view, paper, check)
        kit.check_price_to_worth(view, paper, known.worths, check)
    if kind == "etf":
        kit.check_tracking(view, paper, known.index, check)
    if kind in ("bdr", "crypto"):
        kit.check_dollar(view, paper, known.rates[1], check)
    assert check.wrong == []
    assert check.count >= 100


def _growth(paper: kit.Paper, start: date, day: date) -> float:
    return paper.at(day) / paper.at(start)


def _check_curve(view: AnyView, held: kit.Held, check: kit.Checked) -> None:
    """The chart of performance, each line from 100 before the first day; cents of each payment are rounded."""
    chart = kit.lines_of(view, "curve")
    grown = {"Carteira": held.grown, "IBOV": held.ibov, "CDI": held.cdi}
    kit.check_lines(chart, {name: partial(_since, of, chart.days[1]) for name, of in grown.items()}, 10, 0.002, check)


def _since(grown: Callable[[date, date], float], start: date, day: date) -> float:
    return 1 + grown(start, max(start, day))


async def test_a_hundred_figures_of_a_comparison_come_from_the_bytes(written: Written) -> None:
    known, check, view = written.known, kit.Checked(), written.views["comparison"]
    for row in kit.rows_of(view, "table"):
        kit.check_row(row, known.papers[row[0]], check)
    chart = kit.lines_of(view, "returns")
    grown = {t: partial(_growth, known.papers[t], chart.days[0]) for t in STOCKS}
    kit.check_lines(chart, grown, 10, 0.0006, check)
    assert check.wrong == []
    assert check.count >= 100


async def test_a_hundred_figures_of_a_market_come_from_the_bytes(written: Written) -> None:
    known, check, market = written.known, kit.Checked(), written.views["market"]
    for row in kit.rows_of(market, "top"):
        kit.check_row(row[1:], known.papers[row[1]], check)
    kit.check_index_chart(market, known.index, 3, check)
    days = sorted(known.index)
    check("index", market.header.value.removeprefix("IBOV "), known.index[days[-1]])
    check("index, day", market.header.change, known.index[days[-1]] / known.index[days[-2]] - 1, percent=True)
    for row in [r for ident in ("rises", "falls") if market.section(ident) for r in kit.rows_of(market, ident)]:
        _, values = known.papers[row[0]].adjusted()
        check(f"{row[0]} on the day", row[3], values[-1] / values[-2] - 1, percent=True)
    assert check.wrong == []
    assert check.count >= 100


async def test_a_hundred_figures_of_a_week_come_from_the_bytes(written: Written) -> None:
    known, check, view = written.known, kit.Checked(), written.views["weekly"]
    held = kit.Held(known, dict(HELD), sorted(known.papers["PETR4"].closes)[-400])
    kit.check_week(view, held, check)
    _check_curve(view, held, check)
    assert check.wrong == []
    assert check.count >= 100


async def test_a_hundred_figures_of_a_portfolio_come_from_the_bytes(written: Written) -> None:
    known, check, view = written.known, kit.Checked(), written.views["portfolio"]
    held = kit.Held(known, dict(HELD), sorted(known.papers["PETR4"].closes)[-400])
    kit.check_positions(view, held, check)
    kit.check_portfolio_returns(view, held, check)
    kit.check_contributions(view, held, check)
    kit.check_announced(view, held, check)
    _check_curve(view, held, check)
    assert check.wrong == []
    assert check.count >= 100


def test_a_wrong_digit_is_noticed() -> None:
    check = kit.Checked()
    check("right", "−3,2%", -0.03249, percent=True)
    check("wrong", "−3,2%", -0.0326, percent=True)
    check("money", "R$ 1.234,56", 1234.5649)
    check("millions", "R$ 2,1 mi", 2_149_000)
    assert check.count == 4
    assert check.wrong == ["wrong: printed −3,2%, recomputed -3.26"]
