"""From the engine's rows to the store's: the history of jobs beyond the hour that results live in Redis, and back."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import structlog
from redis.exceptions import RedisError, ResponseError

from invest.domain import job_run
from invest.engine import (
    PROJECTOR_GROUP,
    InvalidArguments,
    Invest,
    JobRun,
    JobState,
    job_head,
    keys,
    registry,
    restore,
)
from invest.errors import InvestError
from invest.jobs.notices import announce, buried, words_of
from invest.settings import HOME, Settings
from invest.store import Store
from invest.workers.pauses import KeptPauses

MARK: Final = "invest:whole"  # which Redis process was looked after: gone when Redis lost its data
LOCK: Final = "invest:restoring"  # who restores now
LOCK_SECONDS: Final = 30
LOOK_EVERY: Final = 5.0
PAGE: Final = 1_000
CAUGHT_UP: Final = 600.0  # seconds to wait for the history to take what Redis still holds of it
log = structlog.get_logger("invest.workers")
# Sets the mark only while the restorer still holds the lock: a Redis that was lost again meanwhile has neither.
MARK_WHOLE: Final = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[2], ARGV[2])
redis.call('DEL', KEYS[1])
return 1
"""
HOLD: Final = "return redis.call('GET', KEYS[1]) == ARGV[1] and redis.call('EXPIRE', KEYS[1], ARGV[2]) or 0"


class Interrupted(InvestError):
    """Redis was lost again, or another process took the restore over, while it was going on."""


class history_sink:  # noqa: N801 - it is called like the function that it is
    """What a `Projector` feeds: it raises while PostgreSQL is away, and the events wait in Redis."""

    def __init__(self, store: Store, cell: str = "", invest: Invest | None = None) -> None:
        self._store = store
        self._cell = cell
        self._invest = invest  # tells people of dead letters; without it nobody is told

    async def __call__(self, rows: Sequence[JobRun]) -> None:
        if not rows:
            return
        await self._store.jobs.upsert([kept(row, self._cell) for row in rows])
        if self._invest is not None and (notices := buried(rows, words_of(self._invest.settings))):
            await announce(self._invest, self._store, notices)

    async def unfinished(self, after: str | None) -> list[JobRun]:
        """A page of what the history believes unfinished, to be repaired after a gap in the events."""
        return [known(run) for run in await self._store.jobs.without_end(after or "", cell=self._cell)]


def stored_cell(settings: Settings) -> str:
    """How the history names the cell of a process; the first is empty."""
    return "" if settings.redis.cell == HOME else settings.redis.cell


async def restore_lost(invest: Invest, store: Store, hold: Callable[[], Awaitable[None]] | None = None) -> int:
    """Queue again what PostgreSQL knows as accepted and a lost Redis no longer does; how many. None is doubled.

    `hold` is called before each page; what it raises ends the restore, which can be begun again.
    """
    restored, last = 0, None
    while page := await store.jobs.unfinished(after=last, limit=PAGE, cell=stored_cell(invest.settings)):
        if hold is not None:
            await hold()
        restored += await restore(invest, [known(run) for run in page])
        last = page[-1]
    return restored


async def end_unrestored(invest: Invest, store: Store, hold: Callable[[], Awaitable[None]]) -> int:
    """End the rows of what Redis lost and did not get back; how many.

    They are steps of workflows that a job handed over to, which began again with other steps, and what the history
    does not know enough of.
    """
    count, after = 0, ""
    while page := await store.jobs.without_end(after, cell=stored_cell(invest.settings)):
        after = page[-1].id
        async with invest.redis.pipeline(transaction=False) as pipe:
            pipe.time()
            for run in page:
                pipe.exists(keys.JOB + run.id)
            (seconds, micros), *there = await pipe.execute()
        await hold()  # after the look: a Redis that was lost meanwhile has told nothing
        now_ms = int(seconds) * 1000 + int(micros) // 1000
        gone = [run for run, exists in zip(page, there, strict=True) if not exists]
        await store.jobs.upsert([_ended(run, now_ms) for run in gone])
        count += len(gone)
    if count:
        log.warning("history ended what was not restored", rows=count)
    return count


def _ended(run: job_run.JobRun, now_ms: int) -> job_run.JobRun:
    """The row of a job that Redis lost for good, as ended at `now_ms`, which is after all its events."""
    step = run.workflow is not None
    reason = "its workflow began again with other steps" if step else "the history does not know enough to run it again"
    return job_run.JobRun(
        id=run.id,
        state=(JobState.CANCELLED if step else JobState.FAILED).value,
        finished_at=datetime.fromtimestamp(now_ms / 1000, UTC),
        error={"type": "NotRestored", "message": f"Redis was lost: {reason}"},
        event_id=f"{max(now_ms, run.order[0] + 1)}-0",
    )


async def keep_whole(invest: Invest, store: Store) -> None:
    """Notice a Redis that may have lost something (no mark, or another process) and restore it; until cancelled.

    The mark is set after the restore: after a process' end or PostgreSQL's absence another worker continues
    until it is done. A Redis that is merely away is waited for.
    """
    pauses = KeptPauses(invest, store, MARK)
    while True:
        try:
            await look_after(invest, store, pauses)
        except (RedisError, InvestError, OSError, TimeoutError) as error:
            log.warning("redis could not be looked after", error=str(error))
        except Exception as error:  # the store's driver has errors of its own: the restore must go on
            log.exception("redis could not be looked after", error=str(error))
        await asyncio.sleep(LOOK_EVERY)


