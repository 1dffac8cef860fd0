"""Technical figures of real B3 bars against pandas, B3's recorded sessions, and rates of the central bank."""

from __future__ import annotations

import csv
import gzip
import json
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from invest.domain.analysis.asset_analysis import analyse
from invest.domain.analysis.inputs import AnalysisInput
from invest.domain.analysis.technical import technical_figures
from invest.domain.market.assets import Asset, MacroPoint
from invest.domain.market.bars import Bars, Floats
from invest.domain.market.calendar import is_session, sessions_between
from invest.domain.market.macro import RateCurve, compound
from invest.domain.market.prices import Prices, usable
from invest.domain.market.tickers import AssetKind

TICKERS = ("PETR4", "ABEV3", "MGLU3", "ITUB4", "BOVA11", "WEGE3")
NOW = datetime(2026, 4, 1, 2, tzinfo=UTC)


def number(text: str) -> float:
    return float(text) if text else float("nan")


def recorded(samples: Path) -> dict[str, Bars]:
    """Every recorded series, adjusted by the ratio of adjusted to traded close."""
    rows: dict[str, list[dict[str, str]]] = defaultdict(list)
    with gzip.open(samples / "yahoo" / "b3_daily_ohlcv.csv.gz", "rt", newline="") as file:
        for row in csv.DictReader(file):
            rows[row["ticker"]].append(row)
    made = {}
    for ticker, series in rows.items():
        columns = {name: np.array([number(row[name]) for row in series]) for name in series[0] if name in FIELDS}
        factor = np.where(np.isfinite(columns["adj_close"]), columns["adj_close"] / columns["close"], 1.0)
        days = np.array([row["date"] for row in series], dtype="datetime64[D]")
        blank = np.full(len(series), np.nan)
        made[ticker] = Bars(
            ticker,
            days,
            columns["open"],
            columns["high"],
            columns["low"],
            columns["close"],
            columns["volume"],
            blank,
            factor,
        )
    return made


FIELDS = ("open", "high", "low", "close", "adj_close", "volume")


@pytest.fixture
def series(samples: Path) -> dict[str, Bars]:
    if not hasattr(recorded, "held"):
        recorded.held = recorded(samples)  # type: ignore[attr-defined]  # read once per process
    held: dict[str, Bars] = recorded.held  # type: ignore[attr-defined]
    return held


@pytest.mark.parametrize("ticker", TICKERS)
def test_indicators_of_real_bars_agree_with_pandas(ticker: str, series: dict[str, Bars]) -> None:
    pd = pytest.importorskip("pandas")
    prices, index = usable(series[ticker]), usable(series["^BVSP"])
    figures = technical_figures(prices, index)
    close = pd.Series(prices.close)
    returns = close.pct_change().dropna()
    gain, loss = returns.clip(lower=0), -returns.clip(upper=0)
    assert len(gain) == len(loss)
    for n in (20, 50, 200):
        assert figures[f"sma_{n}"] == pytest.approx(close.rolling(n).mean().iloc[-1])
    change = close.diff().dropna()
    up = wilder(change.clip(lower=0).to_numpy())
    down = wilder(-change.clip(upper=0).to_numpy())
    assert figures["rsi_14"] == pytest.approx(100 - 100 / (1 + up / down))
    middle, width = close.rolling(20).mean().iloc[-1], close.rolling(20).std(ddof=0).iloc[-1]
    assert figures["bollinger_upper"] == pytest.approx(middle + 2 * width)
    macd = close.ewm(span=12, adjust=False).mean() - close.ewm(span=26, adjust=False).mean()
    assert figures["macd"] == pytest.approx(macd.iloc[-1], abs=1e-6)
    assert figures["macd_signal"] == pytest.approx(macd.ewm(span=9, adjust=False).mean().iloc[-1], abs=1e-6)
    assert figures["volatility_21d"] == pytest.approx(returns.iloc[-21:].std() * 252**0.5)
    assert figures["drawdown"] == pytest.approx(close.iloc[-1] / close.max() - 1)


def wilder(changes: Floats, n: int = 14) -> float:
    mean = float(changes[:n].mean())
    for value in changes[n:]:
        mean = (mean * (n - 1) + float(value)) / n
    return mean


@pytest.mark.parametrize("ticker", TICKERS)
def test_a_year_of_real_bars_agrees_with_pandas(ticker: str, series: dict[str, Bars]) -> None:
    pd = pytest.importorskip("pandas")
    prices, index = usable(series[ticker]), usable(series["^BVSP"])
    figures = technical_figures(prices, index)
    start = prices.days[-1] - np.timedelta64(365, "D")
    close = pd.Series(prices.close, index=prices.days.astype("datetime64[ns]"))
    window = close[close.index >= close.index[close.index <= pd.Timestamp(start)][-1]]
    returns = window.pct_change().dropna()
    assert figures["return_1y"] == pytest.approx(window.iloc[-1] / window.iloc[0] - 1)
    assert figures["volatility_1y"] == pytest.approx(returns.std() * 252**0.5)
    assert figures["max_drawdown_1y"] == pytest.approx((window / window.cummax() - 1).min())
    market = pd.Series(index.close, index=index.days.astype("datetime64[ns]"))
    both = pd.concat([window, market], axis=1, join="inner").pct_change().dropna().to_numpy()
    slope = np.cov(both[:, 0], both[:, 1])[0, 1] / np.var(both[:, 1], ddof=1)
    assert figures["beta_1y"] == pytest.approx(slope)


def test_an_index_fund_follows_its_index(series: dict[str, Bars]) -> None:
    figures = technical_figures(usable(series["BOVA11"]), usable(series["^BVSP"]))
    assert figures["beta_1y"] == pytest.approx(1.0, abs=0.06)
    assert figures["correlation_1y"] is not None
    assert figures["correlation_1y"] > 0.98


