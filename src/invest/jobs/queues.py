"""The three queues, and the retry policies of the contract (section 1).

A policy counts further attempts after the first, and gives the first delay in seconds.

What will never succeed is not tried again: a ticker that no source has, an id that names nothing stored.
"""

from __future__ import annotations

from typing import Final

from invest.domain.market import InvalidTicker
from invest.engine import Queue, Retry
from invest.errors import ConfigError, NotFound

NEVER: Final = (InvalidTicker, NotFound, ConfigError)
PER_ASSET: Final = Retry(retries=3, delay=60)
PER_ANALYSIS: Final = Retry(retries=3, delay=30)
PERIODIC: Final = Retry(retries=2, delay=180)
FAN_OUT: Final = Retry(retries=1, delay=180)
FAN_OUT_SOON: Final = Retry(retries=1, delay=60)
DELIVERY: Final = Retry(retries=3, delay=60)
TIMEOUT: Final = 1800.0  # the contract's hard limit, seconds
SOFT_TIMEOUT: Final = 1500.0
DATA_COLLECTION: Final = Queue("data_collection", concurrency=50, timeout=TIMEOUT, soft_timeout=SOFT_TIMEOUT)
ANALYSIS: Final = Queue("analysis", concurrency=24, timeout=TIMEOUT, soft_timeout=SOFT_TIMEOUT)
REPORTS: Final = Queue("reports", concurrency=16, timeout=TIMEOUT, soft_timeout=SOFT_TIMEOUT)
