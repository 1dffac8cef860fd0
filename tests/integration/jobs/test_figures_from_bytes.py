"""Figures that reports print, computed again from the stored bytes by code of its own: zips, JSON and text, no numpy.

Nothing of the product's reading or arithmetic is used: closes come from COTAHIST's columns, rights from B3's answers,
accounts from CVM's CSV, the index from brapi's JSON. A printed figure must be the recomputed one rounded to its digits.
"""

from __future__ import annotations

import csv
import io
import json
import math
import zipfile
from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from invest.domain.market import Market
from invest.domain.portfolios import Operation, Transaction
from invest.jobs.analysis import update_asset_rankings
from invest.jobs.data_collection import update_fundamentals_batch
from invest.jobs.reports import (
    generate_comparison_report_async,
    generate_market_overview_async,
    generate_portfolio_report_async,
    generate_report_async,
    generate_weekly_report_async,
)
from invest.reports import AnyView, load_view
from invest.reports.views import ColumnsChart, GroupsChart, Table
from tests.integration.jobs.job_platform import COLLECTED, Platform

ISIN = {"PETR4": "BRPETRACNPR6", "VALE3": "BRVALEACNOR0", "ITUB4": "BRITUBACNPR1", "HGLG11": "BRHGLGCTF004"}
CNPJ = {"PETR4": "33.000.167/0001-01", "VALE3": "33.592.510/0001-54", "ITUB4": "60.872.504/0001-23"}
Money = dict[str, float]


@dataclass
class Paper:
    """What the bytes say of one paper."""

    closes: dict[date, float] = field(default_factory=dict)
    cash: dict[date, float] = field(default_factory=lambda: defaultdict(float))
    factors: dict[date, float] = field(default_factory=dict)

    def adjusted(self) -> tuple[list[date], list[float]]:
        """Days and closes adjusted backwards: 1 - D/P on the last day with rights, splits by their factor."""
        days = sorted(self.closes)
        values, scale = [], 1.0
        for day, following in zip(reversed(days), [None, *reversed(days)], strict=False):
            if following is not None:  # what went ex between `day` and the next session
                paid = sum(v for d, v in self.cash.items() if day <= d < following)
                split = math.prod(f for d, f in self.factors.items() if day <= d < following)
                scale *= (1 - paid / self.closes[day]) / split
            values.append(self.closes[day] * scale)
        return days, values[::-1]

    def at(self, day: date) -> float:
        """The adjusted close of the last session up to `day`."""
        days, values = self.adjusted()
        return values[bisect_right(days, day) - 1]


