"""What a worker process and its supervisor say to each other over a pair of sockets, one word a line.

The worker: ``up`` once it claims, ``due`` when it has done its share, ``leaving`` or ``busy`` in answer to
``leave-if-idle``. The supervisor: ``leave`` (finish what runs, claim no more) and ``leave-if-idle``.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable
from typing import Final

SUPERVISOR: Final = "_SUPERVISOR_OF_INVEST"  # its pid: a worker whose supervisor was killed ends as well
SOCKET: Final = "_SUPERVISOR_SOCKET_OF_INVEST"  # the descriptor of the worker's end


class Link:
    """One end; `on_message` is called with each message from the other end."""

    def __init__(self, end: socket.socket, on_message: Callable[[str], None]) -> None:
        self._end = end
        self._on_message = on_message
        self._writer: asyncio.StreamWriter | None = None
        self._task: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Begin to listen."""
        reader, self._writer = await asyncio.open_connection(sock=self._end)
        self._task = asyncio.create_task(self._listen(reader))

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        with contextlib.suppress(OSError, ValueError):
            while line := await reader.readline():
                self._on_message(line.decode("ascii", "replace").strip())

    def say(self, word: str) -> None:
        """Send a word; an end that is gone hears nothing."""
        if self._writer is not None and not self._writer.is_closing():
            with contextlib.suppress(OSError):
                self._writer.write(word.encode() + b"\n")

    def close(self) -> None:
        """Stop listening."""
        if self._task is not None:
            self._task.cancel()
        if self._writer is not None:
            self._writer.close()


def from_environment(on_message: Callable[[str], None]) -> Link | None:
    """The worker's end, if a supervisor started this very process. The first worker of a process takes it."""
    supervisor, descriptor = os.environ.get(SUPERVISOR, ""), os.environ.pop(SOCKET, "")
    if not descriptor or supervisor != str(os.getppid()):
        return None
    try:
        return Link(socket.socket(fileno=int(descriptor)), on_message)
    except (OSError, ValueError):
        return None
