"""A store over a fresh database, with ranks as settings.toml gives them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime

import pytest

from invest.settings import Settings
from invest.store import Store

NOW = datetime(2026, 3, 31, 21, 0, tzinfo=UTC)


@pytest.fixture
async def store(database_url: str, settings: Callable[..., Settings]) -> AsyncIterator[Store]:
    """A store over a migrated, empty database."""
    async with Store.open(settings(database={"url": database_url})) as opened:
        yield opened


@pytest.fixture
def now() -> datetime:
    """The instant the tests call now."""
    return NOW
