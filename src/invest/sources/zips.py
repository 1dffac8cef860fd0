"""Reading zips that may lie: entry count, packed and unpacked size and ratio are checked before and while reading."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from invest.sources.errors import Malformed, TooLarge

MAX_ENTRIES = 256
BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError)


def check_zip(source: str, path: Path, max_ratio: int) -> None:
    """Look at the directory of a zip. Raises `Malformed` for what is none, `TooLarge` for a bomb."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (*BROKEN, OSError) as error:
        raise Malformed(source, f"not a whole zip ({error})") from None
    unpacked = sum(entry.file_size for entry in entries)
    packed = max(1, path.stat().st_size)
    if len(entries) > MAX_ENTRIES or unpacked > packed * max_ratio:
        raise TooLarge(source, f"zip of {len(entries)} entries unpacks {packed} bytes to {unpacked}: taken for a bomb")


@contextmanager
def open_zip(source: str, path: Path) -> Iterator[zipfile.ZipFile]:
    """The zip at `path`; what turns out broken while reading it is raised as `Malformed`."""
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except BROKEN as error:
        raise Malformed(source, f"broken zip ({error})") from None


class Capped:
    """A reader that stops after `limit` bytes, whatever the zip's directory promised."""

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
