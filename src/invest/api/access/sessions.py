"""Sessions of people who signed in through an OpenID provider: a random token in the browser, its hash in Redis.

What a person may do stands in the store, beside the keys: whoever is revoked there is out within `CACHE_SECONDS`.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections import OrderedDict
from dataclasses import dataclass

import orjson
from redis.asyncio import Redis
from redis.exceptions import RedisError

from invest.api.http import Caller, LazyStore
from invest.domain.access import ApiKey, Scope
from invest.errors import Unreachable

SESSION_KEY = "invest:web:session:"  # + SHA-256 of the token -> JSON: key, until (seconds since 1970)
PREFIX = "ses_"
CACHE_SECONDS = 1.0
STALE_SECONDS = 300.0  # while a server is away, where nobody can revoke anything, a session seen valid stays so
CACHE_SIZE = 10_000


@dataclass(slots=True)
class _Seen:
    caller: Caller | None
    at: float


def is_session(given: str) -> bool:
    """Whether a browser's cookie holds a session's token rather than a key."""
    return given.startswith(PREFIX)


class Sessions:
    """Opens, looks up and ends sessions."""

    def __init__(self, redis: Redis, stores: LazyStore) -> None:
        self._redis = redis
        self._stores = stores
        self._seen: OrderedDict[str, _Seen] = OrderedDict()

    async def open(self, person: ApiKey, seconds: int) -> str:
        """A new session's token."""
        token = PREFIX + secrets.token_urlsafe(32)
        kept = orjson.dumps({"key": person.id, "until": time.time() + seconds})
        await self._redis.set(SESSION_KEY + _digest(token), kept, ex=seconds)
        return token

    async def end(self, token: str) -> None:
        """Forget a session; other processes do within `CACHE_SECONDS`."""
        self._seen.pop(_digest(token), None)
        await self._redis.delete(SESSION_KEY + _digest(token))

    async def caller(self, token: str) -> Caller | None:
        """Who signed in; None for a session that ended or whose person was revoked.

        Raises `Unreachable` or `RedisError` while a server is away.
        """
        digest, now = _digest(token), time.monotonic()
        seen = self._seen.get(digest)
        if seen is None or now - seen.at > CACHE_SECONDS:
            try:
                caller = await self._ask(digest)
            except (Unreachable, RedisError):
                if seen is None or seen.caller is None or now - seen.at > STALE_SECONDS:
                    raise
                caller = seen.caller
            else:
                self._keep(digest, _Seen(caller, now))
        else:
            caller = seen.caller
        return caller if caller and (caller.expires_at or 0) > time.time() else None

    async def _ask(self, digest: str) -> Caller | None:
        kept = await self._redis.get(SESSION_KEY + digest)
        if kept is None:
            return None
        record = orjson.loads(kept)
        person = await (await self._stores.get()).keys.get(record["key"])
        if person is None or person.revoked_at is not None:
            return None
        return Caller(person.id, person.name, max(person.scopes, key=list(Scope).index), record["until"])

    def _keep(self, digest: str, seen: _Seen) -> None:
        self._seen[digest] = seen
        self._seen.move_to_end(digest)
        while len(self._seen) > CACHE_SIZE:
            self._seen.popitem(last=False)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
