"""Whether this process can take work: asked of Redis and PostgreSQL at most once a second."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal

from redis.asyncio import Redis
from redis.exceptions import RedisError

from invest.api.http import LazyStore
from invest.engine import is_full
from invest.errors import InvestError, PoolFull

Verdict = Literal["ready", "degraded", "not ready"]
FRESH = 1.0  # seconds an answer holds
WRITE_EVERY = 10.0  # seconds between two tries to write to PostgreSQL
PATIENCE = 3.0  # seconds a server may take to answer
MARK = "invest:web:ready"
OK = "ok"
IN_USE = "all connections of this process are in use"


@dataclass(frozen=True, slots=True)
class State:
    """What was found: a verdict, and per server what is wrong, without addresses or passwords."""

    verdict: Verdict
    checks: dict[str, str]


@dataclass(frozen=True, slots=True)
class _Check:
    """One server: whether it can be used at all, and whether work goes on without loss."""

    answer: str = OK
    usable: bool = True


class ReadinessCheck:
    """Asks the servers; requests that come together share one answer.

    `cells`: those beside this process's own, by name. One that is away takes the jobs that belong there, not the rest.
    """

    def __init__(
        self, redis: Redis, stores: LazyStore, *, allow_eviction: bool, cells: Mapping[str, Redis] | None = None
    ) -> None:
        self._redis = redis
        self._cells = cells or {}
        self._stores = stores
        self._allow_eviction = allow_eviction
        self._state: State | None = None
        self._until = 0.0
        self._asking: asyncio.Task[State] | None = None
        self._write_due = 0.0
        self._writes = _Check()

    async def state(self) -> State:
        """The newest state, at most a second old."""
        now = asyncio.get_running_loop().time()
        if self._state is not None and now < self._until:
            return self._state
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask())
            self._asking.add_done_callback(self._asked)
        return await asyncio.shield(self._asking)

    def _asked(self, task: asyncio.Task[State]) -> None:
        self._asking = None
        if not task.cancelled() and task.exception() is None:
            self._state = task.result()
            self._until = asyncio.get_running_loop().time() + FRESH

    async def _ask(self) -> State:
        redis, postgres, *others = await asyncio.gather(
            self._ask_redis(self._redis), self._ask_postgres(), *map(self._ask_redis, self._cells.values())
        )
        checks = {"redis": redis.answer, "postgresql": postgres.answer}
        checks |= {f"redis of {name}": check.answer for name, check in zip(self._cells, others, strict=True)}
        if not (redis.usable and postgres.usable):
            return State("not ready", checks)
        return State("ready" if set(checks.values()) == {OK} else "degraded", checks)

    async def _ask_redis(self, redis: Redis) -> _Check:
        try:
            async with asyncio.timeout(PATIENCE):
                await redis.ping()
                memory = await _memory(redis)
                policy = str(memory.get("maxmemory_policy", "noeviction"))
                if policy != "noeviction" and not self._allow_eviction:
                    message = f"may throw queued jobs away: set maxmemory-policy noeviction (it is {policy})"
                    return _Check(message, usable=False)
                await redis.set(MARK, b"1", px=5000)
        except (RedisError, OSError, TimeoutError) as error:
            if is_full(error):
                return _Check("has no room left: new work is refused")
            return _Check(f"does not answer ({type(error).__name__})", usable=False)
        return _Check()

    async def _ask_postgres(self) -> _Check:
        try:
            async with asyncio.timeout(PATIENCE):
                store = await self._stores.get()
                await store.ready()
        except PoolFull:
            return _Check(IN_USE)
        except InvestError as error:
            lacks_schema = "migrate" in str(error)
            message = "has no schema: run `invest db migrate`" if lacks_schema else "does not answer"
            return _Check(message, usable=False)
        except TimeoutError:
            return await self._without_an_answer()
        now = asyncio.get_running_loop().time()
        if now >= self._write_due:
            self._write_due = now + WRITE_EVERY
            self._writes = await self._try_to_write()
        return self._writes

    async def _without_an_answer(self) -> _Check:
        """A pool whose connections are all in use is no server that is away: other processes do not help either."""
        with suppress(InvestError):
            if await (await self._stores.get()).database.answers():
                return _Check(IN_USE)
        return _Check("does not answer in time", usable=False)

    async def _try_to_write(self) -> _Check:
        try:
            async with asyncio.timeout(PATIENCE):
                await (await self._stores.get()).try_to_write()
        except (InvestError, ValueError, TimeoutError):
            self._write_due = 0.0  # look again at once: it may be over
            return _Check("takes no writes: read only, or its disk is full")
        return _Check()


async def _memory(redis: Redis) -> dict[str, Any]:
    """What INFO says; nothing where the account may not ask."""
    try:
        found: dict[str, Any] = await redis.info("memory")
    except RedisError as error:
        if "NOPERM" in str(error) or "unknown command" in str(error):
            return {}
        raise
    return found
