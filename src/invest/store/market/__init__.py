"""Market data: assets, bars, actions, filings, observations, payloads, news, macro series."""

from __future__ import annotations

from invest.store.market.actions import Actions, RankOf, write_actions
from invest.store.market.answers import Answers
from invest.store.market.assets import Assets, write_assets, write_changes
from invest.store.market.bars import ORIGIN, BarStore, Origin, beside, write_bars, write_tables
from invest.store.market.booked import BookedEvents
from invest.store.market.figures import FilingFigures
from invest.store.market.filings import Filed, Statements, write_statements
from invest.store.market.funds import Funds, write_portfolios
from invest.store.market.macro import Macro, write_macro
from invest.store.market.news import News, write_news
from invest.store.market.observations import Observations, write_consensus, write_observations
from invest.store.market.payloads import Payloads, write_payloads
from invest.store.market.readings import Backfills, EventReadings, write_readings
from invest.store.market.receipts import Receipts, write_programmes

__all__ = [
    "ORIGIN",
    "Actions",
    "Answers",
    "Assets",
    "Backfills",
    "BarStore",
    "BookedEvents",
    "EventReadings",
    "Filed",
    "FilingFigures",
    "Funds",
    "Macro",
    "News",
    "Observations",
    "Origin",
    "Payloads",
    "RankOf",
    "Receipts",
    "Statements",
    "beside",
    "write_actions",
    "write_assets",
    "write_bars",
    "write_changes",
    "write_consensus",
    "write_macro",
    "write_news",
    "write_observations",
    "write_payloads",
    "write_portfolios",
    "write_programmes",
    "write_readings",
    "write_statements",
    "write_tables",
]
