"""A real set of a master, a replica and three sentinels fails over under load."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from bench.servers import OwnValkey, free_port
from redis.exceptions import RedisError

from invest.engine import Invest, Job, run_worker
from invest.errors import InvestError
from invest.settings import Settings
from tests.integration.engine.engine_kit import kit, kit_add

Make = Callable[..., Settings]


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


class Quorum:
    """One master, one replica, three sentinels, on loopback ports."""

    def __init__(self, folder: Path) -> None:
        self.master = OwnValkey(port=free_port())
        self.master.start()
        follow = ("--replicaof", "127.0.0.1", str(self.master.port), "--repl-diskless-sync-delay", "0")
        self.replica = OwnValkey(port=free_port(), extra=follow)
        self.replica.start()
        self.ports = [free_port() for _ in range(3)]
        self.sentinels = [self._sentinel(folder, port) for port in self.ports]

    def _sentinel(self, folder: Path, port: int) -> subprocess.Popen[bytes]:
        config = folder / f"sentinel-{port}.conf"
        config.write_text(
            f"port {port}\nbind 127.0.0.1\ndir {folder}\nlogfile {folder}/{port}.log\n"
            f"sentinel monitor mymaster 127.0.0.1 {self.master.port} 2\n"
            "sentinel down-after-milliseconds mymaster 600\nsentinel failover-timeout mymaster 4000\n"
        )
        command = [self.master._binary, str(config), "--sentinel"]
        return subprocess.Popen(command, stdout=subprocess.DEVNULL)

    def wait(self) -> None:
        """Until the sentinels know each other and the replica is in step."""
        deadline = time.monotonic() + 40
        while time.monotonic() < deadline:
            with contextlib.suppress(RedisError):
                if all(self._knows(port) for port in self.ports) and self._in_step():
                    return
            time.sleep(0.2)
        raise AssertionError("the sentinels did not find each other")

    def _knows(self, port: int) -> bool:
        with redis.Redis(port=port) as client:
            told: Any = client.execute_command("SENTINEL", "MASTER", "mymaster")
        facts = dict(zip(told[::2], told[1::2], strict=True)) if isinstance(told, list) else told
        text = {_text(k): _text(v) for k, v in facts.items()}
        return text["num-other-sentinels"] == "2" and text["num-slaves"] == "1"

    def _in_step(self) -> bool:
        with redis.Redis(port=self.replica.port) as client:
            facts: Any = client.info("replication")
        return bool(facts["master_link_status"] == "up")

    @property
    def url(self) -> str:
        return "sentinel://" + ",".join(f"127.0.0.1:{p}" for p in self.ports) + "/mymaster/0"

    def end(self) -> None:
        for process in self.sentinels:
            process.kill()
            process.wait()
        for server in (self.master, self.replica):
            server.stop(signal.SIGKILL)


@pytest.fixture
def quorum(tmp_path: Path) -> Iterator[Quorum]:
    made = Quorum(tmp_path)
    try:
        made.wait()
        yield made
    finally:
        made.end()


@pytest.mark.slow
async def test_a_failover_under_load_loses_nothing_that_was_replicated(settings: Make, quorum: Quorum) -> None:
    known = settings(
        redis={"url": quorum.url, "socket_timeout": 2, "connect_timeout": 1}, engine={"lease": 2, "grace": 2}
    )
    async with Invest.connect(known) as invest:
        working = asyncio.create_task(run_worker([kit], settings=known, handle_signals=False))
        accepted: list[Job[int]] = []

        async def submit(seconds: float) -> None:
            ends = time.monotonic() + seconds
            while time.monotonic() < ends:
                with contextlib.suppress(InvestError, RedisError):
                    accepted.append(await invest.enqueue(kit_add(len(accepted))))
                await asyncio.sleep(0.01)

        await submit(1)
        await invest.redis.wait(1, 2000)  # what the replica has acknowledged must survive
        before = len(accepted)
        quorum.master.stop(signal.SIGKILL)
        await submit(8)
        assert len(accepted) > before, "new work is taken after the failover"
        for job in accepted:
            assert isinstance(await job.result(timeout=30), int)
        working.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await working
