"""Migrations, limits and lost servers."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any

import pytest
from bench.servers import OwnPostgres

from invest.errors import ConfigError, PoolFull, ServerAway, Unreachable
from invest.settings import Settings
from invest.store import Store, migrate, pending
from invest.store.core import database
from invest.store.core.address import Address
from invest.store.core.database import Connection

Make = Callable[..., Settings]


async def test_six_replicas_migrate_at_once_without_an_error(empty_database_url: str) -> None:
    assert await pending(empty_database_url) == await pending(empty_database_url) != []
    applied = await asyncio.gather(*(migrate(empty_database_url) for _ in range(6)))
    assert sorted(len(names) for names in applied)[:5] == [0] * 5
    assert max(applied, key=len)[0] == "0001_market.sql"
    assert await pending(empty_database_url) == []
    assert await migrate(empty_database_url) == []


async def test_a_migration_that_was_changed_after_it_was_applied_is_noticed(store: Store, database_url: str) -> None:
    await store.database.execute("UPDATE schema_migration SET checksum = 'x' WHERE name = '0002_results.sql'")
    with pytest.raises(ConfigError, match=r"0002_results\.sql was changed after it was applied"):
        await migrate(database_url)


async def test_a_database_ahead_of_this_version_is_left_alone(store: Store, database_url: str) -> None:
    await store.database.execute("INSERT INTO schema_migration (name, checksum) VALUES ('9999_later.sql', 'x')")
    assert await migrate(database_url) == []


async def test_without_a_schema_the_store_says_what_to_run(empty_database_url: str) -> None:
    async with Store.open(empty_database_url) as store:
        with pytest.raises(ConfigError, match="run `invest db migrate`"):
            await store.ready()


async def test_a_server_that_is_not_there_is_told_in_one_line_without_the_password() -> None:
    with pytest.raises(Unreachable) as caught:
        async with Store.open("postgres://u:s3cret@127.0.0.1:1/d"):
            pass
    told = str(caught.value)
    assert told.startswith("PostgreSQL at 127.0.0.1:1/d does not answer")
    assert "\n" not in told
    assert "s3cret" not in told
    with pytest.raises(Unreachable):
        await migrate("postgres://u:s3cret@127.0.0.1:1/d")


async def test_a_database_that_does_not_exist_is_told_too(database_url: str) -> None:
    gone = database_url.replace("/test_", "/gone_", 1)
    with pytest.raises(Unreachable, match="does not exist"):
        async with Store.open(gone):
            pass


async def test_a_full_pool_is_waited_for_and_then_told(database_url: str, settings: Make) -> None:
    small = settings(database={"url": database_url, "pool_max": 1, "acquire_timeout": 0.2})
    async with Store.open(small) as store, store.database.connection():
        with pytest.raises(PoolFull, match=r"no connection within 0\.2 s: all 1 of this process are in use"):
            await store.ready()


async def test_a_pool_that_is_full_because_the_server_is_frozen_is_a_server_away(
    database_url: str, settings: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BESIDE", 0.2)
    small = settings(database={"url": database_url, "pool_max": 1, "acquire_timeout": 0.2})
    silent = socket.create_server(("127.0.0.1", 0))
    port = silent.getsockname()[1]
    async with Store.open(small) as store, store.database.connection():
        monkeypatch.setattr(store.database, "_address", Address(f"postgresql://u@127.0.0.1:{port}/d", "there"))
        with pytest.raises(ServerAway, match="is the server up") as away:
            await store.ready()
    silent.close()
    assert not isinstance(away.value, PoolFull)


async def test_connections_come_back_from_failing_and_cancelled_work(database_url: str, settings: Make) -> None:
    async def fail(connection: Connection) -> None:
        await connection.execute("INSERT INTO ranking VALUES ('x', now(), '{}')")
        raise RuntimeError("the job failed")

    two = settings(database={"url": database_url, "pool_max": 2, "acquire_timeout": 5})
    async with Store.open(two) as store:
        for _ in range(200):
            with pytest.raises(RuntimeError):
                await store.database.run(fail)
        sleepers = [asyncio.create_task(store.database.fetchval("SELECT pg_sleep(30)")) for _ in range(2)]
        while await _sleeping(database_url) < 2:  # noqa: ASYNC110 - another process is waited for
            await asyncio.sleep(0.01)
        for task in sleepers:
            task.cancel()
        assert all(
            isinstance(e, asyncio.CancelledError) for e in await asyncio.gather(*sleepers, return_exceptions=True)
        )
        await asyncio.gather(*(store.ready() for _ in range(20)))
        assert await store.analyses.ranking("x") is None


async def _sleeping(url: str) -> int:
    async with Store.open(url) as other:
        found = await other.database.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(30)' AND state = 'active'"
        )
        return int(found)


async def test_a_statement_that_takes_too_long_is_ended_by_the_server(database_url: str, settings: Make) -> None:
    hurried = settings(database={"url": database_url, "statement_timeout_ms": 100})
    async with Store.open(hurried) as store:
        with pytest.raises(Unreachable, match="took too long"):
            await store.database.fetchval("SELECT pg_sleep(30)")
        await store.ready()


async def test_a_frozen_answer_is_ended_by_the_client(database_url: str, settings: Make) -> None:
    hurried = settings(database={"url": database_url, "command_timeout": 0.2})
    async with Store.open(hurried) as store:
        with pytest.raises(Unreachable, match="took too long"):
            await store.database.fetchval("SELECT pg_sleep(30)")
        await store.ready()


async def test_a_table_altered_under_a_prepared_statement_is_read_again(database_url: str, settings: Make) -> None:
    one = settings(database={"url": database_url, "pool_max": 1})
    async with Store.open(one) as store, Store.open(database_url) as other:

        async def read(connection: Connection) -> int:
            return len(await connection.fetch("SELECT * FROM ranking"))

        assert await store.database.run(read) == 0
        await other.database.execute("ALTER TABLE ranking ADD COLUMN extra text")
        assert await store.database.run(read) == 0
        await other.database.execute("ALTER TABLE ranking DROP COLUMN extra")
        assert await store.database.fetch("SELECT * FROM ranking") == []


async def test_connections_that_the_server_closed_are_replaced(store: Store, database_url: str) -> None:
    await asyncio.gather(*(store.ready() for _ in range(4)))
    async with Store.open(database_url) as other:
        await other.database.fetch(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    await asyncio.gather(*(store.ready() for _ in range(4)))
    assert await store.assets.list() == []


async def test_behind_a_pooler_the_limits_hold_within_each_transaction(database_url: str, settings: Make) -> None:
    pooled = settings(database={"url": database_url, "statement_cache_size": 0, "statement_timeout_ms": 4321})
    async with Store.open(pooled) as store:
        assert await store.database.fetchval("SHOW statement_timeout") == "4321ms"
        async with store.database.connection() as connection:
            assert await connection.fetchval("SHOW statement_timeout") == "0"
        await store.ready()


async def test_an_update_without_rows_counts_none(store: Store) -> None:
    assert await store.database.execute("DELETE FROM asset") == 0
    assert await store.reports.keep("nope") is False


async def test_a_bulk_write_ends_at_once_when_the_server_does() -> None:
    body = b"x" * 1_000_000
    with OwnPostgres() as server:
        async with Store.open(server.url) as store, Store.open(server.url) as watching:

            async def write(connection: Any) -> None:
                await connection.executemany("SELECT pg_sleep(0.05), $1::bytea", [(body,)] * 200)

            async def sending() -> None:
                asked = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%' AND state = 'active'"
                while not await watching.database.fetchval(asked):  # noqa: ASYNC110 - what another session does
                    await asyncio.sleep(0.02)

            writing = asyncio.create_task(store.database.run(write))
            async with asyncio.timeout(30):  # command_timeout is 60 s
                await sending()
                await asyncio.to_thread(server.end_at_once)
                with pytest.raises(Unreachable, match="does not answer"):
                    await writing
                await asyncio.to_thread(server.start_again)
                assert await store.database.fetchval("SELECT 1") == 1, "the pool is whole again"


async def test_a_patient_store_waits_for_a_server_that_restarts() -> None:
    with OwnPostgres() as server:
        async with Store.open(server.url, patience=30) as store:
            await asyncio.to_thread(server.end_at_once)
            asked = [asyncio.create_task(store.database.fetchval("SELECT $1::int", n)) for n in range(6)]
            await asyncio.to_thread(server.start_again)
            assert await asyncio.gather(*asked) == list(range(6))
