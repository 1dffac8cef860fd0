"""The Procfile's own lines as a platform runs them: TLS Redis, 20 connections, a disk that takes nothing."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import ssl
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import asyncpg
import orjson
import pytest
import redis
import trustme
from bench.servers import OwnValkey

from invest.cli.platform.platform import World, answer_of, free_port, start_sandbox
from invest.cli.platform.supervise import family
from invest.settings import Settings
from invest.store import Store

ROOT = Path(__file__).parents[2]
LIMIT = 20  # connections of a small plan
EXIT_LIMIT = 25.0  # seconds from SIGTERM to the end
PASSWORD = "p@ss"
ROLE = "paas"
NOWHERE = "/proc/version/data"  # below a file: nobody can make it, root neither
OUR_PREFIX = "exec env PYTHONPATH=src "


def procfile() -> dict[str, str]:
    """Process types and their commands."""
    lines = (ROOT / "Procfile").read_text("utf-8").splitlines()
    pairs = (line.partition(":") for line in lines if line.strip())
    return {name: command.strip() for name, _, command in pairs}


def checkout(folder: Path) -> Path:
    """What a platform deploys, without write permission anywhere."""
    copy = folder / "app"
    shutil.copytree(ROOT / "src", copy / "src", ignore=shutil.ignore_patterns("*.egg-info"))
    shutil.copy2(ROOT / "settings.toml", copy)
    for path in (*copy.rglob("*"), copy):
        path.chmod(path.stat().st_mode & 0o555)
    return copy


@asynccontextmanager
async def tls_redis() -> AsyncIterator[str]:
    """The rediss:// URL of a Valkey behind a self-signed chain and a password."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("redis.example.org").configure_cert(context)
    tasks: set[asyncio.Task[None]] = set()

    async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, ssl.SSLError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.close()

    with OwnValkey() as server:
        with redis.Redis(unix_socket_path=str(server.socket)) as client:
            client.config_set("requirepass", PASSWORD)

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            inner_reader, inner_writer = await asyncio.open_unix_connection(str(server.socket))
            for way in (pipe(reader, inner_writer), pipe(inner_reader, writer)):
                task = asyncio.create_task(way)
                tasks.add(task)
                task.add_done_callback(tasks.discard)

        listener = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
        port = listener.sockets[0].getsockname()[1]
        try:
            yield f"rediss://:{quote(PASSWORD, safe='')}@127.0.0.1:{port}/0"
        finally:
            listener.close()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def limited_role(admin_url: str) -> AsyncIterator[tuple[str, asyncpg.Connection]]:
    """The postgres:// URL of a role that must give its password and has 20 connections; and a connection to watch."""
    database = admin_url.rsplit("?", 1)[0].rsplit("/", 1)[1]
    watch = await asyncpg.connect(admin_url)
    try:
        await watch.execute(f"CREATE ROLE {ROLE} LOGIN PASSWORD '{PASSWORD}' CONNECTION LIMIT {LIMIT}")
        await watch.execute(f"ALTER DATABASE {database} OWNER TO {ROLE}")
        rules = Path(await watch.fetchval("SHOW hba_file"))
        before = rules.read_text("utf-8")
        rules.write_text(f"local all {ROLE} scram-sha-256\n{before}", "utf-8")
        await watch.execute("SELECT pg_reload_conf()")
        try:
            head, socket = admin_url.split("@", 1)
            assert head.startswith("postgresql://")
            yield f"postgres://{ROLE}:{quote(PASSWORD, safe='')}@{socket}", watch
        finally:
            rules.write_text(before, "utf-8")
            await watch.execute("SELECT pg_reload_conf()")
            await watch.execute(f"ALTER DATABASE {database} OWNER TO CURRENT_USER")
            await watch.execute(f"DROP OWNED BY {ROLE} CASCADE")
            await watch.execute(f"DROP ROLE {ROLE}")
    finally:
        await watch.close()


