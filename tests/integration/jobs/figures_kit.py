"""What stored bytes say, read anew, and how printed figures are held against it: zips, JSON and text, no numpy.

Nothing of the product's reading or arithmetic is used: closes come from COTAHIST's columns (of coins from brapi's
JSON), rights from B3's and brapi's answers, accounts from CVM's CSV, the CDI and the dollar from the central bank's.
"""

from __future__ import annotations

import base64
import csv
import io
import json
import math
import re
import zipfile
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

from invest.reports import AnyView, load_view
from invest.reports.views import ColumnsChart, GroupsChart, LinesChart, PriceChart, Stats, Table
from tests.integration.jobs.job_platform import Platform

ISIN = {
    "PETR4": "BRPETRACNPR6", "VALE3": "BRVALEACNOR0", "ITUB4": "BRITUBACNPR1", "HGLG11": "BRHGLGCTF004",
    "IRBR3": "BRIRBRACNOR4", "TAEE11": "BRTAEECDAM10", "BOVA11": "BRBOVACTF003", "AAPL34": "BRAAPLBDR004",
}  # fmt: skip
CNPJ = {
    "PETR4": "33.000.167/0001-01", "VALE3": "33.592.510/0001-54", "ITUB4": "60.872.504/0001-23",
    "IRBR3": "33.376.989/0001-91", "TAEE11": "07.859.971/0001-30",
}  # fmt: skip
_SCALES = {"mil": 1e3, "mi": 1e6, "bi": 1e9, "tri": 1e12}
Money = dict[str, float]


@dataclass
class Paper:
    """What the bytes say of one paper."""

    closes: dict[date, float] = field(default_factory=dict)
    traded: dict[date, float] = field(default_factory=dict)  # BRL
    all_days: bool = False  # a coin trades every day
    cash: dict[date, float] = field(default_factory=lambda: defaultdict(float))
    withheld: dict[date, float] = field(default_factory=lambda: defaultdict(float))
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

    def mean_traded(self, sessions: int) -> float:
        """BRL a session, over the last ones."""
        return sum(self.traded[day] for day in sorted(self.closes)[-sessions:]) / sessions

    def over_average(self, sessions: int) -> float:
        """The last adjusted close by the mean of the last ones."""
        _, values = self.adjusted()
        return values[-1] / (sum(values[-sessions:]) / sessions) - 1

    def at(self, day: date) -> float:
        """The adjusted close of the last session up to `day`."""
        days, values = self.adjusted()
        return values[bisect_right(days, day) - 1]


