"""Children end with a parent that was killed: those that obey at once, those that hang after the grace period."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time

import pytest

from invest.processes import end_with_parent

CHILD = """
import os, signal, sys, time
from invest.processes import end_with_parent
if sys.argv[1] == "hangs":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
end_with_parent()
assert "INVEST_PARENT" not in os.environ
print(os.getpid(), flush=True)
time.sleep(60)
"""
PARENT = """
import os, subprocess, sys, time
from invest.processes import named_parent
os.environ["INVEST_PARENT"] = named_parent(0.5)
subprocess.Popen([sys.executable, "-c", sys.argv[1], sys.argv[2]])
time.sleep(60)
"""


@pytest.mark.parametrize(("how", "least", "most"), [("obeys", 0.0, 20.0), ("hangs", 0.4, 20.0)])
def test_a_child_ends_with_a_parent_that_was_killed(how: str, least: float, most: float) -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT, CHILD, how], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    handle = os.pidfd_open(child)
    try:
        parent.kill()
        parent.wait()
        began = time.monotonic()
        ended, _, _ = select.select([handle], [], [], most)
        assert ended, "it lives on"
        assert time.monotonic() - began >= least
    finally:
        os.close(handle)
        parent.stdout.close()


def test_a_child_of_a_parent_that_is_gone_already_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between its start and its request to the system, a child's parent may have been killed."""
    code = "import time; from invest.processes import end_with_parent; end_with_parent(); time.sleep(60)"
    gone = subprocess.Popen([sys.executable, "-c", "pass"])
    gone.wait()
    environment = {**os.environ, "INVEST_PARENT": f"{gone.pid}:0.5"}
    assert subprocess.run([sys.executable, "-c", code], env=environment, check=False).returncode == -signal.SIGTERM
    monkeypatch.setenv("INVEST_PARENT", "")
    end_with_parent()
