"""Start the embedded servers of a data folder, or attach to those another process started there."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from pydantic import SecretStr

from invest.errors import InvestError, Unreachable
from invest.local import keeper
from invest.local.places import data_folder, private_opener, write_private
from invest.local.recipes import Postgres, Recipe, Valkey, environment
from invest.processes import pause_after
from invest.settings import Settings

LOOK_EVERY = 0.5  # seconds between looks at supervised servers
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0  # seconds before a server that ended is started again
START_TIMEOUT = 120.0  # seconds; recovery after a crash of a large database included
LOG_LIMIT = 1_000_000  # bytes of a server's log kept over a restart


@dataclass
class Hold:
    """One server of a data folder: ours (`keeper` is set) or another process's."""

    recipe: Recipe
    folder: Path
    keeper: subprocess.Popen[bytes] | None = None
    ours: bool = False

    @property
    def _run_file(self) -> Path:
        return self.folder / f"{self.recipe.name}.json"

    @property
    def ended(self) -> bool:
        """Whether our server ended without being asked to, or was never started again."""
        return self.ours and (self.keeper is None or self.keeper.poll() is not None)

    @property
    def log(self) -> Path:
        """The server's log."""
        return self.folder / f"{self.recipe.name}.log"

    def open(self) -> str:
        """The server's URL, once it takes work. Raises `ConfigError` or `Unreachable`."""
        deadline = time.monotonic() + START_TIMEOUT
        with open(self.folder / f"{self.recipe.name}.lock", "ab", opener=private_opener) as lock:
            while True:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    if url := self.attach():
                        return url
                    if time.monotonic() > deadline:
                        raise Unreachable(
                            f"another process holds {self.folder} but its {self.recipe.name} doesn't answer: "
                            f"end it, or set INVEST_DATA_DIR to another folder"
                        ) from None
                    time.sleep(0.05)
                else:
                    return self._start(lock.fileno(), deadline)

    def attach(self) -> str | None:
        """The URL of a running server; None while it starts, or when its owner is gone and it is about to end."""
        with contextlib.suppress(OSError, ValueError):
            run = json.loads(self._run_file.read_bytes())
            os.kill(run["owner"], 0)
            if self.recipe.ready():
                return str(run["url"])
        return None

    def _start(self, lock: int, deadline: float) -> str:
        self.ours = True
        self._run_file.unlink(missing_ok=True)
        end_orphan(self.recipe)
        try:
            self.recipe.prepare()
            if self.log.exists() and self.log.stat().st_size > LOG_LIMIT:
                self.log.unlink()
            self._spawn(lock)
            self._wait(deadline)
        except BaseException:
            self.close()
            raise
        draft = self._run_file.with_suffix(".new")
        write_private(draft, json.dumps({"owner": os.getpid(), "url": self.recipe.url()}))
        draft.replace(self._run_file)
        return self.recipe.url()

    def _spawn(self, lock: int) -> None:
        job = {
            "command": self.recipe.command(),
            "stop": int(self.recipe.stop),
            "log": str(self.log),
            "directory": str(self.recipe.directory),
            "uid": self.recipe.account.uid,
            "gid": self.recipe.account.gid,
            "clean": [str(self._run_file), *self.recipe.leftovers()],
        }
        with open(self.log, "ab", opener=private_opener) as log:
            self.keeper = subprocess.Popen(  # noqa: S603 - this package's own script
                [sys.executable, "-I", "-S", keeper.__file__],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=log,
                pass_fds=(lock,),
                start_new_session=True,
                env=environment(),
            )
        assert self.keeper.stdin is not None
        self.keeper.stdin.write(json.dumps(job).encode() + b"\n")
        self.keeper.stdin.flush()

    def _wait(self, deadline: float) -> None:
        assert self.keeper is not None
        while not self.recipe.ready():
            if self.keeper.poll() is not None or time.monotonic() > deadline:
                raise Unreachable(f"embedded {self.recipe.name} did not start: {last_line(self.log)} ({self.log})")
            time.sleep(0.01)

    def close(self) -> None:
        """Stop what this process started, and wait until it is gone; leave others' servers alone."""
        if self.keeper is None:
            return
        with contextlib.suppress(OSError):
            if self.keeper.stdin:
                self.keeper.stdin.close()
        try:
            self.keeper.wait(keeper.PATIENCE + 10)
        except subprocess.TimeoutExpired:
            self.keeper.kill()
            self.keeper.wait()
        self.keeper = None


def end_orphan(recipe: Recipe) -> None:
    """End a server whose keeper was killed, and wait until it is gone: on its way out it removes its socket.

    Called with the lock held, so no living keeper has it. A stale pid file of somebody else's process is removed, as
    PostgreSQL would refuse to start over it; that process is left alone.
    """
    for number in (recipe.stop, signal.SIGKILL):
        deadline = time.monotonic() + 10
        while (orphans := servers_of(recipe)) and time.monotonic() < deadline:
            for pid in orphans:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)
            time.sleep(0.05)
    recipe.pid_file.unlink(missing_ok=True)


