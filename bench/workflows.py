"""How long the largest workflow takes, and what more worker processes give.

python -m bench.workflows [--nodes 100000] [--rounds 3]   -> bench/out/workflows.json

`chord_s`: a group of no-op jobs and the job after it, 100,000 in all, from the call that queues them to the result of
the last one, by one worker process; `plain_s`: as many independent no-op jobs, queued in bulk and drained by one worker
process, in the same run: what the nodes' order and the gathered results cost is the difference. `drain_per_s` and
`waits_per_s`: jobs a second by number of worker processes, of jobs that do nothing and of jobs that wait 50 ms in 20
slots a process. What this does not show: the two cores of a small machine are full with two busy processes.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Final

import uvloop

from bench import outputs
from bench.peers.invest_peer import bench_gathered, bench_noop, bench_wait, settings_of
from bench.rig import HERE, end_on_sigterm
from bench.servers import OwnValkey
from invest.engine import Invest, chord, group

SLOTS: Final = 200
PROCESSES: Final = (1, 2, 3, 4)
DRAINED: Final = 40_000
WAITS: Final = 2_000  # for each process
WAIT_SLOTS: Final = 20
LIMIT: Final = 300.0
BULK: Final = 50_000  # jobs in one call


@contextmanager
def workers(url: str, number: int, slots: int) -> Iterator[None]:
    """So many worker processes, ready."""
    with ExitStack() as stack:
        for _ in range(number):
            command = [sys.executable, "-m", "bench.peers.invest_peer", "worker", url, str(slots)]
            child = subprocess.Popen(
                command, cwd=HERE, env={**os.environ, "PYTHONPATH": str(HERE)},
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip
            stack.callback(child.wait)
            stack.callback(child.kill)
        uvloop.run(_ready(url, number))
        yield


async def _ready(url: str, number: int) -> None:
    async with Invest.connect(settings_of(url)) as invest, asyncio.timeout(60):
        while len(await invest.inspect.workers()) < number:  # noqa: ASYNC110 - heartbeats, not events
            await asyncio.sleep(0.02)


async def _chord(url: str, nodes: int) -> float:
    async with Invest.connect(settings_of(url)) as invest:
        begun = time.perf_counter()
        job = await invest.enqueue(chord(group(bench_noop() for _ in range(nodes - 1)), bench_gathered()))
        found = await job.result(timeout=LIMIT)
        taken = time.perf_counter() - begun
    if found != nodes - 1:
        raise RuntimeError(f"{found} results gathered of {nodes - 1}")
    return taken


async def _drained(url: str, jobs: int, job: Any) -> float:
    """Seconds until `jobs` independent jobs, queued in bulk, have ended."""
    async with Invest.connect(settings_of(url)) as invest:
        begun = time.perf_counter()
        for at in range(0, jobs, BULK):
            await invest.enqueue_many(job() for _ in range(min(BULK, jobs - at)))
        async with asyncio.timeout(LIMIT):
            while (await invest.inspect.queues())["bench"].done < jobs:  # noqa: ASYNC110 - the count is what is asked for
                await asyncio.sleep(0.01)
        return time.perf_counter() - begun


def largest(nodes: int) -> tuple[float, float]:
    """Seconds of a workflow of so many nodes, and of as many independent jobs, each on a server of its own."""
    with OwnValkey() as server, workers(server.url, 1, SLOTS):
        plain = uvloop.run(_drained(server.url, nodes, bench_noop))
    with OwnValkey() as server, workers(server.url, 1, SLOTS):
        whole = uvloop.run(_chord(server.url, nodes))
    return whole, plain


def scaled(number: int) -> tuple[float, float]:
    """Jobs a second by so many processes: no-op jobs, and jobs that wait."""
    with OwnValkey() as server, workers(server.url, number, SLOTS):
        noop = DRAINED / uvloop.run(_drained(server.url, DRAINED, bench_noop))
    with OwnValkey() as server, workers(server.url, number, WAIT_SLOTS):
        waits = WAITS * number / uvloop.run(_drained(server.url, WAITS * number, bench_wait))
    return noop, waits


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nodes", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    end_on_sigterm()
    chords, plains = [], []
    drained: dict[int, list[float]] = {number: [] for number in PROCESSES}
    waited: dict[int, list[float]] = {number: [] for number in PROCESSES}
    for turn in range(asked.rounds):
        whole, plain = largest(asked.nodes)
        chords.append(whole)
        plains.append(plain)
        for number in PROCESSES:
            noop, waits = scaled(number)
            drained[number].append(noop)
            waited[number].append(waits)
        print(f"round {turn + 1}: {whole:.1f} s, as independent jobs {plain:.1f} s", flush=True)
    report = {
        "nodes": asked.nodes,
        "rounds": asked.rounds,
        "chord_s": round(statistics.median(chords), 2),
        "plain_s": round(statistics.median(plains), 2),
        "wanted": {"chord_s": 12},
        "drain_per_s": {str(n): round(statistics.median(found)) for n, found in drained.items()},
        "waits_per_s": {str(n): round(statistics.median(found)) for n, found in waited.items()},
        "waits_ideal_per_s": {str(n): round(n * WAIT_SLOTS / 0.05) for n in PROCESSES},
    }
    report["waits_of_ideal"] = {
        n: round(report["waits_per_s"][n] / report["waits_ideal_per_s"][n], 3) for n in report["waits_per_s"]
    }
    print(outputs.write("workflows", report).read_text())


if __name__ == "__main__":
    main()
