"""The engine on the next major version of redis-py, which arq excludes by its requirement alone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SUITE = ROOT / "tests" / "integration" / "engine"


@pytest.fixture(scope="module")
def redis_8(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with redis-py 8 alone, to stand before the installed one."""
    folder = tmp_path_factory.mktemp("redis8")
    pip = [
        sys.executable,
        "-m",
        "pip",
        "-q",
        "--disable-pip-version-check",
        "install",
        "--no-deps",
        "--target",
        str(folder),
    ]
    done = subprocess.run(
        [*pip, "--target", str(folder), "redis>=8,<9"], capture_output=True, text=True, check=False, timeout=200
    )
    if done.returncode:
        pytest.skip(f"redis-py 8 cannot be installed here: {done.stderr.strip().splitlines()[-1:]}")
    return folder


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_engines_suite_passes_on_redis_py_8(redis_8: Path, tmp_path: Path) -> None:
    """As a user of the server who may touch the keys of one prefix alone: what the suite's first run is not."""
    env = {**os.environ, "PYTHONPATH": str(redis_8), "INVEST_TEST_PREFIX": "next"}
    env.pop("PYTEST_XDIST_WORKER", None)
    asked = subprocess.run(
        [sys.executable, "-c", "import redis; print(redis.__version__)"],
        env=env,
        capture_output=True,
        text=True,
        check=True,
    )
    assert asked.stdout.startswith("8.")
    suite = [SUITE / f"test_{name}.py" for name in ("jobs", "workflows", "operations", "notices", "limits", "schedule")]
    two_at_once = ("-n", "2", "--dist", "loadfile")  # much of it waits: for leases, for connections that come back
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", *two_at_once, "--basetemp", tmp_path / "own", *suite],
        cwd=ROOT, env=env, capture_output=True, text=True, check=False, timeout=1700,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4000:]
