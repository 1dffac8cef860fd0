"""Runs one server and ends it when its owner is gone, however the owner ended. A script of the standard library alone.

The owner starts it as ``python -I -S keeper.py``, writes one JSON line to its standard input and keeps that pipe open:
``{"command", "stop", "log", "directory", "uid", "gid", "clean"}``. The end of the pipe (or a new parent, where a fork
of the owner still holds the pipe) means the owner is gone. The keeper also holds the lock of the data folder, which it
inherits: the lock is free exactly when nothing of the server runs any more.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import select
import signal
import subprocess
import sys
from typing import Any

PR_SET_PDEATHSIG = 1
POLL = 0.5  # seconds between looks at the server and the parent
PATIENCE = 20.0  # seconds a server may take to shut down before it is killed


def follow(stop: int) -> Any:
    """A function for the child's side of the fork: end with the keeper (Linux)."""
    if not sys.platform.startswith("linux"):
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    keeper = os.getpid()

    def arrange() -> None:
        prctl(PR_SET_PDEATHSIG, stop, 0, 0, 0)
        if os.getppid() != keeper:
            os._exit(1)

    return arrange


def launch(job: dict[str, Any]) -> subprocess.Popen[bytes]:
    """The server's process, as the account the job names (only root may name one)."""
    account: dict[str, Any] = {}
    if job["uid"] is not None:
        account = {"user": job["uid"], "group": job["gid"], "extra_groups": []}
    with open(job["log"], "ab") as log:  # noqa: PTH123 - pathlib would double the start-up time of this script
        return subprocess.Popen(  # noqa: S603 - the command comes from the owner's own code
            job["command"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=job["directory"],
            start_new_session=True,
            umask=0o077,
            preexec_fn=follow(job["stop"]),  # noqa: PLW1509 - this process has one thread
            **account,
        )


def watch(server: subprocess.Popen[bytes], owner: int) -> None:
    """Return when the server ended by itself, the owner closed its pipe, or the owner is gone."""
    while server.poll() is None:
        readable, _, _ = select.select([0], [], [], POLL)
        if (readable and not os.read(0, 1)) or os.getppid() != owner:
            return


def end(server: subprocess.Popen[bytes], stop: int) -> None:
    """Ask the server to stop; kill its whole group if it does not."""
    if server.poll() is None:
        server.send_signal(stop)
    try:
        server.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def leave(_number: int, _frame: object) -> None:
    """SIGTERM to the keeper: the same way out as the end of the pipe."""
    raise SystemExit(0)


def main() -> int:
    """Keep one server; exit with its code."""
    owner = os.getppid()
    line = b""
    while not line.endswith(b"\n"):
        chunk = os.read(0, 65536)
        if not chunk:
            return 0
        line += chunk
    job = json.loads(line)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, leave)
    server = launch(job)
    try:
        watch(server, owner)
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        end(server, job["stop"])
        for path in job["clean"]:
            with contextlib.suppress(OSError):
                (os.rmdir if os.path.isdir(path) else os.unlink)(path)  # noqa: PTH112 - as above
    return server.returncode or 0


if __name__ == "__main__":
    sys.exit(main())
