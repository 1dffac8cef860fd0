"""Read bodies up to a size: small ones into memory, zips into a .part file that is verified before use.

What a cut leaves of a zip stays beside a note of its validators: the next try asks for the rest alone (Range), and only
if the file is still the same (If-Range).
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import aiohttp
import orjson

from invest.sources.client.zips import check_whole, check_zip
from invest.sources.errors import Malformed, SourceDown, SourceError, TooLarge

CHUNK = 1 << 18
CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")
PARTIAL, UNSATISFIABLE = 206, 416
UNKEPT = "its file cannot be kept on disk ({})"


@dataclass(frozen=True, slots=True)
class Validators:
    """By which a server tells one version of a file from another. A weak ETag says too little to join bytes by."""

    etag: str | None
    last_modified: str | None

    @classmethod
    def of(cls, headers: Mapping[str, str]) -> Validators:
        """Those of an answer."""
        etag = headers.get("ETag")
        return cls(None if etag is None or etag.startswith("W/") else etag, headers.get("Last-Modified"))

    @property
    def best(self) -> str | None:
        """What If-Range carries; None where the file has no identity."""
        return self.etag or self.last_modified

    def contradicted_by(self, other: Validators) -> bool:
        """Whether `other` is surely another version."""
        pairs = ((self.etag, other.etag), (self.last_modified, other.last_modified))
        return any(mine is not None and theirs is not None and mine != theirs for mine, theirs in pairs)


@dataclass(frozen=True, slots=True)
class Part:
    """A download of which some may be there already."""

    path: Path

    @property
    def _note(self) -> Path:
        return self.path.with_name(self.path.name + ".json")

    def held(self) -> tuple[int, Validators] | None:
        """How many bytes of which version are there; None where there is nothing to resume."""
        try:
            known = Validators(**orjson.loads(self._note.read_bytes()))
            size = self.path.stat().st_size
        except (OSError, ValueError, TypeError):
            return None
        return (size, known) if size and known.best else None

    def headers(self) -> dict[str, str]:
        """What asks for the rest alone; empty where there is nothing to go on with."""
        held = self.held()
        if held is None:
            return {}
        size, known = held
        return {"Range": f"bytes={size}-", "If-Range": known.best or ""}

    def note(self, validators: Validators) -> None:
        """Remember which version is being fetched."""
        self._note.write_bytes(orjson.dumps(asdict(validators)))

    def drop(self) -> None:
        """Forget it."""
        self.path.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)

    def finish(self, target: Path) -> None:
        """It is whole: it gets its name."""
        self.path.replace(target)
        self._note.unlink(missing_ok=True)


def _announced(source: str, answer: aiohttp.ClientResponse, limit: int) -> int | None:
    """The length the upstream announces. Raises `TooLarge` before anything is read."""
    length = answer.content_length
    if length is not None and length > limit:
        raise TooLarge(source, f"{length} bytes announced, {limit} is the limit")
    return length


async def small_body(source: str, answer: aiohttp.ClientResponse, limit: int) -> bytes:
    """The whole body, unpacked. Raises `TooLarge` as soon as it passes `limit`."""
    length = _announced(source, answer, limit)
    if length is not None and "Content-Encoding" not in answer.headers:
        return await answer.read()
    chunks, size = [], 0
    async for chunk in answer.content.iter_any():
        size += len(chunk)
        if size > limit:
            raise TooLarge(source, f"more than {limit} bytes")
        chunks.append(chunk)
    return b"".join(chunks)


async def fetch_file(
    source: str, answer: aiohttp.ClientResponse, part: Part, limit: int, max_ratio: int
) -> tuple[str, int]:
    """Write the body to `part`, or what is missing of it, and check it is a sane zip; returns its SHA-256 and size.

    Raises `TooLarge`, `Malformed`: `part` is gone then. Where the connection is lost what came stays, to go on with.
    """
    start = 0
    try:
        start = _start(source, answer, part)
        _announced(source, answer, limit - start)
        digest = await asyncio.to_thread(_digest_of, part.path) if start else hashlib.sha256()
        size = await _append(source, answer, part, digest, limit)
        if size == 0:
            raise Malformed(source, "an empty file")
        await asyncio.to_thread(check_zip, source, part.path, max_ratio)
        if start:
            await asyncio.to_thread(check_whole, source, part.path)
    except SourceError:
        part.drop()
        raise
    return digest.hexdigest(), size


def _start(source: str, answer: aiohttp.ClientResponse, part: Part) -> int:
    """From which byte on the answer is; 0 for a whole file, whose version is noted. Raises `Malformed`."""
    validators = Validators.of(answer.headers)
    if answer.status != PARTIAL:
        part.drop()
        part.note(validators)
        return 0
    held = part.held()
    match = CONTENT_RANGE.fullmatch(answer.headers.get("Content-Range", ""))
    if held is None or match is None or int(match[1]) != held[0] or held[1].contradicted_by(validators):
        raise Malformed(source, "a range that does not go on where the last one was cut")
    return held[0]


async def _append(source: str, answer: aiohttp.ClientResponse, part: Part, digest: hashlib._Hash, limit: int) -> int:
    """Write what comes behind what is there already; the size of both."""
    start = part.path.stat().st_size if answer.status == PARTIAL else 0
    size = start
    with part.path.open("ab" if start else "wb") as file:
        async for chunk in answer.content.iter_chunked(CHUNK):
            size += len(chunk)
            if size > limit:
                raise TooLarge(source, f"more than {limit} bytes")
            try:
                file.write(chunk)
            except OSError as error:
                raise SourceDown(source, UNKEPT.format(error.strerror)) from error
            digest.update(chunk)
    return size


def _digest_of(path: Path) -> hashlib._Hash:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256")
