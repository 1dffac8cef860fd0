"""Market-wide files cut by asset or company: fetched once, cut once in a thread, read by every caller."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from invest.domain.values import RawPayload
from invest.sources.client.cache import touch
from invest.sources.client.call import Response
from invest.sources.client.download import UNKEPT
from invest.sources.client.http import SourceClient
from invest.sources.client.shelf import Shelf
from invest.sources.client.zips import check_whole, contents_mark
from invest.sources.errors import Malformed, SourceDown, TooLarge


@dataclass(frozen=True, slots=True)
class Shelved:
    """A payload and its shelf."""

    payload: RawPayload
    path: Path
    shelf: Shelf
    not_modified: bool


@dataclass(slots=True)
class Shelves:
    """Shelves of this process by payload. `cut(zip path, shelf path)` writes one.

    A shelf has a second name by the contents of its zip: a zip of the same files, packed anew, is read through and not
    cut again.
    """

    kind: str
    cut: Callable[[Path, Path], None]
    capacity: int = 24
    _open: dict[str, Shelf] = field(default_factory=dict)
    _threads: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(1))

    async def fetch(
        self, client: SourceClient, source: str, path: str, *, fresh_for: float, max_bytes: int | None = None
    ) -> Shelved:
        """The shelf of the newest file at `path`. Raises `SourceError`."""
        answer = await client.get(source, path, kind="zip", fresh_for=fresh_for, max_bytes=max_bytes)
        sha256 = answer.payload.sha256
        shelf = self._open.get(sha256)
        if shelf is None or not shelf.there:
            try:
                shelf = await client.flights.join(f"shelf:{self.kind}:{sha256}", lambda: self._load(answer))
            except (Malformed, TooLarge) as error:
                client.memory.forget(answer.payload.url)
                client.memory.reject(answer.payload.url, error)
                raise
            except OSError as error:
                raise SourceDown(source, UNKEPT.format(error.strerror)) from error
        assert answer.path is not None
        touch(answer.path)
        return Shelved(answer.payload, answer.path, shelf, answer.not_modified)

    async def _load(self, answer: Response) -> Shelf:
        assert answer.path is not None
        path = answer.path.with_name(f"{answer.payload.sha256}.{self.kind}.shelf")
        async with self._threads:
            shelf = await asyncio.to_thread(self._open_or_cut, answer.payload.source, answer.path, path)
        while len(self._open) >= self.capacity:
            self._open.pop(next(iter(self._open)))
        self._open[answer.payload.sha256] = shelf
        return shelf

    def _open_or_cut(self, source: str, zipped: Path, path: Path) -> Shelf:
        with suppress(OSError, ValueError, KeyError):
            return Shelf(path)
        mark = contents_mark(zipped)
        twin = path.with_name(f"{mark}.{self.kind}.shelf") if mark else None
        if twin is not None and twin.exists():
            check_whole(source, zipped)
            with suppress(OSError, ValueError, KeyError):
                link = path.with_suffix(f".{os.getpid()}.tmp")
                link.hardlink_to(twin)
                link.replace(path)  # at once: another process may have it open by its name
                link.unlink(missing_ok=True)  # it stays where both were one file already
                touch(twin)
                return Shelf(path)
        self.cut(zipped, path)
        if twin is not None:
            with suppress(OSError):  # a file system without links: the same contents are cut again
                twin.unlink(missing_ok=True)
                twin.hardlink_to(path)
        return Shelf(path)
