"""Count the requests being worked on in this process, without those that only wait."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from aiohttp import web

from invest.api.http import Problem, unavailable

log = structlog.get_logger("invest.web")
# Never refused nor limited: a platform restarts a process that does not answer its probes, which helps nobody here.
PROBES = frozenset({"/healthz", "/readyz"})
TOLD_EVERY = 1000  # refusals without a log line between two with one


class _Work:
    """One request that is worked on, while it is entered."""

    __slots__ = ("_load",)

    def __init__(self, load: Load) -> None:
        self._load = load

    def __enter__(self) -> None:
        self._load.working += 1

    def __exit__(self, *_: object) -> None:
        self._load.working -= 1


class Load:
    """Counts requests; more than `limit` at once are refused rather than queued without end."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.working = 0
        self.arrived: set[object] = set()  # connections whose request was read and waits to be begun
        self.refused = 0
        self.alive = b""  # the answer to a plain probe, ready to be written

    @property
    def full(self) -> bool:
        """Whether one more would be too many."""
        return self.working + len(self.arrived) >= self._limit

    def work(self, *, refuse: bool = True) -> _Work:
        """One request. Raises 503 above the limit, unless it is not one to refuse."""
        if refuse and self.working >= self._limit:
            self.count()
            raise too_many()
        return _Work(self)

    @contextmanager
    def idle(self) -> Iterator[None]:
        """A stretch in which a request only waits for events or for its job."""
        self.working -= 1
        try:
            yield
        finally:
            self.working += 1

    def count(self) -> None:
        """Count a refusal; one in a thousand is logged."""
        if self.refused % TOLD_EVERY == 0:
            log.warning("requests refused: too many at once", limit=self._limit, refused_so_far=self.refused + 1)
        self.refused += 1


def too_many() -> Problem:
    """The problem for a client that comes when there are too many."""
    return unavailable("too many requests at once: try again in a moment", after=1)


LOAD = web.AppKey("load", Load)
