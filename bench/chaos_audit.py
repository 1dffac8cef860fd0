"""Comparing what was promised with what is there after the chaos."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from typing import Any, Protocol

import asyncpg

from bench.chaos_jobs import MOST_NARROW, RATE_GAP_MS
from invest.engine import Invest, keys
from invest.errors import NotFound
from invest.store import Store

EFFECTIVE = ("chaos_step", "chaos_flaky", "chaos_next", "chaos_callback", "chaos_narrow", "chaos_rated", "chaos_keyed")
SCHEDULED = ("chaos_tick", "chaos_never")  # they go on while the rest is looked at
LEAST_TICKS = 3


class Found(Protocol):
    """The figures that an audit fills in."""

    jobs: int
    workflows: int
    cancelled: int
    lost: int
    callbacks_twice: int
    effects_twice: int
    effects_missing: int
    wrong_results: int
    stuck: int
    history_differs: int
    rate_exceeded: int
    limit_exceeded: int
    schedules_dead: int
    ticks: int


class Accepted(Protocol):
    """One thing that was accepted."""

    id: str
    kind: str
    size: int
    cancelled: bool


async def audit(report: Found, accepted: Sequence[Accepted], invest: Invest, store: Store, database_url: str) -> None:
    """All comparisons."""
    report.workflows = len(accepted)
    report.cancelled = sum(e.cancelled for e in accepted)
    connection = await asyncpg.connect(database_url)
    try:
        rows = await connection.fetch("SELECT id, name, state FROM job_run WHERE name LIKE 'chaos_%'")
        effects = {r["job"] for r in await connection.fetch("SELECT job FROM effect")}
        total = await connection.fetchval("SELECT sum(total) FROM account")
    finally:
        await connection.close()
    report.jobs = len(rows)
    for row in rows:
        if row["state"] not in ("succeeded", "failed", "cancelled") and row["name"] not in SCHEDULED:
            print("without an end:", dict(row), flush=True)
            report.lost += 1
    report.effects_twice = int(total or 0) - len(effects)
    succeeded = {r["id"] for r in rows if r["state"] == "succeeded" and r["name"] in EFFECTIVE}
    report.effects_missing = len(succeeded - effects)
    events = [f async for f in _events(invest)]
    ended = Counter(f[b"id"] for _, f in events if f[b"e"] in (b"succeeded", b"failed", b"cancelled"))
    report.callbacks_twice = sum(1 for _, f in events if f[b"n"] == b"chaos_callback" and ended[f[b"id"]] > 1)
    starts = [ms for ms, f in events if f[b"e"] == b"started" and f[b"n"] == b"chaos_rated"]
    report.rate_exceeded = sum(b - a < RATE_GAP_MS for a, b in itertools.pairwise(starts))
    report.limit_exceeded = _over_the_limit(events)
    report.ticks = sum(r["name"] == "chaos_tick" for r in rows)
    report.schedules_dead = await _dead_schedules(invest, report.ticks)
    report.stuck = await _stuck(invest)
    report.history_differs = await _differences(invest, {r["id"]: r["state"] for r in rows})
    for entry in accepted:
        if not await _right(invest, store, entry):
            print("wrong:", entry, await _history_of(invest, store, entry.id), flush=True)
            report.wrong_results += 1


LEAVES = (b"succeeded", b"failed", b"cancelled", b"retrying", b"handed_back")


def _over_the_limit(events: Sequence[tuple[int, dict[bytes, bytes]]]) -> int:
    """How often more jobs of a limited name ran at once than may. One whose worker died keeps its turn."""
    running: set[bytes] = set()
    over = 0
    for _, event in events:
        if event[b"n"] == b"chaos_narrow" and event[b"e"] == b"started":
            running.add(event[b"id"])
            over += len(running) > MOST_NARROW
        elif event[b"e"] in LEAVES:
            running.discard(event[b"id"])
    return over


async def _dead_schedules(invest: Invest, ticks: int) -> int:
    """One whose condition raises says so, and the other one went on."""
    error = await invest.redis.hget(keys.SCHEDULE + "chaos_never", "error")  # type: ignore[misc] # redis-py: Awaitable
    return (error is None or b"calendar" not in error) + (ticks < LEAST_TICKS)


async def _stuck(invest: Invest) -> int:
    """Entries of sets that must be empty when nothing runs any more."""
    names = [name for name in await invest.inspect.names() if name not in SCHEDULED]
    sets = [index + name for index in (keys.WAITING, keys.RETRYING, keys.RUNNING, keys.PARKED) for name in names]
    sets += [keys.ARQ_ABORT, *(keys.queue_key("chaos", priority) for priority in (1, 0, -1))]
    left = {key: await invest.redis.zrange(key, 0, -1) for key in sets}
    left[keys.TODO] = await invest.redis.lrange(keys.TODO, 0, -1)  # type: ignore[misc] # the same
    stuck = {key: kept for key, ids in left.items() if (kept := [i for i in ids if not i.startswith(b"cron:")])}
    for key, ids in stuck.items():
        print("left in", key, ids[:5], flush=True)
    return sum(map(len, stuck.values()))


async def _differences(invest: Invest, history: dict[str, str]) -> int:
    """Jobs that Redis and the history tell different ends of."""
    count = 0
    for name in [n for n in await invest.inspect.names() if n.startswith("chaos_") and n not in SCHEDULED]:
        for index, state in ((keys.DONE, "succeeded"), (keys.FAILED, "failed"), (keys.CANCELLED, "cancelled")):
            for raw in await invest.redis.zrange(index + name, 0, -1):
                if await invest.redis.exists(keys.JOB.encode() + raw):
                    differs = history.get(raw.decode()) != state
                    if differs:
                        print("history differs:", name, raw.decode(), state, history.get(raw.decode()), flush=True)
                    count += differs
    return count


async def _history_of(invest: Invest, store: Store, job_id: str) -> Any:
    try:
        return await invest.status(job_id)
    except NotFound:
        return await store.jobs.get(job_id)


async def _right(invest: Invest, store: Store, entry: Accepted) -> bool:
    try:
        status = await invest.status(entry.id)
    except NotFound:  # it ended before Redis was emptied: the history knows how, not with which result
        run = await store.jobs.get(entry.id)
        poisoned = run is not None and run.error is not None and run.error["type"] == "Poisoned"
        return run is not None and (run.state == "succeeded" or poisoned or entry.cancelled or entry.kind == "strict")
    if status.state.value != "succeeded":
        poisoned = status.error is not None and status.error.type == "Poisoned"
        taken = status.error is not None and status.error.type == "KeyTaken"
        return entry.cancelled or poisoned or taken or entry.kind == "strict"
    result = status.result
    if entry.kind in ("chord", "batch"):
        extra = 2 if entry.kind == "chord" else 0
        return bool(result["good"] + result["bad"] == entry.size + extra)
    if entry.kind == "group":
        return len(result) == entry.size
    if entry.kind in ("narrow", "rated", "keyed"):
        return entry.kind == "keyed" or bool(result == entry.size)
    return bool(result == {"chain": 3, "nested": [3, 2], "single": 3}[entry.kind])


async def _events(invest: Invest) -> AsyncIterator[tuple[int, dict[bytes, bytes]]]:
    last: Any = "-"
    while page := await invest.redis.xrange(keys.EVENTS, min=last, count=5000):
        for raw_id, fields in page:
            yield int(raw_id.partition(b"-")[0]), fields
        last = b"(" + page[-1][0]
