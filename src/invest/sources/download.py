"""Reading bodies with a cap: small ones into memory, zips through a .part file that is checked before it counts."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path

import aiohttp

from invest.sources.errors import Malformed, TooLarge
from invest.sources.zips import check_zip


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
    source: str, answer: aiohttp.ClientResponse, part: Path, limit: int, max_ratio: int
) -> tuple[str, int]:
    """Write the body to `part` and check it is a sane zip; returns its SHA-256 and size.

    Raises `TooLarge`, `Malformed`; `part` is gone then.
    """
    _announced(source, answer, limit)
    digest, size = hashlib.sha256(), 0
    try:
        with part.open("wb") as file:
            async for chunk in answer.content.iter_chunked(1 << 18):
                size += len(chunk)
                if size > limit:
                    raise TooLarge(source, f"more than {limit} bytes")
                file.write(chunk)
                digest.update(chunk)
        if size == 0:
            raise Malformed(source, "an empty file")
        await asyncio.to_thread(check_zip, source, part, max_ratio)
    except BaseException:
        part.unlink(missing_ok=True)  # noqa: ASYNC240 -- one call to the file system
        raise
    return digest.hexdigest(), size
