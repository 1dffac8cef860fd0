"""Cron lines: every worker keeps the schedule of its queues, and Redis lets one run per tick happen.

Each line lives by itself: one whose condition raises or hangs, or whose arguments do not validate, is named in the log
and in the schedule's state, and the others tick on. Conditions run in a thread, and no look takes long.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final

import structlog
from redis.exceptions import RedisError

from invest.engine.client import Client
from invest.engine.declare import CATCH_UP_LIMIT, CATCH_UP_WINDOW, LOOK, Group, JobType, line_ticks, registry
from invest.engine.manage import cell_of
from invest.engine.redis import NewJob, Tick, job_head, keys, transitions
from invest.settings import HOME

log = structlog.get_logger("invest.engine")

LONGEST_SLEEP: Final = 20.0
LONGEST_LOOK: Final = 0.5  # seconds that a step waits for one line, while the loop goes on
GO_ON: Final = 0.02  # seconds until a look that took long goes on
PATIENCE: Final = 5.0  # seconds for a condition to answer
LATE: Final = 60.0  # seconds after which a tick counts as missed
KEPT_ERROR: Final = 500  # characters


class Line:
    """One cron line as this process sees it."""

    def __init__(self, job: JobType[..., Any]) -> None:
        self.job = job
        self.error: str | None = None
        self.sound = False  # whether it worked in this process; a new process knows nothing of what others noted
        self.condition = registry.condition(job)
        self._asked: asyncio.Future[bool] | None = None
        self._ahead: tuple[float, datetime | None] | None = None
        self._behind: Iterator[datetime] | None = None
        self._start = 0.0
        self._pending: datetime | None = None
        self._newest: datetime | None = None
        self._allowed: deque[datetime] = deque(maxlen=CATCH_UP_LIMIT)

    def upcoming(self, now: datetime) -> datetime | None:
        """The next tick of the line before its condition is asked; None if it never ticks again."""
        at = now.timestamp()
        if self._ahead is None or at < self._ahead[0] or (self._ahead[1] and self._ahead[1].timestamp() <= at):
            assert self.job.cron is not None
            self._ahead = (at, next(line_ticks(self.job.cron, now), None))
        return self._ahead[1]

    async def passed(self, last: datetime, now: datetime) -> tuple[datetime | None, list[datetime]] | None:
        """The newest tick after `last` up to `now`, and those of them that the condition allows.

        None if the look took too long: ask again with the same `last`, it goes on where it stopped.
        """
        assert self.job.cron is not None
        if self._behind is None or self._start != last.timestamp():
            self._start, self._pending, self._newest = last.timestamp(), None, None
            self._allowed.clear()
            self._behind = line_ticks(self.job.cron, max(last, now - CATCH_UP_WINDOW, key=datetime.timestamp))
        begun = turn = time.perf_counter()
        while True:
            tick = self._pending or next(self._behind, None)
            if tick is None or tick.timestamp() > now.timestamp():
                self._pending = tick
                allowed = list(self._allowed)
                self._allowed.clear()
                return self._newest, allowed
            self._pending, self._newest = None, tick
            if await self._allows(tick):
                self._allowed.append(tick)
            if time.perf_counter() - turn > LOOK:
                if time.perf_counter() - begun > LONGEST_LOOK:
                    return None
                await asyncio.sleep(0)
                turn = time.perf_counter()

    async def _allows(self, tick: datetime) -> bool:
        """What the condition says; one that raises or does not answer refuses, and is remembered."""
        if self.condition is None:
            return True
        if self._asked is not None and not self._asked.done():
            return False  # it still has not answered the last time
        self._asked = asyncio.ensure_future(asyncio.to_thread(self.condition, tick))
        try:
            answer = await asyncio.wait_for(asyncio.shield(self._asked), PATIENCE)
        except TimeoutError:
            self._asked.add_done_callback(_looked_at)
            self.fail(f"its condition did not answer within {PATIENCE:g} s")
            return False
        except Exception as error:  # a condition may raise anything
            self.fail(f"its condition raised {type(error).__name__}: {error}")
            return False
        self.work()
        return bool(answer)

    def work(self) -> None:
        """Remember that it can start its job."""
        self.error, self.sound = None, True

    def fail(self, reason: str) -> None:
        """Remember why it starts nothing; the log says so once."""
        if self.error != reason:
            log.error("schedule cannot start its job", job=self.job.name, error=reason)
        self.error, self.sound = reason[:KEPT_ERROR], False


def _looked_at(future: asyncio.Future[bool]) -> None:
    if not future.cancelled():
        future.exception()


class Scheduler:
    """Keeps the cron lines of some queues going. Any number may run at once, on clocks that disagree."""

    def __init__(self, client: Client, queues: Sequence[Group]) -> None:
        """Raises `ConfigError` for a condition that nobody registered."""
        self._client = client
        here = client.settings.redis.cell or HOME
        mine = [queue for queue in queues if cell_of(client.settings, queue.name, None) == here]  # one cell ticks
        self._lines = [Line(job) for queue in mine for job in queue.jobs.values() if job.cron]
        self._zone = client.settings.zone

    async def run(self) -> None:
        """Until cancelled; Redis being away only delays it."""
        while self._lines:
            try:
                pause = await self.step()
            except (RedisError, OSError, TimeoutError) as error:
                log.warning("schedule delayed", error=str(error))
                pause = 2.0
            await asyncio.sleep(pause)

    async def step(self) -> float:
        """Start what is due; gives the seconds until the next tick, at most `LONGEST_SLEEP`."""
        now = await self.now()
        waits = await asyncio.gather(*(self._safely(line, now) for line in self._lines))
        spent = (await self.now()).timestamp() - now.timestamp()
        return max(0.02, min([LONGEST_SLEEP, *waits]) - spent)

    async def now(self) -> datetime:
        """Redis' clock in the market's time zone: the worker's own may be wrong."""
        seconds, micros = await self._client.redis.time()
        return datetime.fromtimestamp(seconds + micros / 1e6, self._zone)

    async def _safely(self, line: Line, now: datetime) -> float:
        """Seconds until this line is to be looked at again; an error of its own is logged."""
        try:
            return await self._advance(line, now)
        except (RedisError, OSError, TimeoutError):
            raise
        except Exception as error:  # whatever is wrong with one line is that line's own
            line.fail(f"{type(error).__name__}: {error}")
            await self._note(line)
            return LONGEST_SLEEP

    async def _advance(self, line: Line, now: datetime) -> float:
        upcoming = line.upcoming(now)
        wait = LONGEST_SLEEP if upcoming is None else upcoming.timestamp() - now.timestamp()
        raw, noted = await self._client.redis.hmget(keys.SCHEDULE + line.job.name, ["last", "error"])  # type: ignore[misc] # redis-py: Awaitable | list
        if raw is None:  # first seen: from now on
            await self._tick(line, now, upcoming, start=False)
            return wait
        last = datetime.fromtimestamp(int(raw) / 1000, self._zone)
        passed = await line.passed(last, now)
        if passed is None:
            return GO_ON
        newest, allowed = passed
        for position, tick in enumerate(allowed):
            late = now.timestamp() - tick.timestamp()
            start = line.job.catch_up == "all" or position == len(allowed) - 1
            await self._tick(line, tick, upcoming, start=start and not (line.job.catch_up == "skip" and late > LATE))
        if newest is not None and newest not in allowed:
            await self._tick(line, newest, upcoming, start=False)
        if line.error is not None or (line.sound and noted is not None):
            await self._note(line)
        return wait

    async def _note(self, line: Line) -> None:
        key = keys.SCHEDULE + line.job.name
        if line.error is None:
            await self._client.redis.hdel(key, "error")  # type: ignore[misc] # redis-py: Awaitable | int
        else:
            await self._client.redis.hset(key, "error", line.error)  # type: ignore[misc] # the same

    async def _tick(self, line: Line, tick: datetime, upcoming: datetime | None, *, start: bool) -> None:
        job, tick_ms = line.job, int(tick.timestamp() * 1000)
        payload, unique = b"{}", ""
        if start:
            try:
                call = job(**job.cron_args)
                payload, unique = call.payload, job.unique_key(call)
            except Exception as error:  # arguments or a key that cannot be: the tick passes
                line.fail(f"its arguments cannot be used: {error}")
                start = False
            else:
                if line.condition is None:
                    line.work()
        ttl = job.result_ttl or self._client.settings.engine.result_ttl
        new = NewJob(
            id=f"cron:{job.name}:{tick_ms}",
            name=job.name,
            queue=job.queue.name,
            priority=int(job.priority),
            result_ttl=round(ttl * 1000),
            envelope=job_head(job.name, payload),
            unique=unique,
        )
        following = int(upcoming.timestamp() * 1000) if upcoming else None
        if await transitions.tick(Tick(new, tick_ms, following, start)).of(self._client.redis):
            log.info("schedule tick", job=job.name, tick=tick.isoformat())
