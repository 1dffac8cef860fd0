"""What the operator has paused, kept in PostgreSQL: a Redis that lost its data would start it all again."""

from __future__ import annotations

from invest.engine import Invest, keys, registry
from invest.store import Store

Pauses = frozenset[tuple[str, str]]  # (queue or schedule, its name)


class KeptPauses:
    """Queues and schedules that are paused on Redis, as this process last wrote them down."""

    def __init__(self, invest: Invest, store: Store, mark: str) -> None:
        self._invest = invest
        self._store = store
        self._mark = mark
        self._written: Pauses | None = None

    async def keep(self, server: str) -> None:
        """Write down what is paused, if that has changed and Redis is the whole one of process `server`."""
        schedules = [job.name for job in registry.jobs() if job.cron]
        async with self._invest.redis.pipeline(
            transaction=True
        ) as pipe:  # at one moment: a Redis just lost pauses nothing
            pipe.get(self._mark)
            pipe.smembers(keys.PAUSED)
            for name in schedules:
                pipe.hget(keys.SCHEDULE + name, "paused")
            mark, queues, *flags = await pipe.execute()
        if mark != server.encode():
            return
        paused = {("schedule", name) for name, flag in zip(schedules, flags, strict=True) if flag == b"1"}
        now: Pauses = frozenset(paused | {("queue", raw.decode()) for raw in queues})
        if now != self._written:
            await self._store.jobs.keep_pauses(now, schedules)
            self._written = now

    async def put_back(self) -> None:
        """Pause on Redis what was written down."""
        for kind, name in await self._store.jobs.pauses():
            if kind == "queue":
                await self._invest.redis.sadd(keys.PAUSED, name)  # type: ignore[misc] # redis-py: Awaitable | int
            else:
                await self._invest.redis.hset(keys.SCHEDULE + name, "paused", "1")  # type: ignore[misc] # the same
