"""A small platform in one process: sandbox, store, and a way to run jobs as workers do."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest

from invest.settings import Settings
from tests.integration.jobs.job_platform import Platform, running_platform, stock


@pytest.fixture
async def platform(settings: Callable[..., Settings], redis_url: str, database_url: str) -> AsyncIterator[Platform]:
    """A platform over a fresh keyspace, database and sandbox."""
    async with running_platform(settings, redis_url, database_url) as running:
        yield running


@pytest.fixture
async def stocked(
    settings: Callable[..., Settings], redis_url: str, database_url: str, postgres_server: str
) -> AsyncIterator[Platform]:
    """A platform that has collected a few assets: a copy of a database in which that was done once."""
    database = await stock(settings, redis_url, database_url, postgres_server)
    async with running_platform(settings, redis_url, database) as running:
        yield running
