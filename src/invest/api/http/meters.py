"""How long requests took, by method, route and status: of this process, for Prometheus."""

from __future__ import annotations

import asyncio

from aiohttp import web
from prometheus_client import CollectorRegistry, Histogram, generate_latest

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


class Meters:
    """The figures of one web process. Its routes are few, so the labels are; what no route fits is ``unmatched``."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._writing: asyncio.Future[bytes] | None = None
        self._of: dict[tuple[str, str, int], Histogram] = {}  # the library's own way to them takes a microsecond
        self._seconds = Histogram(
            "invest_http_request_seconds",
            "From the head of a request to its answer; waiting for a task included",
            ["method", "route", "status"],
            buckets=BUCKETS,
            registry=self._registry,
        )

    def observe(self, request: web.Request, status: int, seconds: float) -> None:
        """Count one request."""
        method = request.method if request.method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE") else "OTHER"
        labels = method, route_of(request), status
        child = self._of.get(labels)
        if child is None:
            child = self._of[labels] = self._seconds.labels(*map(str, labels))
        child.observe(seconds)

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
