"""Jobs that fetch, cross-check and store: the queue `data_collection`."""

from __future__ import annotations

from invest.jobs.data_collection.backfill import read_history
from invest.jobs.data_collection.benchmarks import update_benchmarks
from invest.jobs.data_collection.cleanup import cleanup_old_data
from invest.jobs.data_collection.collection import batch_collect_assets, collect_asset_data_async, finish_batch_collect
from invest.jobs.data_collection.discovery import discover_assets
from invest.jobs.data_collection.events import (
    UnbookableEvent,
    announced,
    answer_question,
    book_event,
    held_tickers,
    questions,
    withdraw_event,
)
from invest.jobs.data_collection.provenance import Bytes, bytes_of, lines_with
from invest.jobs.data_collection.refresh import update_fundamentals_batch, update_market_prices, update_news_feed
from invest.jobs.data_collection.unknown import UnknownTickers

__all__ = [
    "Bytes",
    "UnbookableEvent",
    "UnknownTickers",
    "announced",
    "answer_question",
    "batch_collect_assets",
    "book_event",
    "bytes_of",
    "cleanup_old_data",
    "collect_asset_data_async",
    "discover_assets",
    "finish_batch_collect",
    "held_tickers",
    "lines_with",
    "questions",
    "read_history",
    "update_benchmarks",
    "update_fundamentals_batch",
    "update_market_prices",
    "update_news_feed",
    "withdraw_event",
]
