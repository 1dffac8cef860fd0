"""Files that one machine fetched and all may read: their bytes and what was last heard of them, in the object store."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Collection
from pathlib import Path

import orjson
import structlog

from invest.domain.values import RawPayload
from invest.objects import NOTES, PAYLOADS, Objects
from invest.sources.client.memory import Entry, Memory, address_digest

log = structlog.get_logger(__name__)


class Common:
    """The shared part of `Memory`'s files; without an object store there is none. Raises `ServerAway` throughout."""

    def __init__(self, objects: Objects | None, memory: Memory) -> None:
        self._objects = objects
        self._memory = memory

    async def adopt(self, url: str) -> Entry | None:
        """The newest file of `url` that any machine has, brought to this one; None where none is known or readable."""
        if self._objects is None:
            return None
        mine = self._memory.recall(url)
        note = await self._objects.get(NOTES + address_digest(url))
        try:
            stored = orjson.loads(note or b"{}")
            payload, confirmed = RawPayload.model_validate(stored["payload"]), float(stored["confirmed"])
        except (ValueError, KeyError, TypeError):
            return mine
        if payload.url != url or (mine is not None and mine.payload.fetched_at > payload.fetched_at):
            return mine
        path = self._memory.file_of(payload.sha256)
        if not self._memory.holds(payload):
            try:
                if not await self._objects.get_file(PAYLOADS + payload.sha256, path, payload.sha256):
                    await self._objects.delete(PAYLOADS + payload.sha256)  # spoilt, if it is there: the next is kept
                    return mine
            except OSError as error:
                log.warning("shared file cannot be kept on disk", error=error.strerror)
                return mine
        return self._memory.keep(url, payload, path, age=max(0.0, time.time() - confirmed))

    async def keep(self, url: str, payload: RawPayload) -> None:
        """Share the file of `url`, just read or confirmed; its bytes go before the word of them."""
        if self._objects is None or payload.body is not None:
            return
        name, path = PAYLOADS + payload.sha256, self._memory.file_of(payload.sha256)
        if not await self._objects.has(name, payload.size) and await asyncio.to_thread(path.exists):
            await self._objects.put(name, path)
        stored = {"payload": payload.model_dump(mode="json", exclude={"body"}), "confirmed": time.time()}
        await self._objects.put(NOTES + address_digest(url), orjson.dumps(stored))

    async def share(self, hashes: Collection[str]) -> set[str]:
        """Those of `hashes` whose files the object store has, after bringing it what lies here and it lacks."""
        shared: set[str] = set()
        for sha256 in hashes if self._objects is not None else ():
            assert self._objects is not None
            path = self._memory.file_of(sha256)
            there = await self._objects.has(PAYLOADS + sha256)
            if not there and await asyncio.to_thread(_is_file_of, path, sha256):
                await self._objects.put(PAYLOADS + sha256, path)
                there = True
            if there:
                shared.add(sha256)
        return shared


def _is_file_of(path: Path, sha256: str) -> bool:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == sha256
    except OSError:
        return False
