"""Look for known kinds of faults in the product (bandit) and in what it depends on (pip-audit).

`make security`. Exit status 1 where something was found. Each finding of bandit that is meant has its reason beside it
(``# noqa: S…`` for ruff, which runs the same checks in `make lint`); pip-audit is passed over, with a word, where no
source of advisories can be reached.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
UNREACHABLE = ("ConnectionError", "Max retries", "Temporary failure", "Name or service", "timed out", "ServiceError",
               "Failed to establish", "404 Client Error", "403 Client Error", "502", "503")  # fmt: skip


def bandit() -> int:
    """Ruff's rules S are bandit's; every one that is passed over names its reason."""
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--select", "S", "--ignore", "S101", "--no-cache", "src"],
        cwd=ROOT,
        check=False,
    )
    print("bandit's rules: " + ("something was found" if done.returncode else "nothing without a reason"))
    return done.returncode


def audit() -> int:
    """Known faults of the pinned dependencies."""
    command = [sys.executable, "-m", "pip_audit", "--disable-pip", "--no-deps", "-r", "requirements.txt"]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)
    except subprocess.TimeoutExpired:
        print("pip-audit: passed over, the source of advisories did not answer within 300 s")
        return 0
    if done.returncode and any(word in done.stderr for word in UNREACHABLE):
        print("pip-audit: passed over, no source of advisories can be reached from here")
        return 0
    if "No module named pip_audit" in done.stderr:
        print("pip-audit: passed over, it is not installed (pip install pip-audit)")
        return 0
    print(done.stdout or done.stderr)
    return done.returncode


if __name__ == "__main__":
    sys.exit(bandit() or audit())
