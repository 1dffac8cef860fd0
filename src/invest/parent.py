"""End with the process that started this one, however that one ended: SIGTERM first, SIGKILL to what hangs.

`invest run` and the workers' supervisor name themselves in INVEST_PARENT. Nobody else is left to count the grace period
of a child whose parent was killed, so the child does it itself, in a thread that sleeps until the parent is gone.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import sys
import threading
import time
from typing import Final

PARENT: Final = "INVEST_PARENT"  # the parent's pid, and the seconds from SIGTERM to SIGKILL: ``4711:30``
GRACE: Final = 30.0  # the worker's own 25 s and a little
POLL: Final = 1.0  # seconds between looks where the system cannot tell
PR_SET_PDEATHSIG: Final = 1
LINUX: Final = sys.platform.startswith("linux")


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