class Bytes:
    """The stored payloads, read anew."""

    def __init__(self, tickers: Iterable[str]) -> None:
        self.papers: dict[str, Paper] = {ticker: Paper() for ticker in tickers}
        self.received: dict[str, dict[date, float]] = defaultdict(lambda: defaultdict(float))  # by BDRs, brapi's
        self.indices: dict[str, dict[date, float]] = defaultdict(dict)  # as B3 gives them, by its code
        self.rates: dict[int, dict[date, float]] = defaultdict(dict)  # the central bank's series
        self.worths: dict[date, float] = {}  # of a fund's unit, by the month's first day
        self.index: dict[date, float] = {}
        self.quoted: dict[str, dict[date, float]] = {}
        self.accounts: dict[tuple[str, str, date], Money] = defaultdict(dict)  # (cnpj, from, to) -> account: BRL
        self.quarters: dict[tuple[str, date], Money] = defaultdict(dict)

    @classmethod
    async def of(cls, platform: Platform, tickers: Iterable[str]) -> Bytes:
        """Everything the database keeps as it came, of these papers."""
        made = cls(tickers)
        rows = await platform.store.database.fetch("SELECT url, body FROM raw_payload WHERE body IS NOT NULL")
        for row in rows:
            made.read(str(row["url"]), bytes(row["body"]))
        for ticker, quoted in made.quoted.items():  # a year whose COTAHIST did not come: brapi's, where nothing split
            if not made.papers[ticker].factors:
                made.papers[ticker].closes = quoted | made.papers[ticker].closes
        for ticker, cash in made.received.items():
            made.papers[ticker].cash = made.papers[ticker].cash or cash
        return made

    def read(self, url: str, body: bytes) -> None:
        """One payload, by its address."""
        if "COTAHIST_A" in url:
            self._cotahist(body)
        elif "GetListedSupplementCompany" in url:
            self._rights(json.loads(body))
        elif "/brapi/quote/" in url and "range=10y" in url:
            self._quotes(json.loads(body)["results"][0])
        elif "/brapi/v2/crypto" in url and "range=10y" in url:
            self._coin(json.loads(body)["coins"][0])
        elif found := re.search(r"bcdata\.sgs\.(\d+)/", url):
            for row in json.loads(body):
                self.rates[int(found[1])][_day(row["data"])] = float(row["valor"])
        elif "GetPortfolioDay" in url:
            self._grid(json.loads(base64.b64decode(url.rsplit("/", 1)[1])), json.loads(body)["results"] or [])
        elif "inf_mensal_fii_" in url:
            self._worths(body)
        elif "/DOC/DFP/" in url or "/DOC/ITR/" in url:
            self._statements(body)

    def _quotes(self, told: dict[str, Any]) -> None:
        """brapi's closes, and what a BDR paid, for where B3's answers say nothing of it."""
        closes = {_utc(r["date"]): float(r["close"]) for r in told["historicalDataPrice"]}
        ticker = told["symbol"]
        if ticker == "^BVSP":
            self.index = closes
        elif ticker in self.papers:
            self.quoted[ticker] = closes
            if re.fullmatch(r"[A-Z]{4}3[2-5]", ticker):
                for row in (told.get("dividendsData") or {}).get("cashDividends", ()):
                    self.received[ticker][date.fromisoformat(row["lastDatePrior"][:10])] += float(row["rate"])

    def _worths(self, body: bytes) -> None:
        """What the one fund of the market said that a unit of it was worth, month by month."""
        with zipfile.ZipFile(io.BytesIO(body)) as zipped:
            name = next(name for name in zipped.namelist() if "_complemento_" in name)
            text = zipped.read(name).decode("latin-1")
        for row in csv.DictReader(io.StringIO(text), delimiter=";"):
            day = date.fromisoformat(row["Data_Referencia"])
            self.worths[day.replace(day=1)] = float(row["Valor_Patrimonial_Cotas"])

    def _coin(self, told: dict[str, Any]) -> None:
        """A coin's closes and what was traded, in BRL."""
        paper = self.papers.get(f"{told['coin']}-BRL")
        if paper is not None:
            paper.all_days = True
            for row in told["historicalDataPrice"]:
                paper.closes[_utc(row["date"])] = float(row["close"])
                paper.traded[_utc(row["date"])] = float(row["volume"] or 0)

    def _grid(self, asked: dict[str, Any], rows: list[dict[str, Any]]) -> None:
        """A year of one of B3's indices: 31 rows of days, a column per month."""
        for row in rows:
            for month in range(1, 13):
                if row.get(f"rateValue{month}"):
                    day = date(int(asked["year"]), month, int(row["day"]))
                    self.indices[asked["index"]][day] = _number(row[f"rateValue{month}"])

    def _cotahist(self, body: bytes) -> None:
        with zipfile.ZipFile(io.BytesIO(body)) as zipped:
            text = zipped.read(zipped.namelist()[0]).decode("latin-1")
        for line in text.splitlines():
            ticker = line[12:24].strip()
            if line[:2] == "01" and line[24:27] == "010" and ticker in self.papers:
                day = date(int(line[2:6]), int(line[6:8]), int(line[8:10]))
                self.papers[ticker].closes[day] = int(line[108:121]) / 100
                self.papers[ticker].traded[day] = int(line[170:188]) / 100

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
                if row["label"] == "JRS CAP PROPRIO":  # interest on equity: taxed at its source, more since 2026
                    paper.withheld[when] += _number(row["rate"]) * (0.175 if year >= 2026 else 0.15)
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

    def account(self, cnpj: str, start: str, end: date, said: str) -> float | None:
        """One account of the result of one span, by its code or the beginning of its name."""
        found = []
        for key, value in self.accounts[cnpj, start, end].items():
            code, _, name = key.partition("|")
            if code == said or (code[0] == "3" and name.startswith(said)):
                found.append(value)
        return found[0] if found else None