@dataclass
class Line:
    """One running line of the Procfile, in a process group of its own."""

    name: str
    process: asyncio.subprocess.Process
    out: Path
    err: Path

    def signal_group(self, number: signal.Signals) -> None:
        """To every process of the group, as platforms send it."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)

    def group_is_gone(self) -> bool:
        """Whether nothing of the group is left."""
        try:
            os.killpg(self.process.pid, 0)
        except ProcessLookupError:
            return True
        return False


async def start_line(name: str, command: str, env: dict[str, str], cwd: Path, folder: Path) -> Line:
    """Through a shell, with stdout and stderr kept apart."""
    out, err = folder / f"{name}.out", folder / f"{name}.err"
    with out.open("wb") as stdout, err.open("wb") as stderr:
        process = await asyncio.create_subprocess_exec(
            *("sh", "-c", command), env=env, cwd=cwd, stdout=stdout, stderr=stderr, start_new_session=True
        )
    return Line(name, process, out, err)


def environment(redis_url: str, database_url: str, port: int, world: World) -> dict[str, str]:
    """What the platform sets, and nothing of this machine's own settings."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("INVEST_", "PYTEST", "PG", "PYTHON"))}
    return {
        **kept,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PORT": str(port),
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "INVEST_REDIS__SSL_CERT_REQS": "none",
        "INVEST_DATABASE__POOL_MAX": "4",
        "INVEST_DATA_DIR": NOWHERE,
        "INVEST_SANDBOX_URL": world.url,
        "INVEST_AS_OF": world.as_of.isoformat(),
    }


async def most_connections(watch: asyncpg.Connection, stop: asyncio.Event) -> int:
    """The largest number of connections the role held at once."""
    most = 0
    while not stop.is_set():
        most = max(most, await watch.fetchval("SELECT count(*) FROM pg_stat_activity WHERE usename = $1", ROLE))
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), 0.1)
    return most


async def run_task(session: aiohttp.ClientSession, path: str, **request: Any) -> Any:
    """Post, wait, expect success; the result."""
    async with session.post(path, **request) as response:
        assert response.status == 202, await response.text()
        location = response.headers["Location"]
    async with asyncio.timeout(60):
        while True:
            async with session.get(location, params={"wait": "20"}) as response:
                status = await response.json()
            if status["state"] in {"SUCCESS", "FAILURE", "REVOKED"}:
                assert status["state"] == "SUCCESS", status
                return status["result"]


async def end_twice(lines: list[Line]) -> None:
    """SIGTERM to every process of every group, and again."""
    async with asyncio.timeout(EXIT_LIMIT):
        for _ in range(2):
            for line in lines:
                line.signal_group(signal.SIGTERM)
            await asyncio.sleep(0.3)  # apart, as two signals at once count as one
        await asyncio.gather(*(line.process.wait() for line in lines))


@pytest.mark.slow
async def test_the_procfile_runs_as_a_platform_runs_it(
    empty_database_url: str, settings: Callable[..., Settings], tmp_path: Path
) -> None:
    commands, app, port = procfile(), checkout(tmp_path), free_port()
    deployed = sorted(app.rglob("*"))
    lines: list[Line] = []
    stop = asyncio.Event()
    async with (
        family({}, tmp_path / "sandbox.log") as members,
        limited_role(empty_database_url) as (database_url, watch),
        tls_redis() as redis_url,
    ):
        world = await start_sandbox(members, assets=20, bars=None)
        env = environment(redis_url, database_url, port, world)
        counting = asyncio.create_task(most_connections(watch, stop))
        try:
            release = await start_line("release", commands["release"], env, app, tmp_path)
            lines.append(release)
            assert await asyncio.wait_for(release.process.wait(), 40) == 0, release.err.read_text()
            lines.append(await start_line("web", commands["web"], env, app, tmp_path))
            lines.append(await start_line("worker", commands["worker"], env, app, tmp_path))
            url = f"http://127.0.0.1:{port}"
            await answer_of(f"{url}/readyz")
            async with Store.open(settings(database={"url": database_url, "pool_max": 1})) as store:
                key, _ = await store.keys.create("test", ["write"])
            async with aiohttp.ClientSession(url, headers={"Authorization": f"Bearer {key}"}) as session:
                collected = await run_task(session, "/api/v1/assets/async/batch-collect", json=["PETR4"])
                assert collected["success_count"] == 1, collected
                analysis = await run_task(session, "/api/v1/analysis/async/analyze", params={"ticker": "PETR4"})
                assert analysis["ticker"] == "PETR4"
            await end_twice(lines[1:])
        finally:
            for line in lines:
                line.signal_group(signal.SIGKILL)
                await line.process.wait()
            stop.set()
            most = await counting
    for line in lines:
        said = line.out.read_text() + line.err.read_text()
        assert line.process.returncode == 0, f"{line.name}: {said[-3000:]}"
        assert line.group_is_gone()
        assert PASSWORD not in said and quote(PASSWORD, safe="") not in said
    for line in lines[1:]:
        records = [orjson.loads(text) for text in line.out.read_text().splitlines()]
        assert records and all(isinstance(r, dict) and r["event"] for r in records)
        assert line.err.read_text() == ""
    assert 1 <= most <= LIMIT, most
    assert sorted(app.rglob("*")) == deployed, "a deployed tree is never written to"
