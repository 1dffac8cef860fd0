"""Keeping child processes: pauses that grow to a limit, and an end for those that do not hear."""

from __future__ import annotations

import asyncio
import sys

from invest.processes import end_all, pause_after

DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
OBEDIENT = "import time; print('up', flush=True); time.sleep(60)"


def test_pauses_double_up_to_the_longest() -> None:
    assert [pause_after(n, first=0.5, longest=30.0) for n in (0, 1, 2, 3, 99)] == [0.5, 0.5, 1.0, 2.0, 30.0]


async def test_a_process_that_ignores_sigterm_is_killed_after_the_grace() -> None:
    started = []
    for code in (DEAF, OBEDIENT):
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE)
        assert process.stdout and await process.stdout.readline() == b"up\n"
        started.append(process)
    await end_all(started, 0.5)
    assert [p.returncode for p in started] == [-9, -15]
    await end_all(started, 0.5)  # nothing runs any more
