"""How long requests took, by method, route and status: of this process, for Prometheus."""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from collections.abc import Iterator
from itertools import accumulate

from aiohttp import web
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import HistogramMetricFamily

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
BOUNDS = (*map(str, BUCKETS), "+Inf")
METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"))


class _Times:
    """How many requests took how long: by bucket, and in all."""

    __slots__ = ("counts", "seconds")

    def __init__(self) -> None:
        self.counts = [0] * len(BOUNDS)
        self.seconds = 0.0


class Meters:
    """The figures of one web process. Its routes are few, so the labels are; what no route fits is ``unmatched``.

    Counted by hand: the library's own histogram takes ten times as long, which every request would wait for.
    """

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(self)
        self._writing: asyncio.Future[bytes] | None = None
        self._of: dict[tuple[str, str, int], _Times] = {}

    def observe(self, request: web.Request, status: int, seconds: float) -> None:
        """Count one request."""
        method = request.method
        labels = method if method in METHODS else "OTHER", route_of(request), status
        times = self._of.get(labels)
        if times is None:
            times = self._of[labels] = _Times()
        times.counts[bisect_left(BUCKETS, seconds)] += 1
        times.seconds += seconds

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """What the library writes as text."""
        found = HistogramMetricFamily(
            "invest_http_request_seconds",
            "From the head of a request to its answer; waiting for a task included",
            labels=["method", "route", "status"],
        )
        for labels, times in tuple(self._of.items()):
            sums = accumulate(tuple(times.counts))
            found.add_metric([*map(str, labels)], list(zip(BOUNDS, sums, strict=True)), times.seconds)
        yield found

    async def text(self) -> bytes:
        """The metrics in Prometheus' text format: thousands of lines, written in a thread and once for all who ask."""
        if self._writing is None:
            self._writing = asyncio.ensure_future(asyncio.to_thread(generate_latest, self._registry))
            self._writing.add_done_callback(self._written)
        return await asyncio.shield(self._writing)

    def _written(self, _: asyncio.Future[bytes]) -> None:
        self._writing = None


def route_of(request: web.Request) -> str:
    """The route's path with its parameters' names, never their values."""
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else "unmatched"
