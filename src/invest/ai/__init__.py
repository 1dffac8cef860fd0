"""Analysts: several AIs and a set of rules, asked at once for structured opinions on the same numbers."""

from invest.ai.limits import Budget, Limiter, LocalLimiter, MemoryBudget, MemoryCache, OpinionCache
from invest.ai.panel import Panel

__all__ = ["Budget", "Limiter", "LocalLimiter", "MemoryBudget", "MemoryCache", "OpinionCache", "Panel"]
