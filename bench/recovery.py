"""SIGKILL a worker in the middle of a job with a 30-minute limit: how long until the job runs again elsewhere?

python -m bench.recovery [--patience 120] [--rounds 3] [--systems invest,...]   -> bench/out/recovery.json
"""

from __future__ import annotations

import argparse
import os
import signal
import statistics
import time

import orjson

from bench.rig import SYSTEMS, Rig, end_on_sigterm
from bench.servers import OUT
from invest.settings import load


def rerun(system: str, patience: float) -> float | None:
    """Seconds from the kill to the second start; None if it did not start again within `patience`."""
    with Rig(system) as rig:
        rig.client("long", 1)
        with rig.worker(2 if system != "rq" else 1, count=1) as first:
            if rig.elapsed(60) is None:
                raise RuntimeError(f"{system} never started its job")
            time.sleep(0.5)
            os.killpg(first.pid, signal.SIGKILL)
            first.wait()
            killed = time.monotonic()
        with rig.worker(2 if system != "rq" else 1, count=1):
            found = rig.elapsed(patience)
            return time.monotonic() - killed if found is not None else None


def main() -> None:
    """Parse, run, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patience", type=float, default=120)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--systems", default=",".join(SYSTEMS))
    options = parser.parse_args()
    end_on_sigterm()
    lease = load(redis={"url": "unix:///nowhere"}).engine.lease
    seconds: dict[str, float | None] = {}
    for system in options.systems.split(","):
        rounds = options.rounds if system == "invest" else 1
        samples = [rerun(system, options.patience) for _ in range(rounds)]
        known = [s for s in samples if s is not None]
        seconds[system] = round(statistics.median(known), 1) if len(known) == len(samples) else None
        shown = f"{seconds[system]} s" if seconds[system] is not None else f"not within {options.patience:g} s"
        print(f"{system:<8}{shown}", flush=True)
    report = {"rerun_s": seconds, "lease_s": lease, "patience_s": options.patience}
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / "recovery.json").write_bytes(orjson.dumps(report, option=orjson.OPT_INDENT_2))


if __name__ == "__main__":
    main()