async def look_after(invest: Invest, store: Store, pauses: KeptPauses | None = None) -> bool:
    """One look: restore a Redis that is not marked as whole, unless another process does; whether it was done."""
    server = await _server(invest)
    mark = await invest.redis.get(MARK)
    if mark == server.encode():
        if pauses is not None:
            await pauses.keep(server)
        return False
    if mark is None:  # not only restarted: nothing of what was paused is left
        await KeptPauses(invest, store, MARK).put_back()
    me = os.urandom(8).hex()
    if not await invest.redis.set(LOCK, me, nx=True, ex=LOCK_SECONDS):
        return False

    async def hold() -> None:
        if not await invest.redis.eval(HOLD, 1, LOCK, me, LOCK_SECONDS):  # type: ignore[misc,arg-type] # redis-py: Awaitable | str
            raise Interrupted("the restore is no longer this process's: it begins again")

    await _caught_up(invest, hold)
    restored = await restore_lost(invest, store, hold)
    await end_unrestored(invest, store, hold)
    if server != await _server(invest) or not await invest.redis.eval(MARK_WHOLE, 2, LOCK, MARK, me, server):  # type: ignore[misc] # the same
        raise Interrupted("Redis was lost again while it was restored: it begins again")
    log.info("redis was restored", restored=restored)
    return True


async def _server(invest: Invest) -> str:
    """Which process of the server this is: one that was restarted may have lost its last second."""
    return str((await invest.redis.info("server"))["run_id"])


async def _caught_up(invest: Invest, hold: Callable[[], Awaitable[None]]) -> None:
    """Wait until the history has taken what happened up to now: what has ended must not be restored.

    Raises `Interrupted` if it does not come about: then it is tried again later.
    """
    target: tuple[int, int] | None = None
    for _ in range(round(CAUGHT_UP / 0.2)):
        await hold()
        try:
            stream = await invest.redis.xinfo_stream(keys.EVENTS)
            groups = await invest.redis.xinfo_groups(keys.EVENTS)
        except ResponseError:
            return  # nothing has happened yet
        group = next((g for g in groups if g["name"] == PROJECTOR_GROUP.encode()), None)
        if group is None:
            return  # nobody has read: what is in the stream happened after the loss
        target = target or _position(stream["last-generated-id"])
        oldest = (await invest.redis.xpending(keys.EVENTS, PROJECTOR_GROUP))["min"]
        if _position(group["last-delivered-id"]) >= target and (oldest is None or _position(oldest) > target):
            return
        await asyncio.sleep(0.2)
    raise Interrupted("the history does not catch up with the events")


def _position(event_id: Any) -> tuple[int, int]:
    text = event_id.decode() if isinstance(event_id, bytes) else str(event_id)
    milliseconds, _, number = text.partition("-")
    return int(milliseconds), int(number or 0)


async def lost_payload(store: Store, job_id: str) -> bytes | None:
    """The payload of a job that Redis has lost, made again from the history; None for one it does not know."""
    run = await store.jobs.get(job_id)
    if run is None or registry.find(run.name or "") is None:
        return None
    row = known(run)
    if row.args is None or row.kwargs is None:
        return None
    try:
        call = registry.call_by_name(row.name, row.args, row.kwargs)
    except InvalidArguments:
        return None
    enqueued = run.enqueued_at or datetime.now(UTC)
    return job_head(call.name, call.payload, row.caller) + b"%d}" % (enqueued.timestamp() * 1000)


def known(run: job_run.JobRun) -> JobRun:
    """A stored row as the engine's; `kept` backwards."""
    given = run.args if isinstance(run.args, dict) else {}
    milliseconds, number = run.order
    return JobRun(
        id=run.id,
        sequence=milliseconds * 1_000_000 + number,
        name=run.name or "",
        queue=run.queue or "",
        state=JobState(run.state),
        args=given.get("args"),
        kwargs=given.get("kwargs"),
        caller=given.get("by"),
        workflow=run.workflow,
        due_at=_instant(given.get("due_at")),
        expires_at=_instant(given.get("expires_at")),
        result_ttl=given.get("result_ttl"),
        key=given.get("key"),
        priority=given.get("priority", 0),
        plan=given.get("plan"),
    )


def kept(row: JobRun, cell: str = "") -> job_run.JobRun:
    """One row as it is stored; all that the caller gave together: arguments and options, a workflow's plan."""
    milliseconds, number = divmod(row.sequence, 1_000_000)
    error = {"type": row.error_type, "message": row.error_message} if row.error_type else None
    return job_run.JobRun(
        id=row.id,
        state=row.state.value,
        name=row.name or None,
        queue=row.queue or None,
        args=_given(row),
        attempt=row.attempt,
        deliveries=row.delivery,
        enqueued_at=row.enqueued_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        error=error,
        workflow=row.workflow,
        cell=cell,
        event_id=f"{milliseconds}-{number}",
    )


def _given(row: JobRun) -> dict[str, Any] | None:
    """Arguments and, while the job may have to be restored, its options; None if nothing is known of them any more."""
    given: dict[str, Any] = {}
    if row.args is not None and row.kwargs is not None:
        given |= {"args": row.args, "kwargs": row.kwargs}
    elif row.plan is None:
        return None
    if row.caller:
        given["by"] = row.caller
    if row.state.final:
        return given
    waits = row.due_at is not None and row.state in (JobState.SCHEDULED, JobState.QUEUED, JobState.RETRYING)
    options = {
        "due_at": row.due_at.isoformat() if row.due_at is not None and waits else None,
        "expires_at": row.expires_at.isoformat() if row.expires_at is not None else None,
        "result_ttl": row.result_ttl,
        "key": row.key,
        "priority": row.priority or None,
        "plan": row.plan,
    }
    return given | {name: value for name, value in options.items() if value is not None}


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
