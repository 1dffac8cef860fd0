"""A real Valkey cluster of three shards, each with a replica: everything of a deployment lies in one slot of it."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from bench.cluster_servers import OwnCluster
from bench.servers import OwnValkey

from invest.engine import Invest, Job, JobState, chord, open_redis
from invest.engine.redis import NewJob, Tick, close_redis, job_head, transitions
from invest.engine.redis.connection import arq_redis_settings
from invest.errors import ConfigError, InvestError
from invest.settings import Settings
from invest.sources.client.gate import Limits, RedisGate
from tests.integration.engine.engine_kit import drained, kit, kit_add, kit_batch, kit_sum, working

Make = Callable[..., Settings]


@pytest.fixture(scope="module")
def cluster() -> Iterator[OwnCluster]:
    with OwnCluster(node_timeout_ms=1500) as made:
        yield made


@pytest.fixture
def clustered(cluster: OwnCluster, settings: Make) -> Callable[[str], Settings]:
    def make(prefix: str, **redis: Any) -> Settings:
        given = {"url": cluster.url, "prefix": prefix, "socket_timeout": 3, "connect_timeout": 1, **redis}
        return settings(redis=given, engine={"lease": 2, "grace": 2})

    return make


async def test_jobs_workflows_and_schedules_run_on_a_cluster(clustered: Callable[[str], Settings]) -> None:
    known = clustered("one")
    async with Invest.connect(known) as invest:
        jobs = await invest.enqueue_many([kit_add(n, 1) for n in range(300)])
        many = await invest.enqueue(chord([kit_add(n, 0) for n in range(40)], kit_sum()))
        over = await invest.enqueue(kit_batch(5))
        run = NewJob("cron:1", "kit_add", "kit", job_head("kit_add", b'{"a":1}'), 60_000)
        ticks = [await invest.ask(transitions.tick(Tick(run, 1, 2, start=True))) for _ in range(2)]
        assert ticks == [True, False]
        await drained(known)
        assert [await job.result(5) for job in jobs] == [n + 1 for n in range(300)]
        assert await many.result(5) == sum(range(40))
        assert (await over.status()).state is JobState.SUCCEEDED
        assert await invest.job("cron:1").result(5) == 2
        assert (await invest.inspect.queues())["kit"].waiting == 0


async def test_prefixes_lie_on_different_shards_and_see_nothing_of_each_other(
    cluster: OwnCluster, clustered: Callable[[str], Settings]
) -> None:
    by_shard = {cluster.primary_of(f"{{p{n}}}:").port: f"p{n}" for n in range(30)}
    assert len(by_shard) == 3
    for prefix in by_shard.values():
        known = clustered(prefix)
        async with Invest.connect(known) as invest:
            assert (await invest.enqueue(kit_add(1, 1).with_options(id="same"))).new
            await drained(known)
            assert (await invest.inspect.queues())["kit"].done == 1


async def test_admission_to_hosts_is_shared_on_a_cluster(clustered: Callable[[str], Settings]) -> None:
    clients = [open_redis(clustered("gate")) for _ in range(2)]
    gates, limits = [RedisGate(client) for client in clients], Limits(rate=1, burst=1)
    try:
        waits = [(await gates[n % 2].admit("b3.test", limits, "b3:2026-01")).wait for n in range(4)]
        async with clients[0].lock("invest:source:turn:b3", timeout=5):
            assert not await clients[1].set("invest:source:turn:b3", "2", nx=True)
    finally:
        for client in clients:
            await close_redis(client)
    assert waits[0] == 0
    assert waits[3] > waits[2] > waits[1] > 0


async def test_what_cannot_work_is_refused_in_one_line(cluster: OwnCluster, settings: Make) -> None:
    node = f"redis://127.0.0.1:{cluster.nodes[0].port}/0"
    given: list[tuple[dict[str, Any], str]] = [
        ({"url": cluster.url}, "a cluster needs redis.prefix"),
        ({"url": node}, "write cluster:// in REDIS_URL and set redis.prefix"),
        ({"url": node, "prefix": "a"}, "write cluster:// in REDIS_URL$"),
        ({"url": cluster.url + "/1", "prefix": "a"}, "no databases"),
    ]
    for redis, said in given:
        with pytest.raises(ConfigError, match=said) as refused:
            async with Invest.connect(settings(redis=redis)):
                pass
        assert "\n" not in str(refused.value)
    with pytest.raises(ConfigError, match="arq's own command cannot follow a cluster"):
        arq_redis_settings(settings(redis={"url": cluster.url, "prefix": "a"}))


def _served_by_another(cluster: OwnCluster, known: Settings, killed: OwnValkey) -> bool:
    with contextlib.suppress(AssertionError, OSError):
        return cluster.primary_of(known.redis.tag) is not killed
    return False


@pytest.mark.slow
async def test_a_killed_primary_loses_nothing_that_a_replica_has(
    cluster: OwnCluster, clustered: Callable[..., Settings]
) -> None:
    known = clustered("chaos", replicas=1, replicas_timeout=1.0)
    async with Invest.connect(known) as invest, working(known, [kit]):
        accepted: list[Job[int]] = []
        groups: list[Job[int]] = []

        async def submit(enough: Callable[[], bool], limit: float) -> None:
            deadline = time.monotonic() + limit
            while not enough() and time.monotonic() < deadline:
                with contextlib.suppress(InvestError):
                    accepted.append(await invest.enqueue(kit_add(len(accepted))))
                    if len(accepted) % 20 == 0:
                        groups.append(await invest.enqueue(chord([kit_add(n, 0) for n in range(5)], kit_sum())))
                await asyncio.sleep(0.005)

        await submit(lambda: len(accepted) >= 100, 30)
        before = len(accepted)
        assert before >= 100
        killed = cluster.primary_of(known.redis.tag)
        killed.stop(signal.SIGKILL)
        await submit(lambda: _served_by_another(cluster, known, killed), 40)
        killed.start()  # it comes back as a replica: without one nothing is taken on for sure, as was asked for
        await submit(lambda: len(accepted) >= before + 50, 40)
        assert len(accepted) >= before + 50, "new work is taken after the failover"
        assert cluster.primary_of(known.redis.tag) is not killed
        values = [await job.result(timeout=30) for job in accepted]
        assert values == [n + 1 for n in range(len(values))]
        assert [await job.result(timeout=30) for job in groups] == [10] * len(groups)
