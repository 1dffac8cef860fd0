"""The backtest of the score through the whole stack: stored prices in, a record beside every score out."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np

from invest.domain.market.assets import Asset
from invest.domain.market.bars import BarTable
from invest.domain.market.calendar import market_day, sessions_between
from invest.domain.market.tickers import AssetKind, Market
from invest.engine import JobState
from invest.jobs.analysis.analyses import analyze_asset_async
from invest.jobs.analysis.backtests import backtest_score, backtest_scores
from invest.jobs.analysis.rankings import detect_opportunities, update_asset_rankings
from invest.jobs.loading import backtest_key
from tests.integration.jobs.job_platform import Platform

FUNDS = [f"FND{letter}11" for letter in "ABCDEFGHIJKL"]
GONE = "FNDL11"


def walks(last: date) -> BarTable:
    """Five years of random walks; one fund ends two years before the others."""
    days = sessions_between(last - timedelta(days=365 * 5), last)
    random = np.random.default_rng(5)
    parts = []
    for ticker in FUNDS:
        own = days[days < np.datetime64(last - timedelta(days=730), "D")] if ticker == GONE else days
        close = (50 * np.exp(np.cumsum(random.normal(0.0003, 0.015, len(own)))) * 1e6).astype(np.int64)
        parts.append((np.full(len(own), ticker), own, close))
    tickers, stamps, close = (np.concatenate(column) for column in zip(*parts, strict=True))
    volume = np.full(len(close), 100_000, dtype=np.int64)
    prices = (close, close * 101 // 100, close * 99 // 100, close)
    turnover = close // 10_000 * volume
    return BarTable(tickers, stamps, *prices, volume, turnover, np.full(len(close), -1), "cotahist", "a" * 64)


async def test_a_market_s_score_is_backtested_kept_and_shown_beside_it(platform: Platform) -> None:
    store, today = platform.store, market_day(platform.settings.now())
    await store.assets.upsert(*(Asset(ticker=ticker, kind=AssetKind.ETF) for ticker in FUNDS))
    await store.bars.save_table(walks(today))
    await store.assets.deactivate(GONE)

    record = await platform.run(backtest_score(Market.ETFS, 3))

    assert (record.assets, record.ended) == (12, 1)
    assert record.checked == 12
    assert [b.horizon_days for b in record.horizons] == [30, 90, 180]
    month = record.horizons[0]
    assert month.days > 25 and month.ic.cohorts > 20
    assert month.assets > 11  # the fund that ended is among them while it was traded
    assert all(value is not None for value in (month.spread, month.turnover, month.spread_net))
    assert all(not b.alarms for b in record.horizons)
    kept = await store.analyses.ranking(backtest_key(Market.ETFS))
    assert kept is not None and kept[1]["verdicts"] == record.verdicts
    analysis = await platform.run(analyze_asset_async(FUNDS[0]))
    assert analysis.backtest == record.brief()
    stored = await store.analyses.latest(FUNDS[0])
    assert stored is not None and stored.backtest == record.brief()
    await platform.run(update_asset_rankings(Market.ETFS))
    found = await platform.run(detect_opportunities(Market.ETFS, 0.0))
    assert found.backtest == record.verdicts
    every = await platform.run(backtest_scores())
    assert set(every.verdicts) == {"etfs"} and every.errors == {}


async def test_a_market_of_which_nothing_was_collected_is_refused_without_retries(platform: Platform) -> None:
    status = await platform.outcome(backtest_score(Market.CRYPTOS))
    assert (status.state, status.attempt) == (JobState.FAILED, 1)
    assert status.error is not None and "no cryptos with prices" in status.error.message
