"""The child of `invest.isolated`: one call of one function under limits, its result on standard output in pieces."""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import os
import pickle
import resource
import signal
import struct
import sys
from typing import Any, BinaryIO

LENGTH = struct.Struct(">Q")
PR_SET_PDEATHSIG = 1
NICENESS = 5  # requests come first


def follow_parent() -> None:
    """End with the process that asked (Linux)."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def limit(cpu_seconds: float, memory_bytes: int) -> None:
    """Bound what follows. A timer of CPU time ends the process, also within a long C call."""
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_PROF, cpu_seconds)
    used = resource.getrusage(resource.RUSAGE_SELF)
    spent = int(used.ru_utime + used.ru_stime + cpu_seconds) + 2
    resource.setrlimit(resource.RLIMIT_CPU, (spent, spent))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_DATA, (data_bytes() + memory_bytes,) * 2)


def data_bytes() -> int:
    """The private memory this process has now; elsewhere than on Linux nothing is known of it."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123 - before anything else is imported
            return int(file.read().split()[5]) * resource.getpagesize()
    except OSError:
        return 0


def tell(out: BinaryIO, kind: str, value: Any = None) -> None:
    """One piece."""
    packed = pickle.dumps((kind, value))
    out.write(LENGTH.pack(len(packed)) + packed)
    out.flush()


def main() -> None:
    """Read the arguments, run, tell."""
    follow_parent()
    os.nice(NICENESS)
    name, cpu_seconds, memory_bytes = sys.argv[1:4]
    module, _, function = name.partition(":")
    run = getattr(importlib.import_module(module), function)
    given, out = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    head = given.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return  # nobody needed it
    args, kwargs = pickle.loads(given.read(LENGTH.unpack(head)[0]))  # noqa: S301 - from our own process, over its own pipe
    limit(float(cpu_seconds), int(memory_bytes))
    try:
        for piece in run(*args, **kwargs):
            tell(out, "piece", piece)
    except MemoryError:
        os._exit(3)
    except Exception as error:  # told to the one who asked
        tell(out, "raised", error)
        return
    tell(out, "end")


if __name__ == "__main__":
    main()
