"""From a stored value's payload to its bytes: from the database, this machine's files, or the object store."""

from __future__ import annotations

import asyncio
import hashlib
import io
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from invest.domain.values import RawPayload
from invest.errors import NotFound
from invest.objects import PAYLOADS, open_objects
from invest.settings import Settings
from invest.store import Store

Where = Literal["database", "disk", "objects", "nowhere"]


LONGEST = 2_000  # characters of a line that are shown


@dataclass(frozen=True, slots=True)
class Bytes:
    """What is known of a payload; `body` is None where its bytes are kept nowhere any more."""

    payload: RawPayload
    where: Where
    body: bytes | None

    @property
    def lost(self) -> str:
        """What to say where the bytes are gone: nothing about the value is taken on trust silently."""
        payload = self.payload
        return (
            f"the {payload.size} bytes of {payload.sha256} are not kept here: files above 16 MB are in the object "
            f"store (objects.url), or on the disk of the machine that fetched them. They came from {payload.url} at "
            f"{payload.fetched_at:%Y-%m-%d %H:%M} UTC; fetch it again and compare its sha256sum"
        )


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a payload: of which file within it, and its number there, from 1."""

    member: str | None
    number: int
    text: str


async def bytes_of(store: Store, settings: Settings, sha256: str) -> Bytes:
    """The bytes behind `sha256`. Raises `NotFound` for a hash no value was read from, `ServerAway`."""
    payload = await store.payloads.get(sha256)
    if payload is None:
        raise NotFound(f"no payload {sha256}: take the hash from `invest data quality TICKER --json` or from a report")
    if payload.body is not None:
        return Bytes(payload, "database", payload.body)
    body = await asyncio.to_thread(_from_disk, settings.data_dir / "cache" / "files" / f"{sha256}.zip", sha256)
    if body is not None:
        return Bytes(payload, "disk", body)
    objects = open_objects(settings)
    body = None if objects is None else await objects.get(PAYLOADS + sha256, sha256)
    return Bytes(payload, "nowhere" if body is None else "objects", body)


def _from_disk(path: Path, sha256: str) -> bytes | None:
    try:
        body = path.read_bytes()
    except OSError:
        return None
    return body if hashlib.sha256(body).hexdigest() == sha256 else None


def lines_with(body: bytes, text: str) -> Iterator[Line]:
    """The lines that hold `text`; of a zip those of every file within it. Bytes are UTF-8, else latin-1."""
    if not zipfile.is_zipfile(io.BytesIO(body)):
        yield from _matching(None, body.splitlines(), text)
        return
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        for entry in archive.infolist():
            with archive.open(entry) as stream:
                yield from _matching(entry.filename, stream, text)


def _matching(member: str | None, lines: Iterable[bytes], text: str) -> Iterator[Line]:
    wanted = {text.encode("utf-8"), text.encode("latin-1", "replace")}
    for number, line in enumerate(lines, 1):
        if any(word in line for word in wanted):
            yield Line(member, number, _decoded(line.rstrip(b"\r\n"))[:LONGEST])


def _decoded(line: bytes) -> str:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        return line.decode("latin-1")
