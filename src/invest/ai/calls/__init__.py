"""Calls to a vendor: dialect of the server, prices, limits, the budget, retries."""

from __future__ import annotations

from invest.ai.calls.addresses import is_azure
from invest.ai.calls.ahead import Ahead, OpenBatch
from invest.ai.calls.batching import MemoryPrepaid, PaidReply, Prepaid
from invest.ai.calls.caller import Caller, Errand, Log, Shared, Terms
from invest.ai.calls.limits import (
    PAYER,
    Budget,
    Ledger,
    Lessons,
    Limiter,
    LocalLimiter,
    MemoryBudget,
    MemoryCache,
    MemoryLedger,
    MemoryLessons,
    OpinionCache,
    PaidCall,
    Payer,
    all_taken,
    ledger_away,
    too_long,
)
from invest.ai.calls.makers import maker_named, maker_of
from invest.ai.calls.models import ListedModel, listed_models
from invest.ai.calls.prices import Price, PriceList, bare, ceiling
from invest.ai.calls.spending import Purse
from invest.ai.calls.transport import Endpoint, clock, open_session

__all__ = [
    "PAYER",
    "Ahead",
    "Budget",
    "Caller",
    "Endpoint",
    "Errand",
    "Ledger",
    "Lessons",
    "Limiter",
    "ListedModel",
    "LocalLimiter",
    "Log",
    "MemoryBudget",
    "MemoryCache",
    "MemoryLedger",
    "MemoryLessons",
    "MemoryPrepaid",
    "OpenBatch",
    "OpinionCache",
    "PaidCall",
    "PaidReply",
    "Payer",
    "Prepaid",
    "Price",
    "PriceList",
    "Purse",
    "Shared",
    "Terms",
    "all_taken",
    "bare",
    "ceiling",
    "clock",
    "is_azure",
    "ledger_away",
    "listed_models",
    "maker_named",
    "maker_of",
    "open_session",
    "too_long",
]
