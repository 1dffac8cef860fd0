"""What the reports of a sandbox market are made from, gathered once by the real jobs and kept for `bench.looks`.

The platform runs in this process against the sandbox: it collects, ranks, asks the AIs and writes every kind of
report. What the jobs hand to the view builders is kept as it is, so that pages can be drawn again without a platform.
"""

from __future__ import annotations

import asyncio
import contextlib
import pickle
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import numpy as np

from invest.cli.platform.platform import recorded_bars
from invest.domain.market import Market
from invest.domain.portfolios import Operation, Transaction
from invest.domain.taxes import TaxYear
from invest.engine import Call, Invest, Worker, registry
from invest.jobs import analysis, data_collection, reports
from invest.jobs.analysis import tax_of
from invest.jobs.declared import declare_all
from invest.jobs.loading import load_inputs
from invest.jobs.reports import asset_reports, comparisons, market_reports, portfolio_reports
from invest.local import LocalServers
from invest.settings import Settings, load
from invest.store import Store, migrate
from invest.workers.deps import resources
from invest_sandbox import Sandbox, World, create_app

QUEUES = ("data_collection", "analysis", "reports")
SUBJECTS = {
    "stock": "PETR4", "bank": "ITUB4", "insurer": "IRBR3", "unit": "TAEE11", "fii": "HGLG11", "etf": "BOVA11",
    "bdr": "AAPL34", "crypto": "BTC-BRL", "etf-abroad": "IVVB11", "fii-paper": "MXRF11", "fiagro": "JABA11",
}  # fmt: skip
OTHERS = (
    *("VALE3", "BBAS3", "ABEV3", "WEGE3", "MGLU3", "RENT3", "RADL3", "B3SA3", "KLBN11", "KNRI11", "SMAL11", "MSFT34"),
    *("ETH-BRL", "BBDC4", "SANB11", "PRIO3", "UGPA3", "CSAN3", "XPLG11", "VISC11", "LREN3", "SUZB3"),
)
PATIENCE = 900  # seconds for one job, on a machine that has more to do
LANGUAGES: tuple[Literal["pt-BR", "en"], ...] = ("pt-BR", "en")
HELD = (
    ("PETR4", 900), ("ITUB4", 600), ("BBAS3", 500), ("WEGE3", 200), ("TAEE11", 300), ("HGLG11", 60), ("KNRI11", 50),
    ("BOVA11", 80), ("AAPL34", 150), ("MGLU3", 400),
)  # fmt: skip
FUNDS = (("HGLG11", 90), ("KNRI11", 60), ("MXRF11", 900), ("XPLG11", 75), ("VISC11", 90), ("JABA11", 120))
MANY = (
    *HELD, ("VALE3", 120), ("ABEV3", 600), ("RENT3", 90), ("RADL3", 210), ("B3SA3", 450), ("KLBN11", 300),
    ("MXRF11", 900), ("IVVB11", 30), ("SUZB3", 120), ("BTC-BRL", 3),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class TaxLook:
    """The tax of one year of the portfolio, and the language of what is open in it."""

    year: TaxYear
    name: str
    language: str
    now: datetime


class Recorder:
    """Keeps the data that jobs hand to the builders of views, by the name they are kept under."""

    def __init__(self) -> None:
        self.kept: dict[str, Any] = {}
        self.name = ""

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Stand between the jobs and the builders while the block runs."""
        places = (
            (asset_reports, "build_asset_view"), (comparisons, "build_comparison_view"),
            (market_reports, "build_market_view"), (portfolio_reports, "build_portfolio_view"),
            (portfolio_reports, "build_weekly_view"),
        )  # fmt: skip
        built = [getattr(module, name) for module, name in places]
        for (module, name), build in zip(places, built, strict=True):
            setattr(module, name, self._between(build))
        try:
            yield
        finally:
            for (module, name), build in zip(places, built, strict=True):
                setattr(module, name, build)

    def _between(self, build: Any) -> Any:
        def keep(data: Any) -> Any:
            self.kept[self.name] = data
            return build(data)

        return keep


def market() -> World:
    """The upstreams' market, with the papers of the reports alone: what nobody looks at costs minutes."""
    world = World(100, 7, recorded_bars(), None)
    for ticker in [t for t in world.recorded if world.until(t) < world.today]:
        del world.recorded[ticker]  # a recording that ended long ago: an invented series goes on to today
    wanted = {*SUBJECTS.values(), *OTHERS}
    world.listings = tuple(paper for paper in world.listings if paper.ticker in wanted)
    world.by_ticker = {paper.ticker: paper for paper in world.listings}
    return world


@contextlib.asynccontextmanager
async def running(folder: Path) -> AsyncIterator[tuple[Invest, Store, World]]:
    """Servers, sandbox and a worker of every queue in this process."""
    declare_all()
    world = market()
    servers = LocalServers.start(folder, durable=False)
    with servers:
        async with Sandbox.serve(create_app(world)) as sandbox:
            settings = load(
                redis={"url": servers.redis_url}, database={"url": servers.database_url}, sandbox_url=sandbox.url,
                as_of=world.now, http={"read_timeout": 120.0},
                sources={"yahoo": {"enabled": True, "rate": 50.0, "burst": 50, "concurrency": 4}},
            )  # fmt: skip
            await migrate(settings)
            async with Invest.connect(settings) as invest, Store.open(settings) as store:
                worker = Worker(registry.pick(QUEUES), settings=settings, resources=resources, handle_signals=False)
                working = asyncio.create_task(worker.main())
                yield invest, store, world
                worker.stop()
                await working


async def gather_all() -> dict[str, Any]:
    """The data of every report of the looks, by its name."""
    recorder = Recorder()
    with tempfile.TemporaryDirectory(prefix="invest-looks-") as folder, recorder.listening():
        where = Path(folder)
        where.chmod(0o755)  # noqa: ASYNC240 - a moment, before anything else runs
        async with running(where) as (invest, store, world):

            async def run(call: Call[Any], name: str = "") -> Any:
                recorder.name = name
                return await (await invest.enqueue(call)).result(timeout=PATIENCE)

            settings = load(as_of=world.now)
            await _collect(run)
            portfolios = await _write(run, store, world)
            await _keep_taxes(recorder, store, settings, world, portfolios)
            recorder.kept["inputs"] = await load_inputs(store, settings, list(SUBJECTS.values()))
    return recorder.kept


async def _collect(run: Any) -> None:
    tickers = [*SUBJECTS.values(), *OTHERS]
    await run(data_collection.update_benchmarks())
    await run(data_collection.batch_collect_assets(tickers, force_update=True))
    await run(data_collection.update_fundamentals_batch())
    await run(data_collection.update_news_feed())
    for market in Market:
        await run(analysis.update_asset_rankings(market))
    await run(analysis.batch_analyze_assets(tickers))


async def _keep_taxes(recorder: Recorder, store: Store, settings: Settings, world: World, of: dict[str, str]) -> None:
    """The tax of the portfolio that has sales, this year's and last year's, and of one that leaves questions open."""
    this = world.today.year
    unknown = [
        Transaction(date=date(this - 1, 9, 10), ticker="QWER11", operation=Operation.BUY, quantity=Decimal(900),
                    price=Decimal(31)),
        Transaction(date=date(this, 2, 10), ticker="QWER11", operation=Operation.SELL, quantity=Decimal(800),
                    price=Decimal(37)),
        Transaction(date=date(this, 1, 5), ticker="BTC-BRL", operation=Operation.BUY, quantity=Decimal("0.02"),
                    price=Decimal(450_000)),
        Transaction(date=date(this, 3, 5), ticker="BTC-BRL", operation=Operation.SELL, quantity=Decimal("0.01"),
                    price=Decimal(490_000)),
    ]  # fmt: skip
    kept, _ = await store.portfolios.create("Com pendências", unknown)
    looks = (("tax", "Aposentadoria", of[""], this), ("tax-before", "Aposentadoria", of[""], this - 1),
             ("tax-open", "Com pendências", kept.id, this))  # fmt: skip
    for name, title, portfolio, year in looks:
        assessed = await tax_of(store, settings, [portfolio], year)
        for language in LANGUAGES:
            recorder.kept[f"{name}.{language}"] = TaxLook(assessed, title, language, world.now)


async def _write(run: Any, store: Store, world: World) -> dict[str, str]:
    """Every report by its job; the portfolios' ids by the names of their looks."""
    for name, ticker in SUBJECTS.items():
        for language in LANGUAGES:
            if name == "stock":
                await run(reports.generate_multi_ai_analysis(ticker, None, language), f"{name}.{language}")
            else:
                await run(reports.generate_report_async(ticker, "anthropic", language), f"{name}.{language}")
    portfolios = {
        "": await _portfolio(store, world, "Aposentadoria", HELD, sold=True),
        "-fiis": await _portfolio(store, world, "Renda mensal", FUNDS),
        "-many": await _portfolio(store, world, "Família", MANY),
        "-one": await _portfolio(store, world, "Primeira compra", (("VALE3", 90),)),
    }
    for language in LANGUAGES:
        stocks = ["PETR4", "PRIO3", "UGPA3", "CSAN3"]
        await run(reports.generate_comparison_report_async(stocks, "openai", language), f"comparison.{language}")
        pair = ["PETR4", "PRIO3"]
        await run(reports.generate_comparison_report_async(pair, "anthropic", language), f"comparison2.{language}")
        mixed = [*SUBJECTS.values(), *OTHERS][:20]
        await run(reports.generate_comparison_report_async(mixed, "openai", language), f"comparison20.{language}")
        funds = [ticker for ticker, _ in FUNDS][:4]
        await run(reports.generate_comparison_report_async(funds, "openai", language), f"comparison-fiis.{language}")
        for kind, portfolio in portfolios.items():
            call = reports.generate_portfolio_report_async(portfolio, "openai", language=language)
            await run(call, f"portfolio{kind}.{language}")
            await run(reports.generate_weekly_report_async(portfolio, language), f"weekly{kind}.{language}")
        for market in Market:
            await run(
                reports.generate_market_overview_async(market, language=language), f"market-{market.value}.{language}"
            )
    return portfolios


async def _portfolio(
    store: Store, world: World, name: str, held: tuple[tuple[str, int], ...], *, sold: bool = False
) -> str:
    """Three years of purchases and income; with `sold` sales to tax and targets too."""
    made: list[Transaction] = []
    for i, (ticker, quantity) in enumerate(held):
        for part in range(3):
            day = _session(world, world.today - timedelta(days=900 - 260 * part - 17 * i))
            price = _close(world, ticker, day)
            lot = Decimal(quantity // 3)
            made.append(Transaction(date=day, ticker=ticker, operation=Operation.BUY, quantity=lot, price=price))
    made += _income(world, made, held)
    # One sale at a loss of last year, and this year one of shares that is exempt and one of an ETF that is not.
    targets: dict[str, Decimal] = {}
    if sold:
        for ticker, quantity, ago in (("MGLU3", 100, 120), ("WEGE3", 60, 45), ("BOVA11", 30, 20)):
            day = _session(world, world.today - timedelta(days=ago))
            made.append(
                Transaction(date=day, ticker=ticker, operation=Operation.SELL, quantity=Decimal(quantity),
                            price=_close(world, ticker, day))
            )  # fmt: skip
        targets = {"PETR4": Decimal("0.2"), "ITUB4": Decimal("0.2"), "BOVA11": Decimal("0.1"), "HGLG11": Decimal("0.1")}
    kept, _ = await store.portfolios.create(name, made, targets=targets)
    return kept.id


def _income(world: World, bought: list[Transaction], papers: tuple[tuple[str, int], ...]) -> list[Transaction]:
    found = []
    for ticker, _ in papers:
        for action in world.series(ticker).actions:
            if not action.in_cash or action.payment is None or action.payment > world.today:
                continue
            held = sum((t.quantity for t in bought if t.ticker == ticker and t.date <= action.last_with), Decimal(0))
            if held:
                price = Decimal(str(round(action.amount, 6)))
                kind = Operation.JCP if action.label == "JRS CAP PROPRIO" else Operation.DIVIDEND
                found.append(
                    Transaction(date=action.payment, ticker=ticker, operation=kind, quantity=held, price=price)
                )
    return found


def _session(world: World, day: date) -> date:
    at = int(np.searchsorted(world.days, np.datetime64(day, "D")))
    found: date = world.days[min(at, len(world.days) - 1)].astype(date)
    return found


def _close(world: World, ticker: str, day: date) -> Decimal:
    series = world.series(ticker)
    return Decimal(str(round(float(series.close[max(0, series.upto(day) - 1)]), 2)))


def kept_or_gathered(path: Path, *, fresh: bool) -> dict[str, Any]:
    """The gathered data, from `path` where it lies there from an earlier run of the same code."""
    if path.is_file() and not fresh:
        with contextlib.suppress(Exception):
            return dict(pickle.loads(path.read_bytes()))
    found = asyncio.run(gather_all())
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pickle.dumps(found))
    return found
