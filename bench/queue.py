"""The engine beside stock arq, SAQ, streaQ, taskiq, RQ and Celery: the same work, one worker process each, interleaved.

python -m bench.queue [--rounds 5] [--systems invest,arq,...] [--only drain,latency,...]   -> bench/out/queue.json

`drain_per_s`: no-op jobs a second of one worker process on a full queue; `bulk_enqueue_per_s`: calls a second of one
client; `latency_ms`: one job after the other, from enqueue to result; `io_batch_x_ideal`: 1,000 waits of 300 ms in 200
slots. Medians of the rounds, in each of which every system has its turn on a fresh server. Each drains what takes it a
second or some, and slow ones take as many latencies as 8 s allow.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import statistics
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

from bench import outputs
from bench.growth import growth
from bench.rig import PREFIXED, SYSTEMS, Rig, end_on_sigterm
from bench.scripts import CHILDREN, script_times

DRAIN: Final = 5000
# Jobs to drain of those that end a few hundred a second, and of the one that would be done in a quarter of a second.
DRAINED: Final = {"rq": 1500, "celery": 3000, "invest": 20_000}
NAPS: Final = 1000
NAP_SLOTS: Final = 200
IDEAL: Final = NAPS * 0.3 / NAP_SLOTS
LATENCIES: Final = 200
START: Final = 2.5  # seconds until the workers of all are up: some treat early jobs as lost
IDLE: Final = 6.0
WINDOWS: Final = 5
PAIRS: Final = 11  # of runs with and without a prefix: single ones differ by a tenth on a busy machine
MEASURES: Final = ("drain", "bulk", "latency", "io", "idle", "growth", "scripts", "prefix")


def drain_and_bulk(system: str, jobs: int = 0) -> tuple[float | None, float]:
    """No-op jobs per second of one worker process, and jobs enqueued per second."""
    drained = jobs or DRAINED.get(system, DRAIN)
    given = max(drained, DRAIN)
    slots = 1 if system in ("rq", "celery") else 200
    with Rig(system) as rig:
        enqueued = given / rig.client("noop", given)
        with rig.worker(slots, count=drained):
            taken = rig.elapsed(120)
    return (drained / taken if taken else None), enqueued


def latency(system: str) -> dict[str, float]:
    """Enqueue to result, ms."""
    with Rig(system) as rig, rig.worker(1 if system in ("rq", "celery") else 10):
        time.sleep(START)
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


def idle(systems: list[str], results: Results) -> None:
    """CPU seconds per 30 s of idle workers, window by window, and their memory in MB (children included).

    All systems wait side by side: processor time is counted by process, and idle workers do not want each other's.
    """
    with ExitStack() as stack:
        workers = {}
        for system in systems:
            rig = stack.enter_context(Rig(system))
            process = stack.enter_context(rig.worker(10))
            time.sleep(START)
            try:
                rig.client("latency", 5)
            except (RuntimeError, subprocess.TimeoutExpired) as error:  # a peer's own fault must not end the run
                print(f"idle: {system} FAILED: {str(error)[-300:]}", flush=True)
                os.killpg(process.pid, signal.SIGKILL)  # nor cost the others a thing
            else:
                workers[system] = process
        time.sleep(3)
        for _ in range(WINDOWS):
            before = {system: usage(process.pid)[0] for system, process in workers.items()}
            time.sleep(IDLE)
            for system, process in workers.items():
                after, memory = usage(process.pid)
                results.add("idle_cpu_s_per_30s", system, (after - before[system]) * 30 / IDLE)
                results.add("rss_mb", system, memory)


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
        idle([s for s in systems if s not in failed], results)
        print(f"idle: {results.median('idle_cpu_s_per_30s')}", flush=True)
    names = {s for per in results.samples.values() for s in per}
    report: dict[str, Any] = {m: results.median(m) for m in ("drain_per_s", "bulk_enqueue_per_s", "io_batch_x_ideal")}
    parts = {q: results.median(f"latency_{q}") for q in ("p50", "p95", "p99")}
    report["latency_ms"] = {s: {q: parts[q][s] for q in parts} for s in systems if s in names and s in parts["p50"]}
    report |= {m: results.median(m) for m in ("idle_cpu_s_per_30s", "rss_mb")}
    if "growth" in only:
        report |= growth(rounds)
    if "prefix" in only:
        report["prefix"] = prefix_cost(PAIRS if rounds >= 5 else 2)
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
    part = options.only != ",".join(MEASURES)  # a part of the measures leaves the others as they were
    report = {name: value for name, value in report.items() if value != {} or name == "failed" or not part}
    print(outputs.write("queue", report, part=part).read_text())


if __name__ == "__main__":
    main()
