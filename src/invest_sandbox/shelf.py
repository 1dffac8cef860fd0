"""Finished answers kept as bytes, so that a load test measures the client and not the sandbox."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from hashlib import blake2b


class Kept(bytes):
    """A finished body; its ETag is computed once."""

    @cached_property
    def tag(self) -> str:
        """An entity tag of the bytes, quoted as it goes into the header."""
        return f'"{len(self):x}-{blake2b(self, digest_size=6).hexdigest()}"'


class Shelf:
    """Bytes by key, the least used dropped once they weigh more than `limit`. Each key is built once at a time."""

    def __init__(self, limit: int = 200_000_000) -> None:
        self.limit = limit
        self.weight = 0
        self._kept: OrderedDict[Hashable, Kept] = OrderedDict()
        self._building: dict[Hashable, asyncio.Task[Kept]] = {}
        # One at a time: files of several years side by side would each make every series, and wait for one another.
        self._thread = ThreadPoolExecutor(1, "shelf")

    def quick(self, key: Hashable, build: Callable[[], bytes]) -> Kept:
        """The bytes of `key`, built here and now where missing: for what takes a millisecond."""
        body = self._kept.get(key)
        if body is None:
            body = self._keep(key, build())
        else:
            self._kept.move_to_end(key)
        return body

    async def slow(self, key: Hashable, build: Callable[[], bytes]) -> Kept:
        """The bytes of `key`, built in a thread where missing; callers that come meanwhile wait for the same one."""
        if (body := self._kept.get(key)) is not None:
            self._kept.move_to_end(key)
            return body
        task = self._building.get(key)
        if task is None:
            task = asyncio.create_task(self._build(key, build))
            self._building[key] = task
        return await asyncio.shield(task)

    async def _build(self, key: Hashable, build: Callable[[], bytes]) -> Kept:
        try:
            return self._keep(key, await asyncio.get_running_loop().run_in_executor(self._thread, build))
        finally:
            self._building.pop(key, None)

    def _keep(self, key: Hashable, built: bytes) -> Kept:
        body = Kept(built)
        self._kept[key] = body
        self.weight += len(body)
        while self.weight > self.limit and len(self._kept) > 1:
            _, dropped = self._kept.popitem(last=False)
            self.weight -= len(dropped)
        return body
