"""Prometheus metrics of the whole platform, read from Redis by whichever process is asked."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from invest.engine.client import Client
from invest.engine.manage.cells import PATIENCE
from invest.engine.manage.inspection import Inspector, QueueStats, WorkerInfo
from invest.engine.manage.invest import Invest
from invest.engine.redis import CONNECTION_ERRORS, TIME_BUCKETS, keys
from invest.errors import ServerAway

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True, slots=True)
class _Figures:
    """What was read of one cell."""

    queues: dict[str, QueueStats]
    workers: list[WorkerInfo]
    stats: dict[str, dict[str, float]]


class _Snapshot(Collector):
    """What was read, as metric families; of several cells each sample says its `cell`. None: one that is away."""

    def __init__(self, cells: Mapping[str, _Figures | None]) -> None:
        self._cells = cells
        self._label = ["cell"] if len(cells) > 1 else []
        self._there = [([name] if self._label else [], found) for name, found in cells.items() if found is not None]

    def collect(self) -> Iterable[Metric]:
        yield from self._queue_families()
        yield from self._job_families()
        if self._label:
            up = GaugeMetricFamily("invest_cell_up", "1 where the Redis of a cell answers", labels=self._label)
            for name, found in self._cells.items():
                up.add_metric([name], float(found is not None))
            yield up

    def _gauge(self, name: str, text: str, *labels: str) -> GaugeMetricFamily:
        return GaugeMetricFamily(name, text, labels=[*self._label, *labels])

    def _queue_families(self) -> Iterable[Metric]:
        depth = self._gauge("invest_queue_jobs", "Jobs of a queue by state", "queue", "state")
        oldest = self._gauge("invest_queue_oldest_seconds", "Age of the oldest due job", "queue")
        workers = self._gauge("invest_workers", "Worker processes alive", "queue")
        slots = self._gauge("invest_worker_slots", "Slots of the live workers", "queue")
        running = self._gauge("invest_worker_running", "Slots in use of the live workers", "queue")
        stopping = self._gauge("invest_workers_stopping", "Live workers that take no new jobs", "queue")
        for cell, found in self._there:
            for name, stats in found.queues.items():
                for state in ("waiting", "scheduled", "active", "dead"):
                    depth.add_metric([*cell, name, state], getattr(stats, state))
                oldest.add_metric([*cell, name], stats.oldest_seconds or 0)
                mine = [w for w in found.workers if w.alive and name in w.queues]
                workers.add_metric([*cell, name], len(mine))
                slots.add_metric([*cell, name], sum(w.slots for w in mine))
                running.add_metric([*cell, name], sum(w.running for w in mine))
                stopping.add_metric([*cell, name], sum(w.stopping for w in mine))
        yield from (depth, oldest, workers, slots, running, stopping)

    def _job_families(self) -> Iterable[Metric]:
        by_job = [*self._label, "job"]
        outcomes = CounterMetricFamily(
            "invest_job_outcomes", "Deliveries by how they ended", labels=[*by_job, "outcome"]
        )
        lost = CounterMetricFamily("invest_lease_losses", "Leases lost while a job ran", labels=by_job)
        run = HistogramMetricFamily("invest_job_run_seconds", "How long deliveries ran", labels=by_job)
        wait = HistogramMetricFamily("invest_job_wait_seconds", "From enqueued to first started", labels=by_job)
        for cell, found in self._there:
            for job, fields in found.stats.items():
                for field, amount in fields.items():
                    if field.startswith("outcome:"):
                        outcomes.add_metric([*cell, job, field.removeprefix("outcome:")], amount)
                lost.add_metric([*cell, job], fields.get("lease_lost", 0))
                for family, what in ((run, "run"), (wait, "wait")):
                    total = fields.get(f"{what}_sum", 0)
                    family.add_metric([*cell, job], buckets=_cumulative(fields, what), sum_value=total)
        yield from (outcomes, lost, run, wait)


def _cumulative(fields: dict[str, float], what: str) -> list[tuple[str, float]]:
    total = 0.0
    found = []
    for position, bound in enumerate((*TIME_BUCKETS, float("inf"))):
        total += fields.get(f"{what}:{position}", 0)
        found.append(("+Inf" if bound == float("inf") else str(bound), total))
    return found


async def metrics_text(invest: Invest) -> bytes:
    """The metrics in Prometheus' text format (`CONTENT_TYPE`), of one cell or of all."""
    parts = invest.parts()
    if len(parts) == 1:
        cells: dict[str, _Figures | None] = {name: await _read(client) for name, client in parts.items()}
    else:
        found = await asyncio.gather(*(_read_if_there(client) for client in parts.values()))
        cells = dict(zip(parts, found, strict=True))
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Snapshot(cells))
    return generate_latest(registry)


async def _read_if_there(client: Client) -> _Figures | None:
    """None where a cell does not answer in time: the figures of the others go on."""
    try:
        async with asyncio.timeout(PATIENCE):
            return await _read(client)
    except (ServerAway, *CONNECTION_ERRORS, TimeoutError):
        return None


async def _read(client: Client) -> _Figures:
    inspector = Inspector(client)
    names = [*await inspector.names(), "unknown"]
    async with client.redis.pipeline(transaction=False) as pipe:
        for name in names:
            pipe.hgetall(keys.STATS + name)
        rows = await pipe.execute()
    stats = {name: {k.decode(): float(v) for k, v in row.items()} for name, row in zip(names, rows, strict=True) if row}
    return _Figures(await inspector.queues(), await inspector.workers(), stats)