def _number(text: str) -> float:
    return float(text.replace(".", "").replace(",", "."))


def _utc(seconds: float) -> date:
    return datetime.fromtimestamp(seconds, UTC).date()


def _day(text: str) -> date:
    day, month, year = map(int, text.split("/"))
    return date(year, month, day)


def upto(series: dict[date, float], day: date) -> float:
    """The value of `day` or of the last day before it."""
    return series[max(d for d in series if d <= day)]


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
        bare, _, unit = text.removeprefix("R$ ").replace("\u00a0", " ").partition(" ")
        bare = bare.strip("%*")
        bare = bare.replace("−", "-").replace("+", "").replace(".", "").replace(",", ".")
        decimals = len(bare.partition(".")[2])
        shown = value * 100 if percent else value / _SCALES.get(unit, 1.0)
        self.count += 1
        if abs(float(bare) - shown) > 0.5 * 10.0**-decimals * (1 + 1e-9) + 1e-9:
            self.wrong.append(f"{what}: printed {text}, recomputed {shown}")

    def near(self, what: str, shown: float, value: float, within: float) -> None:
        """A value of a chart, which prints no digits."""
        self.count += 1
        if abs(shown - value) > within:
            self.wrong.append(f"{what}: drawn at {shown}, recomputed {value}")


async def written(platform: Platform, call: Any) -> AnyView:
    """The view of the report that `call` writes."""
    report = await platform.run(call)
    stored = await platform.store.reports.get(report["report_id"])
    assert stored is not None
    return load_view(stored.view)


def check_returns(view: AnyView, paper: Paper, indices: dict[str, dict[date, float]], check: Checked) -> None:
    """Every month and year of the table of returns, the asset's and those of the indices beside it."""
    table = next(b for b in _blocks(view, "months") if isinstance(b, Table))
    names = [column.label for column in table.columns[14:]]
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
        for name, text in zip(names, row[14:], strict=True):
            end = max(d for d in days if d.year == year)
            start = max(d for d in days if d.year == year - 1)
            if text:
                check(f"{name} {year}", text, upto(indices[name], end) / upto(indices[name], start) - 1, percent=True)


def check_price_chart(view: AnyView, paper: Paper, check: Checked) -> None:
    """What the chart of prices says in words: both ends, the change, the extremes, three averages."""
    chart = next(b for b in _blocks(view, "price") if isinstance(b, PriceChart))
    days, values = paper.adjusted()
    first = days.index(chart.days[0])
    shown = values[first:]
    said = re.findall(r"R\$ ([\d.,]+\d)", chart.description)
    expected = [shown[0], shown[-1], min(shown), max(shown), *(sum(values[-n:]) / n for n in (20, 50, 200))]
    for what, text, value in zip(("start", "end", "low", "high", "20", "50", "200"), said, expected, strict=True):
        check(f"chart, {what}", text, value)
    for at in range(0, len(shown), 16):  # what a spreadsheet of the report holds of the line
        check(f"close of {days[first + at]}", f"{chart.close[at]:.2f}".replace(".", ","), shown[at])
    change = re.search(r"\((.\d+,\d)%\)", chart.description)
    assert change is not None
    check("chart, change", change[1], shown[-1] / shown[0] - 1, percent=True)


