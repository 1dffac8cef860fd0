"""Backups of PostgreSQL: a dump of everything in one file, and back. By PostgreSQL's own programs."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit
from uuid import uuid4

import asyncpg

from invest.errors import ConfigError, InvestError, Unreachable
from invest.settings import Settings

MAGIC = b"PGDMP"
OURS = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'invest'"
TABLES = "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'"


async def backup(settings: Settings, path: Path) -> int:
    """Write a dump that this account alone can read; its bytes. The file appears whole or not at all.

    Raises `Unreachable`, `ConfigError` without a program that fits, or `InvestError` with what it said.
    """
    url = _url(settings)
    program = _program("pg_dump", await _ask(url, "SHOW server_version_num"))
    partial = path.with_name(f".{path.name}.{uuid4().hex[:8]}")
    try:
        os.close(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        await asyncio.to_thread(_run, [program, "--format=custom", "--no-owner", f"--file={partial}"], url)
        partial.replace(path)
    except OSError as error:
        raise ConfigError(f"cannot write {path}: {error.strerror or error}") from None
    finally:
        partial.unlink(missing_ok=True)
    return await asyncio.to_thread(os.path.getsize, path)


async def is_empty(settings: Settings) -> bool:
    """Whether the database holds nothing yet."""
    return int(await _ask(_url(settings), TABLES)) == 0


async def restore(settings: Settings, path: Path) -> None:
    """Put a dump in the place of everything in the database: all of it, or nothing on an error.

    Raises `ConfigError` for a file that is no dump, `InvestError` while web or workers are connected.
    """
    try:
        with path.open("rb") as file:
            if file.read(len(MAGIC)) != MAGIC:
                raise ConfigError(f"{path} is no backup: make one with `invest db backup`")
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror or error}") from None
    url = _url(settings)
    if busy := int(await _ask(url, OURS)):
        raise InvestError(
            f"{busy} connections of web or workers are open: stop them first (`invest run`, `invest web`)"
        )
    program = _program("pg_restore", await _ask(url, "SHOW server_version_num"))
    how = ["--clean", "--if-exists", "--no-owner", "--single-transaction", "--exit-on-error"]
    await asyncio.to_thread(_run, [program, *how, "--dbname=", str(path)], url)


def _url(settings: Settings) -> str:
    if settings.database.url is None:
        raise ConfigError("DATABASE_URL is not set: start with `invest run`, or name a server (postgresql://…)")
    return settings.database.url.get_secret_value()


async def _ask(url: str, sql: str) -> str:
    try:
        connection = await asyncpg.connect(url, timeout=10, server_settings={"application_name": "invest-backup"})
    except (OSError, TimeoutError, asyncpg.PostgresError) as error:
        raise Unreachable(f"PostgreSQL does not answer: {error or type(error).__name__}; check DATABASE_URL") from None
    try:
        return str(await connection.fetchval(sql))
    finally:
        await connection.close()


def _program(name: str, server_version: str) -> str:
    """The path of a program at least as new as the server: an older one refuses to work."""
    wanted = int(server_version) // 10_000
    found = {path: version for path in _candidates(name) if (version := _major(path)) is not None}
    for path, version in found.items():
        if version >= wanted:
            return path
    there = f"found {', '.join(map(str, found.values()))}" if found else "none was found"
    raise ConfigError(f"no {name} of PostgreSQL {wanted} or newer ({there}): install PostgreSQL's client programs")


def _candidates(name: str) -> Sequence[str]:
    """Those on the PATH first, then the embedded server's own."""
    from invest.local import own_program

    found = [shutil.which(name), own_program(name)]
    return [path for path in found if path]


def _major(path: str) -> int | None:
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        asked = [path, "--version"]  # a program found by its name
        version = subprocess.run(asked, capture_output=True, text=True, check=True, timeout=20).stdout  # noqa: S603 - above
        if match := re.search(r"\) (\d+)", version):
            return int(match[1])
    return None


def _run(command: Sequence[str], url: str) -> None:
    """Run a program on a database. The password goes by the environment: arguments are for everybody to read."""
    bare, password = _without_password(url)
    placed = [f"--dbname={bare}" if part == "--dbname=" else part for part in command]
    if placed == list(command):
        placed.append(f"--dbname={bare}")
    environment = {**os.environ, **password}
    done = subprocess.run(placed, capture_output=True, text=True, check=False, env=environment)  # noqa: S603 - no shell
    if done.returncode:
        lines = [line for line in done.stderr.strip().splitlines() if line.strip()]
        raise InvestError(f"{Path(command[0]).name} failed: {lines[0][:500] if lines else done.returncode}")


def _without_password(url: str) -> tuple[str, Mapping[str, str]]:
    parts = urlsplit(url)
    if parts.password is None:
        return url, {}
    place = parts.netloc.rpartition("@")[2]
    netloc = f"{parts.username or ''}@{place}"
    return urlunsplit(parts._replace(netloc=netloc)), {"PGPASSWORD": unquote(parts.password)}
