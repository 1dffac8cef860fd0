"""What only the operators of a deployment do: API keys, emptying a queue, discarding many dead letters."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, Field

from invest.api.access import QuotaUse, use_by, use_of
from invest.api.http import PREFIX, Listing, Problem, Reply, route, sliced
from invest.api.request import Request
from invest.api.routes.models import OfCell, Strict, WholePage
from invest.api.routes.operations import BulkFilter
from invest.api.routes.tasks import engine_of
from invest.domain.access import ApiKey, Scope
from invest.engine import Bulk
from invest.jobs.forgetting import hand_over_filters

KeyId = Annotated[str, Field(min_length=1, max_length=40, pattern=r"^[A-Za-z0-9_-]+$", examples=["3f6c1e9a"])]


class KeyPath(Strict):
    """A key's id in the path."""

    key_id: KeyId


class KeyFilter(WholePage):
    """Which keys."""

    revoked: bool = Field(default=False, description="revoked ones too")


class NewKey(Strict):
    """Whose key, what it may do, and for how long."""

    name: str = Field(min_length=1, max_length=200, pattern=r"\S", examples=["phone"])
    scope: Scope = Field(default=Scope.READ, description="each includes the ones before it: read, write, admin")
    days: int | None = Field(default=None, ge=1, le=36_500, description="days until it expires; null: never")


class MadeKey(BaseModel):
    """A key as it is shown once: only its hash is kept."""

    key: str
    id: str
    name: str
    scopes: tuple[Scope, ...]
    created_at: AwareDatetime
    expires_at: AwareDatetime | None

    @classmethod
    def of(cls, plain: str, key: ApiKey) -> MadeKey:
        """The plain text beside what is kept of it."""
        return cls(key=plain, **key.model_dump(include={"id", "name", "scopes", "created_at", "expires_at"}))


@route("GET", "/keys", tag="keys", scope="admin", problems=(503,))
async def list_keys(request: Request, query: KeyFilter) -> Reply[Listing[ApiKey]]:
    """API keys by creation, never their text."""
    found = await (await request.services.store()).keys.list(revoked=query.revoked)
    return sliced(request, found, lambda key: key.id, query.cursor, query.limit)


@route("GET", "/keys/{key_id}", tag="keys", scope="admin", problems=(404, 503))
async def get_key(request: Request, path: KeyPath) -> ApiKey:
    """One key, in force or revoked, never its text."""
    found = await (await request.services.store()).keys.list(revoked=True)
    for key in found:
        if key.id == path.key_id:
            return key
    raise Problem(404, f"no key {path.key_id!r}")


@route("GET", "/keys/{key_id}/quotas", tag="keys", scope="admin", problems=(404, 503))
async def get_key_quotas(request: Request, path: KeyPath, query: WholePage) -> Reply[Listing[QuotaUse]]:
    """What a key uses of its quotas: stored things, jobs, answers kept, AI money of today, mails of this hour."""
    services = request.services
    found = await use_of(await services.store(), services.invest.redis, services.settings.quotas, path.key_id)
    if found is None:
        raise Problem(404, f"no key {path.key_id!r}")
    return sliced(request, found, lambda one: one.quota, query.cursor, query.limit)


@route("GET", "/keys/me/quotas", tag="keys", problems=(503,))
async def get_own_quotas(request: Request, query: WholePage) -> Reply[Listing[QuotaUse]]:
    """What the key that asks uses of its quotas, and their limits."""
    services, caller = request.services, request.caller
    store, limits = await services.store(), services.settings.quotas
    found = await use_by(store, services.invest.redis, limits, caller.id, limited=not caller.allows("admin"))
    return sliced(request, found, lambda one: one.quota, query.cursor, query.limit)


class KeyName(Strict):
    """Another name."""

    name: str = Field(min_length=1, max_length=200, pattern=r"\S", examples=["phone"])


