"""Celery collecting the same: six GETs with requests, one after the other, parsed, stored in one transaction.

Runs among the peers, so nothing of the platform is imported: what is stored, and which figures are read, is told to it
in JSON (``COLLECT``). Stored are payloads with their bytes, answers, observations, bars and their origins, each table
by one statement over arrays through psycopg; the platform's locks and its blocks for reading are left out, in Celery's
favour. ``worker BROKER UPSTREAM prefork|gevent SLOTS`` runs; ``client BROKER UPSTREAM WARM TICKER...`` prints seconds.
"""

from __future__ import annotations

import sys

if sys.argv[1:2] == ["worker"] and "gevent" in sys.argv:
    from gevent import monkey

    monkey.patch_all()

import hashlib
import json
import os
import queue
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import psycopg
import requests
from celery import Celery
from requests.adapters import HTTPAdapter

BROKER = sys.argv[2] if len(sys.argv) > 3 else "redis://127.0.0.1:1"
TASK = json.loads(os.environ.get("COLLECT", '{"database": "", "figures": [], "connections": 1}'))
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
PAYLOADS = """
INSERT INTO raw_payload AS p (sha256, source, url, fetched_at, last_seen_at, status, content_type, size, body)
SELECT h, 'brapi', u, f, f, 200, 'application/json', octet_length(b), b
FROM unnest(%s::text[], %s::text[], %s::timestamptz[], %s::bytea[]) AS x (h, u, f, b)
ON CONFLICT (sha256) DO UPDATE SET last_seen_at = greatest(p.last_seen_at, excluded.last_seen_at)
"""
ANSWERS = """
INSERT INTO upstream_answer AS a (url_hash, url, sha256, fetched_at)
SELECT * FROM unnest(%s::text[], %s::text[], %s::text[], %s::timestamptz[])
ON CONFLICT (url_hash) DO UPDATE SET sha256 = excluded.sha256, fetched_at = excluded.fetched_at
WHERE a.fetched_at <= excluded.fetched_at
"""
OBSERVATIONS = """
INSERT INTO observation AS o (ticker, field, value, unit, basis, as_of, payload, fetched_at, source, official, rank)
SELECT *, 'brapi', false, 20 FROM unnest(%s::text[], %s::text[], %s::numeric[], %s::text[], %s::text[],
  %s::timestamptz[], %s::text[], %s::timestamptz[])
ON CONFLICT (ticker, field, basis, source, as_of) DO UPDATE
  SET value = excluded.value, unit = excluded.unit, payload = excluded.payload, fetched_at = excluded.fetched_at
WHERE o.fetched_at <= excluded.fetched_at AND (o.value, o.unit) IS DISTINCT FROM (excluded.value, excluded.unit)
"""
ORIGINS = """
INSERT INTO bar_origin AS o (source, payload, official, rank, fetched_at)
SELECT 'brapi', p, false, 20, f FROM unnest(%s::text[], %s::timestamptz[]) AS x (p, f)
ON CONFLICT (payload, source) DO UPDATE SET fetched_at = greatest(o.fetched_at, excluded.fetched_at)
RETURNING payload, id
"""
BARS = """
INSERT INTO bar AS b (ticker, day, open, high, low, close, volume, origin)
SELECT * FROM unnest(%s::text[], %s::date[], %s::numeric[], %s::numeric[], %s::numeric[], %s::numeric[], %s::bigint[],
  %s::int[])
ON CONFLICT (ticker, day) DO UPDATE SET open = excluded.open, high = excluded.high, low = excluded.low,
  close = excluded.close, volume = excluded.volume, origin = excluded.origin
WHERE (b.open, b.high, b.low, b.close, b.volume)
  IS DISTINCT FROM (excluded.open, excluded.high, excluded.low, excluded.close, excluded.volume)
"""
idle: queue.LifoQueue[Any] = queue.LifoQueue()
for _ in range(TASK["connections"]):
    idle.put(None)


@contextmanager
def transaction() -> Iterator[Any]:
    """A transaction on a connection of the process's pool, opened when it is first wanted."""
    connection = idle.get() or psycopg.connect(TASK["database"], prepare_threshold=1)
    try:
        with connection.transaction(), connection.cursor() as cursor:
            yield cursor
    finally:
        idle.put(connection)


@app.task(name="collect")  # type: ignore[untyped-decorator] # Celery has no types
def collect(upstream: str, ticker: str) -> int:
    """Fetch, parse and store one asset; how many observations it gave."""
    payloads, observations, bars = [], [], {}
    for part in range(GETS):
        url = f"{upstream}/brapi/quote/{ticker}?part={part}"
        answer = session.get(url, timeout=60)
        answer.raise_for_status()
        body, at = answer.content, datetime.now(UTC)
        digest = hashlib.sha256(body).hexdigest()
        payloads.append((digest, url, at, body))
        entry = json.loads(body, parse_float=Decimal)["results"][0]
        observations += observed(entry, ticker, digest, at)
        for row in entry.get("historicalDataPrice", ()):
            bars[row["date"]] = (digest, row)
    store(ticker, payloads, observations, bars)
    return len(observations)


def observed(entry: dict[str, Any], ticker: str, digest: str, at: datetime) -> list[tuple[Any, ...]]:
    """Price, volume and every figure of one answer."""
    moment = datetime.fromisoformat(entry["regularMarketTime"])
    found = [
        (ticker, "close", str(entry["regularMarketPrice"]), "BRL", "raw", moment, digest, at),
        (ticker, "volume", str(entry["regularMarketVolume"]), "count", "raw", moment, digest, at),
    ]
    for module, key, name, unit, basis in TASK["figures"]:
        value = (entry if module is None else entry.get(module, {})).get(key)
        if value is not None:
            found.append((ticker, name, str(value), unit, basis, moment, digest, at))
    return found


def store(
    ticker: str,
    payloads: Sequence[tuple[str, str, datetime, bytes]],
    observations: Sequence[tuple[Any, ...]],
    bars: dict[str, tuple[str, dict[str, Any]]],
) -> None:
    """One transaction: a statement per table."""
    digests, urls, times, bodies = (list(column) for column in zip(*payloads, strict=True))
    with transaction() as cursor:
        cursor.execute(PAYLOADS, (digests, urls, times, bodies))
        hashes = [hashlib.sha256(url.encode()).hexdigest() for url in urls]
        cursor.execute(ANSWERS, (hashes, urls, digests, times))
        cursor.execute(OBSERVATIONS, [list(column) for column in zip(*observations, strict=True)])
        cursor.execute(ORIGINS, (digests, times))
        origins = dict(cursor.fetchall())
        rows = [
            (ticker, date.fromisoformat(day), r["open"], r["high"], r["low"], r["close"], r["volume"], origins[digest])
            for day, (digest, r) in bars.items()
        ]
        cursor.execute(BARS, [list(column) for column in zip(*rows, strict=True)])


def worker(pool: str, slots: str) -> None:
    """One worker, of `slots` processes or greenlets."""
    quiet = ["--without-gossip", "--without-mingle", "--loglevel", "ERROR"]
    app.worker_main(["worker", "--pool", pool, "--concurrency", slots, *quiet])


def client(upstream: str, warm: int, tickers: list[str]) -> float:
    """Seconds from the first task sent to the last result, once the `warm` first ones show that the worker is up."""
    for result in [collect.delay(upstream, ticker) for ticker in tickers[:warm]]:
        result.get(timeout=60)
    tickers = tickers[warm:]
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
        print(json.dumps(client(sys.argv[3], int(sys.argv[4]), sys.argv[5:])))
