"""The platform under attack: its processes, its servers, and the process that asks /healthz all the time."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import aiohttp

from bench.servers import OwnPostgres, OwnValkey
from invest.settings import Settings

API = "/api/v1"
WEBHOOK = "whsec_" + "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="


def watch(port: int, pipe: Connection) -> None:
    """Ask /healthz on one kept connection until told to stop; sends the longest silence in ms when asked."""
    import http.client

    client = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    longest, last, failures = 0.0, time.monotonic(), 0
    while True:
        try:
            client.request("GET", "/healthz")
            answer = client.getresponse()
            answer.read()
            if answer.status != 200:
                failures += 1
        except (OSError, http.client.HTTPException):
            client.close()
            failures += 1
        now = time.monotonic()
        longest, last = max(longest, (now - last) * 1000), now
        if pipe.poll(0.02):
            if pipe.recv() == "stop":
                pipe.send((longest, failures))
                return
            pipe.send((longest, failures))
            longest, failures, last = 0.0, 0, time.monotonic()
        last = time.monotonic()


class Watcher:
    """The process that asks /healthz."""

    def __init__(self, port: int) -> None:
        self._pipe, theirs = multiprocessing.Pipe()
        self._process = multiprocessing.get_context("spawn").Process(target=watch, args=(port, theirs), daemon=True)
        self._process.start()

    def longest(self) -> tuple[float, int]:
        """The longest silence since the last question in ms, and how many probes were not answered with 200."""
        self._pipe.send("tell")
        found: tuple[float, int] = self._pipe.recv()
        return found

    def stop(self) -> None:
        """End it."""
        self._pipe.send("stop")
        self._pipe.recv()
        self._process.join(10)


@dataclass
class Besieged:
    """The platform under attack."""

    settings: Settings
    url: str
    port: int
    web: subprocess.Popen[bytes]
    keys: dict[str, str]
    redis: OwnValkey
    postgres: OwnPostgres
    portfolio: str = ""
    log: Path = Path()

    def rss_mb(self) -> float:
        """Memory of the web process and its children; what they share counts once: a fork is no second process yet."""
        return sum(_memory(pid) for pid in (self.web.pid, *_children(self.web.pid)))

    def session(self, key: str | None = "one", **options: Any) -> aiohttp.ClientSession:
        """A client with one of the keys."""
        headers = {"X-Api-Key": self.keys[key]} if key else {}
        connector = aiohttp.TCPConnector(limit=0)
        return aiohttp.ClientSession(self.url, headers=headers, connector=connector, **options)

    async def serves(self) -> bool:
        """Whether somebody else, with a key of his own, is answered."""
        timeout = aiohttp.ClientTimeout(total=5)
        try:
            async with (
                self.session("two", timeout=timeout) as session,
                session.get("/readyz") as ready,
                session.get(f"{API}/portfolios") as listed,
            ):
                return ready.status == 200 and listed.status == 200
        except (aiohttp.ClientError, TimeoutError):
            return False


def _memory(pid: int) -> float:
    """The share of a process in the memory that is in use, in MB."""
    with contextlib.suppress(OSError, StopIteration):
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("Pss:")).split()[1]) / 1e3
    return 0.0


def _children(pid: int) -> list[int]:
    with contextlib.suppress(OSError):
        return [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


@contextlib.contextmanager
def processes(settings: Settings, port: int, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """`invest web` and a worker of all queues."""
    assert settings.redis.url and settings.database.url
    kept = {k: v for k, v in os.environ.items() if not k.startswith("INVEST_")}
    environment = kept | {
        "REDIS_URL": settings.redis.url.get_secret_value(),
        "DATABASE_URL": settings.database.url.get_secret_value(),
        "WEBHOOK_SECRET": WEBHOOK,
        "INVEST_WEB__AUTH": "on",
        "INVEST_DATA_DIR": str(folder / "data"),
        "INVEST_LOGGING__FORMAT": "json",
        "INVEST_WEB__RATE_LIMIT": "200",
        "INVEST_WEB__RATE_BURST": "600",
        "INVEST_DATABASE__PATIENCE": "2",
        "INVEST_SANDBOX_URL": "http://127.0.0.1:9",
    }
    with (folder / "log").open("ab") as log:
        commands = (["web", "--host", "127.0.0.1", "--port", str(port)], ["worker", "--child"])
        running = [
            subprocess.Popen(
                [sys.executable, "-m", "invest", *command], env=environment, stdout=log, stderr=log, cwd=folder
            )
            for command in commands
        ]
        try:
            yield running[0]
        finally:
            for process in running:
                process.send_signal(signal.SIGTERM)
            for process in running:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(35)
                process.kill()


async def until_ready(url: str) -> None:
    """Wait for /readyz."""
    deadline = time.monotonic() + 240
    async with aiohttp.ClientSession(url) as session:
        while time.monotonic() < deadline:
            with contextlib.suppress(aiohttp.ClientError):
                async with session.get("/readyz") as answer:
                    if answer.status == 200:
                        return
            await asyncio.sleep(0.2)
    raise SystemExit("the platform did not start")
