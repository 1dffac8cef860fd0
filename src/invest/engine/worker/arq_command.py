"""For ``arq invest.workers.<queue>.WorkerSettings``: arq's own command runs this platform's worker, not its own.

arq's command makes a stock worker of the settings and cannot be told otherwise, so its `on_startup` hands over to ours
until arq's signal handler cancels it. The stock worker never polls the queue: jobs run under one set of guarantees.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from arq.worker import Worker as ArqWorker
from arq.worker import func
from pydantic import SecretStr

from invest.engine.declare import Queue, registry
from invest.engine.redis import arq_redis_settings, deserialize, keys, serialize
from invest.engine.worker.worker import ResourcesFactory, Worker
from invest.settings import Settings, get_settings

DEFAULT_ADDRESS = "redis://localhost:6379/0"


async def _never(ctx: dict[Any, Any], *args: Any, **kwargs: Any) -> None:
    raise RuntimeError("jobs of this platform run through its own worker only")


def worker_settings(
    *queues: Queue | str, settings: Settings | None = None, resources: ResourcesFactory | None = None
) -> type[Any]:
    """A class to assign to `WorkerSettings` in a worker's module; without an address, arq's own default."""
    known = settings or get_settings()
    if known.redis.url is None:
        known = known.model_copy(update={"redis": known.redis.model_copy(update={"url": SecretStr(DEFAULT_ADDRESS)})})
    picked = registry.pick(queues)

    async def on_startup(ctx: dict[Any, Any]) -> None:
        worker = Worker(picked, settings=known, resources=resources, burst=_asked_for_burst(), handle_signals=False)
        await worker.main()
        raise asyncio.CancelledError  # ours has ended: arq's must not begin

    body: dict[str, Any] = {
        "functions": [func(_never, name=name) for name in _names(picked)],
        "queue_name": keys.queue_key(picked[0].name),
        "redis_settings": arq_redis_settings(known),
        "on_startup": on_startup,
        "job_serializer": serialize,
        "job_deserializer": deserialize,
        "max_jobs": 1,
        "health_check_key": keys.queue_key(picked[0].name) + keys.HEALTH_SUFFIX,
        "__doc__": f"Settings for arq's command: runs {', '.join(q.name for q in picked)}.",
    }
    return type("WorkerSettings", (), body)


def _names(queues: Sequence[Queue]) -> list[str]:
    return [name for queue in queues for name in queue.jobs] or ["none"]


def _asked_for_burst() -> bool:
    """Whether the arq worker that is starting us was given ``--burst``: it is `self` in the main task's first frame."""
    task = asyncio.current_task()
    frame = getattr(task.get_coro(), "cr_frame", None) if task is not None else None
    outer = frame.f_locals.get("self") if frame is not None else None
    return isinstance(outer, ArqWorker) and bool(outer.burst)
