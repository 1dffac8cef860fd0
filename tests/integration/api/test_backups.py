"""A backup restored elsewhere is the same, row by row."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import asyncpg
import pytest

from invest.domain.alerts import Alert, AlertKind
from invest.domain.portfolios import Operation, Transaction
from invest.settings import Settings
from invest.store import Store
from tests.integration.api.test_cli import Cli

pytest_plugins = ["tests.integration.api.api_fixtures"]


async def contents(url: str) -> dict[str, str]:
    """A checksum of every table's rows."""
    connection = await asyncpg.connect(url)
    names = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
    found = {}
    for (name,) in names:
        sql = f"SELECT md5(coalesce(string_agg(t::text, chr(10) ORDER BY t::text), '')) FROM \"{name}\" t"
        found[name] = await connection.fetchval(sql)
    await connection.close()
    return found


@pytest.fixture
def invest(platform: Settings, tmp_path: Path) -> Cli:
    """The command line."""
    return Cli(platform, tmp_path)


async def test_a_restored_backup_is_the_same_row_by_row(
    platform: Settings, invest: Cli, empty_database_url: str, tmp_path: Path
) -> None:
    assert platform.database.url is not None
    url = platform.database.url.get_secret_value()
    async with Store.open(platform) as store:
        bought = Transaction(
            date=date(2026, 1, 2), ticker="PETR4", operation=Operation.BUY, quantity=Decimal(3), price=Decimal("31.42")
        )
        made, _ = await store.portfolios.create("Ação", [bought], owner="k")
        await store.keys.create("one", ["admin"])
        await store.audit.append("a", "b", "c", detail={"n": 1})
        alert = Alert(id="a", kind=AlertKind.NEWS, ticker="VALE3", created_at=platform.now(), owner="k")
        await store.alerts.save(alert)
    before = await contents(url)
    file = tmp_path / "all.dump"
    said = (await invest("db", "backup", str(file), "--json")).json()
    assert said["bytes"] == file.stat().st_size > 1000 and file.stat().st_mode & 0o077 == 0
    assert [p.name for p in tmp_path.iterdir() if "dump" in p.name] == ["all.dump"]

    await invest("db", "restore", str(file), DATABASE_URL=empty_database_url)  # an empty one is not asked about
    assert await contents(empty_database_url) == before
    async with Store.open(empty_database_url) as store:
        assert [p[1] for p in await store.portfolios.list(owner="k")] == ["Ação"]

    async with Store.open(platform) as store:
        await store.portfolios.delete(made.id)
        await store.portfolios.create("later")
        busy = await invest("db", "restore", str(file), "--yes", code=1)
        assert "stop them first" in busy.err
    await invest("db", "restore", str(file), code=2)  # nobody is there to be asked
    await invest("db", "restore", str(file), "--yes")
    assert await contents(url) == before


async def test_what_is_no_backup_is_refused_and_changes_nothing(
    platform: Settings, invest: Cli, tmp_path: Path
) -> None:
    assert platform.database.url is not None
    before = await contents(platform.database.url.get_secret_value())
    wrong, half = tmp_path / "wrong", tmp_path / "half"
    wrong.write_bytes(b"SELECT 1")
    await invest("db", "backup", str(half))
    half.write_bytes(half.read_bytes()[: half.stat().st_size // 2])
    for file, code in ((wrong, 2), (tmp_path / "none", 2), (half, 1)):
        await invest("db", "restore", str(file), "--yes", code=code)
    assert await contents(platform.database.url.get_secret_value()) == before
    await invest("db", "backup", str(tmp_path / "nowhere" / "x"), code=2)
