"""RQ with its worker that does not fork per job (the fastest one); it runs one job at a time."""

from __future__ import annotations

import time
from typing import Any

from redis import Redis
from rq import Queue, SimpleWorker

from bench.peers import meter


def noop() -> int:
    """Nothing."""
    return meter.noop()


def nap() -> int:
    """300 ms of waiting."""
    return meter.nap_blocking(0.3)


def long() -> int:
    """Says when it starts; never ends."""
    return meter.noop() + meter.nap_blocking(1800)


def worker(url: str, concurrency: int) -> None:
    """One process."""
    connection = Redis.from_url(url)
    SimpleWorker([Queue(connection=connection)], connection=connection).work(logging_level="ERROR")


def client(url: str, what: str, count: int) -> Any:
    """See `meter.command`."""
    queue = Queue(connection=Redis.from_url(url))
    if what == "latency":

        def one() -> None:
            job = queue.enqueue("bench.peers.rq_peer.noop")
            while job.latest_result(timeout=0) is None:
                time.sleep(0.0005)

        return meter.timed_blocking(count, one)
    begun = time.perf_counter()
    for start in range(0, count, 1000):
        prepared = [
            Queue.prepare_data(f"bench.peers.rq_peer.{what}", timeout=1800) for _ in range(min(1000, count - start))
        ]
        queue.enqueue_many(prepared)
    return time.perf_counter() - begun


if __name__ == "__main__":
    meter.command(worker, client)
