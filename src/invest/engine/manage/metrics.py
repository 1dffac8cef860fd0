"""Prometheus metrics of the whole platform, read from Redis by whichever process is asked."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from invest.engine.client import Client
from invest.engine.manage.inspection import Inspector, QueueStats, WorkerInfo
from invest.engine.redis import TIME_BUCKETS, keys

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class _Snapshot(Collector):
    """What was read, as metric families."""

    def __init__(
        self, queues: dict[str, QueueStats], workers: list[WorkerInfo], stats: dict[str, dict[str, float]]
    ) -> None:
        self._queues = queues
        self._workers = workers
        self._stats = stats

    def collect(self) -> Iterable[Metric]:
        yield from self._queue_families()
        yield from self._job_families()

    def _queue_families(self) -> Iterable[Metric]:
        depth = GaugeMetricFamily("invest_queue_jobs", "Jobs of a queue by state", labels=["queue", "state"])
        oldest = GaugeMetricFamily("invest_queue_oldest_seconds", "Age of the oldest due job", labels=["queue"])
        for name, stats in self._queues.items():
            for state in ("waiting", "scheduled", "active", "dead"):
                depth.add_metric([name, state], getattr(stats, state))
            oldest.add_metric([name], stats.oldest_seconds or 0)
        workers = GaugeMetricFamily("invest_workers", "Worker processes alive", labels=["queue"])
        slots = GaugeMetricFamily("invest_worker_slots", "Slots of the live workers", labels=["queue"])
        running = GaugeMetricFamily("invest_worker_running", "Slots in use of the live workers", labels=["queue"])
        stopping = GaugeMetricFamily("invest_workers_stopping", "Live workers that take no new jobs", labels=["queue"])
        for name in self._queues:
            mine = [w for w in self._workers if w.alive and name in w.queues]
            workers.add_metric([name], len(mine))
            slots.add_metric([name], sum(w.slots for w in mine))
            running.add_metric([name], sum(w.running for w in mine))
            stopping.add_metric([name], sum(w.stopping for w in mine))
        yield from (depth, oldest, workers, slots, running, stopping)

    def _job_families(self) -> Iterable[Metric]:
        outcomes = CounterMetricFamily("invest_job_outcomes", "Deliveries by how they ended", labels=["job", "outcome"])
        lost = CounterMetricFamily("invest_lease_losses", "Leases lost while a job ran", labels=["job"])
        run = HistogramMetricFamily("invest_job_run_seconds", "How long deliveries ran", labels=["job"])
        wait = HistogramMetricFamily("invest_job_wait_seconds", "From enqueued to first started", labels=["job"])
        for job, fields in self._stats.items():
            for field, amount in fields.items():
                if field.startswith("outcome:"):
                    outcomes.add_metric([job, field.removeprefix("outcome:")], amount)
            lost.add_metric([job], fields.get("lease_lost", 0))
            for family, what in ((run, "run"), (wait, "wait")):
                family.add_metric([job], buckets=_cumulative(fields, what), sum_value=fields.get(f"{what}_sum", 0))
        yield from (outcomes, lost, run, wait)


def _cumulative(fields: dict[str, float], what: str) -> list[tuple[str, float]]:
    total = 0.0
    found = []
    for position, bound in enumerate((*TIME_BUCKETS, float("inf"))):
        total += fields.get(f"{what}:{position}", 0)
        found.append(("+Inf" if bound == float("inf") else str(bound), total))
    return found


async def metrics_text(client: Client) -> bytes:
    """The metrics in Prometheus' text format (`CONTENT_TYPE`)."""
    names = [*await Inspector(client).names(), "unknown"]
    async with client.redis.pipeline(transaction=False) as pipe:
        for name in names:
            pipe.hgetall(keys.STATS + name)
        rows = await pipe.execute()
    stats = {name: {k.decode(): float(v) for k, v in row.items()} for name, row in zip(names, rows, strict=True) if row}
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Snapshot(await Inspector(client).queues(), await Inspector(client).workers(), stats))
    return generate_latest(registry)
