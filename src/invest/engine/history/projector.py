"""From the event stream to the history in PostgreSQL: a consumer group that upserts one row per job."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Iterable
from typing import Any, Final

import orjson
import structlog
from redis.exceptions import RedisError, ResponseError

from invest.engine.client import Client
from invest.engine.history.gaps import GROUP, Gaps
from invest.engine.history.rows import OTHER_KINDS, STATE_OF_EVENT, JobRun, Ledger, Sink, row_of_event
from invest.engine.redis import Event, keys, parse_event, read_records

log = structlog.get_logger("invest.engine")
BATCH: Final = 500
GATHER: Final = 0.2  # seconds for more events to come: what happens to a job within them makes one row
IDLE_MS: Final = 30_000  # entries a dead projector left unacknowledged are taken over after this
LOOK_EVERY: Final = 5.0  # seconds between looks for a gap and for consumers that left, where events come all the time
GONE_MS: Final = 300_000  # a consumer not heard of for so long is removed


class Projector:
    """Feeds `sink` with the rows of jobs that something happened to. Any number may run; each event goes to one.

    An event is acknowledged after the sink took its row: a sink that fails (PostgreSQL is down) is tried again with the
    same rows for as long as it takes, while the events wait in the stream. Events that the stream dropped meanwhile are
    noticed, and the rows are repaired from what is left, if the sink is a `Ledger`.
    """

    def __init__(self, client: Client, sink: Sink) -> None:
        self._redis = client.redis
        self._sink = sink
        self._me = f"{socket.gethostname()}:{os.getpid()}:{os.urandom(3).hex()}"
        self._resume: Any = "0"  # first what this consumer was given before and never acknowledged
        self._gaps = Gaps(client.redis, sink) if isinstance(sink, Ledger) else None
        self._looked = 0.0

    async def run(self) -> None:
        """Until cancelled."""
        pause = 0.5
        try:
            while True:
                try:
                    if await self.step() < BATCH:
                        await asyncio.sleep(GATHER)
                    pause = 0.5
                except Exception as error:  # the sink's own errors are of any kind; the events wait
                    log.warning("history is behind", error=f"{type(error).__name__}: {error}")
                    self._resume = "0"
                    await asyncio.sleep(pause)
                    pause = min(pause * 2, 30)
        finally:
            await self._leave()

    async def step(self, *, block: float = 2.0) -> int:
        """Take one batch to the sink; gives how many events it was."""
        entries = await self._read(block)
        dropped = any(not fields for _, fields in entries)
        if not entries or dropped or time.monotonic() - self._looked > LOOK_EVERY:
            await self._look(dropped=dropped)
        if not entries:
            return 0
        events = [parse_event(raw, fields) for raw, fields in entries if fields]
        rows = await self.rows(events)
        if rows:
            await self._sink(rows)
        await self._redis.xack(keys.EVENTS, GROUP, *[raw for raw, _ in entries])
        return len(entries)

    async def _look(self, *, dropped: bool) -> None:
        """Whether events were dropped unread, and whether consumers have left."""
        self._looked = time.monotonic()
        if self._gaps is not None:
            await self._gaps.look(dropped=dropped)
        for consumer in await self._redis.xinfo_consumers(keys.EVENTS, GROUP):
            if consumer["pending"] == 0 and consumer["idle"] > GONE_MS:
                await self._redis.xgroup_delconsumer(keys.EVENTS, GROUP, consumer["name"])

    async def _leave(self) -> None:
        """Take this consumer off the group, unless it holds entries: another takes those over, and removes it later."""
        try:
            for consumer in await self._redis.xinfo_consumers(keys.EVENTS, GROUP):
                if consumer["name"].decode() == self._me and consumer["pending"] == 0:
                    await self._redis.xgroup_delconsumer(keys.EVENTS, GROUP, self._me)
        except (RedisError, OSError, TimeoutError):
            log.debug("history consumer not removed", consumer=self._me)

    async def _read(self, block: float) -> list[Any]:
        try:
            return await self._claimed() or await self._new(block)
        except ResponseError as error:
            if "NOGROUP" not in str(error):
                raise
        try:
            await self._redis.xgroup_create(keys.EVENTS, GROUP, id="0", mkstream=True)
        except ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise
        return []

    async def _claimed(self) -> list[Any]:
        if self._resume is None:
            _, entries, *_ = await self._redis.xautoclaim(keys.EVENTS, GROUP, self._me, IDLE_MS, count=BATCH)
            return list(entries)
        answer = await self._redis.xreadgroup(GROUP, self._me, {keys.EVENTS: self._resume}, count=BATCH)
        entries = list(answer[0][1]) if answer else []
        if not entries:
            self._resume = None
        return entries

    async def _new(self, block: float) -> list[Any]:
        answer = await self._redis.xreadgroup(
            GROUP, self._me, {keys.EVENTS: ">"}, count=BATCH, block=round(block * 1000) or None
        )
        return list(answer[0][1]) if answer else []

    async def rows(self, events: Iterable[Event]) -> list[JobRun]:
        """One row per job among the events, sorted by id, as its record says now (expired: as the event says)."""
        last: dict[str, Event] = {}
        for event in events:
            if event.kind in STATE_OF_EVENT or event.kind in OTHER_KINDS:
                last[event.job_id] = event
        records = await read_records(self._redis, list(last), results="arguments")
        plans = await self._plans(last.values())
        pairs = zip(last.values(), records, strict=True)
        found = (row_of_event(event, record, plans.get(event.job_id)) for event, record in pairs)
        return sorted(found, key=lambda row: row.id)

    async def _plans(self, events: Iterable[Event]) -> dict[str, dict[str, Any]]:
        """The plans of the workflows that were started, by id."""
        ids = [event.job_id for event in events if event.kind in ("workflow", "retried")]
        if not ids:
            return {}
        found = await self._redis.mget([keys.WORKFLOW + one + keys.WORKFLOW_PLAN for one in ids])
        return {one: orjson.loads(raw) for one, raw in zip(ids, found, strict=True) if raw}
