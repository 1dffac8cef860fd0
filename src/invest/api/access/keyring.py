"""Authentication: API keys beyond loopback, scopes, and guards against a browser used as a proxy."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import ipaddress
import re
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from invest.api.access.sessions import Sessions, is_session
from invest.api.http import ANYBODY, LOCAL, Caller, LazyStore, Problem
from invest.api.sockets import Networks, is_forwarded, origin_of
from invest.domain.access import ApiKey, Scope
from invest.errors import Unreachable
from invest.settings import Settings

CACHE_SECONDS = 1.0  # a revoked key is refused after at most this long
STALE_SECONDS = 300.0  # while PostgreSQL is away, where nobody can revoke anything, a key seen valid stays so
CACHE_SIZE = 10_000
STRANGERS = 2  # keys never seen here that are looked up at once: guesses leave connections for everybody else
SHAPE = re.compile(r"inv_[0-9a-f]{8}_[A-Za-z0-9_-]{43}", re.ASCII)
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(slots=True)
class _Known:
    """The stored state of a key, and until when it need not be read again."""

    caller: Caller | None
    seen: float
    until: float


def is_loopback(host: str) -> bool:
    """Whether a host name or address means this machine alone."""
    bare = host.strip("[]").rstrip(".").lower()
    if bare == "localhost" or bare.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(bare).is_loopback
    except ValueError:
        return False


def keys_required(settings: Settings) -> bool:
    """`web.auth`; "auto" asks for keys wherever others than this machine can connect."""
    return settings.web.auth == "on" or (settings.web.auth == "auto" and not is_loopback(settings.web.host))


def require_scope(caller: Caller, scope: str) -> None:
    """Raises 403 for a caller whose key does not allow `scope`."""
    if not caller.allows(scope):
        raise Problem(403, f"this needs a key with scope {scope}; {caller.name!r} has {caller.scope}")


class Keyring:
    """Looks keys up in the store, remembering each answer for `CACHE_SECONDS`, longer while the store is away."""

    def __init__(self, settings: Settings, stores: LazyStore, sessions: Sessions) -> None:
        self.required = keys_required(settings)
        self._guarded = settings.web.auth == "auto" and not self.required
        self._proxies = Networks(settings.web.trusted_proxies)
        self._stores = stores
        self._sessions = sessions
        self._known: OrderedDict[bytes, _Known] = OrderedDict()
        self._strangers = asyncio.Semaphore(STRANGERS)
        self._asking: dict[bytes, asyncio.Future[_Known]] = {}

    def origin(self, request: web.Request) -> str:
        """The address a request comes from, seen through trusted proxies."""
        return origin_of(request, self._proxies)

    async def caller(
        self,
        request: web.Request,
        scope: str | None,
        charge: Callable[[], Awaitable[Any]],
        *,
        given: str | None = None,
    ) -> Caller:
        """Who asks, by `given` (a page's cookie) or the headers.

        `charge` is awaited for a key that is none: guesses are counted, first uses of good keys are not.

        Raises 401 without a valid key where one is needed, 403 without the scope, 421 for a request that a proxy
        passes on to a server that trusts everybody who reaches it.
        """
        if not self.required:
            self._refuse_forwarded(request)
            self._refuse_foreign_pages(request)
            return LOCAL
        if scope is None:
            return ANYBODY
        of_page = given is not None and is_session(given)
        given = given or key_of(request)
        if given is None:
            raise _unauthorized(
                "this server needs an API key: Authorization: Bearer inv_… (make one: invest keys create)"
            )
        found = await (self._sessions.caller(given) if of_page else self._look_up(given))
        if found is None:
            await charge()
            raise _unauthorized("the API key is unknown, revoked or expired")
        require_scope(found, scope)
        return found

    async def _look_up(self, given: str) -> Caller | None:
        if not SHAPE.fullmatch(given):
            return None
        digest, now = _digest(given), time.monotonic()
        known = self._known.get(digest)
        if known is None or known.until <= now:
            if known is not None:
                known.until = now + CACHE_SECONDS  # one request asks; those beside it take the answer there is
            known = await self._asked(given, digest, known)
        caller = known.caller
        return caller if caller and (caller.expires_at or 1e12) > time.time() else None

    async def _asked(self, given: str, digest: bytes, known: _Known | None) -> _Known:
        """The answer of `_ask`, once for all requests that come with a key while it is looked up."""
        asking = self._asking.get(digest)
        if asking is None:
            asking = self._asking[digest] = asyncio.ensure_future(self._ask(given, digest, known))
            asking.add_done_callback(lambda done: self._forget(digest, done))
        return await asyncio.shield(asking)

    def _forget(self, digest: bytes, done: asyncio.Future[_Known]) -> None:
        del self._asking[digest]
        if not done.cancelled():
            done.exception()  # told to those who wait; nobody may be left

    async def _ask(self, given: str, digest: bytes, known: _Known | None) -> _Known:
        """The key as stored, or as last read while the store does not answer. Raises `Unreachable`."""
        try:
            store = await self._stores.get()
            async with self._strangers if known is None else contextlib.nullcontext():
                caller = _caller(await store.keys.verify(given))
        except Unreachable:
            if known is None or known.caller is None or time.monotonic() - known.seen > STALE_SECONDS:
                raise
            return known
        seen = time.monotonic()
        answer = self._known[digest] = _Known(caller, seen, seen + CACHE_SECONDS)
        self._known.move_to_end(digest)
        while len(self._known) > CACHE_SIZE:
            self._known.popitem(last=False)
        return answer

    def _refuse_forwarded(self, request: web.Request) -> None:
        """Without keys everybody who reaches this server is its admin: through a proxy that would be the world."""
        if self._guarded and is_forwarded(request):
            raise Problem(
                421,
                "this server listens on loopback without keys and takes no forwarded requests: behind a proxy set "
                'web.auth = "on" (INVEST_WEB__AUTH=on) and make keys with `invest keys create`, '
                'or "off" to trust everybody',
            )

    def _refuse_foreign_pages(self, request: web.Request) -> None:
        """Without keys a web page elsewhere must not act through the browser of somebody at this machine."""
        host = request.headers.get("Host", "")
        name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
        if self._guarded and not is_loopback(name):
            raise Problem(421, f"this server answers on loopback names only, not {host[:100]!r}")
        if request.method in SAFE_METHODS:
            return
        origin = request.headers.get("Origin")
        site = request.headers.get("Sec-Fetch-Site", "same-origin")
        if site not in ("same-origin", "none") or (origin is not None and origin.partition("://")[2] != host):
            raise Problem(403, "requests from pages of other sites are refused")


def key_of(request: web.Request) -> str | None:
    """The key a request carries, as Bearer token or X-Api-Key."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return token.strip()[:300]
    return request.headers.get("X-Api-Key", "").strip()[:300] or None


def _digest(given: str) -> bytes:
    return hashlib.sha256(given.encode("utf-8", "surrogatepass")).digest()


def _caller(key: ApiKey | None) -> Caller | None:
    if key is None:
        return None
    highest = max(key.scopes, key=list(Scope).index)
    return Caller(key.id, key.name, highest, key.expires_at.timestamp() if key.expires_at else None)


def _unauthorized(detail: str) -> Problem:
    return Problem(401, detail, headers={"WWW-Authenticate": 'Bearer realm="invest"'})
