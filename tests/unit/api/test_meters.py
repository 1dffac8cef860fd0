"""How long requests took, as Prometheus reads it: the same text as the library's own histogram gives."""

from __future__ import annotations

import re

from aiohttp.test_utils import make_mocked_request
from prometheus_client import CollectorRegistry, Histogram, generate_latest

from invest.api.http import Meters, meters

SECONDS = (0.0, 0.001, 0.005, 0.0051, 0.25, 1.0, 59.9, 60.0, 61.0, 1000.0)


async def test_they_are_those_of_the_librarys_own_histogram() -> None:
    registry, ours = CollectorRegistry(), Meters()
    theirs = Histogram(
        "invest_http_request_seconds",
        "From the head of a request to its answer; waiting for a task included",
        ["method", "route", "status"],
        buckets=meters.BUCKETS,
        registry=registry,
    )
    for method, known in (("GET", "GET"), ("POST", "POST"), ("BREW", "OTHER")):
        request = make_mocked_request(method, "/a")
        for number, seconds in enumerate(SECONDS):
            status = 200 if number % 3 else 404
            ours.observe(request, status, seconds)
            theirs.labels(known, meters.route_of(request), str(status)).observe(seconds)
    wanted = re.sub(r"(?m)^.*_created.*\n", "", generate_latest(registry).decode())
    found = (await ours.text()).decode()
    assert found.splitlines() == wanted.splitlines()
    assert 'invest_http_request_seconds_bucket{le="0.005"' in found
