"""The HTTP client of all sources: limits, circuit breaker, retries, caches, downloads."""

from __future__ import annotations

from invest.sources.client.cache import Pruned, prune
from invest.sources.client.call import Response
from invest.sources.client.gate import host_key
from invest.sources.client.http import SourceClient
from invest.sources.client.outcomes import OUTCOMES, outcomes_of
from invest.sources.client.shelf import Shelf
from invest.sources.client.shelves import Shelved, Shelves
from invest.sources.client.zips import Capped, open_zip

__all__ = [
    "OUTCOMES",
    "Capped",
    "Pruned",
    "Response",
    "Shelf",
    "Shelved",
    "Shelves",
    "SourceClient",
    "host_key",
    "open_zip",
    "outcomes_of",
    "prune",
]
