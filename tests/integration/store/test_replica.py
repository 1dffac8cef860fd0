"""A real streaming replica: reads of the API go there, but for those who would miss what was just written."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from invest.local import LocalServers
from invest.local.places import private_folder
from invest.local.recipes import Postgres
from invest.settings import Settings
from invest.store import Store, may_lag, migrate
from invest.store.core.replica import READS

Make = Callable[..., Settings]


class Streaming:
    """A primary and its replica, which can be stopped, started, and kept from replaying."""

    def __init__(self, folder: Path) -> None:
        self._servers = LocalServers.start(folder, redis=False, durable=False)
        self._servers.open()
        self._recipe = Postgres(folder, durable=False)
        assert self._servers.database_url is not None
        self.primary_url = self._servers.database_url
        self._data = self._recipe.directory.with_name("replica")
        self.replica_url = self.primary_url + "&port=5433"
        self._process: subprocess.Popen[bytes] | None = None

    async def copy(self) -> None:
        """Let replicas in, and copy the primary."""
        rules = self._recipe.directory / "pg_hba.conf"
        rules.write_text(rules.read_text() + "local replication all trust\n")
        connection = await asyncpg.connect(self.primary_url)
        await connection.execute("SELECT pg_reload_conf()")
        await connection.close()
        private_folder(self._data, account=self._recipe.account)
        command = [self._recipe._binary("pg_basebackup"), "-D", str(self._data), "-R", "-X", "stream", "-c", "fast"]
        where = ["-h", str(self._recipe.socket_folder), "-U", "invest", "--no-sync"]
        await asyncio.to_thread(self._recipe._run, [*command, *where], self._recipe.directory.parent)

    def start(self) -> None:
        command = [self._recipe._binary("postgres"), "-D", str(self._data), "-p", "5433", "-c", "listen_addresses="]
        options = ["-c", f"unix_socket_directories={self._recipe.socket_folder}", "-c", "fsync=off"]
        account: dict[str, Any] = {}
        if self._recipe.account.uid is not None:
            account = {"user": self._recipe.account.uid, "group": self._recipe.account.gid, "extra_groups": []}
        self._process = subprocess.Popen([*command, *options], stderr=subprocess.DEVNULL, umask=0o077, **account)

    def stop(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(30)
            self._process = None

    def close(self) -> None:
        self.stop()
        self._servers.close()


@asynccontextmanager
async def lagging() -> AsyncIterator[None]:
    token = may_lag.set(True)
    try:
        yield
    finally:
        may_lag.reset(token)


async def eventually(test: Callable[[], Any], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not test():
        assert time.monotonic() < deadline, "it did not become true in time"
        await asyncio.sleep(0.05)


IN_RECOVERY = "SELECT pg_is_in_recovery()"


async def test_reads_that_may_lag_go_to_a_replica_that_is_near_enough(server_folder: Path, settings: Make) -> None:
    folder = server_folder / "streaming"
    folder.mkdir(mode=0o755)
    servers = Streaming(folder)
    try:
        await servers.copy()
        servers.start()
        given = {"url": servers.primary_url, "replica_url": servers.replica_url, "replica_lag": 3.0}
        known = settings(database=given)
        await migrate(known)
        async with Store.open(known, replica=True) as store:
            replica = store.database.replica  # type: ignore[attr-defined] # there is one
            await eventually(lambda: replica.usable)
            assert await store.database.fetchval(IN_RECOVERY) is False, "whoever does not say so reads the primary"
            async with lagging():
                assert await store.database.fetchval(IN_RECOVERY) is True
                assert await store.database.fetchrow(IN_RECOVERY) == (True,)
                assert (await store.database.fetch(IN_RECOVERY))[0][0] is True
                await _nothing_new_is_missed(store, servers)
                await _falls_back(store, servers, replica)
    finally:
        servers.close()


async def _nothing_new_is_missed(store: Store, servers: Streaming) -> None:
    """While the replica stands still, what is not there yet is found in the primary."""
    direct = await asyncpg.connect(servers.replica_url)
    await direct.execute("SELECT pg_wal_replay_pause()")
    await store.database.execute("CREATE TABLE made_now AS SELECT 7 AS n")
    assert await store.database.fetchval("SELECT n FROM made_now") == 7
    await direct.execute("SELECT pg_wal_replay_resume()")
    await direct.close()


async def _falls_back(store: Store, servers: Streaming, replica: Any) -> None:
    direct = await asyncpg.connect(servers.replica_url)
    await direct.execute("SELECT pg_wal_replay_pause()")
    await store.database.execute("INSERT INTO made_now VALUES (8)")
    await eventually(lambda: not replica.usable)
    assert await store.database.fetchval("SELECT max(n) FROM made_now") == 8, "one that lags too far is not read"
    await direct.execute("SELECT pg_wal_replay_resume()")
    await direct.close()
    await eventually(lambda: replica.usable)
    servers.stop()
    assert await store.database.fetchval(IN_RECOVERY) is False, "one that is away is not missed"
    assert not replica.usable
    servers.start()
    await eventually(lambda: replica.usable)
    assert await store.database.fetchval(IN_RECOVERY) is True


async def test_a_replica_that_is_not_there_hinders_nobody(database_url: str, settings: Make) -> None:
    gone = "postgresql://nobody@127.0.0.1:1/none"
    known = settings(database={"url": database_url, "replica_url": gone})
    async with Store.open(known, replica=True) as store, lagging():
        assert await store.database.fetchval(IN_RECOVERY) is False


@pytest.mark.parametrize(
    ("sql", "reads"),
    [
        ("SELECT 1", True),
        ("\n  with a as (select 1) select * from a", True),
        ("INSERT INTO a VALUES (1) RETURNING 1", False),
        ("WITH gone AS (DELETE FROM a RETURNING 1) SELECT count(*) FROM gone", False),
        ("SELECT nextval('a')", False),
        ("SELECT * FROM a FOR UPDATE", False),
    ],
)
def test_only_what_reads_may_go_to_a_replica(sql: str, reads: bool) -> None:
    assert (READS.match(sql) is not None) is reads
