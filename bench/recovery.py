"""SIGKILL a worker in the middle of a job with a 30-minute limit: how long until the job runs again elsewhere?

python -m bench.recovery [--patience 60] [--rounds 5] [--systems invest,...]   -> bench/out/recovery.json

All systems wait at the same time, each on a server of its own: what is measured are timers of seconds, and workers that
wait take little of the processor. Where a system has such a timer (SAQ's sweep, streaQ's idle timeout), it is set to
this platform's lease. `rerun_s` is the median of the rounds, or null where a job did not run again within `patience_s`;
such a system is not asked a second time.
"""

from __future__ import annotations

import argparse
import os
import signal
import statistics
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from bench import outputs
from bench.rig import SYSTEMS, Rig, end_on_sigterm
from invest.settings import load

STARTING = threading.Semaphore(2)  # so many start a worker at once: one for each core
UP = 2.5  # seconds until the worker of each is up: SAQ takes jobs that wait before its first look for lost ones


def rerun(system: str, patience: float, lease: float) -> float | None:
    """Seconds from the kill to the second start; None if it did not start again within `patience`."""
    slots = 2 if system != "rq" else 1
    with Rig(system, BENCH_LEASE=f"{lease:g}") as rig:
        with STARTING, rig.worker(slots, count=1) as first:
            time.sleep(UP)
            rig.client("long", 1)
            if rig.elapsed(60) is None:
                raise RuntimeError(f"{system} never started its job")
            time.sleep(0.5)
            os.killpg(first.pid, signal.SIGKILL)
            first.wait()
            killed = time.monotonic()
        with rig.worker(slots, count=1):
            found = rig.elapsed(patience)
            return time.monotonic() - killed if found is not None else None


def rounds_of(system: str, rounds: int, patience: float, lease: float) -> list[float | None]:
    """Each round's seconds; the first that took too long is the last one."""
    samples: list[float | None] = []
    while len(samples) < rounds and None not in samples:
        samples.append(rerun(system, patience, lease))
    shown = ["no" if s is None else f"{s:.1f} s" for s in samples]
    print(f"{system:<8}{', '.join(shown)} (within {patience:g} s)", flush=True)
    return samples


def middle(samples: list[float | None]) -> float | None:
    """The median; None where one did not run again."""
    known = [s for s in samples if s is not None]
    return round(statistics.median(known), 1) if len(known) == len(samples) else None


def main() -> None:
    """Parse, run, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--patience", type=float, default=60)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--systems", default=",".join(SYSTEMS))
    asked = parser.parse_args()
    end_on_sigterm()
    lease = load(redis={"url": "unix:///nowhere"}).engine.lease
    systems = asked.systems.split(",")
    failed: dict[str, str] = {}
    seconds: dict[str, float | None] = {}
    with ThreadPoolExecutor(len(systems)) as pool:
        waiting = {s: pool.submit(rounds_of, s, asked.rounds, asked.patience, lease) for s in systems}
        for system, one in waiting.items():
            try:
                seconds[system] = middle(one.result())
            except Exception as error:  # a peer's own fault must not end the run
                failed[system] = str(error)[-300:]
                print(f"{system:<8}FAILED: {failed[system]}", flush=True)
    report = {"rerun_s": seconds, "lease_s": lease, "patience_s": asked.patience, "rounds": asked.rounds}
    outputs.write("recovery", report | {"failed": failed})


if __name__ == "__main__":
    main()
