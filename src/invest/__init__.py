"""Asyncio-native task system for investment research on the Brazilian exchange (B3).

async with Invest.connect() as invest:
    job = await invest.enqueue(collect_asset_data_async("PETR4"))
    data = await job.result(timeout=60)
"""

from __future__ import annotations

from invest.engine import Invest, Job, JobCancelled, JobFailed, JobState, ResultTimeout, chain, chord, group
from invest.errors import ConfigError, InvestError, NotFound, Unreachable

__version__ = "0.1.0"
__all__ = [
    "ConfigError",
    "Invest",
    "InvestError",
    "Job",
    "JobCancelled",
    "JobFailed",
    "JobState",
    "NotFound",
    "ResultTimeout",
    "Unreachable",
    "__version__",
    "chain",
    "chord",
    "group",
]
