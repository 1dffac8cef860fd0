"""Finished answers kept as bytes, so that a load test measures the client and not the sandbox."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Hashable


class Shelf:
    """Bytes by key, the least used dropped once they weigh more than `limit`. Each key is built once at a time."""

    def __init__(self, limit: int = 200_000_000) -> None:
        self.limit = limit
        self.weight = 0
        self._kept: OrderedDict[Hashable, bytes] = OrderedDict()
        self._building: dict[Hashable, asyncio.Task[bytes]] = {}

    def quick(self, key: Hashable, build: Callable[[], bytes]) -> bytes:
        """The bytes of `key`, built here and now where missing: for what takes a millisecond."""
        body = self._kept.get(key)
        if body is None:
            body = build()
            self._keep(key, body)
        else:
            self._kept.move_to_end(key)
        return body

    async def slow(self, key: Hashable, build: Callable[[], bytes]) -> bytes:
        """The bytes of `key`, built in a thread where missing; callers that come meanwhile wait for the same one."""
        if (body := self._kept.get(key)) is not None:
            self._kept.move_to_end(key)
            return body
        task = self._building.get(key)
        if task is None:
            task = asyncio.create_task(self._build(key, build))
            self._building[key] = task
        return await asyncio.shield(task)

    async def _build(self, key: Hashable, build: Callable[[], bytes]) -> bytes:
        try:
            body = await asyncio.to_thread(build)
            self._keep(key, body)
            return body
        finally:
            self._building.pop(key, None)

    def _keep(self, key: Hashable, body: bytes) -> None:
        self._kept[key] = body
        self.weight += len(body)
        while self.weight > self.limit and len(self._kept) > 1:
            _, dropped = self._kept.popitem(last=False)
            self.weight -= len(dropped)