def lines_of(view: AnyView, ident: str) -> LinesChart:
    """The chart of lines of a section, as a spreadsheet of the report holds it."""
    return next(b for b in _blocks(view, ident) if isinstance(b, LinesChart))


def check_lines(
    chart: LinesChart, grown: Mapping[str, Callable[[date], float]], step: int, within: float, check: Checked
) -> None:
    """Each `step`-th value of every line, 100 at the first day, by what it grew since; `within` points of it."""
    assert {line.name for line in chart.lines} == set(grown)
    for line in chart.lines:
        for at in range(0, len(chart.days), step):
            value = line.values[at]
            assert value is not None, (line.name, chart.days[at])
            check.near(f"{line.name} on {chart.days[at]}", value, 100 * grown[line.name](chart.days[at]), within)


def check_index_chart(view: AnyView, index: dict[date, float], step: int, check: Checked) -> None:
    """Each `step`-th close of the chart of an index."""
    chart = next(b for b in _blocks(view, "index") if isinstance(b, PriceChart))
    for at in range(0, len(chart.days), step):
        check(f"index on {chart.days[at]}", f"{chart.close[at]:.2f}".replace(".", ","), index[chart.days[at]])


def by_key(paper: Paper, index: dict[date, float], ifix: dict[date, float]) -> dict[str, float]:
    """Figures of prices by the product's key, in fractions and BRL."""
    days, values = paper.adjusted()
    last, year_ago = days[-1], days[-1] - timedelta(days=365)
    paid = sum(v for d, v in paper.cash.items() if year_ago < d <= last)
    grown, moved = values[-1] / paper.at(year_ago), upto(index, last) / upto(index, year_ago)
    earlier = {n: _months_before(last, n) for n in (1, 6)}
    return {
        "change_1d": values[-1] / values[-2] - 1,
        "return_1m": values[-1] / paper.at(earlier[1]) - 1,
        "return_6m": values[-1] / paper.at(earlier[6]) - 1,
        "return_1y": grown - 1,
        "return_5y": (values[-1] / paper.at(last - timedelta(days=5 * 365 + 1))) ** 0.2 - 1,
        "excess_ibov_1y": grown / moved - 1,
        **({"excess_ifix_1y": grown / (upto(ifix, last) / upto(ifix, year_ago)) - 1} if ifix else {}),
        "volatility_1y": volatility(paper),
        "max_drawdown_1y": deepest_fall(paper),
        "distance_sma_200": paper.over_average(200),
        "turnover_21d": paper.mean_traded(21),
        "dividends_12m": paid,
        "dividend_yield": paid / paper.closes[last],
    }


def _months_before(day: date, months: int) -> date:
    """The same day of an earlier month, or that month's last."""
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    following = date(year + (month == 11), (month + 1) % 12 + 1, 1)
    return min(date(year, month + 1, min(day.day, 28)) + timedelta(days=max(0, day.day - 28)),
               following - timedelta(days=1))  # fmt: skip


def check_keyed(view: AnyView, known: dict[str, float], check: Checked) -> None:
    """Every cell and every statistic whose key has a recomputed value, wherever it is printed of the asset itself."""
    for section in view.sections:
        for block in section.blocks if not section.appendix and section.id != "peers" else ():
            printed = [(c.figure, c.text) for row in block.rows for c in row] if isinstance(block, Table) else []
            printed += [(stat.figure, stat.text) for stat in block.items] if isinstance(block, Stats) else []
            for figure, text in printed:
                if figure is not None and figure.key in known and text:
                    check(f"{section.id} {figure.key}", text, known[figure.key], percent="%" in text)


