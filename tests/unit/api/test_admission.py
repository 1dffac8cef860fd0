"""Who is let in while Redis is away: each process counts by itself, requests with an Idempotency-Key too."""

from __future__ import annotations

import socket

import pytest
from redis.asyncio import Redis

from invest.api.access import Admission
from invest.api.http import Problem
from invest.settings import WebSettings


@pytest.fixture
def closed_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def test_requests_with_an_idempotency_key_are_counted_without_redis_too(closed_port: int) -> None:
    redis = Redis(host="127.0.0.1", port=closed_port, socket_timeout=1)
    admission = Admission(redis, WebSettings(rate_limit=0.01, rate_burst=2))
    try:
        found = []
        for number in range(4):
            with pytest.raises(Problem) as refused:
                await admission.claim("k_1", f"invest:web:idem:{number}", "hash", uncounted=True)
            found.append(refused.value.status)
        assert found == [503, 503, 429, 429]
        with pytest.raises(Problem) as refused:
            await admission.admit("k_1")
        assert refused.value.status == 429
        with pytest.raises(Problem) as refused:  # counted before
            await admission.claim("k_2", "invest:web:idem:9", "hash")
        assert refused.value.status == 503
        assert (await admission.admit("k_2")).left == 1
    finally:
        await admission.close()
        await redis.aclose()
