"""What breaks during `bench.soak`, each trouble at its share of the time, and the state of the running platform."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.faults import post_fault
from bench.servers import OwnPostgres, OwnValkey
from invest.cli.platform.platform import QUEUES
from invest.cli.platform.supervise import Child, Family
from invest.errors import InvestError
from invest.settings import Settings

AWAY = 300.0  # seconds that PostgreSQL is away, or a tenth of the run where that is less
FAKETIME = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1")  # Debian's package `faketime`


@dataclass
class Soak:
    """The running platform and what is known of it."""

    settings: Settings
    valkey: OwnValkey
    postgres: OwnPostgres
    members: Family
    sandbox: str
    seconds: float
    tickers: Sequence[str]
    accepted: list[str] = field(default_factory=list)
    refused: int = 0
    alerts: list[str] = field(default_factory=list)
    recovery_s: dict[str, float | None] = field(default_factory=dict)
    memory: list[tuple[float, float]] = field(default_factory=list)
    begun: float = field(default_factory=time.monotonic)
    skipped: dict[str, str] = field(default_factory=dict)
    disk: Path | None = None  # a small disk of its own below PostgreSQL and the data folder
    clock: Path | None = None  # how far the platform's clock is off, in seconds, read by libfaketime
    port: int = 0

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self.begun

    def child(self, name: str) -> Child:
        """A process of the platform by its name."""
        return next(c for c in self.members.children if c.name == name)


async def kill(soak: Soak, name: str) -> None:
    """SIGKILL a process of the platform; its supervisor starts it again."""
    process = soak.child(name).process
    assert process is not None
    with contextlib.suppress(ProcessLookupError):
        process.kill()


async def upstreams(soak: Soak, fault: Mapping[str, Any]) -> None:
    """A fault of every upstream for a twentieth of the time."""
    await post_fault(soak.sandbox, "*", fault)
    await asyncio.sleep(soak.seconds / 20)
    await post_fault(soak.sandbox, "*", {})


async def restart_redis(soak: Soak, sig: signal.Signals) -> None:
    """End Redis and start it again from its append-only file."""
    await asyncio.to_thread(soak.valkey.stop, sig)
    await asyncio.sleep(1)
    await asyncio.to_thread(soak.valkey.start)


async def postgres_away(soak: Soak) -> None:
    """PostgreSQL crashes and comes back minutes later."""
    await asyncio.to_thread(soak.postgres.end_at_once)
    await asyncio.sleep(min(AWAY, soak.seconds / 10))
    await asyncio.to_thread(soak.postgres.start_again)


async def deploy(soak: Soak) -> None:
    """Every process ends in its own time and comes back, one after the other."""
    for child in soak.members.children:
        process = child.process
        assert process is not None
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        await process.wait()
        await asyncio.sleep(1)


async def kill_workers(soak: Soak) -> None:
    """SIGKILL every worker at once."""
    for queue in QUEUES:
        await kill(soak, queue)


async def full_disk(soak: Soak) -> None:
    """The disk of PostgreSQL and of the data folder has no free byte for a fortieth of the time."""
    assert soak.disk is not None
    ballast = soak.disk / "ballast"
    free = shutil.disk_usage(soak.disk).free

    def fill() -> None:
        with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            os.posix_fallocate(file.fileno(), 0, free - (1 << 20))
            file.seek(0, os.SEEK_END)
            while True:
                file.write(bytes(4096))

    await asyncio.to_thread(fill)
    await asyncio.sleep(soak.seconds / 40)
    ballast.unlink()
    with contextlib.suppress(InvestError):
        await asyncio.to_thread(soak.postgres.start_again)  # where it ended for want of space


async def clock_steps(soak: Soak) -> None:
    """The clock of every process jumps half an hour ahead, back behind the true time, and home."""
    assert soak.clock is not None
    for step in ("+1800", "-900", "+0"):
        soak.clock.write_text(step)
        await asyncio.sleep(soak.seconds / 60)


TROUBLES: Sequence[tuple[float, str, Callable[[Soak], Awaitable[None]]]] = (
    (0.06, "upstreams_500", lambda s: upstreams(s, {"kind": "error", "status": 500, "rate": 0.5})),
    (0.15, "redis_restart", lambda s: restart_redis(s, signal.SIGTERM)),
    (0.22, "redis_killed", lambda s: restart_redis(s, signal.SIGKILL)),
    (0.30, "postgres_crash", lambda s: asyncio.to_thread(s.postgres.restart)),
    (0.38, "postgres_away", postgres_away),
    (0.55, "worker_killed", lambda s: kill(s, "data_collection")),
    (0.62, "web_killed", lambda s: kill(s, "web")),
    (0.68, "slow_network", lambda s: upstreams(s, {"kind": "latency", "seconds": 2})),
    (0.75, "full_disk", full_disk),
    (0.81, "deploy", deploy),
    (0.87, "clock_steps", clock_steps),
    (0.93, "all_workers_killed", kill_workers),
)


@contextlib.contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[Path | None]:
    """A disk of `megabytes` at `folder`; None where this user may not mount one."""
    folder.mkdir(parents=True, exist_ok=True)
    options = ["-o", f"size={megabytes}m,mode=755"]
    try:
        command = ["mount", "-t", "tmpfs", *options, "tmpfs", str(folder)]
        made = subprocess.run(command, check=False, capture_output=True).returncode == 0
    except OSError:
        made = False
    if not made:
        yield None
        return
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=False)


def false_clock(folder: Path) -> tuple[Path | None, dict[str, str]]:
    """The file that says how far the clock is off, and the environment under which a process believes it."""
    if not FAKETIME.exists():
        return None, {}
    clock = folder / "clock"
    clock.write_text("+0")
    return clock, {
        "LD_PRELOAD": str(FAKETIME),
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_CACHE_DURATION": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
