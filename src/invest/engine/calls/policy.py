"""Values that say how a job is run: retries, rate, priority."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from enum import IntEnum


class Priority(IntEnum):
    """Order within a queue; jobs of one priority run in the order they became due."""

    LOW = -1
    NORMAL = 0
    HIGH = 1


@dataclass(frozen=True, slots=True)
class Retry:
    """How often and when a failed job is tried again.

    `retries` is how many more attempts after the first; `delay` (seconds) is the first delay, doubled up to `cap`,
    with full jitter. `on` names what is retried at all.
    """

    retries: int = 3
    delay: float = 30.0
    cap: float = 3600.0
    on: tuple[type[BaseException], ...] = (Exception,)

    def __post_init__(self) -> None:
        if self.retries < 0 or not 0 <= self.delay < math.inf or not 0 <= self.cap < math.inf:
            raise ValueError("Retry: retries, delay and cap must not be negative")

    def ceiling(self, attempt: int) -> float:
        """Seconds the wait after failed attempt number `attempt` (from 1) can last at most."""
        return min(self.cap, self.delay * 2.0 ** min(attempt - 1, 60))

    def wait(self, attempt: int) -> float:
        """Seconds to wait after failed attempt number `attempt`: anything between nothing and the ceiling."""
        return random.uniform(0, self.ceiling(attempt))  # noqa: S311 - jitter, not a secret


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `limit` starts of a job per `per` seconds, over all workers, evenly spaced (at most 1,000 a second)."""

    limit: int
    per: float = 1.0

    def __post_init__(self) -> None:
        if self.limit < 1 or not 0 < self.per < math.inf:
            raise ValueError("Rate: limit must be at least 1 and per above 0")

    @property
    def interval_ms(self) -> int:
        """Milliseconds between two starts: rounded up, so that no window of `per` seconds sees more than `limit`."""
        return max(1, math.ceil(self.per * 1000 / self.limit))


def parse_rate(text: str | Rate) -> Rate:
    """``"10/s"``, ``"100/m"``, ``"500/h"``, ``"1000/d"`` as a `Rate`. Raises ValueError for anything else."""
    if isinstance(text, Rate):
        return text
    seconds = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
    number, _, unit = text.partition("/")
    if unit[:1] not in seconds or not number.strip().isdecimal():
        raise ValueError(f"rate {text!r}: expected a number and a unit such as '10/s' or '100/m'")
    return Rate(int(number), seconds[unit[:1]])
