"""Cells on the shards of a real cluster: throughput by cells, cost of a job, and what the loss of a primary costs.

`make bench-cluster` -> bench/out/cluster.json. Servers, workers and the client share one machine: the figures say what
a cell costs, not what three machines would do. A prefix is compared with none in turns, on one server.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import redis
from pydantic import SecretStr

from bench import outputs
from bench.cluster_servers import OwnCluster
from bench.servers import OwnPostgres, OwnValkey, free_port
from invest.engine import (
    Client,
    Context,
    Invest,
    Job,
    JobState,
    Projector,
    Queue,
    Resources,
    cell_settings,
    ended,
    run_worker,
)
from invest.errors import InvestError, NotFound
from invest.settings import HOME, CellSettings, RedisSettings, Settings, load
from invest.store import Store, migrate
from invest.workers.history import history_sink, keep_whole

queue = Queue("cluster", concurrency=100, timeout=30, soft_timeout=None)
VARIABLE = "BENCH_CLUSTER"
OWNERS = 3000


@queue.job()
async def cluster_nothing(ctx: Context, value: int) -> int:
    """As little as a job can do."""
    return value


def deployment(cluster: OwnCluster, count: int, **redis_options: Any) -> RedisSettings:
    """Settings of `count` cells, each on a shard of its own."""
    by_shard: dict[int, str] = {}
    number = 0
    while len(by_shard) < count:
        by_shard.setdefault(cluster.primary_of(f"{{bench{number}}}:").port, f"bench{number}")
        number += 1
    first, *rest = by_shard.values()
    cells = {f"cell{n}": CellSettings(prefix=prefix) for n, prefix in enumerate(rest)}
    given = {"url": SecretStr(cluster.url), "prefix": first, "cells": cells, "spread": "owner"}
    return RedisSettings(**given, **redis_options)


def settings_of(redis_settings: RedisSettings, **more: Any) -> Settings:
    """Settings of the benchmark alone."""
    return load(_env_file=None, **more).model_copy(update={"redis": redis_settings})


def environment(known: Settings, name: str) -> dict[str, str]:
    """The environment of a worker process of one cell."""
    own = cell_settings(known)[name].redis.here
    assert own.url is not None
    return {**os.environ, VARIABLE: json.dumps({"url": own.url.get_secret_value(), "prefix": own.prefix})}


async def drain(nodes: Sequence[OwnValkey], known: Settings, jobs: int) -> dict[str, float]:
    """Jobs a second over the cells, one worker process each; the cost of one in the servers and in the workers."""
    empty = sum(_memory(node) for node in nodes)
    async with AsyncExitStack() as stack:
        invest = await stack.enter_async_context(Invest.connect(known))
        cells = {HOME: invest} if invest.cells is None else invest.cells.all()
        for client in cells.values():
            await client.redis.sadd("invest:paused", queue.name)  # type: ignore[misc] # redis-py: Awaitable | int
        await invest.enqueue_many([cluster_nothing(n).with_options(caller=f"o{n % OWNERS}") for n in range(jobs)])
        sizes = [await client.redis.zcard("invest:waiting:cluster_nothing") for client in cells.values()]
        waiting = sum(_memory(node) for node in nodes)
        workers = [await _worker(stack, known, name) for name in cells]
        await _until(lambda: _count(cells, "invest:workers"), len(cells), workers)
        server, own = sum(map(_processor, nodes)), sum(_spent(one.pid) for one in workers)
        begun = time.monotonic()
        for client in cells.values():
            await client.redis.srem("invest:paused", queue.name)  # type: ignore[misc] # the same
            await client.redis.publish("invest:wake:" + queue.name, "")
        await _until(lambda: _count(cells, "invest:done:cluster_nothing"), jobs, workers)
        seconds = time.monotonic() - begun
        server, own = sum(map(_processor, nodes)) - server, sum(_spent(one.pid) for one in workers) - own
        done = sum(_memory(node) for node in nodes)
    for node in nodes:
        with redis.Redis(unix_socket_path=str(node.socket)) as direct:
            direct.flushall()
    return {
        "jobs_per_s": round(jobs / seconds, 1),
        "server_us_per_job": round(server / jobs * 1e6, 1),
        "worker_us_per_job": round(own / jobs * 1e6, 1),
        "redis_bytes_per_waiting_job": round((waiting - empty) / jobs),
        "redis_bytes_per_done_job": round((done - empty) / jobs),
        "largest_cell_share": round(max(sizes) / jobs, 3),
    }


async def _worker(stack: AsyncExitStack, known: Settings, name: str) -> asyncio.subprocess.Process:
    command = (sys.executable, "-m", "bench.cluster", "--work")
    process = await asyncio.create_subprocess_exec(*command, env=environment(known, name), stdout=subprocess.DEVNULL)

    async def end() -> None:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            await process.wait()

    stack.push_async_callback(end)
    return process


async def _count(cells: Mapping[str, Client], key: str) -> int:
    return sum([int(await client.redis.zcard(key)) for client in cells.values()])


async def _until(
    count: Callable[[], Awaitable[int]], enough: int, workers: Sequence[asyncio.subprocess.Process]
) -> None:
    while await count() < enough:
        if any(one.returncode is not None for one in workers):
            raise RuntimeError("a worker of the benchmark has ended")
        await asyncio.sleep(0.02)


def _spent(pid: int) -> float:
    """Processor seconds of a process."""
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def _memory(node: OwnValkey) -> int:
    with redis.Redis(unix_socket_path=str(node.socket)) as client:
        facts: Any = client.info("memory")
    return int(facts["used_memory"])


def _processor(node: OwnValkey) -> float:
    with redis.Redis(unix_socket_path=str(node.socket)) as client:
        facts: Any = client.info("cpu")
    return float(facts["used_cpu_user"]) + float(facts["used_cpu_sys"])


@asynccontextmanager
async def _resources(settings: Settings) -> AsyncIterator[Resources]:
    """The history and the restore of a lost Redis, as in the platform's workers."""
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(Store.open(settings))
        invest = await stack.enter_async_context(Invest.connect(settings))
        for work in (Projector(invest, history_sink(store)).run(), keep_whole(invest, store)):
            stack.push_async_callback(ended, asyncio.create_task(work))
        yield Resources()


