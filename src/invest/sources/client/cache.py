"""Prune the folder of fetched files: idle files first, then the longest idle ones beyond a size.

A file and the shelves cut from it stand or fall together. One used within a day stays (jobs last minutes), and so does
one that is the only place of bytes that stored values lead back to.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

import orjson

IN_USE = 86_400.0  # seconds after its last use in which a file is never removed
TOUCH_EVERY = 3_600.0
DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class Pruned:
    """What went and what is left, in files and bytes; `spared` are bytes kept for stored values alone."""

    files: int = 0
    bytes: int = 0
    left: int = 0
    spared: int = 0


@dataclass(slots=True)
class _Group:
    """A file with its shelves, or what is left of a download."""

    paths: list[Path] = field(default_factory=list)
    size: int = 0
    own: float = 0.0  # the last use of the files that have one name
    shared: float = 0.0  # of those that have two

    @property
    def used(self) -> float:
        """The last use; of a shelf that two zips share it says nothing about this one of them."""
        return self.own or self.shared


def touch(path: Path) -> None:
    """Note that a file is in use, at most once an hour."""
    try:
        if time.time() - path.stat().st_mtime > TOUCH_EVERY:
            path.touch()
    except OSError:
        return  # a read-only folder, or another process pruned it: nothing depends on it


def prune(
    folder: Path, *, days: float, max_bytes: int, spare: Collection[str] = (), now: float | None = None
) -> Pruned:
    """Remove what lay idle for `days`, then the longest idle while more than `max_bytes` are left.

    `spare`: SHA-256 of files that stay at any age. `now`: seconds since 1970, default the clock.
    """
    moment = time.time() if now is None else now
    groups = _groups(folder)
    left = sum(group.size for group in groups.values())
    files = size = spared = 0
    for name, group in sorted(groups.items(), key=lambda entry: entry[1].used):
        idle = moment - group.used
        if idle < IN_USE or not (idle > days * DAY or left > max_bytes):
            continue
        if name in spare:
            spared += group.size
            continue
        gone = sum(_remove(path) for path in group.paths)
        files, size, left = files + gone, size + group.size, left - group.size
    _drop_notes(folder)
    return Pruned(files, size, left, spared)


def _groups(folder: Path) -> dict[str, _Group]:
    """Files by what their names begin with: the SHA-256 of a file, or the key of a download."""
    found: defaultdict[str, _Group] = defaultdict(_Group)
    for path in folder.glob("*"):
        try:
            stat = path.stat()
        except OSError:  # gone meanwhile
            continue
        if path.suffix == ".json" and ".part" not in path.name:
            continue  # notes go with the file they speak of
        group = found[path.name.split(".")[0]]
        group.paths.append(path)
        group.size += stat.st_size // max(1, stat.st_nlink)  # a shelf has two names
        if stat.st_nlink > 1:
            group.shared = max(group.shared, stat.st_mtime)
        else:
            group.own = max(group.own, stat.st_mtime)
    return dict(found)


def _remove(path: Path) -> int:
    try:
        path.unlink()
    except OSError:
        return 0
    return 1


def _drop_notes(folder: Path) -> None:
    """Remove the notes about addresses whose file is gone."""
    for note in folder.glob("*.json"):
        try:
            sha256 = orjson.loads(note.read_bytes()).get("sha256")
        except (OSError, ValueError, AttributeError):
            continue
        if sha256 and not (folder / f"{sha256}.zip").exists():
            _remove(note)