def check_tracking(view: AnyView, paper: Paper, index: dict[date, float], check: Checked) -> None:
    """Year by year the fund, its index and what lies between them."""
    days, values = paper.adjusted()
    ends = {d.year: (d, v) for d, v in zip(days, values, strict=True)}
    for row in rows_of(view, "tracking"):
        (day, value), (before, base) = ends[int(row[0][:4])], ends[int(row[0][:4]) - 1]
        fund, moved = value / base - 1, index[day] / index[before] - 1
        for what, text, expected in (("fund", row[1], fund), ("index", row[2], moved), ("gap", row[3], fund - moved)):
            check(f"tracking {row[0]}, {what}", text, expected, percent=True)


def check_dollar(view: AnyView, paper: Paper, ptax: dict[date, float], check: Checked) -> None:
    """Twelve months in reais, of the dollar, and in dollars."""
    days, values = paper.adjusted()
    year_ago = days[-1] - timedelta(days=365)
    grown, dearer = values[-1] / paper.at(year_ago), upto(ptax, days[-1]) / upto(ptax, year_ago)
    rate, price = upto(ptax, days[-1]), paper.closes[days[-1]]
    block = _blocks(view, "dollar")[0]
    shown = (
        [(row[0].text, row[1].text) for row in block.rows]
        if isinstance(block, Table)
        else [(x.label, x.text) for x in block.items]
    )
    expected = (grown - 1, dearer - 1, grown / dearer - 1, rate, price / rate)
    for (label, text), value in zip(shown, expected, strict=True):
        check(f"in dollars: {label}", text.removeprefix("US$ "), value, percent="%" in text)


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
            check(f"paid in {bar.label}", bar.text, years[int(bar.label) if bar.label.isdigit() else today.year])
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
    return math.sqrt(sum((m - mean) ** 2 for m in moves) / (len(moves) - 1) * (365 if paper.all_days else 252))


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
        income = known.account(cnpj, start, end, "Atribuído a Sócios da Empresa Controladora")
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


def check_income_months(view: AnyView, paper: Paper, check: Checked) -> None:
    """What a fund paid month by month, by the price on the last day with the right to it."""
    months = next(b for b in _blocks(view, "income_months") if isinstance(b, ColumnsChart))
    for bar, (_, day, amount) in zip(months.bars[::-1], by_month(paper)[::-1], strict=False):
        check(f"income to {day}", bar.text, amount / paper.closes[day], percent=True)


def check_price_to_worth(view: AnyView, paper: Paper, worths: dict[date, float], check: Checked) -> None:
    """The last close of each month by what a unit was worth in it, else by the newest report before."""
    chart = next(b for b in _blocks(view, "multiple_p_vp") if isinstance(b, LinesChart))
    for day, value in zip(chart.days, chart.lines[0].values, strict=True):
        if value is not None:
            month = max(m for m in worths if m <= day)
            check(f"P/VP of {day:%Y-%m}", f"{value:.6f}".replace(".", ","), paper.closes[day] / worths[month])


def by_month(paper: Paper) -> list[tuple[str, date, float]]:
    """(month, last day with rights, amount) of every month that paid up to the last session."""
    sums: dict[str, tuple[date, float]] = {}
    for day, amount in sorted(paper.cash.items()):
        if day <= max(paper.closes):
            held = sums.get(f"{day:%Y-%m}", (day, 0.0))
            sums[f"{day:%Y-%m}"] = (day, held[1] + amount)
    return [(month, *found) for month, found in sorted(sums.items())]


def check_row(row: list[str], paper: Paper, check: Checked) -> None:
    """Ticker, price, twelve months, and the dividend yield where it stands."""
    days, values = paper.adjusted()
    check(f"{row[0]} price", row[1], paper.closes[days[-1]])
    past = paper.at(days[-1] - timedelta(days=365))
    check(f"{row[0]} 12 months", row[2], values[-1] / past - 1, percent=True)
    paid = sum(v for d, v in paper.cash.items() if days[-1] - timedelta(days=365) < d <= days[-1])
    check(f"{row[0]} dividend yield", row[-3], paid / paper.closes[days[-1]], percent=True)


