"""A market-wide file, cut up once by asset or company and kept on disk beside its payload, so that workers share it.

A shelf belongs to the SHA-256 of the payload it was cut from: another payload makes another shelf, none goes stale.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

import orjson

MAGIC = b"invest-shelf-5\n"


class Shelf:
    """Blocks of bytes by key (a key may have several), read from one file: magic, size of the index, index, blocks."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with path.open("rb") as file:
            if file.read(len(MAGIC)) != MAGIC:
                raise ValueError(f"{path.name} is no shelf")
            (size,) = struct.unpack("<Q", file.read(8))
            head = orjson.loads(file.read(size))
        self._index: dict[str, list[list[int]]] = head["index"]
        self.notes: dict[str, object] = head["notes"]
        self._start = len(MAGIC) + 8 + size

    @property
    def there(self) -> bool:
        """Whether its file still is."""
        return self._path.exists()

    def get(self, key: str) -> bytes:
        """The bytes of `key`, its blocks joined; empty where there are none."""
        return b"".join(self.blocks(key))

    def blocks(self, key: str) -> list[bytes]:
        """The blocks of `key` in the order they were written."""
        entries = self._index.get(key)
        if not entries:
            return []
        with self._path.open("rb") as file:
            return [self._read(file, at, size) for at, size in entries]

    def _read(self, file: BinaryIO, at: int, size: int) -> bytes:
        file.seek(self._start + at)
        return file.read(size)

    def __iter__(self) -> Iterator[str]:
        """All keys."""
        return iter(self._index)

    @staticmethod
    def write(path: Path, blocks: Iterable[tuple[str, bytes]], notes: dict[str, object] | None = None) -> None:
        """Write a shelf; it appears whole or not at all."""
        index: dict[str, list[list[int]]] = {}
        body = path.with_suffix(f".{os.getpid()}.body")
        whole = path.with_suffix(f".{os.getpid()}.tmp")
        try:
            _write_blocks(body, blocks, index)
            head = orjson.dumps({"index": index, "notes": notes or {}})
            with whole.open("wb") as out, body.open("rb") as blocks_in:
                out.write(MAGIC + struct.pack("<Q", len(head)) + head)
                while chunk := blocks_in.read(1 << 20):
                    out.write(chunk)
            whole.replace(path)
        finally:
            body.unlink(missing_ok=True)
            whole.unlink(missing_ok=True)


def _write_blocks(path: Path, blocks: Iterable[tuple[str, bytes]], index: dict[str, list[list[int]]]) -> None:
    at = 0
    with path.open("wb") as out:
        for key, block in blocks:
            index.setdefault(key, []).append([at, len(block)])
            out.write(block)
            at += len(block)
