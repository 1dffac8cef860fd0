"""The platform in one object: jobs, and all that can be asked and done about them."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from invest.engine.client import Client, Job
from invest.engine.declare import registry
from invest.engine.manage.dead_letters import DeadLetters
from invest.engine.manage.inspection import Inspector
from invest.engine.manage.schedules import Schedules
from invest.engine.manage.workflows import Workflows
from invest.engine.redis import keys, transitions

PURGED_AT_ONCE = 100


class Invest(Client):
    """An open connection to the platform. Get one with ``async with Invest.connect() as invest``."""

    @cached_property
    def inspect(self) -> Inspector:
        """Jobs by state, queues, workers, timelines."""
        return Inspector(self)

    @cached_property
    def dead(self) -> DeadLetters:
        """Dead letters."""
        return DeadLetters(self)

    @cached_property
    def schedules(self) -> Schedules:
        """Cron lines."""
        return Schedules(self)

    @cached_property
    def workflows(self) -> Workflows:
        """Workflows as wholes."""
        return Workflows(self)

    async def enqueue_named(self, name: str, *args: Any, **kwargs: Any) -> Job[Any]:
        """Enqueue by name with plain data. Raises `UnknownJob` or `InvalidArguments`."""
        return await self.enqueue(registry.call_by_name(name, args, kwargs))

    async def purge(self, queue: str) -> int:
        """Cancel all that waits on one queue (what runs goes on); gives how many. Raises `NotFound`."""
        registry.queue(queue)
        names = ["?", *await self.inspect.names(queue)]
        count, more = 0, True
        while more:
            removed, more = await self.ask(transitions.purge(queue, PURGED_AT_ONCE, names))
            count += removed
        await self.proceed()
        return count

    async def pause(self, queue: str) -> bool:
        """Claim nothing more from a queue: what runs goes on, what waits is kept. False if it was paused before.

        Raises `NotFound`.
        """
        registry.queue(queue)
        return bool(await self.guarded(self.redis.sadd(keys.PAUSED, queue)))  # type: ignore[arg-type] # redis-py: Awaitable | int

    async def resume(self, queue: str) -> bool:
        """The opposite of `pause`. False if it was not paused. Raises `NotFound`."""
        registry.queue(queue)
        resumed = bool(await self.guarded(self.redis.srem(keys.PAUSED, queue)))  # type: ignore[arg-type] # the same
        await self.guarded(self.redis.publish(keys.WAKE + queue, ""))
        return resumed
