"""Retry policies of the contract (section 1): further attempts after the first, and the first delay in seconds.

What will never succeed is not tried again: a ticker that no source knows, an id that names nothing stored.
"""

from __future__ import annotations

from typing import Final

from invest.domain.market import InvalidTicker
from invest.engine import Retry
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
