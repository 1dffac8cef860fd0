"""Running peers as processes: one worker and one client at a time, against a fresh server each time."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from bench.servers import OwnValkey, free_port

SYSTEMS: Final = ("invest", "arq", "saq", "streaq", "taskiq", "rq", "celery")
PREFIXED: Final = "invest_prefix"  # this platform under a prefix of its own
HERE: Final = Path(__file__).parents[1]
OURS: Final = ("invest", PREFIXED, "arq")  # in the product's environment; the others have theirs


def python_of(system: str) -> str:
    """The interpreter that has the system installed."""
    own = ".venv-bench-taskiq" if system == "taskiq" else ".venv-bench"
    return sys.executable if system in OURS else str(HERE / own / "bin" / "python")


def environment(url: str, role: str, slots: int, out: Path, count: int) -> dict[str, str]:
    """What a peer is told."""
    variables = {"BENCH_URL": url, "BENCH_ROLE": role, "BENCH_SLOTS": str(slots), "BENCH_OUT": str(out)}
    quiet = {"BENCH_COUNT": str(count), "PYTHONWARNINGS": "ignore", "PYTHONPATH": str(HERE)}
    return {**os.environ, **variables, **quiet}


def end_on_sigterm() -> None:
    """Make SIGTERM end this process as Ctrl-C does, so that the workers it started end with it."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


class Rig:
    """One system on one fresh server."""

    def __init__(self, system: str, **variables: str) -> None:
        """`variables` are for the environment of its processes."""
        self.system = system
        self.module = f"bench.peers.{'invest' if system == PREFIXED else system}_peer"
        self.more = variables | ({"INVEST_REDIS__PREFIX": "invest:bench"} if system == PREFIXED else {})
        self.server = OwnValkey(port=free_port())
        self.out = Path(tempfile.mkdtemp(prefix="invest-bench-")) / "elapsed.json"
        self.count = 0

    def __enter__(self) -> Rig:
        self.server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.stop(signal.SIGKILL)

    @contextmanager
    def worker(self, slots: int, *, count: int = 0) -> Iterator[subprocess.Popen[bytes]]:
        """A worker process; after `count` jobs it has written `elapsed`."""
        self.out.unlink(missing_ok=True)
        command = [python_of(self.system), "-m", self.module, "worker", self.server.url, str(slots)]
        given = environment(self.server.url, "worker", slots, self.out, count) | self.more
        process = subprocess.Popen(
            command, env=given, cwd=HERE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        try:
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def client(self, what: str, count: int) -> Any:
        """What the client measured."""
        command = [python_of(self.system), "-m", self.module, "client", self.server.url]
        variables = environment(self.server.url, "client", 1, self.out, 0) | self.more
        done = subprocess.run(
            [*command, what, str(count)], env=variables, cwd=HERE, capture_output=True, timeout=60, check=False
        )
        if done.returncode:
            raise RuntimeError(f"{self.system} {what}: {done.stderr.decode(errors='replace')[-600:]}")
        return json.loads(done.stdout.splitlines()[-1])

    def elapsed(self, timeout: float) -> float | None:
        """Seconds from the first job's start to the last one's end, once the worker wrote them; None if it did not."""
        deadline = time.monotonic() + timeout
        while not self.out.exists():
            if time.monotonic() > deadline:
                return None
            time.sleep(0.02)
        taken: float = json.loads(self.out.read_text())
        return taken
