"""An embedded server that dies is started again, with one loud line; `invest doctor` looks and starts nothing."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import asyncpg
import pytest
import redis

from invest.cli.verbs.doctor import beside_a_platform
from invest.errors import Unreachable
from invest.local import LocalServers, held, running
from invest.local.recipes import Postgres, Valkey
from invest.local.servers import servers_of
from invest.settings import Settings


@pytest.fixture
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServers]:
    """Supervised servers in a folder that PostgreSQL's account can reach, also as root."""
    import shutil
    import tempfile

    folder = Path(tempfile.mkdtemp(prefix="invest-supervised-"))
    folder.chmod(0o755)
    with LocalServers(folder, durable=False, supervised=True) as running_:
        yield running_
    shutil.rmtree(folder, ignore_errors=True)


def kill(recipe: Valkey | Postgres) -> None:
    for pid in servers_of(recipe):
        os.kill(pid, signal.SIGKILL)


async def answers(url: str) -> bool:
    try:
        connection = await asyncpg.connect(url, timeout=2)
    except (OSError, TimeoutError, asyncpg.PostgresError):
        return False
    await connection.close()
    return True


def until(check: object, seconds: float = 60) -> None:
    assert callable(check)
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def redis_answers(url: str) -> bool:
    try:
        with redis.Redis.from_url(url) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False


def test_a_server_that_dies_is_back_under_its_address(servers: LocalServers, capfd: pytest.CaptureFixture[str]) -> None:
    assert servers.redis_url and servers.database_url
    url = servers.database_url
    with redis.Redis.from_url(servers.redis_url) as client:
        client.set("a", "b")
    kill(Valkey(servers.data_dir))
    kill(Postgres(servers.data_dir))
    until(lambda: redis_answers(servers.redis_url or "") and asyncio.run(answers(url)))
    until(lambda: running(servers.data_dir).keys() == {"REDIS_URL", "DATABASE_URL"})
    said = capfd.readouterr().err
    for name in ("valkey", "postgres"):
        assert said.count(f"embedded {name} ended by itself") == 1 and f"embedded {name} is back" in said


def _signal_all(pids: Iterable[int], number: signal.Signals) -> None:
    """Signal PostgreSQL's processes; those that clean up for it come and go."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def test_doctor_looks_at_a_running_platform_and_starts_nothing(
    servers: LocalServers, settings: object, tmp_path: Path
) -> None:
    assert callable(settings)
    beside: Settings = settings(data_dir=servers.data_dir)
    assert held(servers.data_dir)
    found = beside_a_platform(beside)
    assert found is not None and found.redis.url and found.redis.url.get_secret_value() == servers.redis_url
    stopped = servers_of(Postgres(servers.data_dir))
    _signal_all(stopped, signal.SIGSTOP)
    try:
        with pytest.raises(Unreachable, match="its PostgreSQL does not answer"):
            beside_a_platform(beside)
    finally:
        _signal_all(stopped, signal.SIGCONT)
    assert not held(tmp_path) and beside_a_platform(settings(data_dir=tmp_path)) is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs PostgreSQL under an account that others share")
def test_the_shared_accounts_processes_need_a_password(servers: LocalServers) -> None:
    assert servers.database_url and ":" in servers.database_url.split("@")[0].removeprefix("postgresql://")
    bare = "postgresql://invest@/invest?" + servers.database_url.split("?")[1]

    async def connect() -> None:
        await asyncpg.connect(bare)

    with pytest.raises(asyncpg.InvalidPasswordError):
        asyncio.run(connect())
    password = servers.data_dir / "postgres.password"
    assert password.stat().st_mode & 0o077 == 0 and (servers.data_dir / "postgres.json").stat().st_mode & 0o077 == 0
