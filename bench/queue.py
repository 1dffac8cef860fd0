"""The engine beside stock arq, SAQ, streaQ, taskiq, RQ and Celery: the same work, one worker process each, interleaved.

python -m bench.queue [--rounds 5] [--systems invest,arq,...] [--only drain,latency,...]   -> bench/out/queue.json
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import sys
import time
from pathlib import Path
from typing import Any, Final

import orjson

from bench.rig import PREFIXED, SYSTEMS, Rig, end_on_sigterm
from bench.scripts import CHILDREN, script_times
from bench.servers import OUT, OwnValkey
from invest.engine import Invest, run_worker
from invest.settings import load

DRAIN: Final = 5000
NAPS: Final = 1000
NAP_SLOTS: Final = 200
IDEAL: Final = NAPS * 0.3 / NAP_SLOTS
LATENCIES: Final = 200
IDLE: Final = 30.0
PAIRS: Final = 20  # of runs with and without a prefix: single ones differ by a tenth on a busy machine
MEASURES: Final = ("drain", "bulk", "latency", "io", "idle", "growth", "scripts", "prefix")


def drain_and_bulk(system: str, jobs: int = DRAIN) -> tuple[float | None, float]:
    """No-op jobs per second of one worker process, and jobs enqueued per second."""
    slots = 1 if system in ("rq", "celery") else 200
    with Rig(system) as rig:
        enqueued = jobs / rig.client("noop", jobs)
        with rig.worker(slots, count=jobs):
            taken = rig.elapsed(120)
    return (jobs / taken if taken else None), enqueued


def latency(system: str) -> dict[str, float]:
    """Enqueue to result, ms."""
    with Rig(system) as rig, rig.worker(1 if system in ("rq", "celery") else 10):
        time.sleep(2.5)  # the workers of all are up by then: some treat early jobs as lost
        quantiles: dict[str, float] = rig.client("latency", LATENCIES)
        return quantiles


def io_batch(system: str) -> float | None:
    """1,000 waits of 300 ms in 200 slots, as a multiple of the ideal; RQ has one slot, so it is left out."""
    if system == "rq":
        return None
    with Rig(system) as rig:
        rig.client("nap", NAPS)
        with rig.worker(NAP_SLOTS, count=NAPS):
            taken = rig.elapsed(60)
    return taken / IDEAL if taken else None


def idle(system: str) -> tuple[float, float]:
    """CPU seconds per 30 s of an idle worker, and its memory in MB (children included)."""
    with Rig(system) as rig, rig.worker(10) as process:
        time.sleep(2.5)
        rig.client("latency", 5)
        time.sleep(3)
        before, _ = usage(process.pid)
        time.sleep(IDLE)
        after, memory = usage(process.pid)
    return (after - before) * 30 / IDLE, memory


def usage(session: int) -> tuple[float, float]:
    """CPU seconds and resident MB of all processes of a session (Linux's /proc)."""
    seconds = memory = 0.0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == session:
            seconds += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
            memory += int(fields[21]) * os.sysconf("SC_PAGE_SIZE") / 1e6
    return seconds, memory


async def cost_per_job(queued: int) -> float:
    """Seconds per no-op job drained while `queued` others wait."""
    from bench.peers.invest_peer import bench_noop, queue

    with OwnValkey() as server:
        settings = load(redis={"url": server.url})
        async with Invest.connect(settings) as invest:
            left = queued
            while left > 0:
                await invest.enqueue_many(bench_noop() for _ in range(min(left, 50_000)))
                left -= 50_000
            count = min(queued, 3000)
            begun = time.perf_counter()
            worker = await run_worker([queue], settings=settings, concurrency=200, max_jobs=count, handle_signals=False)
            taken = time.perf_counter() - begun
            return taken / worker.jobs_complete


def growth(rounds: int) -> dict[str, float]:
    """Cost per job at 10^3, 10^5 and 10^6 queued, in microseconds, and the ratio of the outer two."""
    found: dict[str, float] = {}
    for queued in (10**3, 10**5, 10**6):
        samples = [asyncio.run(cost_per_job(queued)) for _ in range(rounds if queued < 10**6 else 1)]
        found[f"{queued}"] = statistics.median(samples) * 1e6
    return found


def prefix_cost(pairs: int) -> dict[str, Any]:
    """Jobs/s with a prefix as a part of those without, on one server each: medians and quartiles of neighbours."""
    drained: list[float] = []
    enqueued: list[float] = []
    for turn in range(pairs):
        order = ("invest", PREFIXED)[:: 1 if turn % 2 else -1]  # none is always the first
        found = {system: drain_and_bulk(system, 4 * DRAIN) for system in order}
        (bare, bare_bulk), (own, own_bulk) = found["invest"], found[PREFIXED]
        if bare is None or own is None:
            raise RuntimeError("a worker did not drain its queue in time")
        drained.append(own / bare)
        enqueued.append(own_bulk / bare_bulk)
        print(f"prefix {turn + 1}/{pairs}: {bare:,.0f} jobs/s without, {own:,.0f} with", flush=True)
    return {
        name: {"ratio": round(statistics.median(one), 3), "quartiles": [round(q, 3) for q in statistics.quantiles(one)]}
        for name, one in (("drain", drained), ("bulk", enqueued))
    }


class Results:
    """Samples by measure and system; the median of each is what is printed and written."""

    def __init__(self) -> None:
        self.samples: dict[str, dict[str, list[float]]] = {}

    def add(self, measure: str, system: str, value: float | None) -> None:
        """One sample."""
        if value is not None:
            self.samples.setdefault(measure, {}).setdefault(system, []).append(value)

    def median(self, measure: str) -> dict[str, float]:
        """By system."""
        return {s: round(statistics.median(v), 3) for s, v in self.samples.get(measure, {}).items()}


def one_round(system: str, only: list[str], results: Results) -> None:
    """Every measure that is repeated."""
    if "drain" in only or "bulk" in only:
        drained, enqueued = drain_and_bulk(system)
        results.add("drain_per_s", system, drained)
        results.add("bulk_enqueue_per_s", system, enqueued)
    if "latency" in only:
        for name, value in latency(system).items():
            results.add(f"latency_{name}", system, value)
    if "io" in only:
        results.add("io_batch_x_ideal", system, io_batch(system))


def measure(systems: list[str], rounds: int, only: list[str]) -> dict[str, Any]:
    """All of it; a system that cannot be run is named and left out."""
    results = Results()
    failed: dict[str, str] = {}
    for number in range(rounds):
        for system in [s for s in systems if s not in failed]:
            try:
                one_round(system, only, results)
            except Exception as error:  # a peer's own fault must not end the run
                failed[system] = str(error)[-300:]
            print(f"round {number + 1}/{rounds}: {system}{' FAILED: ' + failed[system] if system in failed else ''}")
    if "idle" in only:
        for system in [s for s in systems if s not in failed]:
            cpu, memory = idle(system)
            results.add("idle_cpu_s_per_30s", system, cpu)
            results.add("rss_mb", system, memory)
            print(f"idle: {system}")
    names = {s for per in results.samples.values() for s in per}
    report: dict[str, Any] = {m: results.median(m) for m in ("drain_per_s", "bulk_enqueue_per_s", "io_batch_x_ideal")}
    parts = {q: results.median(f"latency_{q}") for q in ("p50", "p95", "p99")}
    report["latency_ms"] = {s: {q: parts[q][s] for q in parts} for s in systems if s in names and s in parts["p50"]}
    report |= {m: results.median(m) for m in ("idle_cpu_s_per_30s", "rss_mb")}
    if "growth" in only:
        cost = growth(3)
        report["cost_us_by_queued"] = cost
        report["cost_growth_1e6_over_1e3"] = round(cost["1000000"] / cost["1000"], 3)
    if "prefix" in only:
        report["prefix"] = prefix_cost(PAIRS)
    if "scripts" in only:
        times = asyncio.run(script_times())
        report |= {"script_ms_max": max(times.values()), "script_ms": times, "script_children": CHILDREN}
    repeated = {"drain", "bulk", "latency", "io"} & set(only)
    return report | ({"rounds": rounds, "failed": failed} if repeated else {})


def main() -> None:
    """Parse, run, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--systems", default=",".join(SYSTEMS))
    parser.add_argument("--only", default=",".join(MEASURES))
    options = parser.parse_args()
    end_on_sigterm()
    report = measure(options.systems.split(","), options.rounds, options.only.split(","))
    OUT.mkdir(parents=True, exist_ok=True)
    out = OUT / "queue.json"
    if options.only != ",".join(MEASURES) and out.exists():  # a part of the measures leaves the others as they were
        report = orjson.loads(out.read_bytes()) | {k: v for k, v in report.items() if v != {}}
    out.write_bytes(orjson.dumps(report, option=orjson.OPT_INDENT_2))
    print(orjson.dumps(report, option=orjson.OPT_INDENT_2).decode())
    sys.exit(0)


if __name__ == "__main__":
    main()