async def lose_a_primary(replicas: int, before: int, after: int) -> dict[str, Any]:
    """Enqueue, kill the primary of the cell, go on; what was acknowledged and never ended is lost."""
    with OwnCluster(node_timeout_ms=1500) as cluster, OwnPostgres() as postgres:
        given = deployment(cluster, 1, replicas=replicas, socket_timeout=3)
        known = settings_of(given, database={"url": postgres.url}, engine={"lease": 3.0, "grace": 2.0})
        await migrate(known)
        async with Invest.connect(known) as invest:
            working = asyncio.create_task(
                run_worker([queue], settings=known, resources=_resources, handle_signals=False)
            )
            accepted: list[Job[int]] = []
            await _submit(invest, accepted, lambda: len(accepted) >= before)
            killed = cluster.primary_of(known.redis.tag)
            killed.stop(signal.SIGKILL)
            begun = time.monotonic()
            await _submit(invest, accepted, lambda: _moved(cluster, known, killed))
            moved = time.monotonic() - begun
            killed.start()
            goal = len(accepted) + after
            await _submit(invest, accepted, lambda: len(accepted) >= goal)
            lost = [job.id for job in accepted if not await _ended(job)]
            rows = await _history(postgres.url, len(accepted))
            working.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await working
    return {"accepted": len(accepted), "lost": len(lost), "seconds_without_a_primary": round(moved, 2), **rows}


async def _submit(invest: Invest, accepted: list[Job[int]], enough: Any, limit: float = 60) -> None:
    deadline = time.monotonic() + limit
    while not enough():
        if time.monotonic() > deadline:
            raise RuntimeError("the cluster did not come back")
        with contextlib.suppress(InvestError):
            accepted.append(await invest.enqueue(cluster_nothing(len(accepted))))
        await asyncio.sleep(0.002)


def _moved(cluster: OwnCluster, known: Settings, killed: OwnValkey) -> bool:
    with contextlib.suppress(AssertionError, OSError):
        return cluster.primary_of(known.redis.tag) is not killed
    return False


async def _ended(job: Job[int]) -> bool:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with contextlib.suppress(InvestError):
            try:
                if (await job.status()).state is JobState.SUCCEEDED:
                    return True
            except NotFound:
                pass  # the restore may still bring it back
        await asyncio.sleep(0.05)
    return False


async def _history(url: str, jobs: int) -> dict[str, float]:
    """Bytes of the history per job, indexes too, once it has taken them all."""
    connection = await asyncpg.connect(url)
    try:
        for _ in range(100):
            if await connection.fetchval("SELECT count(*) FROM job_run WHERE finished_at IS NOT NULL") >= jobs:
                break
            await asyncio.sleep(0.1)
        count = await connection.fetchval("SELECT count(*) FROM job_run")
        size = await connection.fetchval("SELECT pg_total_relation_size('job_run')")
    finally:
        await connection.close()
    return {"history_rows": count, "history_bytes_per_job": round(size / max(1, count))}


