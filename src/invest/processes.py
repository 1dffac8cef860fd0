"""Keep child processes: how long to wait before one is started again, and how they are ended.

Every keeper of processes uses it: `invest run` (programs by name), the engine's supervisor (workers by number, with
autoscale) and the embedded servers.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from asyncio.subprocess import Process
from collections.abc import Iterable


def keep_private() -> None:
    """Let nobody but this account read what this process and its children write from now on (umask 077)."""
    os.umask(0o077)


def pause_after(failures: int, *, first: float, longest: float) -> float:
    """Seconds to wait before the next start: doubled with each failure in a row, `longest` at most.

    >>> [pause_after(failures, first=0.5, longest=30.0) for failures in (1, 3, 99)]
    [0.5, 2.0, 30.0]
    """
    doubled: float = first * 2.0 ** min(max(0, failures - 1), 30)
    return min(longest, doubled)


def signal_to(process: Process, number: signal.Signals) -> None:
    """Send a signal to a process that still runs."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(number)


async def end_all(processes: Iterable[Process], grace: float) -> None:
    """SIGTERM to all, then SIGKILL to those that have not ended within `grace` seconds; returns once all have."""
    running = [process for process in processes if process.returncode is None]
    for process in running:
        signal_to(process, signal.SIGTERM)
    waits = [asyncio.ensure_future(process.wait()) for process in running]
    if not waits:
        return
    _, late = await asyncio.wait(waits, timeout=grace)
    if late:
        for process in running:
            signal_to(process, signal.SIGKILL)
        await asyncio.wait(late)
