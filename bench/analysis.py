"""How long the analysis of 1,000 assets with five years of bars takes, from stored bars to stored results.

python -m bench.analysis [--assets 1000] [--rounds 5]   -> bench/out/analysis.json

Medians of the rounds; in each round ours and pandas take turns. `seconds`: one process reads bars, corporate actions,
index and CDI from PostgreSQL, computes every figure, score and fact, and stores the analyses; `pandas` reads asset by
asset, computes the technical figures alone and stores them. `indicator_seconds`: the technical figures alone, from
columns in memory. `read_seconds`: packed bars of all assets. `portfolio_ms`: all metrics of a portfolio of 2,000
transactions over ten years. No filings take part: what they cost is `filings_ms`, per company with six yearly reports
of 300 lines each.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from statistics import median

import numpy as np
import pandas as pd

from bench import analysis_peer, outputs
from invest.domain.analysis.asset_analysis import analyse
from invest.domain.analysis.inputs import AnalysisInput
from invest.domain.analysis.models import Analysis
from invest.domain.analysis.technical import technical_figures
from invest.domain.filings.filing import read_filings
from invest.domain.filings.fundamentals import fundamentals_of
from invest.domain.market.assets import ActionKind, Asset, CorporateAction, MacroPoint, StatementLine
from invest.domain.market.bars import Bar, Bars
from invest.domain.market.calendar import sessions_between
from invest.domain.market.macro import RateCurve
from invest.domain.market.prices import usable
from invest.domain.market.tickers import AssetKind
from invest.domain.portfolios.metrics import PortfolioInput, measure
from invest.domain.portfolios.portfolio import Operation, Portfolio, Transaction
from invest.local import LocalServers
from invest.store import Store
from invest.store.core.schema import migrate

LAST = date(2026, 3, 31)
NOW = datetime(2026, 4, 1, 2, tzinfo=UTC)
YEARS = 5
PAGE = 125
INDEX = "^BVSP"
PAYLOAD = "0" * 64


def names(count: int) -> list[str]:
    """Ticker codes, no two alike."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    return [
        f"{letters[n // 17576 % 26]}{letters[n // 676 % 26]}{letters[n // 26 % 26]}{letters[n % 26]}3"
        for n in range(count)
    ]


def walk(ticker: str, seed: int, price: float = 20.0) -> list[Bar]:
    """Five years of a random walk, in cents."""
    days = sessions_between(LAST - timedelta(days=365 * YEARS + 8), LAST)
    random = np.random.default_rng(seed)
    close = price * np.exp(np.cumsum(random.normal(0.0003, 0.02, len(days))))
    spread = close * random.uniform(0.002, 0.02, len(days))
    volume = random.integers(10_000, 5_000_000, len(days))
    return [
        Bar(
            ticker,
            day.astype(object),
            _cents(c - s / 3),
            _cents(c + s),
            _cents(c - s),
            _cents(c),
            int(v),
            _cents(c * v),
            None,
            "cotahist",
            PAYLOAD,
        )
        for day, c, s, v in zip(days, close, spread, volume, strict=True)
    ]


def _cents(value: float) -> Decimal:
    return Decimal(round(float(value) * 100)).scaleb(-2)


async def fill(store: Store, tickers: Sequence[str]) -> None:
    """Store the bars, dividends and CDI that the measurement reads."""
    await store.bars.save(walk(INDEX, 10**6, 100_000.0))
    for at in range(0, len(tickers), 50):
        page = tickers[at : at + 50]
        await store.bars.save([bar for n, ticker in enumerate(page, at) for bar in walk(ticker, n)])
        await store.actions.upsert([action for ticker in page for action in dividends(ticker)])
    days = sessions_between(LAST - timedelta(days=366 * (YEARS + 1)), LAST)
    await store.macro.upsert(
        [
            MacroPoint(series="sgs:12", day=d.astype(object), value=Decimal("0.055"), source="bcb", payload=PAYLOAD)
            for d in days
        ]
    )


def dividends(ticker: str) -> list[CorporateAction]:
    """Two a year."""
    return [
        CorporateAction(
            ticker=ticker,
            kind=ActionKind.DIVIDEND,
            last_date_with=date(year, month, 15),
            amount=Decimal("0.40"),
            source="b3",
            payload=PAYLOAD,
        )
        for year in range(LAST.year - YEARS, LAST.year)
        for month in (4, 10)
    ]


