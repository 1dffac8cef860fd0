"""Keep child processes: how long to wait before one is started again, and how they are ended.

Every keeper of processes uses it: `invest run` (programs by name), the engine's supervisor (workers by number, with
autoscale) and the embedded servers. And what a process does for itself: end with the one that started it, look for
garbage seldom.

`invest run` and the workers' supervisor name themselves in INVEST_PARENT. Nobody else is left to count the grace period
of a child whose parent was killed, so the child does it itself, in a thread that sleeps until the parent is gone:
SIGTERM first, SIGKILL to what hangs.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from asyncio.subprocess import Process

PARENT: Final = "INVEST_PARENT"  # the parent's pid, and the seconds from SIGTERM to SIGKILL: ``4711:30``
GRACE: Final = 30.0  # the worker's own 25 s and a little
POLL: Final = 1.0  # seconds between looks where the system cannot tell
PR_SET_PDEATHSIG: Final = 1
M_ARENA_MAX: Final = -8  # from malloc.h
ARENAS: Final = 2
LINUX: Final = sys.platform.startswith("linux")
# Allocations between collections: parsing and answering make many short-lived objects; Python's default of 700 costs a
# worker 30 % of its time.
THRESHOLD = 50_000


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
    import asyncio  # here: `invest --help` comes by this module

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


def collect_rarely() -> None:
    """Leave alone what was imported, and collect the rest seldom: to be called once everything is loaded."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(THRESHOLD, 20, 20)


def few_arenas() -> None:
    """Let glibc keep memory of all threads in two arenas: with one for each thread, what a thread freed stays its own.

    To be called before the first thread starts. Elsewhere than on glibc nothing happens.
    """
    if LINUX:
        with contextlib.suppress(AttributeError, OSError):
            ctypes.CDLL(None).mallopt(M_ARENA_MAX, ARENAS)


def named_parent(grace: float = GRACE) -> str:
    """What INVEST_PARENT must be for children of this process."""
    return f"{os.getpid()}:{grace:g}"


def end_with_parent() -> None:
    """Follow the process that INVEST_PARENT names; nothing where it names none. Children do not inherit the name."""
    pid, _, seconds = os.environ.pop(PARENT, "").partition(":")
    if not pid.isdigit():
        return
    parent, grace = int(pid), float(seconds or GRACE)
    if LINUX:
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    threading.Thread(target=_follow, args=(parent, grace), name="parent", daemon=True).start()


def _follow(parent: int, grace: float) -> None:
    late = os.getppid() != parent  # it ended before the system was asked to tell
    _wait_for_end(parent)
    if late or not LINUX:
        os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(grace)
    os.kill(os.getpid(), signal.SIGKILL)


def _wait_for_end(parent: int) -> None:
    """Return when `parent` is no longer the parent of this process."""
    try:
        handle = os.pidfd_open(parent)
    except (AttributeError, OSError):  # no Linux from 5.3 on, or it is gone
        handle = -1
    if handle >= 0 and os.getppid() == parent:  # else the number may be another process' by now
        select.select([handle], [], [])
        return
    while os.getppid() == parent:
        time.sleep(POLL)
