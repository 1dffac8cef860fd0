"""The embedded servers, with real processes: what is started ends, what was stored stays."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import redis

from invest.errors import ConfigError, Unreachable
from invest.local import LocalServers, ensure, running
from invest.local.recipes import Postgres, Valkey
from invest.settings import Settings

OWNER = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # also where the shell ignores it, as under nohup
import sys, time
from pathlib import Path
from invest.local import LocalServers
with LocalServers.start(Path(sys.argv[1]), durable=False) as servers:
    print(servers.redis_url, servers.database_url, flush=True)
    time.sleep(120)
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A data folder that PostgreSQL's account can reach."""
    parent = Path(tempfile.mkdtemp(prefix="invest-local-"))
    parent.chmod(0o755)
    yield parent / "data"
    shutil.rmtree(parent, ignore_errors=True)


@contextlib.contextmanager
def owner(folder: Path) -> Iterator[tuple[subprocess.Popen[str], str, str]]:
    """Another process that started the servers of `folder`, and their URLs."""
    with subprocess.Popen([sys.executable, "-c", OWNER, str(folder)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            redis_url, database_url = process.stdout.readline().split()
            yield process, redis_url, database_url
        finally:
            process.kill()


def working_in(folder: Path) -> list[int]:
    """Ids of processes whose working directory is inside `folder`: the servers and what they forked."""
    if not sys.platform.startswith("linux"):
        pytest.skip("reads /proc")
    found = []
    for process in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if process.name.isdigit() and (process / "cwd").readlink().is_relative_to(folder):
                found.append(int(process.name))
    return found


def children(pid: int) -> list[int]:
    """Ids of the direct children of a process."""
    return [int(c) for c in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def wait_until(condition: Callable[[], Any], seconds: float = 20) -> None:
    """Poll until `condition` holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.05)


async def test_both_servers_take_work_and_a_restart_keeps_what_was_stored(folder: Path) -> None:
    async with LocalServers.start(folder) as servers:
        assert servers.redis_url and servers.database_url
        with redis.Redis.from_url(servers.redis_url) as client:
            client.set("kept", "yes")
        connection = await asyncpg.connect(servers.database_url)
        await connection.execute("CREATE TABLE kept (word text); INSERT INTO kept VALUES ('yes')")
        await connection.close()
    assert not working_in(folder)
    async with LocalServers.start(folder) as servers:
        assert servers.redis_url and servers.database_url
        with redis.Redis.from_url(servers.redis_url) as client:
            assert client.get("kept") == b"yes"
        connection = await asyncpg.connect(servers.database_url)
        assert await connection.fetchval("SELECT word FROM kept") == "yes"
        await connection.close()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_nothing_outlives_an_owner_ended_by_a_signal(folder: Path, number: signal.Signals) -> None:
    with owner(folder) as (process, _, _):
        assert len(working_in(folder)) >= 2
        process.send_signal(number)
        process.wait(20)
        wait_until(lambda: not working_in(folder))
    wait_until(lambda: not list(folder.glob("*.json")))


def test_killed_with_their_keepers_the_servers_end_and_the_next_start_recovers(folder: Path) -> None:
    with owner(folder) as (process, redis_url, _):
        with redis.Redis.from_url(redis_url) as client:
            client.set("x", 1)
        assert len(working_in(folder)) >= 2
        keepers = children(process.pid)
        for pid in (process.pid, *keepers):
            os.kill(pid, signal.SIGKILL)
        process.wait(20)
        wait_until(lambda: not any(Path(f"/proc/{pid}/cwd").exists() for pid in keepers))
        with LocalServers.start(folder, durable=False) as servers:
            assert servers.redis_url == redis_url
            with redis.Redis.from_url(redis_url) as client:
                assert client.ping()


def test_servers_killed_under_their_owner_leave_files_the_next_start_mends(folder: Path) -> None:
    with owner(folder) as (process, _, _):
        for server in working_in(folder):
            with contextlib.suppress(ProcessLookupError):
                os.kill(server, signal.SIGKILL)
        process.kill()
        process.wait(20)
    with LocalServers.start(folder, durable=False) as servers:
        assert servers.redis_url and servers.database_url


def test_a_pid_file_of_a_process_that_is_something_else_is_removed_and_that_process_left_alone(folder: Path) -> None:
    with LocalServers.start(folder, redis=False, durable=False):
        recipe = Postgres(folder)
        content = recipe.pid_file.read_text()
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(120)"]) as bystander:
        recipe.pid_file.write_text("\n".join([str(bystander.pid), *content.splitlines()[1:]]) + "\n")
        with LocalServers.start(folder, redis=False, durable=False) as servers:
            assert servers.database_url
        assert bystander.poll() is None
        bystander.kill()


def test_a_second_process_attaches_and_never_stops_what_it_did_not_start(folder: Path) -> None:
    with owner(folder) as (_, redis_url, database_url):
        before = set(working_in(folder))
        with LocalServers.start(folder) as second:
            assert (second.redis_url, second.database_url) == (redis_url, database_url)
        with redis.Redis.from_url(redis_url) as client:
            assert client.ping()
        assert len(before & set(working_in(folder))) >= 2


def test_a_data_folder_deeper_than_a_socket_path_may_be_works(folder: Path) -> None:
    deep = folder / ("a" * 100) / ("b" * 100)
    with LocalServers.start(deep, durable=False) as servers:
        assert servers.redis_url
        with redis.Redis.from_url(servers.redis_url) as client:
            assert client.ping()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root must hand PostgreSQL to another account")
def test_root_with_a_private_data_folder_keeps_the_cluster_where_nobody_can_reach_it(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder.mkdir()
    folder.chmod(0o700)
    recipe = Postgres(folder)
    assert not recipe.directory.is_relative_to(folder)
    try:
        with LocalServers.start(folder, redis=False, durable=False) as servers:
            assert servers.database_url
            owners = [owner for pid in working_in(recipe.directory) if (owner := _owner_of(pid)) is not None]
            assert owners and 0 not in owners
        assert str(recipe.directory) in capsys.readouterr().err
    finally:
        shutil.rmtree(recipe.directory.parent)


def _owner_of(pid: int) -> int | None:
    """Whose process it is; None where it ended meanwhile, as those that clean up do."""
    try:
        return Path(f"/proc/{pid}").stat().st_uid
    except FileNotFoundError:
        return None


def test_an_unwritable_data_folder_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(ConfigError, match=r"cannot write to the data folder .*file/data: .*set INVEST_DATA_DIR"):
        LocalServers.start(tmp_path / "file" / "data").open()


def test_a_cluster_of_another_version_is_refused_and_left_as_it_was(folder: Path) -> None:
    with LocalServers.start(folder, redis=False, durable=False):
        directory = Postgres(folder).directory
    (directory / "PG_VERSION").write_text("12\n")
    with pytest.raises(ConfigError, match=r"PostgreSQL 12, this is 18"):
        LocalServers.start(folder, redis=False).open()
    assert (directory / "base").is_dir()


def test_a_server_that_cannot_start_says_why_and_leaves_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command = Valkey.command
    monkeypatch.setattr(Valkey, "command", lambda self: [*command(self), "--no-such-option", "1"])
    with pytest.raises(Unreachable, match="embedded valkey did not start"):
        LocalServers.start(folder, postgres=False).open()
    assert not working_in(folder)


def test_the_addresses_of_running_servers_are_told_to_programs_beside_them(folder: Path) -> None:
    assert running(folder) == {}
    with owner(folder) as (_, redis_url, database_url):
        assert running(folder) == {"REDIS_URL": redis_url, "DATABASE_URL": database_url}


def test_servers_named_in_the_settings_are_used_and_nothing_is_started(
    settings: Callable[..., Settings], redis_server: str, postgres_server: str
) -> None:
    given = settings(redis={"url": redis_server}, database={"url": postgres_server})
    with ensure(given) as got:
        assert got is given
    assert not given.data_dir.exists()


def test_only_what_is_missing_is_started(settings: Callable[..., Settings], postgres_server: str, folder: Path) -> None:
    with ensure(settings(database={"url": postgres_server}, data_dir=folder)) as got:
        assert got.redis.url and got.redis.url.get_secret_value().startswith("unix://")
        assert got.database.url and got.database.url.get_secret_value() == postgres_server
        assert not (folder / "postgres").exists()