class Bytes:
    """The stored payloads, read anew."""

    def __init__(self) -> None:
        self.papers: dict[str, Paper] = {ticker: Paper() for ticker in COLLECTED}
        self.index: dict[date, float] = {}
        self.quoted: dict[str, dict[date, float]] = {}
        self.accounts: dict[tuple[str, str, date], Money] = defaultdict(dict)  # (cnpj, from, to) -> account: BRL
        self.quarters: dict[tuple[str, date], Money] = defaultdict(dict)

    @classmethod
    async def of(cls, platform: Platform) -> Bytes:
        """Everything the database keeps as it came."""
        made = cls()
        rows = await platform.store.database.fetch("SELECT url, body FROM raw_payload WHERE body IS NOT NULL")
        for row in rows:
            made.read(str(row["url"]), bytes(row["body"]))
        for ticker, quoted in made.quoted.items():  # a year whose COTAHIST did not come: brapi's, where nothing split
            if not made.papers[ticker].factors:
                made.papers[ticker].closes = quoted | made.papers[ticker].closes
        return made

    def read(self, url: str, body: bytes) -> None:
        """One payload, by its address."""
        if "COTAHIST_A" in url:
            self._cotahist(body)
        elif "GetListedSupplementCompany" in url:
            self._rights(json.loads(body))
        elif "/brapi/quote/" in url and "range=10y" in url:
            told = json.loads(body)["results"][0]
            rows = told["historicalDataPrice"]
            closes = {datetime.fromtimestamp(r["date"], UTC).date(): float(r["close"]) for r in rows}
            if told["symbol"] == "^BVSP":
                self.index = closes
            elif told["symbol"] in self.papers:
                self.quoted[told["symbol"]] = closes
        elif "/DOC/DFP/" in url or "/DOC/ITR/" in url:
            self._statements(body)

    def _cotahist(self, body: bytes) -> None:
        with zipfile.ZipFile(io.BytesIO(body)) as zipped:
            text = zipped.read(zipped.namelist()[0]).decode("latin-1")
        for line in text.splitlines():
            ticker = line[12:24].strip()
            if line[:2] == "01" and line[24:27] == "010" and ticker in self.papers:
                day = date(int(line[2:6]), int(line[6:8]), int(line[8:10]))
                self.papers[ticker].closes[day] = int(line[108:121]) / 100

    def _rights(self, answer: list[dict[str, Any]]) -> None:
        ticker_of = {isin: ticker for ticker, isin in ISIN.items()}
        for row in [*answer[0]["cashDividends"], *answer[0]["stockDividends"]]:
            paper = self.papers.get(ticker_of.get(row["assetIssued"], ""))
            if paper is None:
                continue
            day, month, year = map(int, row["lastDatePrior"].split("/"))
            when = date(year, month, day)
            if "rate" in row:
                paper.cash[when] += _number(row["rate"])
            else:
                new = _number(row["factor"])
                paper.factors[when] = new if row["label"] == "GRUPAMENTO" else 1 + new / 100

    def _statements(self, body: bytes) -> None:
        """Consolidated accounts in BRL; a later version of the same span wins as it is read later."""
        with zipfile.ZipFile(io.BytesIO(body)) as zipped:
            for name in zipped.namelist():
                if not any(f"_{kind}_con_" in name for kind in ("DRE", "BPA", "BPP", "DFC_MI", "DFC_MD")):
                    continue
                text = zipped.read(name).decode("latin-1")
                for row in csv.DictReader(io.StringIO(text), delimiter=";"):
                    if row["ORDEM_EXERC"] == "ÚLTIMO":
                        scale = 1000 if row["ESCALA_MOEDA"].startswith("MIL") else 1
                        key = (row["CNPJ_CIA"], row.get("DT_INI_EXERC") or "", date.fromisoformat(row["DT_FIM_EXERC"]))
                        said = f"{row['CD_CONTA']}|{row['DS_CONTA']}"
                        self.accounts[key][said] = float(row["VL_CONTA"]) * scale

    def account(self, cnpj: str, start: str, end: date, code: str) -> float | None:
        """One account of one span."""
        found = [v for k, v in self.accounts[cnpj, start, end].items() if k.split("|")[0] == code]
        return found[0] if found else None


def _number(text: str) -> float:
    return float(text.replace(".", "").replace(",", "."))


def rows_of(view: AnyView, ident: str) -> list[list[str]]:
    section = view.section(ident)
    assert section is not None, ident
    return [[c.text for c in row] for b in section.blocks if isinstance(b, Table) for row in b.rows]


class Checked:
    """Compares printed texts with recomputed values at the digits printed, and counts."""

    def __init__(self) -> None:
        self.count = 0
        self.wrong: list[str] = []

    def __call__(self, what: str, text: str, value: float | None, *, percent: bool = False) -> None:
        """`text` must be `value` rounded to the digits it shows (half a unit of the last one, and 1e-9)."""
        assert value is not None, what
        bare = text.removeprefix("R$ ").split(" ")[0].strip("%*")
        bare = bare.replace("−", "-").replace("+", "").replace(".", "").replace(",", ".")
        decimals = len(bare.partition(".")[2])
        shown = value * 100 if percent else value
        self.count += 1
        if abs(float(bare) - shown) > 0.5 * 10.0**-decimals * (1 + 1e-9) + 1e-9:
            self.wrong.append(f"{what}: printed {text}, recomputed {shown}")


