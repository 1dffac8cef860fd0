"""Run a function over untrusted bytes in a process of its own, with limits on its CPU time, memory and wall time.

A thread is not enough: one pattern or one C call that takes seconds holds the interpreter, and with it every request
and every signal. The function yields its result in pieces, so that neither side spends long on one of them.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import pickle
import signal
import struct
import sys
from collections.abc import AsyncIterator
from typing import Any, Final

from invest.errors import InvestError

LENGTH: Final = struct.Struct(">Q")
PIECE: Final = 65_536  # bytes written at once
WARM_FOR: Final = 60.0  # seconds a process waits for work before it is let go
PASSED_ON: Final = ("PATH", "LANG", "LC_ALL", "TMPDIR", "TZ", "PYTHONPATH", "VIRTUAL_ENV")  # no secret among them
SPENT: Final = (-signal.SIGPROF, -signal.SIGXCPU)


class TooCostly(InvestError):
    """The work was ended: it took more time or memory than it may."""


class Isolated:
    """Calls one function (``package.module:name``, a generator) in child processes, one after the other.

    `cpu_seconds` and `memory_bytes` (beyond what the interpreter takes) bound the child; `wall_seconds` the wait.
    `warm`: after a call a process is kept ready for the next one, for a while.
    """

    def __init__(
        self,
        function: str,
        *,
        cpu_seconds: float = 2.0,
        memory_bytes: int = 140_000_000,
        wall_seconds: float = 30.0,
        waiting: int = 16,
        warm: bool = True,
    ) -> None:
        self._arguments = (function, str(cpu_seconds), str(memory_bytes))
        self._wall = wall_seconds
        self._turn = asyncio.Lock()
        self._most = waiting
        self._waiting = 0
        self._closed = not warm
        self._spare: asyncio.Task[asyncio.subprocess.Process] | None = None
        self._idle: asyncio.TimerHandle | None = None

    @property
    def crowded(self) -> bool:
        """Whether so many wait that one more should come back later."""
        return self._waiting >= self._most

    async def call(self, *args: Any, **kwargs: Any) -> list[Any]:
        """The pieces the function yields. Raises what it raises, or `TooCostly`."""
        self._waiting += 1
        try:
            async with self._turn:
                process = await self._process()
                try:
                    async with asyncio.timeout(self._wall):
                        return [piece async for piece in _exchange(process, (args, kwargs))]
                except TimeoutError:
                    raise TooCostly(f"it took longer than {self._wall:g} s") from None
                finally:
                    await _end(process)
                    self._prepare()
        finally:
            self._waiting -= 1

    async def _process(self) -> asyncio.subprocess.Process:
        """A process that has everything imported."""
        if self._idle is not None:
            self._idle.cancel()
        spare, self._spare = self._spare, None
        return await (spare or self._start())

    def _prepare(self) -> None:
        """Have a process ready for the next call, for a while."""
        if self._spare is None and not self._closed:
            self._spare = asyncio.create_task(self._start())
            self._idle = asyncio.get_running_loop().call_later(WARM_FOR, self._cool)

    async def _start(self) -> asyncio.subprocess.Process:
        environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "invest.isolated_child",
            *self._arguments,
            env=environment,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )

    def _cool(self) -> None:
        spare, self._spare = self._spare, None
        if spare is not None:
            self._ending = asyncio.ensure_future(_end_spare(spare))

    async def close(self) -> None:
        """End the process that waits for work."""
        self._closed = True
        if self._idle is not None:
            self._idle.cancel()
        spare, self._spare = self._spare, None
        if spare is not None:
            await _end_spare(spare)


async def _exchange(process: asyncio.subprocess.Process, given: Any) -> AsyncIterator[Any]:
    assert process.stdin is not None and process.stdout is not None
    packed = pickle.dumps(given)
    with contextlib.suppress(ConnectionError):  # it has ended: its code says why
        process.stdin.write(LENGTH.pack(len(packed)))
        for start in range(0, len(packed), PIECE):  # in small pieces: what a pipe does not take is copied
            process.stdin.write(packed[start : start + PIECE])
            await process.stdin.drain()
        process.stdin.close()
    while True:
        try:
            size = LENGTH.unpack(await process.stdout.readexactly(LENGTH.size))[0]
            kind, value = pickle.loads(await process.stdout.readexactly(size))  # noqa: S301 - our own child made these bytes
        except asyncio.IncompleteReadError:
            code = await process.wait()
            spent = "more time than it may" if code in SPENT else "more memory than it may, or it crashed its reader"
            raise TooCostly(f"it took {spent}") from None
        if kind == "end":
            return
        if kind == "raised":
            raise value
        yield value


async def _end_spare(spare: asyncio.Task[asyncio.subprocess.Process]) -> None:
    with contextlib.suppress(OSError, asyncio.CancelledError):
        await _end(await spare)


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
    await process.wait()
