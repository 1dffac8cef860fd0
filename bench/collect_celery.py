"""Celery collecting the same: six GETs with requests, one after the other, parsed with json; nothing is stored.

Runs among the peers, whose environment has no driver for PostgreSQL: so much the faster for it.
``worker URL UPSTREAM prefork|gevent SLOTS`` runs; ``client URL UPSTREAM ASSETS TICKER...`` prints the seconds.
"""

from __future__ import annotations

import sys

if sys.argv[1:2] == ["worker"] and "gevent" in sys.argv:
    from gevent import monkey

    monkey.patch_all()

import json
import time
from typing import Any

import requests
from celery import Celery
from requests.adapters import HTTPAdapter

BROKER = sys.argv[2] if len(sys.argv) > 3 else "redis://127.0.0.1:1"
GETS = 6
app = Celery("bench_collect", broker=BROKER, backend=BROKER)
app.conf.update(
    task_serializer="json",
    accept_content=["json"],
    task_acks_late=True,
    worker_prefetch_multiplier=1,
    broker_connection_retry_on_startup=True,
)
session = requests.Session()
session.trust_env = False  # no look-up of proxies on every request: in Celery's favour
session.mount("http://", HTTPAdapter(pool_connections=1, pool_maxsize=500))


@app.task(name="collect")  # type: ignore[untyped-decorator] # Celery has no types
def collect(upstream: str, ticker: str) -> int:
    """Figures and bars found in the answers of one asset."""
    found = 0
    for part in range(GETS):
        answer = session.get(f"{upstream}/brapi/quote/{ticker}?part={part}", timeout=60)
        answer.raise_for_status()
        entry = json.loads(answer.content)["results"][0]
        found += len(entry) + len(entry.get("historicalDataPrice", ()))
    return found


def worker(pool: str, slots: str) -> None:
    """One worker, of `slots` processes or greenlets."""
    quiet = ["--without-gossip", "--without-mingle", "--loglevel", "ERROR"]
    app.worker_main(["worker", "--pool", pool, "--concurrency", slots, *quiet])


def client(upstream: str, tickers: list[str]) -> float:
    """Seconds from the first task sent to the last result, once a few tasks show that the worker is up."""
    for result in [collect.delay(upstream, ticker) for ticker in tickers[:4]]:
        result.get(timeout=60)
    begun = time.perf_counter()
    with app.producer_pool.acquire(block=True) as producer:
        sent = [collect.apply_async((upstream, ticker), producer=producer) for ticker in tickers]
    keys = [app.backend.get_key_for_task(result.id) for result in sent]
    redis: Any = app.backend.client
    while not redis.exists(keys[-1]) or redis.exists(*keys) < len(keys):
        if time.perf_counter() - begun > 300:
            raise TimeoutError("Celery did not end within 300 s")
        time.sleep(0.02)
    taken = time.perf_counter() - begun
    states = {json.loads(raw)["status"] for raw in redis.mget(keys)}
    if states != {"SUCCESS"}:
        raise RuntimeError(f"tasks ended as {states}")
    return taken


if __name__ == "__main__":
    if sys.argv[1] == "worker":
        worker(*sys.argv[4:6])
    else:
        print(json.dumps(client(sys.argv[3], sys.argv[4:])))
