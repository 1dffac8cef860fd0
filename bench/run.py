"""Every benchmark in one go, one after the other -> bench/out/*.json, then bench/RESULTS.md.

python -m bench.run [--only queue,api] [--estimate] [--small]

What measures latencies comes first, what fills disks last. A part that fails, or that takes three times what it usually
does, is ended and named on the page with its reason; what the others wrote stays, and so do older figures of its own.
`--estimate` prints the minutes of each part; `--small` runs every part with the least that it can do, into a folder
that is thrown away: whether all of them work, in a few minutes.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bench import outputs, results
from bench.rig import HERE, end_on_sigterm

RUN: Final = results.RUN
PATIENCE: Final = 3.0  # times what a part usually takes
LEAST: Final = 300.0  # seconds that each may take at the least
GRACE: Final = 45.0  # seconds in which an interrupted part ends its servers
LINES: Final = 12  # of what it said last, shown where it fails


@dataclass(frozen=True)
class Part:
    """One benchmark or some of its measures: minutes on two quiet cores, and what makes it as small as it can be."""

    name: str
    minutes: float
    small: tuple[str, ...]
    arguments: tuple[str, ...] = ()

    @property
    def module(self) -> str:
        """What it is a part of, which names its file as well."""
        return self.name.partition("-")[0]

    @property
    def limit(self) -> float:
        """Seconds after which it is ended."""
        return max(LEAST, self.minutes * 60 * PATIENCE)


PARTS: Final[Sequence[Part]] = (
    Part("queue", 7, ("--rounds", "1"), ("--only", "drain,bulk,latency,io")),
    Part("queue-costs", 4, ("--rounds", "1"), ("--only", "idle,growth,scripts,prefix")),
    Part("api", 3.5, ("--rounds", "1", "--seconds", "1")),
    Part("recovery", 2, ("--rounds", "1", "--patience", "15")),
    Part("workflows", 3.5, ("--rounds", "1", "--nodes", "2000")),
    Part("analysis", 4, ("--rounds", "1", "--assets", "20")),
    Part("reports", 1.5, ("--rounds", "2", "--analyses", "6", "--latency", "0.2")),
    Part("faithful", 0.5, ("--sentences", "100")),
    Part("pages", 1, ("--asks", "8")),
    Part("collect", 4.5, ("--rounds", "1", "--assets", "60")),
    Part("headline", 7.5, ("--rounds", "1", "--assets", "20")),
)


def run(part: Part, out: Path, *, small: bool) -> str | None:
    """Run one part and pass on what it prints; why it failed, or None."""
    arguments = part.arguments + (part.small if small else ())
    command = [sys.executable, "-W", "ignore", "-u", "-m", f"bench.{part.module}", *arguments]
    begun = time.time()
    last: deque[str] = deque(maxlen=LINES)
    late = threading.Event()
    with subprocess.Popen(
        command, cwd=HERE, env={**os.environ, "BENCH_FOLDER": str(out)}, text=True, errors="replace",
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
    ) as child:  # fmt: skip

        def give_up() -> None:
            late.set()
            end(child)

        timer = threading.Timer(part.limit, give_up)
        timer.start()
        try:
            assert child.stdout
            for line in child.stdout:
                last.append(line.rstrip())
                print(f"  {line.rstrip()}", flush=True)
            code = child.wait()
        except BaseException:
            end(child)
            raise
        finally:
            timer.cancel()
    if late.is_set():
        return f"not done within {part.limit / 60:.0f} minutes"
    if code:
        return f"exit {code}: {next((line for line in reversed(last) if line), 'said nothing')}"[:300]
    written = out / f"{part.module}.json"
    return None if written.exists() and written.stat().st_mtime >= begun - 1 else "wrote no figures"


def end(child: subprocess.Popen[str]) -> None:
    """As Ctrl-C does, so that it ends its servers; by force where that takes too long."""
    with suppress(ProcessLookupError):
        child.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            child.wait(GRACE)
        os.killpg(child.pid, signal.SIGKILL)


def run_all(parts: Sequence[Part], out: Path, *, small: bool) -> dict[str, dict[str, Any]]:
    """What became of each part."""
    found: dict[str, dict[str, Any]] = {}
    for number, part in enumerate(parts, start=1):
        print(f"== {part.name} ({number} of {len(parts)}, usually {part.minutes:g} minutes)", flush=True)
        load, begun = os.getloadavg()[0], time.monotonic()
        error = run(part, out, small=small)
        seconds = round(time.monotonic() - begun, 1)
        found[part.name] = {"seconds": seconds, "load_before": round(load, 1), "error": error}
        print(f"== {part.name}: {f'FAILED: {error}' if error else 'done'}, {seconds:g} s", flush=True)
        if not small:
            known = outputs.read(RUN).get("parts", {})
            outputs.write(RUN, {"parts": known | {part.name: found[part.name] | {"ended": outputs.now()}}})
    return found


def main() -> None:
    """Run, write the page, and say by the exit status whether all parts were measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(part.name for part in PARTS))
    parser.add_argument("--estimate", action="store_true")
    parser.add_argument("--small", action="store_true")
    asked = parser.parse_args()
    names = asked.only.split(",")
    if unknown := set(names) - {part.name for part in PARTS}:
        parser.error(f"no part is called {', '.join(sorted(unknown))}; there are: {', '.join(p.name for p in PARTS)}")
    parts = [part for part in PARTS if part.name in names]
    for part in parts:
        print(f"{part.name:<12}{part.minutes:>5g} minutes")
    print(f"{'together':<12}{sum(part.minutes for part in parts):>5g} minutes", flush=True)
    if asked.estimate:
        return
    end_on_sigterm()
    if asked.small:
        with tempfile.TemporaryDirectory(prefix="invest-bench-out-") as folder:
            found = run_all(parts, Path(folder), small=True)
    else:
        found = run_all(parts, outputs.OUT, small=False)
        results.main()
    sys.exit(any(one["error"] for one in found.values()))


if __name__ == "__main__":
    main()
