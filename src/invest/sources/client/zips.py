"""Read untrusted zips: entry count, sizes and ratio are checked before and while reading."""

from __future__ import annotations

import hashlib
import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from invest.sources.errors import Malformed, TooLarge

MAX_ENTRIES = 256
# What reading a broken zip raises: offsets that lead nowhere are OSError, names and sizes that are none ValueError.
BROKEN = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, NotImplementedError, RuntimeError, OSError,
    ValueError, OverflowError, MemoryError,
)  # fmt: skip


def check_zip(source: str, path: Path, max_ratio: int) -> None:
    """Look at the directory of a zip and where it leads. Raises `Malformed` for what is none, `TooLarge` for a bomb."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            for entry in entries[:MAX_ENTRIES]:
                with archive.open(entry) as stream:
                    stream.read(1)
    except BROKEN as error:
        raise Malformed(source, f"not a whole zip ({error})") from None
    unpacked = sum(entry.file_size for entry in entries)
    packed = max(1, path.stat().st_size)
    if len(entries) > MAX_ENTRIES or unpacked > packed * max_ratio:
        raise TooLarge(source, f"zip of {len(entries)} entries unpacks {packed} bytes to {unpacked}: taken for a bomb")


def check_whole(source: str, path: Path) -> None:
    """Read every entry to its end against its checksum: for a file put together of two answers. Raises `Malformed`."""
    with open_zip(source, path) as archive:
        broken = archive.testzip()
    if broken is not None:
        raise Malformed(source, f"broken zip (the checksum of {broken[:80]} is wrong)")


def contents_mark(path: Path) -> str | None:
    """What tells whether two zips hold the same files: a digest of their names, sizes and checksums; None where broken.

    Upstreams pack unchanged files anew each day or week: other bytes, by the times in them, and the same contents.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            entries = sorted((e.filename, e.CRC, e.file_size, e.compress_size) for e in archive.infolist())
    except BROKEN:
        return None
    return hashlib.sha256(repr(entries).encode()).hexdigest()


@contextmanager
def open_zip(source: str, path: Path) -> Iterator[zipfile.ZipFile]:
    """The zip at `path`; what turns out broken while reading it is raised as `Malformed`."""
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except FileNotFoundError:
        raise
    except BROKEN as error:
        raise Malformed(source, f"broken zip ({error})") from None


class Capped:
    """A reader that stops after `limit` bytes, also where the zip's directory promised fewer."""

    def __init__(self, source: str, stream: IO[bytes], limit: int) -> None:
        self._source, self._stream, self._left = source, stream, limit

    def read(self, size: int) -> bytes:
        """Up to `size` bytes. Raises `TooLarge` beyond the limit."""
        data = self._stream.read(size)
        self._left -= len(data)
        if self._left < 0:
            raise TooLarge(self._source, "a zip entry unpacks to more than its directory says")
        return data

    def lines(self, size: int = 1 << 20) -> Iterator[bytes]:
        """Lines without their ends, of a stream with LF or CRLF."""
        rest = b""
        while data := self.read(size):
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                yield line.rstrip(b"\r")
        if rest:
            yield rest.rstrip(b"\r")
