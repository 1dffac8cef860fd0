"""What the handlers of one web process share, opened at start and closed at the end."""

from __future__ import annotations

from dataclasses import dataclass, field

from aiohttp import web

from invest.api.access.admission import Admission
from invest.api.access.auditing import Auditor
from invest.api.access.keyring import Keyring
from invest.api.access.quotas import Quotas
from invest.api.http.bodies import Bodies
from invest.api.http.lazy_store import LazyStore
from invest.api.http.load import Load
from invest.api.http.meters import Meters
from invest.api.http.request_log import RequestLog
from invest.api.live.callbacks import Callbacks
from invest.api.live.enqueuing import Enqueuer
from invest.api.live.hub import Hub
from invest.api.live.readiness import ReadinessCheck
from invest.api.live.statements import Statements
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
        await self.stores.close()
        await self.invest.close()


SERVICES = web.AppKey("services", Services)


def open_services(settings: Settings, load: Load) -> Services:
    """Everything a web process shares; connects to nothing yet."""
    if settings.redis.url is None:
        raise Unreachable("no Redis: set REDIS_URL, or start with `invest run`")
    invest = Invest(open_redis(settings), settings)
    stores = LazyStore(settings)
    return Services(
        settings=settings,
        invest=invest,
        stores=stores,
        keyring=Keyring(settings, stores),
        admission=Admission(invest.redis, settings.web, settings.quotas.kept_answer_bytes),
        enqueuer=Enqueuer(invest),
        hub=Hub(invest.redis),
        auditor=Auditor(stores),
        load=load,
        bodies=Bodies(settings.web.max_bodies_bytes),
        quotas=Quotas(invest.redis, stores, settings.quotas),
        requests=RequestLog(settings.logging),
        meters=Meters(),
        callbacks=Callbacks(invest),
        statements=Statements(),
        readiness=ReadinessCheck(invest.redis, stores, allow_eviction=settings.redis.allow_eviction),
    )