@route("PATCH", "/keys/{key_id}", tag="keys", scope="admin", problems=(404, 422, 503))
async def rename_key(request: Request, path: KeyPath, body: KeyName) -> ApiKey:
    """Give a key in force another name; its text, scope and portfolios stay."""
    renamed: ApiKey | None = await (await request.services.store()).keys.rename(path.key_id, body.name)
    if renamed is None:
        raise Problem(404, f"no key {path.key_id!r} in force")
    request.audit("rename key", path.key_id, {"name": body.name})
    return renamed


@route("POST", "/keys", tag="keys", scope="admin", status=201, problems=(503,))
async def create_key(request: Request, body: NewKey) -> Reply[MadeKey]:
    """Make a key. Its text is in this answer alone, which is kept nowhere: a repeat makes another key."""
    until = datetime.now(UTC) + timedelta(days=body.days) if body.days else None
    plain, key = await (await request.services.store()).keys.create(body.name, [body.scope], expires_at=until)
    request.audit("create key", key.id, {"name": body.name, "scope": str(body.scope)})
    return Reply(MadeKey.of(plain, key), 201, {"Location": f"{PREFIX}/keys/{key.id}", "Cache-Control": "no-store"})


@route("POST", "/keys/{key_id}/rotate", tag="keys", scope="admin", status=201, problems=(404, 503))
async def rotate_key(request: Request, path: KeyPath) -> Reply[MadeKey]:
    """Replace a key by a new one with its name, scope, expiry and portfolios; the old one is useless at once."""
    made = await (await request.services.store()).keys.rotate(path.key_id)
    if made is None:
        raise Problem(404, f"no key {path.key_id!r} in force")
    plain, key = made
    await hand_over_filters(request.services.invest, path.key_id, key.id)
    request.audit("rotate key", path.key_id, {"as": key.id})
    return Reply(MadeKey.of(plain, key), 201, {"Location": f"{PREFIX}/keys/{key.id}", "Cache-Control": "no-store"})


@route("DELETE", "/keys/{key_id}", tag="keys", scope="admin", status=204, problems=(404, 503))
async def revoke_key(request: Request, path: KeyPath) -> None:
    """Make a key useless within a second; its portfolios are the admins' from then on."""
    if not await (await request.services.store()).keys.revoke(path.key_id):
        raise Problem(404, f"no key {path.key_id!r} in force")
    request.audit("revoke key", path.key_id)


class QueuePath(Strict):
    """A queue's name in the path."""

    queue: Annotated[str, Field(max_length=100, pattern=r"^[A-Za-z0-9_.-]+$", examples=["reports"])]


class Purged(BaseModel):
    """How many waiting jobs were cancelled."""

    queue: str
    cancelled: int


@route("POST", "/queues/{queue}/purge", tag="operations", scope="admin", problems=(404, 422))
async def purge_queue(request: Request, path: QueuePath, query: OfCell) -> Purged:
    """Cancel every job that waits in one queue; what runs goes on, other queues are not touched."""
    count = await engine_of(request, query.cell).purge(path.queue)
    request.audit("purge queue", path.queue, {"cancelled": count, **query.model_dump(exclude_none=True)})
    return Purged(queue=path.queue, cancelled=count)


@route("POST", "/dead-letters/discard", tag="dead letters", scope="admin", problems=(422,))
async def discard_dead_letters(request: Request, query: BulkFilter) -> Bulk:
    """Discard all that are there now."""
    dead = engine_of(request, query.cell).dead
    done = await dead.discard_all(queue=query.queue, name=query.name, dry_run=query.dry_run)
    detail = {"count": len(done.ids), "dry_run": done.dry_run}
    request.audit("discard all", query.queue or query.name or "all", detail)
    return done


ROUTES = (
    list_keys,
    get_key,
    get_own_quotas,
    get_key_quotas,
    create_key,
    rename_key,
    rotate_key,
    revoke_key,
    purge_queue,
    discard_dead_letters,
)
