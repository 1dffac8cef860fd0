"""For ``arq invest.workers.<queue>.WorkerSettings``: arq's own command runs this platform's worker beside its own.

arq's command makes a stock worker of the settings. That one polls a queue nobody writes to, so it runs no job; its
`on_startup` starts ours and its `on_shutdown` ends ours. Jobs run under one set of guarantees.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Sequence
from typing import Any

from arq.worker import func
from pydantic import SecretStr

from invest.engine.declare import Group, registry
from invest.engine.redis import arq_redis_settings, deserialize, keys, serialize
from invest.engine.worker.worker import SIGNALS, ResourcesFactory, Worker
from invest.settings import Settings, get_settings

DEFAULT_ADDRESS = "redis://localhost:6379/0"
NOBODYS = "invest:nobody"  # the queue of arq's own worker


async def _never(ctx: dict[Any, Any], *args: Any, **kwargs: Any) -> None:
    raise RuntimeError("jobs of this platform run through its own worker only")


class _Beside:
    """Our worker beside arq's: started with it, and ended as arq's was, by a signal or at the end of a burst."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._ours: asyncio.Task[None] | None = None
        self._theirs: asyncio.Task[Any] | None = None

    async def start(self, ctx: dict[Any, Any]) -> None:
        """arq's `on_startup`."""
        self._theirs = asyncio.current_task()
        self._ours = asyncio.create_task(self._worker.main())
        self._ours.add_done_callback(self._ended)

    def _ended(self, _: asyncio.Task[None]) -> None:
        if self._theirs is not None:
            self._theirs.cancel()  # ours has ended (it could not start, say): arq's must not go on without it

    async def end(self, ctx: dict[Any, Any]) -> None:
        """arq's `on_shutdown`. Its main task returns by itself only in a burst. Raises what ended our worker."""
        assert self._ours is not None and self._theirs is not None
        if self._theirs.cancelled():
            self._worker.stop()
        else:
            for sig in SIGNALS:
                asyncio.get_running_loop().add_signal_handler(signal.Signals(sig), self._worker.stop)
            self._worker.finish_burst()
        await self._ours


def worker_settings(
    *queues: Group | str, settings: Settings | None = None, resources: ResourcesFactory | None = None
) -> type[Any]:
    """A class to assign to `WorkerSettings` in a worker's module; without an address, arq's own default."""
    known = settings or get_settings()
    if known.redis.url is None:
        known = known.model_copy(update={"redis": known.redis.model_copy(update={"url": SecretStr(DEFAULT_ADDRESS)})})
    picked = registry.pick(queues)
    beside = _Beside(Worker(picked, settings=known, resources=resources, handle_signals=False))
    body: dict[str, Any] = {
        "functions": [func(_never, name=name) for name in _names(picked)],
        "queue_name": known.redis.here.tag + NOBODYS,
        "redis_settings": arq_redis_settings(known),
        "on_startup": beside.start,
        "on_shutdown": beside.end,
        "job_serializer": serialize,
        "job_deserializer": deserialize,
        "max_jobs": 1,
        "health_check_key": known.redis.here.tag + keys.queue_key(picked[0].name) + keys.HEALTH_SUFFIX,
        "__doc__": f"Settings for arq's command: runs {', '.join(q.name for q in picked)}.",
    }
    return type("WorkerSettings", (), body)


def _names(queues: Sequence[Group]) -> list[str]:
    return [name for queue in queues for name in queue.jobs] or ["none"]
