"""What an operator asks about all cells at once: lists are merged in the order of one, figures are sums.

A list that lacked the jobs of a cell would be taken for whole, so a cell that does not answer is an error that names
it; which cells answer says `Invest.list_cells`, and `redis.cell` looks at one alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

from invest.engine.client import Client, Job
from invest.engine.manage.cells import Cells
from invest.engine.manage.dead_letters import Bulk, DeadLetters
from invest.engine.manage.inspection import Glance, Inspector, QueueStats, WorkerInfo
from invest.engine.manage.workflows import Workflows, WorkflowView
from invest.engine.redis import CONNECTION_ERRORS, JobState, JobStatus
from invest.errors import ServerAway

P = TypeVar("P")
T = TypeVar("T")


async def ask_each(parts: Mapping[str, P], ask: Callable[[P], Awaitable[T]]) -> dict[str, T]:
    """The answer of each cell by its name. Raises `ServerAway`, which names the one of several that does not answer."""
    if len(parts) == 1:
        return {name: await ask(part) for name, part in parts.items()}
    answers = await asyncio.gather(*(ask(part) for part in parts.values()), return_exceptions=True)
    found: dict[str, T] = {}
    for name, answer in zip(parts, answers, strict=True):
        if isinstance(answer, (ServerAway, *CONNECTION_ERRORS)):
            message = f"cell {name!r} does not answer ({answer}); `--cell NAME` looks at another alone"
            raise ServerAway(message, server=f"Redis of cell {name}") from answer
        if isinstance(answer, BaseException):
            raise answer
        found[name] = answer
    return found


class InspectorOfCells(Inspector):
    """The questions of `Inspector` to all cells."""

    def __init__(self, client: Client, cells: Cells) -> None:
        super().__init__(client)
        self._cells = cells
        self._parts = {name: Inspector(one) for name, one in cells.all().items()}

    async def names(self, queue: str | None = None) -> dict[str, str]:
        """Job names to queues, of all cells."""
        found: dict[str, str] = {}
        for names in (await ask_each(self._parts, lambda part: part.names(queue))).values():
            found |= names
        return dict(sorted(found.items()))

    async def _gather(
        self, state: JobState, names: list[str], limit: int, after: tuple[float, str] | None, *, with_later: bool
    ) -> list[tuple[float, str]]:
        """The first of each cell: their order is one, so a cursor of it serves all."""
        pages = await ask_each(
            self._parts, lambda part: part._gather(state, names, limit, after, with_later=with_later)
        )
        return [pair for page in pages.values() for pair in page]

    async def read(self, ids: Sequence[str]) -> list[JobStatus]:
        """The jobs of these ids, in their order, wherever they are."""
        found: dict[str, JobStatus] = {}
        for jobs in (await ask_each(self._parts, lambda part: part.read(ids))).values():
            found |= {job.id: job for job in jobs}
        return [found[job_id] for job_id in ids if job_id in found]

    async def glance(
        self, most: Mapping[JobState, int], *, queue: str | None = None, name: str | None = None
    ) -> Glance:
        """Counts of all cells, and the first ids of them together."""
        seen = list((await ask_each(self._parts, lambda part: part.glance(most, queue=queue, name=name))).values())
        ids: dict[JobState, list[tuple[str, int]]] = {}
        for state in seen[0].ids:
            pairs = [pair for one in seen for pair in one.ids[state]]
            pairs.sort(key=lambda pair: (pair[1], pair[0]), reverse=state.final)
            ids[state] = pairs[: most.get(state, 0)]
        return Glance(counts={state: sum(one.counts[state] for one in seen) for state in seen[0].counts}, ids=ids)

    async def pace(self, each_ms: int, spans: int, *, till_ms: int) -> tuple[list[int], list[int]]:
        """Successes and failures of each span, summed."""
        rows = list((await ask_each(self._parts, lambda part: part.pace(each_ms, spans, till_ms=till_ms))).values())
        done, failed = ([sum(column) for column in zip(*(row[n] for row in rows), strict=True)] for n in (0, 1))
        return done, failed

    async def queues(self) -> dict[str, QueueStats]:
        """Depths of every queue, summed; paused is one that is paused in each cell."""
        parts: dict[str, list[QueueStats]] = {}
        for queues in (await ask_each(self._parts, lambda part: part.queues())).values():
            for name, stats in queues.items():
                parts.setdefault(name, []).append(stats)
        return {name: _sum(name, stats) for name, stats in sorted(parts.items())}

    async def workers(self) -> list[WorkerInfo]:
        """Worker processes of all cells, each with the cell that it works for."""
        rows = await ask_each(self._parts, lambda part: part.workers())
        return [worker.model_copy(update={"cell": name}) for name, part in rows.items() for worker in part]

    async def position(self, job_id: str) -> int | None:
        """Its place in the cell where it waits."""
        return await Inspector(await self._cells.holding(job_id)).position(job_id)


def _sum(name: str, parts: Sequence[QueueStats]) -> QueueStats:
    sums: dict[str, Any] = {
        what: sum(getattr(part, what) for part in parts) for what in ("waiting", "scheduled", "active", "dead", "done")
    }
    return QueueStats(
        name=name,
        **sums,
        oldest_seconds=max((p.oldest_seconds for p in parts if p.oldest_seconds is not None), default=None),
        runnable=sum(part.runnable or 0 for part in parts),
        paused=all(part.paused for part in parts),
    )


class DeadLettersOfCells(DeadLetters):
    """The dead letters of all cells."""

    def __init__(self, client: Client, cells: Cells) -> None:
        super().__init__(client, InspectorOfCells(client, cells))
        self._cells = cells
        self._parts = {name: DeadLetters(one) for name, one in cells.all().items()}

    async def _holding(self, job_id: str) -> DeadLetters:
        return DeadLetters(await self._cells.holding(job_id))

    async def show(self, job_id: str) -> JobStatus:
        """See `DeadLetters.show`."""
        return await (await self._holding(job_id)).show(job_id)

    async def replay(self, job_id: str, *, kwargs: dict[str, Any] | None = None) -> Job[Any]:
        """See `DeadLetters.replay`: in the cell where it failed."""
        return await (await self._holding(job_id)).replay(job_id, kwargs=kwargs)

    async def discard(self, job_id: str) -> None:
        """See `DeadLetters.discard`."""
        await (await self._holding(job_id)).discard(job_id)

    async def discard_all(self, *, queue: str | None = None, name: str | None = None, dry_run: bool = False) -> Bulk:
        """See `DeadLetters.discard_all`."""
        parts = await ask_each(self._parts, lambda part: part.discard_all(queue=queue, name=name, dry_run=dry_run))
        return Bulk(
            ids=[job_id for part in parts.values() for job_id in part.ids],
            dry_run=dry_run,
            skipped=tuple(job_id for part in parts.values() for job_id in part.skipped),
        )


class WorkflowsOfCells(Workflows):
    """The workflows of all cells."""

    def __init__(self, client: Client, cells: Cells) -> None:
        super().__init__(client)
        self._cells = cells
        self._parts = {name: Workflows(one) for name, one in cells.all().items()}

    async def page(self, limit: int = 50, offset: int = 0) -> list[JobStatus]:
        """The newest ones of all cells."""
        limit = max(1, limit)
        firsts = await ask_each(self._parts, lambda part: part.newest(offset + limit))
        ranked = sorted(
            ((score, job_id, name) for name, pairs in firsts.items() for job_id, score in pairs), reverse=True
        )[offset : offset + limit]
        wanted = {name: [job_id for _, job_id, at in ranked if at == name] for name in self._parts}
        rows = await asyncio.gather(*(self._parts[name].read(ids) for name, ids in wanted.items()))
        read = {job.id: job for part in rows for job in part}
        return [read[job_id] for _, job_id, _ in ranked if job_id in read]

    async def count(self) -> int:
        """How many there are in all cells."""
        return sum((await ask_each(self._parts, lambda part: part.count())).values())

    async def show(self, workflow_id: str, *, limit: int = 500, offset: int = 0) -> WorkflowView:
        """See `Workflows.show`."""
        return await Workflows(await self._cells.holding(workflow_id)).show(workflow_id, limit=limit, offset=offset)

    async def retry(self, workflow_id: str) -> None:
        """See `Workflows.retry`."""
        await Workflows(await self._cells.holding(workflow_id)).retry(workflow_id)
