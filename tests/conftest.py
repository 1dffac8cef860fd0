"""Fixtures of all tests: a real Valkey and PostgreSQL per test process, a fresh keyspace and database per test."""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import hypothesis
import pytest
import redis

from invest import settings as settings_module
from invest.local import LocalServers
from invest.settings import Settings
from tests.builders.redis_users import owner_of

ROOT = Path(__file__).parents[1]
# With INVEST_TEST_PREFIX=name settings that name a Redis alone are those of a user who may touch that prefix alone.
PREFIX = os.environ.get("INVEST_TEST_PREFIX", "")
TEMPLATE = "invest_template"
# A database is copied for each test, and removed after it: in memory that takes half the time it takes on a disk.
MEMORY = Path("/dev/shm")
ROOM = 6_000_000_000  # bytes free there: containers often have 64 MB
_numbers = itertools.count(1)

# How fast a machine makes examples says nothing of what they are tried on.
hypothesis.settings.register_profile(
    "any-machine", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("any-machine")


@pytest.fixture(scope="session")
def server_folder() -> Iterator[Path]:
    """A folder for this test process's servers that PostgreSQL's account can reach, also as root."""
    roomy = os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM
    folder = Path(tempfile.mkdtemp(prefix="invest-tests-", dir=MEMORY if roomy else None))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def redis_server(server_folder: Path) -> Iterator[str]:
    """The URL of a Valkey without persistence, one per test process."""
    with LocalServers.start(server_folder, postgres=False, durable=False) as servers:
        assert servers.redis_url
        yield servers.redis_url


@pytest.fixture(scope="session")
def postgres_server(server_folder: Path) -> Iterator[str]:
    """The URL of a PostgreSQL without fsync, one per test process."""
    with LocalServers.start(server_folder, redis=False, durable=False) as servers:
        assert servers.database_url
        yield servers.database_url


@pytest.fixture
def redis_url(redis_server: str) -> str:
    """A Valkey whose keyspace is empty."""
    with redis.Redis.from_url(redis_server) as client:
        client.flushall()
    return redis_server


@asynccontextmanager
async def _admin(server: str) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(server)
    try:
        yield connection
    finally:
        await connection.close()


def _named(server: str, database: str) -> str:
    head, tail = server.rsplit("/invest?", 1)
    return f"{head}/{database}?{tail}"


@asynccontextmanager
async def _fresh(server: str, template: str) -> AsyncIterator[str]:
    name = f"test_{next(_numbers)}"
    async with _admin(server) as connection:
        await connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
    yield _named(server, name)
    async with _admin(server) as connection:
        await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def empty_database_url(postgres_server: str) -> AsyncIterator[str]:
    """A fresh database without any table."""
    async with _fresh(postgres_server, "template0") as url:
        yield url


@pytest.fixture
async def database_url(postgres_server: str) -> AsyncIterator[str]:
    """A fresh database with all migrations applied (copied from a template that is migrated once)."""
    from invest.store.core.schema import migrate

    async with _admin(postgres_server) as connection:
        missing = await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", TEMPLATE) is None
        if missing:
            await connection.execute(f"CREATE DATABASE {TEMPLATE} TEMPLATE template0 STRATEGY file_copy")
    if missing:
        await migrate(_named(postgres_server, TEMPLATE))
    async with _fresh(postgres_server, TEMPLATE) as url:
        yield url


@pytest.fixture
def samples() -> Path:
    """The folder of recorded upstream payloads, beside the repository or at INVEST_SAMPLES."""
    folder = Path(os.environ.get("INVEST_SAMPLES") or ROOT.parent / "shared" / "samples")
    if not folder.is_dir():
        pytest.skip(f"no recorded payloads at {folder} (set INVEST_SAMPLES to their folder)")
    return folder


@pytest.fixture
def cases() -> Path:
    """The folder of inputs that once failed, beside the repository or at INVEST_CASES."""
    folder = Path(os.environ.get("INVEST_CASES") or ROOT.parent / "shared" / "cases")
    if not folder.is_dir():
        pytest.skip(f"no cases at {folder} (set INVEST_CASES to their folder)")
    return folder


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Settings]:
    """Makes settings from settings.toml and the given overrides alone: ``settings(redis={"url": redis_url})``."""
    for name in [n for n in os.environ if n.startswith("INVEST_") and n not in ("INVEST_SAMPLES", "INVEST_CASES")]:
        monkeypatch.delenv(name)
    for name, _ in settings_module.WELL_KNOWN:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("INVEST_SETTINGS", str(ROOT / "settings.toml"))

    def make(**overrides: Any) -> Settings:
        if PREFIX and (given := overrides.get("redis", {})).keys() == {"url"}:
            overrides["redis"] = {"url": owner_of(given["url"], PREFIX), "prefix": PREFIX}
            monkeypatch.setenv("INVEST_REDIS__PREFIX", PREFIX)  # for processes that a test starts
        return settings_module.load(**{"data_dir": tmp_path / "data", "_env_file": None, **overrides})

    return make
