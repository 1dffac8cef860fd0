"""The store of a web process, opened when it is first needed."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

from invest.errors import InvestError, ServerAway, Unreachable
from invest.settings import Settings
from invest.store import Store

REOPEN = 2.0  # seconds between two tries to open the store


class LazyStore:
    """The store, opened when it is first needed: a web process starts and says 503 while PostgreSQL is away."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._stack = AsyncExitStack()
        self._lock = asyncio.Lock()
        self._store: Store | None = None
        self._failed: tuple[float, InvestError] | None = None

    async def get(self) -> Store:
        """The open store. Raises `Unreachable` or `ConfigError`, for `REOPEN` seconds without trying again."""
        if self._store is not None:
            return self._store
        async with self._lock:
            if self._store is not None:
                return self._store
            now = asyncio.get_running_loop().time()
            if self._failed and now - self._failed[0] < REOPEN:
                failed = self._failed[1]
                raise failed.copy() if isinstance(failed, ServerAway) else type(failed)(str(failed))
            if self._settings.database.url is None:
                raise Unreachable("no PostgreSQL: set DATABASE_URL, or start with `invest run`")
            try:
                self._store = await self._stack.enter_async_context(Store.open(self._settings, replica=True))
            except InvestError as error:
                self._failed = (asyncio.get_running_loop().time(), error)
                raise
            return self._store

    async def close(self) -> None:
        """Close the pool."""
        self._store = None
        await self._stack.aclose()
