"""The platform in one object: jobs, and all that can be asked and done about them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import cached_property, partial
from typing import Any, TypeVar, overload

from invest.engine.calls import Call, Workflow
from invest.engine.client import Client, Job
from invest.engine.declare import registry
from invest.engine.manage.across_cells import DeadLettersOfCells, InspectorOfCells, WorkflowsOfCells, ask_each
from invest.engine.manage.cells import Cells, CellView, cell_of, cell_settings, describe
from invest.engine.manage.dead_letters import DeadLetters
from invest.engine.manage.inspection import Inspector, QueueStats
from invest.engine.manage.schedules import Schedules
from invest.engine.manage.workflows import Workflows
from invest.engine.redis import End, JobStatus, Note, keys, transitions
from invest.errors import NotFound
from invest.settings import HOME

PURGED_AT_ONCE = 100
R = TypeVar("R")


class Invest(Client):
    """An open connection to the platform. Get one with ``async with Invest.connect() as invest``.

    Where the settings name cells, work goes to the cell where it belongs, and a job is found wherever it is; `inspect`
    and what else is about queues and lists is about all cells, or about the one that `redis.cell` chooses.
    """

    @cached_property
    def cells(self) -> Cells | None:
        """The cells of the deployment; None where there is but one."""
        return Cells(self) if self.settings.redis.cells else None

    @property
    def _looked_at(self) -> Cells | None:
        """The cells that lists and figures are about; None: only this process's own."""
        return None if self.settings.redis.cell else self.cells

    def at(self, cell: str) -> Invest:
        """The same connection, whose lists, figures and actions are about one cell alone. Raises `NotFound`."""
        there = cell_settings(self.settings)
        if cell not in there:
            raise NotFound(f"no cell {cell!r}: there {'is' if len(there) == 1 else 'are'} {', '.join(there)}")
        if self.cells is None or cell == self.settings.redis.cell:
            return self
        if cell not in self._at:
            self._at[cell] = Invest(self.cells.get(cell).redis, there[cell])
        return self._at[cell]

    @cached_property
    def _at(self) -> dict[str, Invest]:
        return {}

    def parts(self) -> dict[str, Client]:
        """The clients of the cells that lists and figures are about, by name."""
        cells = self._looked_at
        return {self.settings.redis.cell or HOME: self} if cells is None else cells.all()

    @overload
    async def enqueue(self, what: Call[R], *, caller: str | None = None) -> Job[R]: ...
    @overload
    async def enqueue(self, what: Workflow[R], *, caller: str | None = None) -> Job[R]: ...
    async def enqueue(self, what: Call[Any] | Workflow[Any], *, caller: str | None = None) -> Job[Any]:
        """See `Client.enqueue`: in the cell where it belongs."""
        at = self if self.cells is None else self.cells.of(what, caller)
        return await Client.enqueue(at, what, caller=caller)

    def client_of(self, call: Call[Any]) -> Client:
        """The client of the cell where a call belongs; this one where there are no others."""
        return self if self.cells is None else self.cells.of(call)

    async def enqueue_batch(self, calls: Sequence[Call[R]], notes: Sequence[Note | None] = ()) -> list[Job[R]]:
        """See `Client.enqueue_batch`: each in its cell; a batch is whole within a cell, and none takes notes."""
        if self.cells is None:
            return await Client.enqueue_batch(self, calls, notes)
        return await self._in_cells(calls, Client.enqueue_batch)

    async def enqueue_many(self, calls: Iterable[Call[R]]) -> list[Job[R]]:
        """See `Client.enqueue_many`: each in its cell, in their order; a batch is whole within a cell."""
        if self.cells is None:
            return await Client.enqueue_many(self, calls)
        return await self._in_cells(list(calls), Client.enqueue_many)

    async def _in_cells(
        self, asked: Sequence[Call[R]], enqueue: Callable[[Client, list[Call[R]]], Awaitable[list[Job[R]]]]
    ) -> list[Job[R]]:
        assert self.cells is not None
        parts: dict[Client, list[int]] = {}
        for position, call in enumerate(asked):
            parts.setdefault(self.cells.of(call), []).append(position)
        made: dict[int, Job[R]] = {}
        for client, positions in parts.items():
            jobs = await enqueue(client, [asked[n] for n in positions])
            made.update(zip(positions, jobs, strict=True))
        return [made[n] for n in range(len(asked))]

    async def enqueue_after(self, job_id: str, call: Call[R]) -> Job[R]:
        """See `Client.enqueue_after`: in the cell of the job that it follows."""
        return await Client.enqueue_after(await self.holding(job_id), job_id, call)

    async def status(self, job_id: str) -> JobStatus:
        """See `Client.status`."""
        return await Client.status(await self.holding(job_id), job_id)

    async def cancel(self, job_id: str, *, why: str = "cancelled") -> bool:
        """See `Client.cancel`."""
        return await Client.cancel(await self.holding(job_id), job_id, why=why)

    async def wait(
        self, job_id: str, timeout: float | None = None, *, end: End | None = None, look_after: float = 0
    ) -> Any:
        """See `Client.wait`."""
        at = self if end is not None else await self.holding(job_id)  # an end is listened for where the job was made
        return await Client.wait(at, job_id, timeout, end=end, look_after=look_after)

    async def holding(self, job_id: str) -> Client:
        """The client of the cell that knows a job; this one where none does. Raises `ServerAway`."""
        return self if self.cells is None else await self.cells.holding(job_id)

    async def close(self) -> None:
        """Close the connections, those to other cells too."""
        if self.cells is not None:
            await self.cells.close()
        await super().close()

    async def list_cells(self) -> list[CellView]:
        """Every cell of the deployment as it is now; one alone is called ``home``."""
        cells = {HOME: self} if self.cells is None else self.cells.all()
        return list(await asyncio.gather(*(self._describe(client, name) for name, client in cells.items())))

    async def _describe(self, client: Client, name: str) -> CellView:
        async def stats(of: Client) -> tuple[list[QueueStats], int]:
            inspector = Inspector(of)
            alive = [one for one in await inspector.workers() if one.alive]
            return list((await inspector.queues()).values()), len(alive)

        spread = self.settings.redis.spread == "queue"
        queues = [q.name for q in registry.queues() if spread and cell_of(self.settings, q.name, None) == name]
        return await describe(client, name, stats, queues)

    @cached_property
    def inspect(self) -> Inspector:
        """Jobs by state, queues, workers, timelines."""
        cells = self._looked_at
        return Inspector(self) if cells is None else InspectorOfCells(self, cells)

    @cached_property
    def dead(self) -> DeadLetters:
        """Dead letters."""
        cells = self._looked_at
        return DeadLetters(self) if cells is None else DeadLettersOfCells(self, cells)

    @cached_property
    def schedules(self) -> Schedules:
        """Cron lines."""
        cells = self._looked_at
        if cells is None:
            return Schedules(self)
        return Schedules(self, lambda queue: cells.get(cell_of(self.settings, queue, None)))

    @cached_property
    def workflows(self) -> Workflows:
        """Workflows as wholes."""
        cells = self._looked_at
        return Workflows(self) if cells is None else WorkflowsOfCells(self, cells)

    async def enqueue_named(self, name: str, *args: Any, **kwargs: Any) -> Job[Any]:
        """Enqueue by name with plain data. Raises `UnknownJob` or `InvalidArguments`."""
        return await self.enqueue(registry.call_by_name(name, args, kwargs))

    async def purge(self, queue: str) -> int:
        """Cancel all that waits on one queue (what runs goes on); gives how many. Raises `NotFound`."""
        registry.queue(queue)
        return sum((await ask_each(self.parts(), partial(_purge, queue=queue))).values())

    async def pause(self, queue: str) -> bool:
        """Claim nothing more from a queue: what runs goes on, what waits is kept. False if it was paused before.

        Raises `NotFound`.
        """
        registry.queue(queue)
        return any((await ask_each(self.parts(), partial(_pause, queue=queue))).values())

    async def resume(self, queue: str) -> bool:
        """The opposite of `pause`. False if it was not paused. Raises `NotFound`."""
        registry.queue(queue)
        return any((await ask_each(self.parts(), partial(_resume, queue=queue))).values())


async def _purge(client: Client, queue: str) -> int:
    names = ["?", *await Inspector(client).names(queue)]
    count, more = 0, True
    while more:
        removed, more = await client.ask(transitions.purge(queue, PURGED_AT_ONCE, names))
        count += removed
    await client.proceed()
    return count


async def _pause(client: Client, queue: str) -> bool:
    return bool(await client.guarded(client.redis.sadd(keys.PAUSED, queue)))  # type: ignore[arg-type] # redis-py: Awaitable | int


async def _resume(client: Client, queue: str) -> bool:
    resumed = bool(await client.guarded(client.redis.srem(keys.PAUSED, queue)))  # type: ignore[arg-type] # the same
    await client.guarded(client.redis.publish(keys.WAKE + queue, ""))
    return resumed