async def run_invest(store: Store, tickers: Sequence[str]) -> float:
    """Seconds from stored bars to stored analyses: the next page is read and the last one written meanwhile."""
    begun = time.perf_counter()
    index, points = await asyncio.gather(store.bars.read(INDEX), store.macro.read("sgs:12"))
    shared, curve = usable(index), RateCurve.of(points)
    pages = [tickers[at : at + PAGE] for at in range(0, len(tickers), PAGE)]
    reading = asyncio.create_task(_read(store, pages[0]))
    writing: asyncio.Task[None] | None = None
    for n, page in enumerate(pages):
        bars, actions = await reading
        if n + 1 < len(pages):
            reading = asyncio.create_task(_read(store, pages[n + 1]))
        inputs = [
            AnalysisInput(
                asset=Asset(ticker=ticker, kind=AssetKind.STOCK),
                bars=bars[ticker],
                index=shared,
                actions=actions.get(ticker, ()),
                cdi=curve,
                now=NOW,
                bars_source="cotahist",
            )
            for ticker in page
        ]
        made = await asyncio.to_thread(_all, inputs)
        if writing is not None:
            await writing
        writing = asyncio.create_task(store.analyses.save(*made))
    if writing is not None:
        await writing
    return time.perf_counter() - begun


async def _read(store: Store, page: Sequence[str]) -> tuple[dict[str, Bars], Mapping[str, Sequence[CorporateAction]]]:
    return await asyncio.gather(store.bars.read_many(page), store.actions.of_many(page))


def _all(inputs: Sequence[AnalysisInput]) -> list[Analysis]:
    return [analyse(given) for given in inputs]


async def read_packed(store: Store, tickers: Sequence[str]) -> float:
    """Seconds to read the bars of all assets."""
    begun = time.perf_counter()
    await store.bars.read_many(list(tickers))
    return time.perf_counter() - begun


def time_indicators(bars: dict[str, Bars], index: Bars, curve: RateCurve) -> float:
    """Seconds of the technical figures of all assets, from columns in memory."""
    shared = usable(index)
    begun = time.perf_counter()
    for series in bars.values():
        technical_figures(usable(series), shared, curve)
    return time.perf_counter() - begun


def time_pandas_indicators(bars: dict[str, Bars], index: pd.Series, cash: pd.Series) -> float:
    """The same in pandas, from frames in memory."""
    frames = [
        pd.DataFrame(
            {name: getattr(b, name) for name in ("open", "high", "low", "close", "volume")},
            index=pd.DatetimeIndex(b.days.astype("datetime64[ns]")),
        )
        for b in bars.values()
    ]
    begun = time.perf_counter()
    for frame in frames:
        analysis_peer.figures(frame, index, cash)
    return time.perf_counter() - begun


def time_portfolio(bars: dict[str, Bars], index: Bars, curve: RateCurve) -> float:
    """Milliseconds of all metrics of a portfolio of 2,000 transactions over ten years."""
    random = np.random.default_rng(1)
    held = list(bars)[:40]
    days = sessions_between(LAST - timedelta(days=3650), LAST - timedelta(days=5))
    chosen = sorted(random.choice(len(days), 2000))
    transactions = tuple(
        Transaction(
            date=days[at].astype(object),
            ticker=held[n % len(held)],
            operation=Operation.DIVIDEND if n % 10 == 9 else Operation.BUY,
            quantity=Decimal(100),
            price=Decimal("0.30") if n % 10 == 9 else Decimal("20.00"),
        )
        for n, at in enumerate(chosen)
    )
    portfolio = Portfolio(id="p", name="benchmark", created_at=NOW, transactions=transactions)
    longer = {ticker: _ten_years(ticker, n) for n, ticker in enumerate(held)}
    given = PortfolioInput(portfolio=portfolio, now=NOW, bars=longer, index=index, cdi=curve)
    times = []
    for _ in range(9):
        begun = time.perf_counter()
        measure(given)
        times.append((time.perf_counter() - begun) * 1000)
    return median(times)


def _ten_years(ticker: str, seed: int) -> Bars:
    days = sessions_between(LAST - timedelta(days=3660), LAST)
    close = 20 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0.0003, 0.02, len(days))))
    ones = np.ones(len(days))
    return Bars(ticker, days, close, close * 1.01, close * 0.99, close, ones * 1e6, close * 1e6, ones)


def time_filings() -> float:
    """Milliseconds to read six yearly reports of one company, 300 lines each, and to compute their ratios."""
    lines = [line for year in range(LAST.year - 6, LAST.year) for line in report(year)]
    begun = time.perf_counter()
    for _ in range(10):
        fundamentals_of(read_filings(lines), NOW)
    return (time.perf_counter() - begun) / 10 * 1000


