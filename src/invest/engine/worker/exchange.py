"""Exchanging with Redis: one round trip at a time, each carrying all that has gathered meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import orjson
import structlog
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from invest.engine.redis import Ask, Finished, Line, Signal, ask_all, keys, result_head, transitions
from invest.engine.redis.transitions import Claim
from invest.engine.worker.execution import Run
from invest.engine.worker.slots import Slots
from invest.engine.worker.stats import Stats

log = structlog.get_logger("invest.engine")
IDLE_POLL = 1.0  # seconds between looks at the queue when no hint came: a stock client gives none
FINISH_BATCH = 128
PROGRESS_EVERY = 0.25


class Exchange:
    """What a worker tells Redis (ends, progress) and asks of it (jobs). `claimed` is called with what was brought."""

    def __init__(
        self,
        worker: str,
        redis: Redis,
        slots: Slots,
        stats: Stats,
        *,
        lease: float,
        claimed: Callable[[Claim], None],
        may_claim: Callable[[], bool],
    ) -> None:
        self._worker = worker
        self._redis = redis
        self._line = Line(redis)
        self._slots = slots
        self._stats = stats
        self._lease_ms = round(lease * 1000)
        self._claimed = claimed
        self._allowed = may_claim
        self.wake = Signal()
        self.hungry = True
        self.outbox: list[Run] = []
        self._next_claim = 0.0
        self._saturated = False
        self._todo = 0
        self._progress: dict[str, tuple[str, bytes]] = {}
        self._progress_at = 0.0

    def hint(self) -> None:
        """There may be something to claim."""
        self.hungry = True
        self.wake.set()

    def ended(self, run: Run) -> None:
        """A run has its verdict: tell Redis with the next exchange."""
        self._progress.pop(run.id, None)
        if run.verdict is not None and run.verdict.action != "drop":
            self.outbox.append(run)
        if self._saturated or _may_release(run):
            self.hungry = True
        self.wake.set()

    def report(self, run: Run, done: float, total: float | None, message: str) -> None:
        """Note a job's progress; the newest is sent with an exchange every quarter of a second."""
        said = orjson.dumps({"done": done, "total": total, "message": message[:300]})
        self._progress[run.id] = (run.token, said[:-1] + b',"at":')
        self.wake.set()

    def _may_claim(self) -> bool:
        if self._slots.free <= 0 or not self._allowed():
            return False
        return self.hungry or time.monotonic() >= self._next_claim

    async def wait(self) -> None:
        """Until there is something to exchange."""
        if self.outbox or self._todo or self._may_claim():
            return
        now = time.monotonic()
        full = self._slots.free <= 0 or not self._allowed()
        timeout = IDLE_POLL / 4 if full else max(0.0, min(IDLE_POLL, self._next_claim - now))
        if self._progress:
            timeout = min(timeout, max(0.0, self._progress_at + PROGRESS_EVERY - now))
        await self.wake.wait(timeout)

    async def once(self) -> None:
        """One exchange. Raises what the connection raises; then everything that was to be sent is kept for the next."""
        batch = self.outbox[:FINISH_BATCH]
        asks: list[Ask[Any]] = []
        if batch:
            asks.append(transitions.finish([finished(run) for run in batch]))
        claiming = self._may_claim()
        if claiming:
            self.hungry = False
            free, limits = self._slots.free, self._slots.limits()
            asks.append(transitions.claim(self._worker, self._lease_ms, free, self._slots.by_queue(), limits))
        if self._todo:
            asks.append(transitions.proceed())
        now = time.monotonic()
        told = self._progress if self._progress and now >= self._progress_at + PROGRESS_EVERY else {}
        if told:
            self._progress, self._progress_at = {}, now
            asks.append(transitions.progress([(job_id, token, said) for job_id, (token, said) in told.items()]))
        if rows := self._stats.due(now):
            await self._stats.flush(self._redis, rows)
        if asks:
            await self._read(await ask_all(self._redis, self._line, asks), batch, claiming)

    async def _read(self, answers: list[Any], batch: list[Run], claiming: bool) -> None:
        """Process the answers: claimed jobs first, also where other answers are errors."""
        rest = list(answers)
        ends = rest.pop(0) if batch else None
        claim = rest.pop(0) if claiming else None
        if self._todo and isinstance(rest[0] if rest else None, int):
            self._todo = rest[0]
        if isinstance(claim, Claim):
            self._take(claim)
        elif claim is not None:
            log.error("claim refused", worker=self._worker, error=str(claim))
            self._next_claim = time.monotonic() + IDLE_POLL
        if isinstance(ends, ResponseError):
            await self._one_by_one(batch, ends)
        elif ends is not None:
            replies, self._todo = ends[0], max(self._todo, ends[1])
            self._acknowledge(batch, replies)

    def _take(self, claim: Claim) -> None:
        now = time.monotonic()
        self._todo = claim.todo
        self._next_claim = now + (IDLE_POLL if claim.next_due_ms < 0 else min(IDLE_POLL, claim.next_due_ms / 1000))
        self._claimed(claim)
        self._saturated = self._slots.full_somewhere()  # only then may more be due than was brought

    def _acknowledge(self, batch: list[Run], replies: list[str]) -> None:
        del self.outbox[: len(batch)]
        for run, reply in zip(batch, replies, strict=True):
            if reply == "stale":
                log.warning("finish refused: no longer ours", job_id=run.id, job=run.name, worker=self._worker)
            elif reply != "ok":
                log.error("job failed: its end could not be written", job_id=run.id, job=run.name, error=reply)

    async def _one_by_one(self, batch: list[Run], error: ResponseError) -> None:
        """The script as a whole was refused: each end by itself, so that one harms no other.

        A refusal that any end would meet (Redis is full, or a replica) is raised: it passes, and the ends wait.
        """
        if type(error) is not ResponseError:
            raise error
        for run in batch:
            try:
                (reply,), self._todo = await transitions.finish([finished(run)]).of(self._redis)
                self._acknowledge([run], [reply])
            except ResponseError as refused:
                if type(refused) is not ResponseError:
                    raise
                self._acknowledge([run], [str(refused)])

    async def close(self) -> None:
        """Give the connection back."""
        await self._line.close()

    async def left_on_queues(self) -> int:
        """How many jobs are on the queues of this worker, due or not."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for queue in self._slots.queues:
                for priority in (1, 0, -1):
                    pipe.zcard(keys.queue_key(queue.name, priority))
            return sum(n for n in await pipe.execute(raise_on_error=False) if isinstance(n, int))


def _may_release(run: Run) -> bool:
    """Whether something may be due as soon as this end is told: the steps after it, or whom its limit holds back."""
    verdict = run.verdict
    follows = run.workflow is not None or (verdict is not None and verdict.action not in ("succeeded", "failed"))
    return follows or (run.job is not None and bool(run.job.max_running))


def finished(run: Run) -> Finished:
    """A run that has its verdict, as ``finish.lua`` takes it."""
    verdict = run.verdict
    assert verdict is not None
    head: bytes = b""
    if verdict.action not in ("retry", "back"):
        head = result_head(run.id, run.body, run.attempt, run.started_ms, keys.queue_key(run.queue))
    return Finished(run.id, run.token, verdict.action, head, verdict.value, verdict.delay_ms, verdict.history)
