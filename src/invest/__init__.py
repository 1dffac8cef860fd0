"""Asyncio-native task system for investment research on the Brazilian exchange (B3).

async with Invest.connect() as invest:
    job = await invest.enqueue(collect_asset_data_async("PETR4"))
    data = await job.result(timeout=60)
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from invest.errors import (
    ConfigError,
    InvestError,
    JobCancelled,
    JobFailed,
    NotFound,
    ResultTimeout,
    Unreachable,
)

if TYPE_CHECKING:
    from invest.engine import Invest, Job, JobState, chain, chord, group

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
ENGINES = frozenset({"Invest", "Job", "JobState", "chain", "chord", "group"})


def __getattr__(name: str) -> Any:
    """Load the engine when one of its names is first asked for, so that ``import invest.http`` stays light."""
    if name in ENGINES:
        return getattr(importlib.import_module("invest.engine"), name)
    raise AttributeError(f"module 'invest' has no attribute {name!r}")
