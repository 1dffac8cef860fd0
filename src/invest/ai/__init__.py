"""Analysts: several AIs asked at once for structured opinions on the same numbers, and a set of rules beside them."""

from invest.ai.analysts import Analysts, per_minute
from invest.ai.calls import (
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
    too_long,
)
from invest.ai.live import VendorState, ask_vendors, dated

__all__ = [
    "PAYER",
    "Analysts",
    "Budget",
    "Ledger",
    "Lessons",
    "Limiter",
    "LocalLimiter",
    "MemoryBudget",
    "MemoryCache",
    "MemoryLedger",
    "MemoryLessons",
    "OpinionCache",
    "PaidCall",
    "Payer",
    "VendorState",
    "all_taken",
    "ask_vendors",
    "dated",
    "per_minute",
    "too_long",
]
