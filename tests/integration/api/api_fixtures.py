"""Fixtures of the HTTP door's tests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest

from invest.settings import Settings
from tests.integration.api.api_kit import Door, open_door


@pytest.fixture
def platform(settings: Callable[..., Settings], redis_url: str, database_url: str) -> Settings:
    """Settings of a platform on fresh servers."""
    return settings(
        redis={"url": redis_url},
        database={"url": database_url},
        web={"rate_limit": 10_000, "rate_burst": 10_000},
        engine={"lease": 2.0, "grace": 1.0},
    )


@pytest.fixture
async def web_door(platform: Settings) -> AsyncIterator[Door]:
    """A running web server on loopback, where no keys are needed."""
    async with open_door(platform) as door:
        yield door
