"""What the handlers of one web process share, opened at start and closed at the end."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import structlog
from aiohttp import web

from invest.api.http.load import Load
from invest.api.http.request_log import RequestLog
from invest.api.live.callbacks import Callbacks
from invest.engine import Invest, Registry, open_redis, registry
from invest.errors import InvestError, Unreachable
from invest.jobs.data_collection import UnknownTickers
from invest.settings import Settings
from invest.store import Store

if TYPE_CHECKING:
    from invest.api.access.admission import Admission
    from invest.api.access.auditing import Auditor
    from invest.api.access.keyring import Keyring
    from invest.api.live.enqueuing import Enqueuer
    from invest.api.live.hub import Hub

log = structlog.get_logger("invest.web")
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
                raise type(self._failed[1])(str(self._failed[1]))
            if self._settings.database.url is None:
                raise Unreachable("no PostgreSQL: set DATABASE_URL, or start with `invest run`")
            try:
                self._store = await self._stack.enter_async_context(Store.open(self._settings))
            except InvestError as error:
                self._failed = (asyncio.get_running_loop().time(), error)
                raise
            return self._store

    async def close(self) -> None:
        """Close the pool."""
        self._store = None
        await self._stack.aclose()


@dataclass
class Services:
    """One per web process."""

    settings: Settings
    invest: Invest
    stores: LazyStore
    keyring: Keyring
    admission: Admission
    enqueuer: Enqueuer
    hub: Hub
    auditor: Auditor
    load: Load
    requests: RequestLog
    callbacks: Callbacks
    registry: Registry = field(default=registry)
    unknown: UnknownTickers = field(default_factory=UnknownTickers)

    async def store(self) -> Store:
        """The store. Raises `Unreachable`."""
        return await self.stores.get()

    async def close(self) -> None:
        """Close everything, streams first."""
        await self.hub.close()
        self.requests.flush()
        await self.callbacks.close()
        await self.enqueuer.close()
        await self.admission.close()
        await self.auditor.close()
        await self.stores.close()
        await self.invest.close()


SERVICES = web.AppKey("services", Services)


def open_services(settings: Settings) -> Services:
    """Everything a web process shares; connects to nothing yet."""
    from invest.api.access.admission import Admission
    from invest.api.access.auditing import Auditor
    from invest.api.access.keyring import Keyring
    from invest.api.live.enqueuing import Enqueuer
    from invest.api.live.hub import Hub

    if settings.redis.url is None:
        raise Unreachable("no Redis: set REDIS_URL, or start with `invest run`")
    invest = Invest(open_redis(settings), settings)
    stores = LazyStore(settings)
    return Services(
        settings=settings,
        invest=invest,
        stores=stores,
        keyring=Keyring(settings, stores),
        admission=Admission(invest.redis, settings.web),
        enqueuer=Enqueuer(invest),
        hub=Hub(invest.redis),
        auditor=Auditor(stores),
        load=Load(settings.web.max_in_flight),
        requests=RequestLog(settings.logging),
        callbacks=Callbacks(invest),
    )
