"""How many requests are being worked on here, not counting those that only wait."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from invest.api.problems import unavailable


class Load:
    """Counts requests; more than `limit` at once are refused rather than queued without end."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.working = 0

    @contextmanager
    def work(self) -> Iterator[None]:
        """One request. Raises 503 above the limit."""
        if self.working >= self._limit:
            raise unavailable("too many requests at once: try again in a moment", after=1)
        self.working += 1
        try:
            yield
        finally:
            self.working -= 1

    @contextmanager
    def idle(self) -> Iterator[None]:
        """A stretch in which a request only waits for events or for its job."""
        self.working -= 1
        try:
            yield
        finally:
            self.working += 1
