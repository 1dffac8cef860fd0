"""`invest` in processes that find it imported already: a parent that has done so forks one for every command.

Importing the platform costs a second a time, and hundreds of commands are tried. Each still has its own process,
environment, folder, streams and exit code, and `python -m invest` itself is started by other tests.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import selectors
import signal
import socket
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import NoReturn

PATIENCE = 60.0  # seconds a command may take


class CommandLine:
    """The parent of the commands, itself a child of the test process with which it ends."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._door, theirs = socket.socketpair()
        kept = {k: v for k, v in os.environ.items() if not k.startswith("INVEST_")}
        with theirs:
            command = [sys.executable, __file__, str(theirs.fileno())]
            self._parent = subprocess.Popen(command, pass_fds=[theirs.fileno()], env=kept)

    def run(
        self, arguments: Sequence[str], environment: Mapping[str, str], folder: Path, stdin: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Run one command to its end. Raises `TimeoutError` after PATIENCE seconds."""
        request = json.dumps([list(arguments), dict(environment), str(folder)]).encode()
        pipes = [os.pipe() for _ in range(4)]  # stdin, stdout, stderr, exit code
        (theirs_in, ours_in), *others = pipes
        with self._turn:
            socket.send_fds(self._door, [len(request).to_bytes(4, "big")], [theirs_in, *(end for _, end in others)])
            self._door.sendall(request)
        os.close(theirs_in)
        for _, end in others:
            os.close(end)
        with contextlib.suppress(BrokenPipeError), os.fdopen(ours_in, "wb") as told:
            told.write(stdin.encode())
        out, err, code = read_all([end for end, _ in others])
        return subprocess.CompletedProcess(list(arguments), int(code or b"-1"), out.decode(), err.decode())


def read_all(ends: Sequence[int]) -> list[bytes]:
    """What comes out of pipes until all are closed."""
    deadline = time.monotonic() + PATIENCE
    found = {end: bytearray() for end in ends}
    with selectors.DefaultSelector() as selector, contextlib.ExitStack() as opened:
        for end in ends:
            opened.callback(os.close, end)
            selector.register(end, selectors.EVENT_READ)
        while selector.get_map():
            ready = selector.select(max(0, deadline - time.monotonic()))
            if not ready:
                raise TimeoutError(f"the command did not end within {PATIENCE} s")
            for key, _ in ready:
                part = os.read(key.fd, 65536)
                found[key.fd] += part
                if not part:
                    selector.unregister(key.fd)
    return [bytes(found[end]) for end in ends]


@cache
def command_line() -> CommandLine:
    """The one of this test process."""
    return CommandLine()


def serve(door: socket.socket) -> None:
    """Fork a process for every request until the tests end."""
    import invest.cli.app  # noqa: F401 - what every command needs
    from invest.jobs.declared import declare_all

    declare_all()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the children: their exit codes come by pipe
    while True:
        head, fds, _, _ = socket.recv_fds(door, 4, 4)
        if len(head) < 4:
            return
        request = door.recv(int.from_bytes(head, "big"), socket.MSG_WAITALL)
        if os.fork() == 0:
            door.close()
            child(*json.loads(request), *fds)
        for end in fds:
            os.close(end)


def child(arguments: list[str], environment: dict[str, str], folder: str, *fds: int) -> NoReturn:
    """Be the process of one command."""
    from invest.cli import main

    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    for number, end in enumerate(fds[:3]):
        os.dup2(end, number)
        os.close(end)
    random.seed()
    sys.argv = ["invest", *arguments]
    code: object = 0
    try:
        main()
    except SystemExit as end:
        code = end.code
    except BaseException:
        traceback.print_exc()
        code = 1
    with contextlib.suppress(Exception):
        sys.stdout.flush()
        sys.stderr.flush()
    os.write(fds[3], str(code if isinstance(code, int) else int(code is not None)).encode())
    os._exit(0)


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
