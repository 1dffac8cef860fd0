"""Earlier answers with their validators (ETag, Last-Modified): small bodies in memory, files on disk.

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

from invest.domain.values import RawPayload
from invest.sources.client.download import Part
from invest.sources.errors import SourceError

REJECTED_FOR = 120.0  # seconds an answer that was not believed is not asked for again
REJECTED_MOST = 1_000


@contextlib.contextmanager
def file_folder(data_dir: Path) -> Iterator[Path]:
    """Where files are kept: under `data_dir`, or a temporary folder of this process where that is read-only."""
    folder = data_dir / "cache" / "files"
    try:
        for made in (folder.parent, folder):
            made.mkdir(parents=True, exist_ok=True)
            made.chmod(0o700)  # also one that an older version left open to others
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
    _rejected: dict[str, tuple[float, SourceError]] = field(default_factory=dict)

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

    def keep(self, url: str, payload: RawPayload, path: Path | None = None, *, age: float = 0) -> Entry:
        """Remember `payload` as the newest answer of `url`, confirmed `age` seconds ago."""
        old = self._drop(url)
        entry = Entry(payload, path, time.monotonic() - age)
        self._entries[url] = entry
        self._held += len(payload.body or b"")
        while self._held > self.capacity and len(self._entries) > 1:
            self._drop(next(iter(self._entries)))
        if path is not None and (old is None or old.payload.sha256 != payload.sha256):
            self._note(url, payload)
        return entry

    def forget(self, url: str) -> None:
        """Keep nothing of `url`: what was kept turned out to be unreadable, so a 304 must not lead back to it."""
        entry = self._drop(url)
        (self.folder / f"{address_digest(url)}.json").unlink(missing_ok=True)
        if entry is not None and entry.path is not None:
            entry.path.unlink(missing_ok=True)

    def reject(self, url: str, error: SourceError) -> None:
        """Remember that the answer of `url` was not believed: a large file is not fetched again for every asset."""
        self._rejected[url] = (time.monotonic() + REJECTED_FOR, error)
        while len(self._rejected) > REJECTED_MOST:
            self._rejected.pop(next(iter(self._rejected)))

    def refuse_rejected(self, url: str) -> None:
        """Raise what the answer of `url` was refused with a short while ago, if it was."""
        until, error = self._rejected.get(url, (0.0, None))
        if error is not None and time.monotonic() < until:
            raise type(error)(error.source, error.reason)

    def _drop(self, url: str) -> Entry | None:
        entry = self._entries.pop(url, None)
        if entry is not None:
            self._held -= len(entry.payload.body or b"")
        return entry

    def file_of(self, sha256: str) -> Path:
        """The path of the file with this digest."""
        return self.folder / f"{sha256}.zip"

    def holds(self, payload: RawPayload) -> bool:
        """Whether the file of a payload lies here, whole."""
        path = self.file_of(payload.sha256)
        return path.exists() and path.stat().st_size == payload.size

    def part_of(self, url: str) -> Part:
        """Where a download of `url` grows until it is whole: one per process; that of one now gone is taken over."""
        mine = self.folder / f"{address_digest(url)}.{os.getpid()}.part"
        if not mine.exists():
            for left in sorted(self.folder.glob(f"{address_digest(url)}.*.part")):
                if not _alive(left.suffixes[-2].removeprefix(".")):
                    with contextlib.suppress(OSError):  # another process may take it over first
                        left.with_name(left.name + ".json").replace(mine.with_name(mine.name + ".json"))
                        left.replace(mine)
                    break
        return Part(mine)

    def _note(self, url: str, payload: RawPayload) -> None:
        note = self.folder / f"{address_digest(url)}.json"
        part = note.with_suffix(f".{os.getpid()}.tmp")
        part.write_text(payload.model_dump_json(exclude={"body"}), "utf-8")
        part.replace(note)

    def _from_disk(self, url: str) -> Entry | None:
        try:
            text = (self.folder / f"{address_digest(url)}.json").read_text("utf-8")
            payload = RawPayload.model_validate_json(text)
        except (OSError, ValueError):
            return None
        path = self.file_of(payload.sha256)
        if payload.url != url or not path.exists() or path.stat().st_size != payload.size:
            return None
        entry = Entry(payload, path, -float("inf"))
        self._entries[url] = entry
        return entry


def _alive(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except (ValueError, ProcessLookupError):
        return False
    except OSError:  # there, and another user's
        return True
    return True


def address_digest(url: str) -> str:
    """The name by which files speak of an address."""
    return hashlib.sha256(url.encode()).hexdigest()[:40]