PARTS = ("prefix", "cells", "losses")
PAIRS = 20  # of runs with and without a prefix: single ones differ by a tenth on a busy machine


async def work() -> None:
    """A worker process of one cell, until SIGTERM."""
    given = RedisSettings.model_validate(json.loads(os.environ[VARIABLE]))
    await run_worker([queue], settings=settings_of(given))


async def by_cells(jobs: int, rounds: int) -> dict[str, dict[str, float]]:
    """The best round of one, two and three cells, each on a shard of its own."""
    found: dict[str, list[dict[str, float]]] = {"1": [], "2": [], "3": []}
    with OwnCluster(replicas=0) as cluster:
        for turn in range(rounds):
            for name, one in list(found.items())[:: 1 if turn % 2 else -1]:  # none is always the first
                one.append(await drain(cluster.nodes, settings_of(deployment(cluster, int(name))), jobs))
                _say(name, one[-1])
    return {name: max(one, key=lambda each: each["jobs_per_s"]) for name, one in found.items()}


async def prefix_cost(jobs: int, rounds: int) -> dict[str, Any]:
    """The same work without a prefix and with one, in turns, then on a shard: medians, and what each is of without.

    `jobs_per_s_ratio` and `processor_time_ratio` are medians over `PAIRS` of neighbours, which a busy machine disturbs
    alike; their quartiles say how much it did.
    """
    found: dict[str, list[dict[str, float]]] = {"without": [], "with": [], "shard": []}
    with OwnValkey(port=free_port()) as single:
        plain = RedisSettings(url=SecretStr(single.url))
        places = {"without": plain, "with": plain.model_copy(update={"prefix": "invest:bench"})}
        for turn in range(PAIRS):
            for name, given in list(places.items())[:: 1 if turn % 2 else -1]:  # none is always the first
                found[name].append(await drain([single], settings_of(given), jobs // 2))
                _say(name, found[name][-1])
    with OwnCluster(replicas=0) as cluster:
        for _ in range(rounds):
            found["shard"].append(await drain(cluster.nodes, settings_of(deployment(cluster, 1)), jobs // 2))
            _say("shard", found["shard"][-1])
    medians = {
        name: {what: statistics.median(one[what] for one in rows) for what in rows[0]} for name, rows in found.items()
    }
    pairs = list(zip(found["with"], found["without"], strict=True))
    speed = [one["jobs_per_s"] / bare["jobs_per_s"] for one, bare in pairs]
    time_spent = [_processor_time(one) / _processor_time(bare) for one, bare in pairs]
    return {
        **medians,
        "jobs_per_s_ratio": round(statistics.median(speed), 3),
        "jobs_per_s_ratio_quartiles": [round(one, 3) for one in statistics.quantiles(speed)],
        "processor_time_ratio": round(statistics.median(time_spent), 3),
        "processor_time_ratio_quartiles": [round(one, 3) for one in statistics.quantiles(time_spent)],
    }


def _processor_time(figures: dict[str, float]) -> float:
    return figures["server_us_per_job"] + figures["worker_us_per_job"]


def _say(name: str, figures: dict[str, float]) -> None:
    print(name, figures, flush=True)


async def measure(jobs: int, rounds: int, losses: int, only: Sequence[str]) -> dict[str, Any]:
    """What is asked for."""
    found: dict[str, Any] = {"jobs": jobs, "rounds": rounds, "processors": os.cpu_count()}
    found["load"] = round(os.getloadavg()[0], 1)
    if "prefix" in only:
        found["prefix"] = await prefix_cost(jobs, rounds)
    if "cells" in only:
        found["cells"] = cells = await by_cells(jobs, rounds)
        found["jobs_per_s"] = {name: one["jobs_per_s"] for name, one in cells.items()}
    if "losses" in only:
        lost = {str(replicas): await lose_a_primary(replicas, losses, losses // 2) for replicas in (0, 1)}
        found["lost"] = sum(one["lost"] for one in lost.values())
        found["primary_killed_by_replicas_asked_for"] = lost
    return found


def main() -> None:
    """`python -m bench.cluster`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=12_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--losses", type=int, default=1_000, help="jobs enqueued before the primary is killed")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, help="what is measured")
    parser.add_argument("--work", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.work:
        asyncio.run(work())
        return
    found = asyncio.run(measure(given.jobs, given.rounds, given.losses, given.only))
    if len(given.only) == len(PARTS):
        outputs.write("cluster", found)
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
