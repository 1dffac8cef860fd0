"""Our adjustment of real closes against the adjusted closes the same upstream gave."""

from __future__ import annotations

import csv
import gzip
from collections import defaultdict
from datetime import date
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from invest.domain.market.adjustment import adjustment_factors
from invest.domain.market.assets import ActionKind, CorporateAction
from invest.domain.market.bars import Days, Floats
from invest.sources.b3.action_labels import b3_factor

Series = tuple[Days, Floats, Floats]


def series(samples: Path) -> dict[str, Series]:
    """Days, closes and adjusted closes of every ticker that has both."""
    rows = defaultdict(list)
    with gzip.open(samples / "yahoo/b3_daily_ohlcv.csv.gz", "rt") as lines:
        for row in csv.DictReader(lines):
            if row["kind"] == "yf-unadj" and row["close"] and row["adj_close"]:
                rows[row["ticker"]].append((row["date"], float(row["close"]), float(row["adj_close"])))
    result = {}
    for ticker, values in rows.items():
        values.sort()
        days, close, adjusted = zip(*values, strict=True)
        result[ticker] = (np.array(days, "datetime64[D]"), np.array(close), np.array(adjusted))
    return result


def dividends(samples: Path, ticker: str, days: Days) -> list[CorporateAction]:
    """Yahoo's dividends of a ticker; their ex-date is the session after the last one with rights."""
    found = []
    with gzip.open(samples / "yahoo/dividends_2010_2026.csv.gz", "rt") as lines:
        for row in csv.DictReader(lines):
            at = int(np.searchsorted(days, np.datetime64(row["ex_date"])))
            if row["ticker"] == ticker and 0 < at < len(days):
                last: date = days[at - 1].astype(object)
                amount = Decimal(row["amount_split_adjusted"])
                found.append(
                    CorporateAction(
                        ticker=ticker,
                        kind=ActionKind.DIVIDEND,
                        last_date_with=last,
                        amount=amount,
                        source="y",
                        payload="p",
                    )
                )
    return found


def steps(factor: Floats) -> Floats:
    """How the factor changes from one session to the next."""
    return np.asarray(factor[1:] / factor[:-1])


def test_adjusted_closes_agree_wherever_the_dividends_are_known(samples: Path) -> None:
    """Yahoo's last adjusted close may know dividends after the last bar: both series are scaled to end alike."""
    agreed, without = [], []
    for ticker, (days, close, adjusted) in series(samples).items():
        actions = dividends(samples, ticker, days)
        theirs = adjusted / close * (close[-1] / adjusted[-1])
        if not actions:
            without.append((ticker, bool(np.all(np.abs(steps(theirs) - 1) < 3e-4))))
            continue
        mine = adjustment_factors(days, close, actions)
        assert np.abs(mine / theirs - 1).max() < 5e-4, ticker  # amounts are rounded to four decimals
        agreed.append(ticker)
    assert len(agreed) >= 15
    # The dividends of the others are not among the samples: their factors move and ours cannot. BOVA11 pays none.
    assert [ticker for ticker, still in without if still] == ["BOVA11"]


def test_a_published_factor_comes_out(samples: Path) -> None:
    """ABEV3, 17 December 2021: 0.1334 + 0.4702 at 16.07, both with rights until that day."""
    days = np.array(["2021-12-16", "2021-12-17", "2021-12-20"], "datetime64[D]")
    last = date(2021, 12, 17)
    actions = [
        CorporateAction(ticker="ABEV3", kind=kind, last_date_with=last, amount=Decimal(a), source="b3", payload="p")
        for kind, a in ((ActionKind.DIVIDEND, "0.1334"), (ActionKind.JCP, "0.4702"))
    ]
    factor = adjustment_factors(days, np.array([16.0, 16.07, 15.5]), actions)
    assert factor == pytest.approx([0.962439, 0.962439, 1.0], abs=1e-6)


def test_b3_s_labels_explain_the_difference_between_raw_and_split_adjusted(samples: Path) -> None:
    """ITUB4 in 2025: raw closes over Yahoo's, which are divided by the bonuses of March (10 %) and December (3 %)."""
    days, close, _ = series(samples)["ITUB4"]
    with gzip.open(samples / "b3/cotahist/parsed_2025_4tickers.csv.gz", "rt") as lines:
        raw = {row["date"]: float(row["close"]) for row in csv.DictReader(lines) if row["symbol"] == "ITUB4"}
    kept = [(np.datetime64(day), value) for day, value in raw.items() if np.datetime64(day) in days]
    session = np.array([day for day, _ in kept], "datetime64[D]")
    mine = np.array([value for _, value in kept])
    theirs = close[np.searchsorted(days, session)]
    bonuses = [
        CorporateAction(
            ticker="ITUB4",
            kind=ActionKind.BONUS,
            last_date_with=last,
            factor=b3_factor(ActionKind.BONUS, Decimal(percent)),
            source="b3",
            payload="p",
        )
        for last, percent in ((date(2025, 3, 17), "10"), (date(2025, 12, 23), "3"))
    ]
    adjusted = mine * adjustment_factors(session, mine, bonuses)
    assert np.abs(adjusted / theirs - 1).max() < 2e-3  # Yahoo's own closes are a centavo off on some days
