"""The folder of exported reports: readable to this account alone, and emptied of what no report has any more."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterable
from pathlib import Path
from uuid import uuid4

from invest.objects import EXPORTS, Objects

YOUNG = 3600.0  # seconds: a file just written may not be on record yet


def exports_folder(data_dir: Path) -> Path:
    """Where exported reports are written."""
    return data_dir.resolve() / "exports"


def write_private(path: Path, body: bytes) -> None:
    """Write a file of a private folder whole, or not at all. Raises OSError."""
    path.parent.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.parent.mkdir(exist_ok=True, mode=0o700)
    path.parent.chmod(0o700)
    partial = path.with_name(f".{path.name}.{uuid4().hex[:8]}")
    try:
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(body)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def remove_exports(data_dir: Path, names: Iterable[str]) -> int:
    """Remove files by name, where they are on this machine; how many there were."""
    removed = 0
    for name in names:
        path = exports_folder(data_dir) / Path(name).name
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
            removed += 1
    return removed


def prune_exports(data_dir: Path, known: frozenset[str]) -> tuple[int, int]:
    """Remove files that no report has any more, and half-written ones; (how many, their bytes)."""
    files = freed = 0
    folder = exports_folder(data_dir)
    if not folder.is_dir():
        return 0, 0
    for path in folder.iterdir():
        found = path.lstat()
        if path.name in known or time.time() - found.st_mtime < YOUNG or path.is_dir():
            continue
        path.unlink(missing_ok=True)
        files, freed = files + 1, freed + found.st_size
    return files, freed


async def prune_shared_exports(objects: Objects, known: frozenset[str]) -> tuple[int, int]:
    """The same in the object store. Raises `ServerAway`."""
    now = time.time()
    gone = {
        name: size
        for name, (size, written) in (await objects.names(EXPORTS)).items()
        if name not in known and now - written > YOUNG
    }
    await objects.delete(*(EXPORTS + name for name in gone))
    return len(gone), sum(gone.values())
