"""What the handlers of one web process share, opened at start and closed at the end."""

from __future__ import annotations

from dataclasses import dataclass, field

from aiohttp import web

from invest.api.access import Admission, Auditor, Keyring, OpenId, Quotas, RecentWriters, Sessions
from invest.api.http import Bodies, LazyStore, Meters, RequestLog
from invest.api.live import Callbacks, Enqueuer, Hub, ReadinessCheck, Statements
from invest.api.sockets import Load
from invest.engine import Invest, Registry, open_redis, registry
from invest.errors import Unreachable
from invest.jobs.data_collection import UnknownTickers
from invest.settings import Settings
from invest.store import Store


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
    bodies: Bodies
    quotas: Quotas
    requests: RequestLog
    meters: Meters
    callbacks: Callbacks
    statements: Statements
    readiness: ReadinessCheck
    recent: RecentWriters
    sessions: Sessions
    openid: OpenId | None = None  # where the settings name a provider
    registry: Registry = field(default=registry)
    unknown: UnknownTickers = field(default_factory=UnknownTickers)

    async def store(self) -> Store:
        """The store. Raises `Unreachable`."""
        return await self.stores.get()

    async def close(self) -> None:
        """Close everything, streams first."""
        await self.hub.close()
        self.requests.flush()
        await self.statements.close()
        await self.enqueuer.close()
        await self.admission.close()
        await self.auditor.close()
        if self.openid is not None:
            await self.openid.close()
        await self.stores.close()
        await self.invest.close()


SERVICES = web.AppKey("services", Services)


def open_services(settings: Settings, load: Load) -> Services:
    """Everything a web process shares; connects to nothing yet. Raises `ConfigError`, `Unreachable`."""
    if settings.redis.url is None:
        raise Unreachable("no Redis: set REDIS_URL, or start with `invest run`")
    invest = Invest(open_redis(settings), settings)
    stores = LazyStore(settings)
    sessions = Sessions(invest.redis, stores)
    return Services(
        settings=settings,
        invest=invest,
        stores=stores,
        keyring=Keyring(settings, stores, sessions),
        admission=Admission(invest.redis, settings.web, settings.quotas.kept_answer_bytes),
        enqueuer=Enqueuer(invest),
        hub=Hub({name: client.redis for name, client in invest.parts().items()}),
        auditor=Auditor(stores),
        load=load,
        bodies=Bodies(settings.web.max_bodies_bytes),
        quotas=Quotas(invest.redis, stores, settings.quotas),
        requests=RequestLog(settings.logging),
        meters=Meters(),
        callbacks=Callbacks(invest),
        statements=Statements(),
        recent=RecentWriters(invest, lag=settings.database.replica_lag if settings.database.replica_url else None),
        readiness=ReadinessCheck(
            invest.redis,
            stores,
            allow_eviction=settings.redis.allow_eviction,
            cells={name: client.redis for name, client in invest.parts().items() if client is not invest},
        ),
        sessions=sessions,
        openid=OpenId(settings.web.openid, invest.redis) if settings.web.openid.on else None,
    )
