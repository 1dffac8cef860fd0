"""Servers of one measurement alone, which can be stopped, killed and restarted."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from invest.local import LocalServers
from invest.local.recipes import Postgres, Valkey


class OwnValkey:
    """The wheel's server on a unix socket (and a loopback port when asked), with or without an append-only file."""

    def __init__(
        self, *, durable: bool = False, port: int = 0, extra: tuple[str, ...] = (), inside: Path | None = None
    ) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="invest-bench-", dir=inside))
        self.socket = self.folder / "redis.sock"
        self.port = port
        self._binary = Valkey(self.folder).command()[0]
        keep = ("--appendonly", "yes", "--appendfsync", "always") if durable else ("--appendonly", "no")
        self.options = (*keep, *extra)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it listens: the loopback port if it has one."""
        return f"redis://127.0.0.1:{self.port}/0" if self.port else f"unix://{self.socket}?db=0"

    @property
    def pid(self) -> int:
        """Its process."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start and wait until it answers."""
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--unixsocket", str(self.socket), "--save", ""]
        files = ["--dir", str(self.folder), "--daemonize", "no", "--loglevel", "warning"]
        self._process = subprocess.Popen([self._binary, *options, *files, *self.options], stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 30
        while not self._answers():
            if time.monotonic() > deadline or self._process.poll() is not None:
                raise RuntimeError("the benchmark's Valkey did not start")
            time.sleep(0.01)

    def _answers(self) -> bool:
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            client.settimeout(1)
            client.connect(os.fspath(self.socket))
            client.sendall(b"PING\r\n")
            return client.recv(16).startswith(b"+PONG")
        return False

    def stop(self, sig: signal.Signals = signal.SIGTERM) -> None:
        """End it and wait."""
        if self._process is not None:
            self._process.send_signal(sig)
            self._process.wait(30)
            self._process = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop(signal.SIGKILL)


class OwnPostgres:
    """The wheel's PostgreSQL in a folder of its own, which can be ended at once and started again."""

    def __init__(self, inside: Path | None = None) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="invest-bench-", dir=inside))
        self.folder.chmod(0o755)  # PostgreSQL's own account must reach it
        self._servers = LocalServers.start(self.folder, redis=False)

    @property
    def url(self) -> str:
        """For asyncpg; the same after a restart."""
        assert self._servers.database_url is not None
        return self._servers.database_url

    def restart(self) -> None:
        """What ``pg_ctl restart -m immediate`` does: every session is cut, the server recovers from its log."""
        self.end_at_once()
        self.start_again()

    def end_at_once(self) -> None:
        """Without a checkpoint, sessions cut; returns when nothing of it runs any more."""
        os.kill(int(Postgres(self.folder).pid_file.read_text().split()[0]), signal.SIGQUIT)
        self._servers.close()

    def start_again(self) -> None:
        """Recover and take work."""
        self._servers.open()

    def __enter__(self) -> Self:
        self._servers.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._servers.close()


def free_port() -> int:
    """A port nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
