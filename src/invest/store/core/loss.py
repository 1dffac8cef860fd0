"""Detect at once that the server closed a connection.

asyncpg ends a statement that waits for an answer, but not one that still sends: a large `executemany` or COPY waits for
room in a socket that is gone, until `command_timeout` (a minute) has run out.
"""

from __future__ import annotations

import asyncio
import contextlib
from types import TracebackType
from typing import Any, Self

import asyncpg


class LossWatch:
    """Around the use of one connection: every wait on it ends when the server cuts it.

    Raises `asyncpg.ConnectionDoesNotExistError` then. A cancellation from elsewhere stays a cancellation.
    """

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._task: asyncio.Task[Any] | None = None
        self._open = False
        self._cut = False

    def __enter__(self) -> Self:
        self._task = asyncio.current_task()
        self._open = True
        self._connection.add_termination_listener(self._lost)
        return self

    def _lost(self, _connection: Any) -> None:
        if self._open and self._task is not None and not self._task.done():
            self._cut = True
            self._task.cancel()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open = False
        with contextlib.suppress(asyncpg.InterfaceError):  # a lost one has left the pool already
            self._connection.remove_termination_listener(self._lost)
        if not self._cut or self._task is None:
            return
        others = self._task.uncancel()
        if isinstance(error, asyncio.CancelledError) and not others:
            raise asyncpg.ConnectionDoesNotExistError("the server cut the connection") from None
