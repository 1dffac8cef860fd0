"""The log lines of each job, kept in Redis for a day, so that they can be read where the job is looked at.

Lines carry the id of the job that runs (bound by the worker); a handler beside the process' own collects those that do,
without secrets, and a task sends them on a few times a second. Logging never waits for Redis, and a Redis that is away
costs lines, not jobs.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import orjson
import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from invest.logs import hide_in_text

LINES: Final = "invest:log:"  # + job id -> list of JSON lines, the oldest first
MOST: Final = 200  # lines of a job: the newest ones
KEPT: Final = 86_400  # seconds
WAITING: Final = 5_000  # lines of a process that wait to be sent; beyond it the oldest are dropped
EVERY: Final = 0.3  # seconds between two sendings
LONG: Final = 2_000  # characters of a line
# What stands beside a line or is the same on each.
ASIDE: Final = frozenset({"event", "level", "timestamp", "job_id", "process", "request_id", "exc_info", "stack_info"})


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line: when, how grave (info, warning, …), what."""

    at: datetime
    level: str
    text: str


class JobLines(logging.Handler):
    """Collects the lines that belong to a job."""

    def __init__(self) -> None:
        super().__init__()
        self._waiting: deque[tuple[str, bytes]] = deque(maxlen=WAITING)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the line if it is a job's."""
        bound = structlog.contextvars.get_contextvars()
        given: Mapping[str, Any] = record.msg if isinstance(record.msg, Mapping) else {"event": record.getMessage()}
        job_id = given.get("job_id") or bound.get("job_id")
        if not isinstance(job_id, str):
            return
        parts = [str(given.get("event", "")), *(f"{k}={v}" for k, v in given.items() if k not in ASIDE)]
        error = record.exc_info[1] if record.exc_info else given.get("exc_info")
        if isinstance(error, BaseException):
            parts.append(f"{type(error).__name__}: {error}")
        line = {
            "at": round(record.created * 1000),
            "level": record.levelname.lower(),
            "text": hide_in_text(" ".join(parts))[:LONG],
        }
        self._waiting.append((job_id, orjson.dumps(line)))

    async def send(self, redis: Redis) -> None:
        """Send what waits; what Redis does not take is dropped."""
        by_job: dict[str, list[bytes]] = {}
        while self._waiting:
            job_id, line = self._waiting.popleft()
            by_job.setdefault(job_id, []).append(line)
        if not by_job:
            return
        try:
            async with redis.pipeline(transaction=False) as pipe:
                for job_id, lines in by_job.items():
                    pipe.rpush(LINES + job_id, *lines[-MOST:])
                    pipe.ltrim(LINES + job_id, -MOST, -1)
                    pipe.expire(LINES + job_id, KEPT)
                await pipe.execute(raise_on_error=False)
        except (RedisError, OSError):
            return


@asynccontextmanager
async def keeping_lines(redis: Redis) -> AsyncIterator[None]:
    """Collect and send while this is open."""
    handler, root = JobLines(), logging.getLogger()

    async def go_on() -> None:
        while True:
            await asyncio.sleep(EVERY)
            await handler.send(redis)

    root.addHandler(handler)
    task = asyncio.create_task(go_on())
    try:
        yield
    finally:
        root.removeHandler(handler)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await handler.send(redis)


async def lines_of(redis: Redis, job_id: str) -> list[LogLine]:
    """What is kept of a job's lines, the oldest first."""
    rows = await redis.lrange(LINES + job_id, 0, -1)  # type: ignore[misc] # redis-py: Awaitable | list
    found = [orjson.loads(row) for row in rows]
    return [LogLine(datetime.fromtimestamp(f["at"] / 1000, UTC), str(f["level"]), str(f["text"])) for f in found]
