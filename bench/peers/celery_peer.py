"""Celery with acks late, in the best of the settings tried here: one slot alone for no-ops, threads where jobs wait.

gevent took two to four times as long as threads for the waits: its loop acknowledges only when its poll of the queue
returns, so 200 slots with one reserved task each stand still meanwhile. Four reserved per slot were best for threads.
"""

from __future__ import annotations

import os
import time
from typing import Any

from celery import Celery

from bench.peers import meter

URL = os.environ.get("BENCH_URL", "redis://127.0.0.1:1")
app = Celery("bench", broker=URL, backend=URL)
app.conf.update(
    task_serializer="json",
    accept_content=["json"],
    task_acks_late=True,
    worker_prefetch_multiplier=4,
    task_reject_on_worker_lost=True,
    broker_connection_retry_on_startup=True,
)


@app.task(name="noop")  # type: ignore[untyped-decorator] # Celery has no types
def noop() -> int:
    """Nothing."""
    return meter.noop()


@app.task(name="nap")  # type: ignore[untyped-decorator] # the same
def nap() -> int:
    """300 ms of waiting."""
    return meter.nap_blocking(0.3)


@app.task(name="long")  # type: ignore[untyped-decorator] # the same
def long() -> int:
    """Says when it starts; never ends."""
    return meter.noop() + meter.nap_blocking(1800)


def worker(url: str, concurrency: int) -> None:
    """One process."""
    pool = "threads" if concurrency > 1 else "solo"
    quiet = ["--without-gossip", "--without-mingle", "--loglevel", "ERROR"]
    app.worker_main(["worker", "--pool", pool, "--concurrency", str(concurrency), *quiet])


def client(url: str, what: str, count: int) -> Any:
    """See `meter.command`."""
    if what == "latency":
        return meter.timed_blocking(count, lambda: noop.delay().get(timeout=30))
    task = {"noop": noop, "nap": nap, "long": long}[what]
    begun = time.perf_counter()
    with app.producer_pool.acquire(block=True) as producer:
        for _ in range(count):
            task.apply_async(producer=producer)
    return time.perf_counter() - begun


if __name__ == "__main__":
    meter.command(worker, client)