class Held:
    """A portfolio bought on one day at its closes and never touched since: its value day by day."""

    def __init__(self, known: Bytes, quantities: dict[str, int], day: date) -> None:
        self.known, self.quantities, self.bought = known, quantities, day
        self.days = [d for d in sorted(known.papers["PETR4"].closes) if d >= day]
        self.last = self.days[-1]
        self.values = [{t: self.quantity(t, d) * self.price(t, d) for t in quantities} for d in self.days]
        self.totals = [sum(values.values()) for values in self.values]
        self.incomes = [dict.fromkeys(quantities, 0.0), *(self._paid(a, b) for a, b in pairwise(self.days))]
        self.moves = [
            (after + sum(paid.values())) / before - 1
            for (before, after), paid in zip(pairwise(self.totals), self.incomes[1:], strict=True)
        ]

    def quantity(self, ticker: str, day: date) -> float:
        """What was bought, split as the paper was since."""
        factors = self.known.papers[ticker].factors
        return self.quantities[ticker] * math.prod(f for d, f in factors.items() if self.bought <= d < day)

    def _paid(self, before: date, day: date) -> dict[str, float]:
        """What went ex between two sessions, net of what is withheld."""
        paid: dict[str, float] = dict.fromkeys(self.quantities, 0.0)
        for ticker in paid:
            paper = self.known.papers[ticker]
            for day_with, amount in paper.cash.items():
                if before <= day_with < day:
                    paid[ticker] += (amount - paper.withheld[day_with]) * self.quantity(ticker, day_with)
        return paid

    def price(self, ticker: str, day: date) -> float:
        """The close of the last session up to `day`, as it was traded."""
        return upto(self.known.papers[ticker].closes, day)

    def cdi(self, start: date, end: date) -> float:
        """The CDI from `start` to `end`; the sandbox's Selic is the same series and its bytes are kept once."""
        daily = self.known.rates[12] or self.known.rates[11]
        return math.prod(1 + rate / 100 for day, rate in daily.items() if start <= day < end) - 1

    def grown(self, start: date, end: date) -> float:
        """The return between two sessions."""
        return math.prod(1 + move for move in self.moves[self.days.index(start) : self.days.index(end)]) - 1

    def ibov(self, start: date, end: date) -> float:
        """The index over the same sessions."""
        return upto(self.known.index, end) / upto(self.known.index, start) - 1


def check_positions(view: AnyView, held: Held, check: Checked) -> None:
    """Quantity, average, price, value, weight and result of each, and the sums above them."""
    total, cost = held.totals[-1], held.totals[0]
    check("value", view.header.value, total)
    check("invested", view.header.value_note.partition(": ")[2], cost)
    for row in rows_of(view, "positions"):
        ticker = row[0]
        now, then = held.price(ticker, held.last), held.price(ticker, held.bought)
        split = held.quantity(ticker, held.last) / held.quantities[ticker]
        check(f"{ticker} quantity", row[1], held.quantity(ticker, held.last))
        check(f"{ticker} average", row[2], then / split)
        check(f"{ticker} price", row[3], now)
        check(f"{ticker} value", row[4], held.values[-1][ticker])
        check(f"{ticker} weight", row[5], held.values[-1][ticker] / total, percent=True)
        check(f"{ticker} result", row[6], now * split / then - 1, percent=True)


