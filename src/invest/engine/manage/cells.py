"""Cells: prefixes, of one server or of several, that a deployment's jobs are spread over.

Where a job belongs follows from its queue, or from its owner, and from the names of the cells alone: everybody finds
the same cell without asking. A workflow lies whole in the cell of its first step. A job's id says nothing of its cell:
it is looked for in all of them.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterable, Iterator
from typing import Any, Final

from redis.asyncio import Redis
from redis.exceptions import RedisError

from invest.engine.calls import Call, Workflow, acting_for
from invest.engine.client import Client
from invest.engine.redis import Frozen, address_of, id_bytes, keys, open_redis
from invest.errors import ServerAway
from invest.settings import HOME, Settings

PATIENCE: Final = 5.0  # seconds for a cell to describe itself


class CellView(Frozen):
    """One cell, and how it is. Figures are None where it does not answer; `error` says why."""

    name: str
    server: str
    prefix: str
    alive: bool
    error: str | None = None
    queues: tuple[str, ...] = ()
    waiting: int | None = None
    scheduled: int | None = None
    active: int | None = None
    dead: int | None = None
    workers: int | None = None
    memory_bytes: int | None = None


def cell_settings(settings: Settings) -> dict[str, Settings]:
    """The settings of each cell by its name; the one that ``[redis]`` itself names is ``home``, and comes first."""
    return {
        name: settings.model_copy(update={"redis": settings.redis.model_copy(update={"cell": name})})
        for name in (HOME, *sorted(settings.redis.cells))
    }


def home_settings(settings: Settings) -> Settings:
    """The settings of the first cell, which has what all share: limits of sources and AIs, quotas, sessions."""
    return cell_settings(settings)[HOME]


def cell_of(settings: Settings, queue: str, owner: str | None) -> str:
    """The name of the cell where a job of `queue`, on behalf of `owner`, belongs; without an owner ``home``."""
    given = settings.redis
    if not given.cells:
        return HOME
    key = queue if given.spread == "queue" else owner
    if not key:
        return HOME
    return max((HOME, *given.cells), key=lambda name: hashlib.sha256(f"{name}\0{key}".encode()).digest())


def first_queue(what: Call[Any] | Workflow[Any]) -> str:
    """The queue of the first step; empty for a workflow without any."""
    return next(_queues(what), "")


def _queues(what: Call[Any] | Workflow[Any]) -> Iterator[str]:
    if isinstance(what, Call):
        yield what.job.queue.name
        return
    for step in what.steps:
        yield from _queues(step)


class Cells:
    """The clients of all cells, opened when they are first needed; `own` is the one of this process."""

    def __init__(self, own: Client) -> None:
        self._own = own
        self._settings = cell_settings(own.settings)
        self._clients: dict[str, Client] = {own.settings.redis.cell or HOME: own}

    def get(self, name: str) -> Client:
        """The client of a cell."""
        found = self._clients.get(name)
        if found is None:
            found = self._clients[name] = Client(open_redis(self._settings[name]), self._settings[name])
        return found

    def all(self) -> dict[str, Client]:
        """The clients of all cells by name."""
        return {name: self.get(name) for name in self._settings}

    def of(self, what: Call[Any] | Workflow[Any], caller: str | None = None) -> Client:
        """The client of the cell where `what` belongs."""
        given = what.options.caller if isinstance(what, Call) else None
        owner = caller or given or acting_for.get()
        return self.get(cell_of(self._own.settings, first_queue(what), owner))

    async def holding(self, job_id: str) -> Client:
        """The client of the cell that knows a job; this process's own where none does.

        Raises `ServerAway` where none of those that answer does and one does not.
        """
        clients = [self._own, *(c for c in self.all().values() if c is not self._own)]
        answers = await asyncio.gather(*(_knows(c, job_id) for c in clients), return_exceptions=True)
        for client, answer in zip(clients, answers, strict=True):
            if answer is True:
                return client
        for answer in answers:
            if isinstance(answer, BaseException):
                raise answer
        return self._own

    async def close(self) -> None:
        """Close the clients of other cells."""
        for client in self._clients.values():
            if client is not self._own:
                await client.close()


async def _knows(client: Client, job_id: str) -> bool:
    raw = id_bytes(job_id)
    names = [key.encode() + raw for key in (keys.JOB, keys.ARQ_JOB, keys.ARQ_RESULT)]
    return bool(await client.guarded(client.redis.exists(*names)))


async def describe(client: Client, name: str, stats: Any, queues: Iterable[str]) -> CellView:
    """A cell as it is now; `stats` gives (its queues' depths, its live workers). Never raises for one that is away."""
    given = client.settings.redis.here
    shown: dict[str, Any] = {"name": name, "server": str(address_of(client.settings)), "prefix": given.prefix}
    try:
        async with asyncio.timeout(PATIENCE):
            depths, workers = await client.guarded(stats(client))
            memory = (await client.guarded(client.redis.info("memory")))["used_memory"]
    except (ServerAway, RedisError, TimeoutError) as error:
        return CellView(**shown, alive=False, error=str(error) or f"no answer within {PATIENCE:g} s")
    sums = {what: sum(getattr(d, what) for d in depths) for what in ("waiting", "scheduled", "active", "dead")}
    return CellView(**shown, **sums, alive=True, queues=tuple(queues), workers=workers, memory_bytes=int(memory))


def shared_redis(client: Client) -> Redis:
    """What all cells share lies in the first one: its client."""
    cells: Cells | None = getattr(client, "cells", None)
    return client.redis if cells is None else cells.get(HOME).redis