async def written(platform: Platform, call: Any) -> AnyView:
    """The view of the report that `call` writes."""
    report = await platform.run(call)
    stored = await platform.store.reports.get(report["report_id"])
    assert stored is not None
    return load_view(stored.view)


def check_returns(view: AnyView, paper: Paper, index: dict[date, float], check: Checked) -> None:
    """Every month and year of the table of returns, the asset's and the IBOV's."""
    days, values = paper.adjusted()
    ends: dict[tuple[int, int], float] = {(d.year, d.month): v for d, v in zip(days, values, strict=True)}
    for row in rows_of(view, "months"):
        year = int(row[0])
        for month in range(1, 13):
            if row[month]:
                before = ends[year - (month == 1), (month - 2) % 12 + 1]
                check(f"{year}-{month}", row[month], ends[year, month] / before - 1, percent=True)
        last = max(m for y, m in ends if y == year)
        if row[13]:
            check(f"{year}", row[13], ends[year, last] / ends[year - 1, 12] - 1, percent=True)
        if len(row) > 14 and row[14]:
            end = max(d for d in days if d.year == year)
            start = max(d for d in days if d.year == year - 1)
            check(f"IBOV {year}", row[14], index[end] / index[start] - 1, percent=True)


def check_rights(view: AnyView, paper: Paper, today: date, check: Checked) -> None:
    """Sums by year, the latest events, and twelve months per share and by price."""
    section = view.section("dividends")
    assert section is not None
    years: dict[int, float] = defaultdict(float)
    for day, amount in paper.cash.items():
        if day <= today:
            years[day.year] += amount
    for chart in (b for b in section.blocks if isinstance(b, ColumnsChart)):
        for bar in chart.bars:
            check(f"paid in {bar.label}", bar.text, years[int(bar.label.strip("*"))])
    for row in rows_of(view, "dividends"):
        last, month, year = map(int, row[1].split("/"))
        if row[0] in ("Dividendo", "JCP", "Rendimento"):
            check(f"right of {row[1]}", row[3], paper.cash[date(year, month, last)])
    paid = sum(v for d, v in paper.cash.items() if today - timedelta(days=365) < d <= today)
    price = paper.closes[max(paper.closes)]
    for stats in (b for b in section.blocks if b.block == "stats"):
        for stat in stats.items:
            if stat.figure and stat.figure.key == "dividends_12m":
                check("paid in 12 months", stat.text, paid)
            if stat.figure and stat.figure.key == "dividend_yield":
                check("dividend yield", stat.text, paid / price, percent=True)


def check_market_figures(view: AnyView, paper: Paper, check: Checked) -> None:
    """Price, change of the day, twelve-month return, volatility and largest fall."""
    days, values = paper.adjusted()
    check("price", view.header.value, paper.closes[days[-1]])
    check("day", view.header.change, values[-1] / values[-2] - 1, percent=True)
    section = view.section("price")
    assert section is not None
    shown = {s.figure.key: s.text for b in section.blocks if b.block == "stats" for s in b.items if s.figure}
    check("12 months", shown["return_1y"], values[-1] / paper.at(days[-1] - timedelta(days=365)) - 1, percent=True)
    check("volatility", shown["volatility_1y"], volatility(paper), percent=True)
    check("largest fall", shown["max_drawdown_1y"], deepest_fall(paper), percent=True)


def last_year(paper: Paper) -> list[float]:
    """Adjusted closes from the last session up to a year ago on."""
    days, values = paper.adjusted()
    first = bisect_right(days, days[-1] - timedelta(days=365)) - 1
    return values[first:]


