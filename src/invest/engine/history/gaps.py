"""Noticing that events were dropped before the history took them, and repairing its rows from what Redis holds."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any, Final

import structlog
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from invest.engine.history.rows import JobRun, Ledger, row_of_record
from invest.engine.redis import JobState, fields, id_text, keys, read_records, sequence_of

log = structlog.get_logger("invest.engine")
GROUP: Final = "projector"
PAGE: Final = 500
LOCK: Final = "invest:repairing"
LOCK_SECONDS: Final = 60
INDEXES: Final = (keys.WAITING, keys.RETRYING, keys.RUNNING, keys.DONE, keys.FAILED, keys.CANCELLED)


class Gaps:
    """Compares what the consumer group has read with what the stream ever held."""

    def __init__(self, redis: Redis, ledger: Ledger) -> None:
        self._redis = redis
        self._ledger = ledger

    async def look(self, *, dropped: bool) -> bool:
        """Repair the history if events were dropped unread; whether it was so. One process at a time does it.

        `dropped`: events that were delivered, and never acknowledged, are gone from the stream.
        """
        where = await self._position()
        if where is None or not (dropped or where.gap):
            return False
        if not await self._redis.set(LOCK, os.urandom(4).hex(), nx=True, ex=LOCK_SECONDS):
            return False
        try:
            log.error("events were dropped before the history took them: repairing its rows", read_to=where.delivered)
            repaired = await self._repair(where)
            if repaired is None:
                return False
            await self._redis.execute_command(  # type: ignore[no-untyped-call] # redis-py
                "XGROUP", "SETID", keys.EVENTS, GROUP, where.resume_at, "ENTRIESREAD", where.resume_count
            )
            log.warning("history repaired", rows=repaired)
        finally:
            await self._redis.delete(LOCK)
        return True

    async def _position(self) -> _Position | None:
        try:
            stream = await self._redis.xinfo_stream(keys.EVENTS)
            groups = await self._redis.xinfo_groups(keys.EVENTS)
        except ResponseError:  # no stream yet
            return None
        mine = next((g for g in groups if g["name"] == GROUP.encode()), None)
        return None if mine is None else _Position(stream, mine)

    async def _repair(self, where: _Position) -> int | None:
        """How many rows were written; None if Redis was lost meanwhile: then it is for the restore."""
        sequence = sequence_of(where.last)
        count = 0
        async for ids in self._known():
            count += len(rows := await self._rows(ids, sequence))
            await self._ledger(rows)
            await self._redis.expire(LOCK, LOCK_SECONDS)
        after: str | None = None
        while page := await self._ledger.unfinished(after):
            after = page[-1].id
            rows = await self._rows([row.id for row in page], sequence)
            found = {row.id for row in rows}
            gone = [row for row in page if row.id not in found]
            if not await self._same_stream(where):
                return None
            await self._ledger([*rows, *(_ended(row, sequence) for row in gone)])
            count += len(page)
            await self._redis.expire(LOCK, LOCK_SECONDS)
        return count

    async def _rows(self, ids: list[str], sequence: int) -> list[JobRun]:
        records = await read_records(self._redis, ids, results="arguments")
        return [row_of_record(r, sequence) for r in records if r is not None and _began(r.text(fields.STATE))]

    async def _same_stream(self, where: _Position) -> bool:
        """Whether this is still the Redis whose events were dropped, not one that lost everything since."""
        now = await self._position()
        return now is not None and now.added >= where.added and _order(now.delivered) >= _order(where.delivered)

    async def _known(self) -> AsyncIterator[list[str]]:
        """Ids of all jobs that an index lists, in pages."""
        names = await self._redis.hkeys(keys.NAMES)  # type: ignore[misc] # redis-py: Awaitable | list
        indexes = [index.encode() + name for name in names for index in INDEXES]
        for key in [*indexes, keys.WORKFLOWS.encode()]:
            low: Any = "-inf"
            while page := await self._redis.zrangebyscore(key, low, "+inf", start=0, num=PAGE, withscores=True):
                yield [id_text(raw) for raw, _ in page]
                if len(page) < PAGE:
                    break
                low = page[-1][1] if page[-1][1] != page[0][1] else f"({page[-1][1]}"


class _Position:
    """Where the group stands in the stream."""

    def __init__(self, stream: dict[str, Any], group: dict[str, Any]) -> None:
        self.delivered = _text(group["last-delivered-id"])
        self.last = _text(stream["last-generated-id"])
        self.added = int(stream["entries-added"])
        length, first = int(stream["length"]), stream["first-entry"]
        read = group.get("entries-read")
        self.resume_at, self.resume_count = self.delivered, self.added - length
        if not length:
            self.gap = _order(self.delivered) < _order(self.last)
            self.resume_at = self.last
        elif _order(_text(first[0])) <= _order(self.delivered):
            self.gap = False
        else:
            self.gap = self.added - int(read or 0) > length


def _ended(row: JobRun, sequence: int) -> JobRun:
    """An unfinished job of whose end nothing is left: records stay as long as their jobs have not ended."""
    return JobRun(
        id=row.id,
        sequence=sequence,
        name=row.name,
        queue=row.queue,
        state=JobState.FAILED,
        finished_at=datetime.fromtimestamp(time.time(), UTC),
        error_type="EndUnknown",
        error_message="it has ended, but the event that said how was dropped and its record has expired",
    )


def _began(state: str | None) -> bool:
    return state is not None and state != "blocked"


def _text(raw: bytes | str) -> str:
    return raw.decode() if isinstance(raw, bytes) else raw


def _order(event_id: str) -> tuple[int, int]:
    ms, _, number = event_id.partition("-")
    return int(ms), int(number or 0)
