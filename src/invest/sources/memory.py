"""What was fetched before, with its validators: small bodies in memory, files on disk.

Validators are never kept without the body they belong to. So a 304 always leads to bytes, even where the job that
fetched them first failed before storing anything.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
import time
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from invest.domain.observations import RawPayload


@contextlib.contextmanager
def file_folder(data_dir: Path) -> Iterator[Path]:
    """Where files are kept: under `data_dir`, or a temporary folder of this process where that is read-only."""
    folder = data_dir / "cache" / "files"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError:
        with tempfile.TemporaryDirectory(prefix="invest-files-", ignore_cleanup_errors=True) as temporary:
            yield Path(temporary)
        return
    yield folder


@dataclass(frozen=True, slots=True)
class Entry:
    """One remembered answer; `checked` is the monotonic second it was last confirmed by the upstream."""

    payload: RawPayload
    path: Path | None
    checked: float

    def fresh(self, seconds: float) -> bool:
        """Whether it was confirmed within `seconds`."""
        return seconds > 0 and time.monotonic() - self.checked < seconds


@dataclass(slots=True)
class Memory:
    """Answers by address: at most `capacity` bytes of bodies, least recently used dropped first."""

    folder: Path
    capacity: int = 32_000_000
    _entries: OrderedDict[str, Entry] = field(default_factory=OrderedDict)
    _held: int = 0

    def recall(self, url: str, *, file: bool = True) -> Entry | None:
        """The answer kept for `url`, from this process or, where it is a `file`, from an earlier one."""
        entry = self._entries.get(url)
        if entry is None:
            return self._from_disk(url) if file else None
        if entry.path is not None and not entry.path.exists():
            self._drop(url)
            return None
        self._entries.move_to_end(url)
        return entry

    def keep(self, url: str, payload: RawPayload, path: Path | None = None) -> Entry:
        """Remember `payload` as the newest answer of `url`."""
        old = self._drop(url)
        entry = Entry(payload, path, time.monotonic())
        self._entries[url] = entry
        self._held += len(payload.body or b"")
        while self._held > self.capacity and len(self._entries) > 1:
            self._drop(next(iter(self._entries)))
        if path is not None and (old is None or old.payload.sha256 != payload.sha256):
            self._note(url, payload)
        return entry

    def _drop(self, url: str) -> Entry | None:
        entry = self._entries.pop(url, None)
        if entry is not None:
            self._held -= len(entry.payload.body or b"")
        return entry

    def file_of(self, sha256: str) -> Path:
        """Where the file with this digest lies."""
        return self.folder / f"{sha256}.zip"

    def part_of(self, url: str) -> Path:
        """Where a download of `url` grows until it is whole; one per process."""
        return self.folder / f"{_digest(url)}.{os.getpid()}.part"

    def _note(self, url: str, payload: RawPayload) -> None:
        note = self.folder / f"{_digest(url)}.json"
        part = note.with_suffix(f".{os.getpid()}.tmp")
        part.write_text(payload.model_dump_json(exclude={"body"}), "utf-8")
        part.replace(note)

    def _from_disk(self, url: str) -> Entry | None:
        try:
            text = (self.folder / f"{_digest(url)}.json").read_text("utf-8")
            payload = RawPayload.model_validate_json(text)
        except (OSError, ValueError):
            return None
        path = self.file_of(payload.sha256)
        if payload.url != url or not path.exists() or path.stat().st_size != payload.size:
            return None
        entry = Entry(payload, path, -float("inf"))
        self._entries[url] = entry
        return entry


def _digest(url: str) -> str:
    return hashlib.sha256(url.encode()).hexdigest()[:40]