def volatility(paper: Paper) -> float:
    closes = last_year(paper)
    moves = [b / a - 1 for a, b in pairwise(closes)]
    mean = sum(moves) / len(moves)
    return math.sqrt(sum((m - mean) ** 2 for m in moves) / (len(moves) - 1) * 252)


def deepest_fall(paper: Paper) -> float:
    peak, fall = 0.0, 0.0
    for close in last_year(paper):
        peak = max(peak, close)
        fall = min(fall, close / peak - 1)
    return fall


def check_results(view: AnyView, known: Bytes, cnpj: str, check: Checked) -> None:
    """Revenue, net income, margin and equity of every year; revenue and net income of the quarters filed as such."""
    rows = {row[0]: row[1:] for row in rows_of(view, "results_by_year")}
    chart = next(b for b in _blocks(view, "results_by_year") if isinstance(b, GroupsChart))
    unit = 1e9 if "bilh" in chart.unit else 1e6
    for i, label in enumerate(chart.labels):
        start, end = f"{label}-01-01", date(int(label), 12, 31)
        revenue = known.account(cnpj, start, end, "3.01")
        income = known.account(cnpj, start, end, "3.11.01") or known.account(cnpj, start, end, "3.11")
        assert revenue is not None
        assert income is not None
        first = next(iter(rows))
        check(f"revenue {label}", rows[first][i], revenue / unit)
        check(f"revenue {label}, chart", chart.groups[0].texts[i], revenue / unit)
        check(f"net income {label}", rows["Lucro líquido"][i], income / unit)
        check(f"margin {label}", rows["Margem líquida"][i], income / revenue, percent=True)


def _blocks(view: AnyView, ident: str) -> list[Any]:
    section = view.section(ident)
    assert section is not None, ident
    return list(section.blocks)


@pytest.mark.parametrize("ticker", ["PETR4", "VALE3"])
async def test_a_hundred_figures_of_a_company_come_from_the_bytes(stocked: Platform, ticker: str) -> None:
    if not (await Bytes.of(stocked)).accounts:  # a machine so loaded that no statement came in time
        await stocked.run(update_fundamentals_batch([ticker]))
    known, check = await Bytes.of(stocked), Checked()
    view = await written(stocked, generate_report_async(ticker, "anthropic"))
    paper = known.papers[ticker]
    check_market_figures(view, paper, check)
    check_returns(view, paper, known.index, check)
    check_rights(view, paper, max(paper.closes), check)
    check_results(view, known, CNPJ[ticker], check)
    assert check.wrong == []
    assert check.count >= 100


async def test_the_figures_of_a_fund_come_from_the_bytes(stocked: Platform) -> None:
    known, check = await Bytes.of(stocked), Checked()
    view = await written(stocked, generate_report_async("HGLG11", "anthropic"))
    paper = known.papers["HGLG11"]
    check_market_figures(view, paper, check)
    check_returns(view, paper, known.index, check)
    check_rights(view, paper, max(paper.closes), check)
    months = next(b for b in _blocks(view, "income_months") if isinstance(b, ColumnsChart))
    for bar, (_, day, amount) in zip(months.bars[::-1], by_month(paper)[::-1], strict=False):
        check(f"income to {day}", bar.text, amount / paper.closes[day], percent=True)
    assert check.wrong == []
    assert check.count >= 80


def by_month(paper: Paper) -> list[tuple[str, date, float]]:
    """(month, last day with rights, amount) of every month that paid up to the last session."""
    sums: dict[str, tuple[date, float]] = {}
    for day, amount in sorted(paper.cash.items()):
        if day <= max(paper.closes):
            held = sums.get(f"{day:%Y-%m}", (day, 0.0))
            sums[f"{day:%Y-%m}"] = (day, held[1] + amount)
    return [(month, *found) for month, found in sorted(sums.items())]