ACCOUNTS = {
    "BPA": {"1": "Ativo Total", "1.01": "Ativo Circulante", "1.01.01": "Caixa e Equivalentes de Caixa"},
    "BPP": {
        "2.01": "Passivo Circulante",
        "2.01.04": "Empréstimos",
        "2.02.01": "Empréstimos",
        "2.03": "Patrimônio Líquido",
    },
    "DRE": {"3.01": "Receita de Venda", "3.05": "Resultado Antes", "3.11": "Lucro/Prejuízo Consolidado do Período"},
    "DFC_MI": {"6.01": "Caixa Líquido Atividades Operacionais", "6.01.01.02": "Depreciação e amortização"},
}


def report(year: int) -> list[StatementLine]:
    """One yearly report: the accounts that matter among as many others as real reports have."""
    lines = []
    for statement, accounts in ACCOUNTS.items():
        top = next(iter(accounts))[0]
        rest = {f"{top}.{n // 9 % 9 + 1:02d}.{n % 9 + 1:02d}.{n // 81 + 1:02d}": f"Outra conta {n}" for n in range(75)}
        for account, description in {**rest, **accounts}.items():
            lines.append(
                StatementLine(
                    cnpj=PAYLOAD[:14],
                    cvm_code=1,
                    company="Companhia",
                    form="DFP",
                    statement=statement,
                    consolidated=True,
                    version=1,
                    reference_date=date(year, 12, 31),
                    period_start=None if statement.startswith("BP") else date(year, 1, 1),
                    period_end=date(year, 12, 31),
                    account=account,
                    description=description,
                    value=Decimal(1000),
                    payload=PAYLOAD,
                )
            )
    return lines


async def measure_all(url: str, assets: int, rounds: int) -> dict[str, object]:
    """Every figure of the benchmark."""
    await migrate(url)
    tickers = names(assets)
    took: dict[str, list[float]] = {"whole": [], "peer": [], "read": [], "indicators": [], "peer_indicators": []}
    async with Store.open(url) as store:
        await fill(store, tickers)
        index = await store.bars.read(INDEX)
        curve = RateCurve.of(await store.macro.read("sgs:12"))
        bars = await store.bars.read_many(tickers)
        market = pd.Series(index.close, index=pd.DatetimeIndex(index.days.astype("datetime64[ns]")))
        cash = pd.Series(curve.rates, index=pd.DatetimeIndex(curve.days.astype("datetime64[ns]")))
        for number in range(1, rounds + 1):
            took["whole"].append(await run_invest(store, tickers))
            took["peer"].append(await analysis_peer.analyse_all(url, tickers, market, cash))
            took["read"].append(await read_packed(store, tickers))
            took["indicators"].append(time_indicators(bars, index, curve))
            took["peer_indicators"].append(time_pandas_indicators(bars, market, cash))
            shown = f"invest {took['whole'][-1]:.1f} s, pandas {took['peer'][-1]:.1f}"
            print(f"round {number}/{rounds}: {shown}", file=sys.stderr, flush=True)
        stored = await store.analyses.latest_many(tickers[:3])
    usual = {name: median(seconds) for name, seconds in took.items()}
    return {
        "assets": assets,
        "rounds": rounds,
        "bars": sum(len(b) for b in bars.values()),
        "facts_per_asset": len(next(iter(stored.values())).facts),
        "seconds": {"invest": round(usual["whole"], 3), "pandas": round(usual["peer"], 3)},
        "indicator_seconds": {
            "invest": round(usual["indicators"], 3),
            "pandas": round(usual["peer_indicators"], 3),
        },
        "indicators_x_pandas": round(usual["peer_indicators"] / usual["indicators"], 1),
        "read_seconds": round(usual["read"], 3),
        "all_rounds": {name: [round(s, 3) for s in seconds] for name, seconds in took.items()},
        "portfolio_ms": round(time_portfolio(bars, index, curve), 1),
        "filings_ms": round(time_filings(), 2),
        "rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


def main() -> None:
    """Run against a PostgreSQL of its own and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--assets", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="invest-bench-") as folder:
        Path(folder).chmod(0o755)
        with LocalServers.start(Path(folder), redis=False) as servers:
            assert servers.database_url
            result = asyncio.run(measure_all(servers.database_url, asked.assets, asked.rounds))
    print(outputs.write("analysis", result).read_text())


if __name__ == "__main__":
    main()