def test_every_recorded_series_is_analysed_without_a_wrong_number(series: dict[str, Bars]) -> None:
    index = usable(series["^BVSP"])
    for ticker, bars in series.items():
        analysis = analyse(
            AnalysisInput(asset=Asset(ticker=ticker, kind=AssetKind.STOCK), bars=bars, index=index, now=NOW)
        )
        facts = {fact.key: fact.value for fact in analysis.facts}
        assert all(value is not None and np.isfinite(value) for value in facts.values()), ticker
        assert 0 <= (facts.get("rsi_14") or 0) <= 100, ticker
        assert (facts.get("volatility_1y") or 0) < 5, ticker
        assert -1 <= (facts.get("drawdown") or 0) <= 0, ticker
        assert analysis.overall_score is None or 0 <= analysis.overall_score <= 10


def test_figures_of_real_bars_as_of_a_past_day_are_those_of_that_day(series: dict[str, Bars]) -> None:
    bars, index = series["ABEV3"], series["^BVSP"]
    for day in (date(2021, 6, 30), date(2023, 12, 28), date(2025, 3, 5)):
        cut = technical_figures(usable(bars.until(day)), usable(index.until(day)))
        whole = technical_figures(usable(bars.until(day)), usable(index))
        assert cut == whole


def test_thinly_traded_papers_give_nulls_not_errors(samples: Path) -> None:
    with gzip.open(samples / "yahoo" / "illiquid_closes_2023_2026.csv.gz", "rt", newline="") as file:
        rows = list(csv.DictReader(file))
    by_ticker: dict[str, list[dict[str, str]]] = defaultdict(list)
    for row in rows:
        by_ticker[row["ticker"]].append(row)
    for ticker, found in by_ticker.items():
        days = np.array([row["date"] for row in found], dtype="datetime64[D]")
        days, first = np.unique(days, return_index=True)
        close = np.array([number(row["close_split_adjusted"]) for row in found])[first]
        blank = np.full(len(days), np.nan)
        bars = Bars(ticker, days, blank, blank, blank, close, blank, blank, np.ones(len(days)))
        figures = technical_figures(usable(bars))
        assert all(value is None or np.isfinite(value) for value in figures.values()), ticker
        assert figures.get("atr_14") is None, ticker


def test_bad_rows_of_an_upstream_are_left_out(samples: Path) -> None:
    with (samples / "yahoo" / "chart" / "observed_bad_rows_PETR4_2023-08.csv").open(newline="") as file:
        rows = [{name.strip().lower(): value for name, value in row.items()} for row in csv.DictReader(file)]
    columns = {name: np.array([number(row[name]) for row in rows]) for name in ("open", "high", "low", "close")}
    days = np.array([row["date"][:10] for row in rows], dtype="datetime64[D]")
    volume = np.array([number(row["volume"]) for row in rows])
    opened, high, low, close = columns.values()
    bars = Bars("PETR4", days, opened, high, low, close, volume, np.full(len(rows), np.nan), np.ones(len(rows)))
    prices: Prices = usable(bars)
    assert (prices.close > 0).all()
    assert prices.whole > 0
    assert technical_figures(prices)["atr_14"] is None


def test_recorded_sessions_are_our_sessions(samples: Path) -> None:
    with (samples / "b3" / "sessions_2020_2025.csv").open(newline="") as file:
        theirs = {date.fromisoformat(row["date"]) for row in csv.DictReader(file)}
    ours = {day.astype(object) for day in sessions_between(date(2020, 1, 1), date(2025, 12, 31))}
    assert ours == theirs


def test_recorded_bars_fall_on_sessions(series: dict[str, Bars]) -> None:
    for ticker in TICKERS:
        traded = series[ticker].volume > 0
        off = [day for day in series[ticker].days[traded] if not is_session(day.astype(object))]
        assert len(off) <= 0.002 * traded.sum(), (ticker, off)


def test_cdi_of_a_recorded_year_compounds(samples: Path) -> None:
    with (samples / "bcb" / "sgs_12_cdi_daily.csv").open(newline="") as file:
        rows = [(date.fromisoformat(row["Date"]), Decimal(row["cdi"])) for row in csv.DictReader(file)]
    curve = RateCurve.of(
        MacroPoint(series="sgs:12", day=day, value=rate, source="bcb", payload="0" * 64) for day, rate in rows
    )
    by_hand = Decimal(1)
    for day, rate in rows:
        if day.year == 2019:
            by_hand *= 1 + rate / 100
    assert curve.growth(date(2019, 1, 1), date(2020, 1, 1)) == pytest.approx(float(by_hand))
    assert float(by_hand) - 1 == pytest.approx(0.0596, abs=0.0005)


def test_ipca_of_recorded_2016_and_2017(samples: Path) -> None:
    rows = json.loads((samples / "bcb" / "sgs_433_ipca.json").read_text())
    of_year = {
        year: compound(float(row["valor"]) for row in rows if row["data"].endswith(str(year))) for year in (2016, 2017)
    }
    assert of_year[2016] == pytest.approx(0.0629, abs=5e-5)  # as IBGE published them
    assert of_year[2017] == pytest.approx(0.0295, abs=5e-5)


def test_windows_reach_back_a_year_to_the_day(series: dict[str, Bars]) -> None:
    prices = usable(series["ABEV3"])
    base = prices.days[prices.base(365)]
    assert base <= prices.days[-1] - np.timedelta64(365, "D")
    assert prices.days[-1] - base < np.timedelta64(365 + 6, "D")
    assert timedelta(days=365) <= (prices.days[-1] - base).astype(object)