async def test_the_figures_of_a_comparison_and_of_a_market_come_from_the_bytes(stocked: Platform) -> None:
    known, check = await Bytes.of(stocked), Checked()
    stocks = ["PETR4", "VALE3", "ITUB4"]
    await stocked.run(update_asset_rankings(Market.STOCKS))
    compared = await written(stocked, generate_comparison_report_async(stocks, "anthropic"))
    market = await written(stocked, generate_market_overview_async(Market.STOCKS))
    for view, ident, first in ((compared, "table", 0), (market, "top", 1)):
        for row in rows_of(view, ident):
            check_row(row[first:], known.papers[row[first]], check)
    days = sorted(known.index)
    check("index", market.header.value.removeprefix("IBOV "), known.index[days[-1]])
    check("index, day", market.header.change, known.index[days[-1]] / known.index[days[-2]] - 1, percent=True)
    for ident in ("rises", "falls"):
        for row in rows_of(market, ident):
            _, values = known.papers[row[0]].adjusted()
            check(f"{row[0]} on the day", row[3], values[-1] / values[-2] - 1, percent=True)
    assert check.wrong == []
    assert check.count >= 20


def check_row(row: list[str], paper: Paper, check: Checked) -> None:
    """Ticker, price, twelve months, and the dividend yield where it stands."""
    days, values = paper.adjusted()
    check(f"{row[0]} price", row[1], paper.closes[days[-1]])
    past = paper.at(days[-1] - timedelta(days=365))
    check(f"{row[0]} 12 months", row[2], values[-1] / past - 1, percent=True)
    paid = sum(v for d, v in paper.cash.items() if days[-1] - timedelta(days=365) < d <= days[-1])
    check(f"{row[0]} dividend yield", row[-3], paid / paper.closes[days[-1]], percent=True)


async def test_the_figures_of_a_portfolio_and_its_week_come_from_the_bytes(stocked: Platform) -> None:
    known, check = await Bytes.of(stocked), Checked()
    held = {"PETR4": 100, "VALE3": 50, "ITUB4": 80, "HGLG11": 10}
    bought = sorted(known.papers["PETR4"].closes)[-40]
    made = [
        Transaction(
            date=bought, ticker=t, operation=Operation.BUY, quantity=n, price=str(known.papers[t].closes[bought])
        )
        for t, n in held.items()
    ]
    portfolio, _ = await stocked.store.portfolios.create("Bytes", made)
    view = await written(stocked, generate_portfolio_report_async(portfolio.id))
    week = await written(stocked, generate_weekly_report_async(portfolio.id))
    last = max(known.papers["PETR4"].closes)
    values = {t: n * known.papers[t].closes[last] for t, n in held.items()}
    check("value", view.header.value, sum(values.values()))
    for row in rows_of(view, "positions"):
        paper = known.papers[row[0]]
        check(f"{row[0]} average", row[2], paper.closes[bought])
        check(f"{row[0]} price", row[3], paper.closes[last])
        check(f"{row[0]} value", row[4], values[row[0]])
        check(f"{row[0]} weight", row[5], values[row[0]] / sum(values.values()), percent=True)
        check(f"{row[0]} result", row[6], paper.closes[last] / paper.closes[bought] - 1, percent=True)
    for row in rows_of(week, "moves"):
        if row[0] in held:
            paper = known.papers[row[0]]
            base = paper.at(last - timedelta(days=8))
            check(f"{row[0]} week", row[2], paper.at(last) / base - 1, percent=True)
            check(f"{row[0]} weight in the week", row[3], values[row[0]] / sum(values.values()), percent=True)
    assert check.wrong == []
    assert check.count >= 25


def test_a_wrong_digit_is_noticed() -> None:
    check = Checked()
    check("right", "−3,2%", -0.03249, percent=True)
    check("wrong", "−3,2%", -0.0326, percent=True)
    check("money", "R$ 1.234,56", 1234.5649)
    assert check.count == 3
    assert check.wrong == ["wrong: printed −3,2%, recomputed -3.26"]
