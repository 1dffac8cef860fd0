"""What workers share through Redis besides limits: small answers good for hours, the turn at one-at-a-time hosts."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from redis.exceptions import LockError, RedisError

from invest.domain.values import RawPayload
from invest.sources.client.gate import PREFIX
from invest.sources.errors import Busy

WORTH_SHARING = 3_600.0  # seconds of freshness from which on an answer is shared
MAX_BODY = 262_144  # bytes
TURN_WAIT = 300.0  # seconds to wait for another worker's download from the same host


class Shared:
    """The shared part of a client's memory; without Redis, and in the sandbox, there is none."""

    def __init__(self, redis: Any, *, enabled: bool = True) -> None:
        self._redis = redis if enabled else None

    async def recall(self, url: str, fresh_for: float) -> RawPayload | None:
        """An answer that some worker got within the last `fresh_for` seconds."""
        if self._redis is None or fresh_for < WORTH_SHARING:
            return None
        try:
            kept = await self._redis.get(_key(url))
            return RawPayload.model_validate_json(zlib.decompress(kept)) if kept else None
        except (RedisError, OSError, ValueError, zlib.error):
            return None

    async def keep(self, url: str, payload: RawPayload, fresh_for: float) -> None:
        """Share an answer for `fresh_for` seconds."""
        body = payload.body
        if self._redis is None or fresh_for < WORTH_SHARING or body is None or len(body) > MAX_BODY:
            return
        try:
            body.decode("utf-8")
        except UnicodeDecodeError:
            return  # JSON carries text: bytes of another encoding stay in the process
        packed = zlib.compress(payload.model_dump_json().encode(), 3)
        with suppress(RedisError, OSError):
            await self._redis.set(_key(url), packed, ex=int(fresh_for))

    @asynccontextmanager
    async def turn(self, source: str, host: str, lasting: float) -> AsyncIterator[None]:
        """The one turn at `host`, for at most `lasting` seconds. Raises `Busy`; without Redis everyone goes."""
        if self._redis is None:
            yield
            return
        lock = self._redis.lock(PREFIX + "turn:" + host, timeout=lasting, sleep=0.2, blocking_timeout=TURN_WAIT)
        try:
            got = await lock.acquire()
        except (RedisError, OSError):
            lock, got = None, True
        if not got:
            raise Busy(source, "another worker downloads from it", TURN_WAIT)
        try:
            yield
        finally:
            if lock is not None:
                with suppress(LockError, RedisError, OSError):
                    await lock.release()


def _key(url: str) -> str:
    return PREFIX + "body:" + hashlib.sha256(url.encode()).hexdigest()[:40]
