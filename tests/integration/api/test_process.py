"""`invest web` as a process: one clear line where it cannot start, a graceful end on SIGTERM."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from invest.settings import Settings

pytest_plugins = ["tests.integration.api.api_fixtures"]
ROOT = Path(__file__).parents[3]


def environment(platform: Settings, port: int) -> dict[str, str]:
    """What the process is told."""
    assert platform.redis.url and platform.database.url
    kept = {k: v for k, v in os.environ.items() if not k.startswith("INVEST_")}
    return kept | {
        "REDIS_URL": platform.redis.url.get_secret_value(),
        "DATABASE_URL": platform.database.url.get_secret_value(),
        "PORT": str(port),
        "INVEST_SETTINGS": str(ROOT / "settings.toml"),
        "INVEST_LOGGING__FORMAT": "json",
    }


@contextmanager
def web(told: dict[str, str], folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A running `invest web`."""
    command = [sys.executable, "-m", "invest", "web"]
    with subprocess.Popen(
        command, env=told, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def until_ready(process: subprocess.Popen[str], port: int) -> None:
    """Wait for /readyz."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2).close()
            return
        except OSError:
            time.sleep(0.05)
    raise AssertionError(process.communicate()[1])


def free_port() -> int:
    """A port nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.mark.parametrize("times", [1, 2])
def test_sigterm_ends_it_with_0_and_without_a_traceback(platform: Settings, tmp_path: Path, times: int) -> None:
    port = free_port()
    with web(environment(platform, port), tmp_path) as process:
        until_ready(process, port)
        for _ in range(times):
            process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=25)
    assert process.returncode == 0 and "Traceback" not in out + err
    assert '"event":"listening"' in out and '"event":"request"' in out


def test_a_port_in_use_is_one_clear_line(platform: Settings, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with web(environment(platform, port), tmp_path) as process:
            _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert f"cannot listen on 127.0.0.1 port {port}" in err and "Traceback" not in err