def check_portfolio_returns(view: AnyView, held: Held, check: Checked) -> None:
    """Months and years beside both references, and the measures of the whole time."""
    ends = {(d.year, d.month): d for d in held.days}
    starts = {m: ends.get((m[0] - (m[1] == 1), (m[1] - 2) % 12 + 1), held.bought) for m in ends}
    for row in rows_of(view, "months"):
        year = int(row[0])
        for month in range(1, 13):
            if row[month]:
                day = ends[year, month]
                check(f"{year}-{month}", row[month], held.grown(starts[year, month], day), percent=True)
        first = ends.get((year - 1, 12), held.bought)
        last = max(d for d in held.days if d.year == year)
        check(f"{year}", row[13], held.grown(first, last), percent=True)
        check(f"{year} IBOV", row[14], held.ibov(first, last), percent=True)
        check(f"{year} CDI", row[15], held.cdi(first, last), percent=True)
    twr, ibov = held.grown(held.bought, held.last), held.ibov(held.bought, held.last)
    cdi = held.cdi(held.bought, held.last)
    moves = held.moves
    mean = sum(moves) / len(moves)
    curve = [1 + held.grown(held.bought, day) for day in held.days]
    years = (held.last - held.bought).days / 365
    expected = {
        "Rentabilidade": twr,
        "Rentabilidade, ao ano": (1 + twr) ** (1 / years) - 1,
        "IBOV": ibov,
        "Sobre o IBOV": (1 + twr) / (1 + ibov) - 1,
        "CDI": cdi,
        "Sobre o CDI": (1 + twr) / (1 + cdi) - 1,
        "Volatilidade anual": math.sqrt(sum((m - mean) ** 2 for m in moves) / (len(moves) - 1) * 252),
        "Queda máxima": min(v / max(curve[: i + 1]) - 1 for i, v in enumerate(curve)),
        "Concentração (HHI)": sum((v / held.totals[-1]) ** 2 for v in held.values[-1].values()),
    }
    shown = dict([*rows_of(view, "metrics"), *rows_of(view, "risk")])
    for name, value in expected.items():
        check(name, shown[name], value, percent="%" in shown[name])
    assert view.strip is not None
    check("strip", view.strip.verdict, twr, percent=True)
    for stat in view.strip.stats:
        if stat.label in expected:
            check(f"strip, {stat.label}", stat.text, expected[stat.label], percent=True)
    said = next(b for b in _blocks(view, "curve") if isinstance(b, LinesChart)).description
    for text, value in zip(re.findall(r"[−+][\d,]+%", said), (twr, ibov, cdi), strict=True):
        check("curve", text, value, percent=True)


def check_contributions(view: AnyView, held: Held, check: Checked) -> None:
    """Points of each asset, linked day by day with Carino's factors, and their sum."""
    twr = held.grown(held.bought, held.last)
    sums: dict[str, float] = defaultdict(float)
    for i in range(1, len(held.days)):
        before = held.totals[i - 1]
        move = held.moves[i - 1]
        factor = math.log1p(move) / move if move else 1.0
        for ticker in held.quantities:
            gained = held.values[i][ticker] + held.incomes[i][ticker] - held.values[i - 1][ticker]
            sums[ticker] += gained / before * factor
    for name, text in rows_of(view, "contribution"):
        value = sums[name] * twr / math.log1p(twr) if name in sums else twr
        check(f"contribution of {name}", text, value, percent=True)


def check_announced(view: AnyView, held: Held, check: Checked) -> None:
    """What was announced of the rights held, gross, and net of what is withheld of JCP."""
    for ticker, kind, _, gross, net in rows_of(view, "coming"):
        value = float(gross.replace(".", "").replace(",", "."))
        rights = [amount * held.quantities[ticker] for amount in held.known.papers[ticker].cash.values()]
        nearest = min(rights, key=lambda right: abs(right - value))
        check(f"{ticker} gross", gross, nearest)
        check(f"{ticker} net", net, nearest * (0.825 if kind == "JCP" else 1))


def check_week(view: AnyView, held: Held, check: Checked) -> None:
    """What each asset did over the week with what it paid, and its weight."""
    base = held.last - timedelta(days=7)
    for row in rows_of(view, "moves"):
        if row[0] in held.quantities:
            paper = held.known.papers[row[0]]
            check(f"{row[0]} week", row[2], paper.at(held.last) / paper.at(base) - 1, percent=True)
            check(f"{row[0]} weight", row[3], held.values[-1][row[0]] / held.totals[-1], percent=True)
