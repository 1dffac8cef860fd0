"""Where the embedded servers live: the data folder, a short folder for sockets, and what root must do differently.

Unix socket paths end at 107 bytes, so sockets live in a folder under the temporary directory, named after a hash of
the data folder. PostgreSQL refuses to run as root: there it runs as the owner of its files, at first ``nobody``; where
``nobody`` cannot reach the data folder or the binaries (under ``/root``, say), they are kept under ``/var/tmp``.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import shutil
import stat
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from invest.errors import ConfigError

SOCKET_LIMIT = 100  # bytes; 107 on Linux, 103 on macOS
REMEDY = "set INVEST_DATA_DIR to a folder that can be written, or REDIS_URL and DATABASE_URL to servers you run"


@dataclass(frozen=True)
class Account:
    """The user a server runs as; both None: the user of this process."""

    uid: int | None = None
    gid: int | None = None


def data_folder(path: Path) -> Path:
    """`path`, absolute, existing and writable, or a `ConfigError` that says what to do."""
    folder = Path(os.path.abspath(path.expanduser()))  # noqa: PTH100 - resolve() fails on folders one may not read
    try:
        folder.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, parents=True, exist_ok=True)
        _close_to_others(folder)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        reason = error.strerror or str(error)
        raise ConfigError(f"cannot write to the data folder {folder}: {reason}; {REMEDY}") from None
    return folder


def _close_to_others(folder: Path) -> None:
    """Take others' rights on a folder of ours; of root's they keep the way through, which its PostgreSQL may need."""
    found = folder.stat()
    if found.st_uid != os.geteuid():
        return
    keep = 0o711 if os.geteuid() == 0 else 0o700
    folder.chmod(stat.S_IMODE(found.st_mode) & keep)


def private_folder(path: Path, mode: int = 0o700, account: Account | None = None) -> Path:
    """`path` as a folder that is ours alone; refuses one that somebody else prepared under a shared directory."""
    given = account.uid if account and account.uid is not None else os.geteuid()
    try:
        path.mkdir(mode=mode, exist_ok=True)
        if path.is_symlink() or path.lstat().st_uid not in (os.geteuid(), given):
            raise ConfigError(f"{path} belongs to somebody else: remove it, or set TMPDIR to a folder of your own")
        path.chmod(mode)
        if account and account.uid is not None and account.gid is not None:
            os.chown(path, account.uid, account.gid)
    except OSError as error:
        raise ConfigError(f"cannot prepare {path}: {error.strerror or error}; {REMEDY}") from None
    return path


def write_private(path: Path, text: str) -> None:
    """Write a file that this account alone can read."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)


def private_opener(path: str, flags: int) -> int:
    """For `open(opener=…)`: a file that this account alone can read, also where an older version left it open."""
    descriptor = os.open(path, flags, 0o600)
    os.fchmod(descriptor, 0o600)
    return descriptor


def key_of(folder: Path) -> str:
    """A short name for a data folder, the same however it is spelled."""
    return hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:16]


def socket_folder(folder: Path, server: str, account: Account | None = None) -> Path:
    """Where one server's socket goes: a short path, also for a long data folder; `private_folder` makes it."""
    name = f"invest-{os.geteuid()}-{key_of(folder)}-{server}"
    for base in dict.fromkeys((Path(tempfile.gettempdir()), Path("/tmp"))):  # noqa: S108 - checked by private_folder
        longest = base / name / ".s.PGSQL.5432.lock"
        if len(os.fsencode(longest)) <= SOCKET_LIMIT and reachable(longest.parent, account or Account()):
            return base / name
    raise ConfigError("no short temporary folder for unix sockets: set TMPDIR to a writable folder with a short path")


def postgres_account(cluster: Path) -> Account:
    """Who runs PostgreSQL: this user; for root the owner of the files, ``nobody`` where there are none yet."""
    if os.geteuid() != 0:
        if cluster.exists() and cluster.stat().st_uid != os.geteuid():
            owner = cluster.stat().st_uid
            raise ConfigError(f"{cluster} belongs to user {owner}: run as that user, or set INVEST_DATA_DIR elsewhere")
        return Account()
    if cluster.exists() and (found := cluster.stat()).st_uid != 0:
        return Account(found.st_uid, found.st_gid)
    nobody = pwd.getpwnam("nobody")
    return Account(nobody.pw_uid, nobody.pw_gid)


def reachable(path: Path, account: Account) -> bool:
    """Whether `account` may pass every folder on the way to `path` (group memberships are dropped)."""
    if account.uid is None:
        return True
    for parent in path.resolve().parents:
        found = parent.stat()
        bit = 0o100 if found.st_uid == account.uid else 0o010 if found.st_gid == account.gid else 0o001
        if not found.st_mode & bit:
            return False
    return True


def shared_folder(name: str) -> Path:
    """A folder that any account can pass and that survives a restart of the machine, for root only."""
    places = (Path("/var/tmp"), Path(tempfile.gettempdir()), Path("/tmp"))  # noqa: S108 - checked by private_folder
    base = next((place for place in places if place.is_dir()), places[-1])
    return private_folder(base / f"invest-{os.geteuid()}-{name}", 0o711)


def cluster_folder(folder: Path) -> Path:
    """PostgreSQL's files: in the data folder, or beside it for root where ``nobody`` cannot reach that."""
    inside = folder / "postgres"
    if os.geteuid() != 0 or reachable(inside, postgres_account(inside)):
        return inside
    outside = shared_folder(key_of(folder)) / "postgres"
    note = folder / "postgres.location"
    if not note.exists():
        write_private(note, f"{outside}\n")
        sys.stderr.write(f"invest: running as root: PostgreSQL keeps its files in {outside} ({folder} is private)\n")
    return outside


def passable_copy(package: Path, account: Account, parts: tuple[str, ...]) -> Path:
    """`package`, or a copy of the `parts` of its parent folder that `account` can reach (once per version)."""
    if reachable(package / "x", account):
        return package
    stamp = hashlib.sha256(f"{package}{package.stat().st_mtime_ns}".encode()).hexdigest()[:12]
    target = shared_folder("binaries") / stamp
    if not target.exists():
        draft = Path(tempfile.mkdtemp(dir=target.parent))
        draft.chmod(0o755)
        for part in parts:
            shutil.copytree(package.parent / part, draft / part, symlinks=True)
        try:
            draft.rename(target)
        except OSError:  # another process was faster
            shutil.rmtree(draft)
    return target / package.name
