"""Jobs that fetch, cross-check and store: the queue `data_collection`."""

from __future__ import annotations

from invest.jobs.data_collection.backfill import read_history
from invest.jobs.data_collection.benchmarks import update_benchmarks
from invest.jobs.data_collection.cleanup import cleanup_old_data
from invest.jobs.data_collection.collection import batch_collect_assets, collect_asset_data_async, finish_batch_collect
from invest.jobs.data_collection.discovery import discover_assets
from invest.jobs.data_collection.events import (
    ResultsDay,
    UnbookableEvent,
    announced,
    book_event,
    held_tickers,
    results_days,
    withdraw_event,
)
from invest.jobs.data_collection.market_collection import collect_market, expected_seconds, open_assets
from invest.jobs.data_collection.open_questions import answer_question, questions
from invest.jobs.data_collection.provenance import Bytes, bytes_of, lines_with
from invest.jobs.data_collection.refresh import update_fundamentals_batch, update_market_prices, update_news_feed
from invest.jobs.data_collection.unknown import UnknownTickers

__all__ = [
    "Bytes",
    "ResultsDay",
    "UnbookableEvent",
    "UnknownTickers",
    "announced",
    "answer_question",
    "batch_collect_assets",
    "book_event",
    "bytes_of",
    "cleanup_old_data",
    "collect_asset_data_async",
    "collect_market",
    "discover_assets",
    "expected_seconds",
    "finish_batch_collect",
    "held_tickers",
    "lines_with",
    "open_assets",
    "questions",
    "read_history",
    "results_days",
    "update_benchmarks",
    "update_fundamentals_batch",
    "update_market_prices",
    "update_news_feed",
    "withdraw_event",
]