def servers_of(recipe: Recipe) -> list[int]:
    """Ids of the server's processes: those that work in its directory; elsewhere than on Linux the one in its pid file.

    The pid file alone is not enough: a server removes it before it ends, and the id may belong to anybody by then.
    """
    directory = recipe.directory.resolve()
    if sys.platform.startswith("linux"):
        return [int(p.name) for p in Path("/proc").iterdir() if p.name.isdigit() and _works_in(p, directory)]
    try:
        pid = int(recipe.pid_file.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return []
    ask = ["ps", "-o", "command=", "-p", str(pid)]
    done = subprocess.run(ask, capture_output=True, text=True, check=False)  # noqa: S603 - a number and constants
    return [pid] if str(directory) in done.stdout else []


def _works_in(process: Path, directory: Path) -> bool:
    try:
        return (process / "cwd").readlink() == directory
    except OSError:
        return False


def last_line(log: Path) -> str:
    """The last line of a server's log, for an error message."""
    try:
        lines = log.read_text(errors="replace").strip().splitlines()
    except OSError:
        return "it left no log"
    return lines[-1][:300] if lines else "it said nothing"


@dataclass
class LocalServers:
    """The embedded servers of one data folder, as a context manager (``with`` or ``async with``)."""

    data_dir: Path
    redis: bool = True
    postgres: bool = True
    durable: bool = True
    supervised: bool = False  # whether a server that ends by itself is started again
    redis_url: str | None = None
    database_url: str | None = None
    _holds: list[Hold] = field(default_factory=list)
    _closing: threading.Event = field(default_factory=threading.Event)
    _guard: threading.Thread | None = None

    @classmethod
    def start(cls, data_dir: Path, *, redis: bool = True, postgres: bool = True, durable: bool = True) -> Self:
        """Describe the servers; they start (or are attached to) on entering the context.

        `durable=False` trades safety against a power loss for speed: for tests and benchmarks.
        """
        return cls(data_dir, redis, postgres, durable)

    def open(self) -> Self:
        """Start or attach; blocks until both take work. Raises `ConfigError` or `Unreachable`, one line each."""
        folder = data_folder(self.data_dir)
        try:
            if self.redis:
                self.redis_url = self._hold(Valkey(folder, self.durable), folder)
            if self.postgres:
                self.database_url = self._hold(Postgres(folder, self.durable), folder)
        except BaseException:
            self.close()
            raise
        if self.supervised:
            self._closing.clear()
            self._guard = threading.Thread(target=self._supervise, name="embedded servers", daemon=True)
            self._guard.start()
        return self

    def _supervise(self) -> None:
        """Start servers again that ended by themselves, with growing pauses; one loud line each time."""
        restarts = dict.fromkeys(range(len(self._holds)), 0)
        while not self._closing.wait(LOOK_EVERY):
            for place, hold in enumerate(self._holds):
                if not hold.ended:
                    continue
                restarts[place] += 1
                pause = pause_after(restarts[place], first=FIRST_PAUSE, longest=LONGEST_PAUSE)
                name = hold.recipe.name
                sys.stderr.write(
                    f"invest: embedded {name} ended by itself: {last_line(hold.log)}; "
                    f"starting it again in {pause:g} s ({hold.log})\n"
                )
                sys.stderr.flush()
                if self._closing.wait(pause):
                    return
                self._again(hold)

    def _again(self, hold: Hold) -> None:
        try:
            hold.close()
            hold.open()
        except (InvestError, OSError) as error:
            sys.stderr.write(f"invest: embedded {hold.recipe.name} did not start: {error}\n")
        else:
            sys.stderr.write(f"invest: embedded {hold.recipe.name} is back\n")
        sys.stderr.flush()

    def _hold(self, recipe: Recipe, folder: Path) -> str:
        hold = Hold(recipe, folder)
        url = hold.open()
        self._holds.append(hold)
        return url

    def close(self) -> None:
        """Stop what was started here."""
        self._closing.set()
        if self._guard is not None:
            self._guard.join()
            self._guard = None
        while self._holds:
            self._holds.pop().close()

    def __enter__(self) -> Self:
        return self.open()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return await asyncio.to_thread(self.open)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self.close)


def held(data_dir: Path) -> bool:
    """Whether another process keeps embedded servers in a data folder, answering or not."""
    return any(_locked(data_dir / f"{name}.lock") for name in ("valkey", "postgres"))


def _locked(path: Path) -> bool:
    try:
        with path.open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def running(data_dir: Path) -> dict[str, str]:
    """Addresses of the embedded servers that another process keeps running in a data folder, by platform variable."""
    folder = data_folder(data_dir)
    recipes: dict[str, Recipe] = {"REDIS_URL": Valkey(folder, True), "DATABASE_URL": Postgres(folder, True)}
    found = {name: Hold(recipe, folder).attach() for name, recipe in recipes.items()}
    return {name: url for name, url in found.items() if url}


@contextlib.contextmanager
def ensure(settings: Settings) -> Iterator[Settings]:
    """`settings` with both URLs filled in; only what is not set is started, in `settings.data_dir`."""
    redis, postgres = settings.redis.url is None, settings.database.url is None
    if not (redis or postgres):
        yield settings
        return
    with LocalServers(settings.data_dir, redis=redis, postgres=postgres, supervised=True) as servers:
        update: dict[str, object] = {}
        if servers.redis_url:
            update["redis"] = settings.redis.model_copy(update={"url": SecretStr(servers.redis_url)})
        if servers.database_url:
            update["database"] = settings.database.model_copy(update={"url": SecretStr(servers.database_url)})
        yield settings.model_copy(update=update)
