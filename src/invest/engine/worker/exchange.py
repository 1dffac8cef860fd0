"""Exchanging with Redis: one round trip at a time, each carrying all that has gathered meanwhile."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import orjson
import structlog
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from invest.engine.redis import Ask, Finished, Line, Signal, answers_to, keys, result_head, transitions
from invest.engine.redis.transitions import Claim
from invest.engine.worker.execution import Run
from invest.engine.worker.slots import Slots
from invest.engine.worker.stats import Stats

log = structlog.get_logger("invest.engine")
IDLE_POLL = 1.0  # seconds between looks at the queue when no hint came: a stock client gives none
FINISH_BATCH = 128
PROGRESS_EVERY = 0.25


@dataclass(slots=True)
class Sent:
    """What one exchange carries; `claims`: how many jobs it asks for."""

    ends: list[Run]
    asks: list[Ask[Any]] = field(default_factory=list)
    claims: int = 0
    proceeds: bool = False


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
        self._flight: list[Sent] = []  # what was sent and is not answered, in its order: two at most
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
        progress = orjson.dumps({"done": done, "total": total, "message": message[:300]})
        self._progress[run.id] = (run.token, progress[:-1] + b',"at":')
        self.wake.set()

    @property
    def busy(self) -> bool:
        """Whether ends are still to be told, or answers to come."""
        return bool(self.outbox or self._flight)

    @property
    def _free(self) -> int:
        """Slots that are free, also once the claims under way are answered."""
        return self._slots.free - sum(sent.claims for sent in self._flight)

    def _may_claim(self) -> bool:
        if self._free <= 0 or not self._allowed():
            return False
        return self.hungry or time.monotonic() >= self._next_claim

    async def wait(self) -> None:
        """Until there is something to exchange."""
        if self.busy or self._todo or self._may_claim():
            return
        now = time.monotonic()
        full = self._free <= 0 or not self._allowed()
        timeout = IDLE_POLL / 4 if full else max(0.0, min(IDLE_POLL, self._next_claim - now))
        if self._progress:
            timeout = min(timeout, max(0.0, self._progress_at + PROGRESS_EVERY - now))
        await self.wake.wait(timeout)

    async def once(self) -> None:
        """One exchange. Raises what the connection raises; then everything that was to be sent is kept for the next.

        While there is more than slots for it, the next one is sent before this one is answered: jobs run here
        while the server is busy.
        """
        try:
            if not self._flight:
                await self._send()
            if self._flight and self._saturated and len(self._slots.queues) == 1:
                await asyncio.sleep(0)  # what the last claim brought runs
                await self._send()
            if self._flight:
                first = self._flight[0]
                await self._read(await answers_to(self._redis, self._line, first.asks), first)
                self._flight.pop(0)
        except BaseException:
            self.outbox[:0] = [run for sent in self._flight for run in sent.ends]
            self._flight.clear()
            await self._line.close()
            raise

    async def _send(self) -> None:
        if len(self._flight) > 1:
            return
        now = time.monotonic()
        if rows := self._stats.due(now):
            await self._stats.flush(self._redis, rows)
        sent = Sent(self.outbox[:FINISH_BATCH])
        if sent.ends:
            sent.asks.append(transitions.finish([finished(run) for run in sent.ends]))
        if self._may_claim():
            self.hungry = False
            sent.claims = self._free if not self._saturated else min(self._free, -(-self._slots.total // 2))
            limits, own = self._slots.limits(), self._slots.by_queue()
            sent.asks.append(transitions.claim(self._worker, self._lease_ms, sent.claims, own, limits))
        if self._todo:
            sent.proceeds = True
            sent.asks.append(transitions.proceed())
        if self._progress and now >= self._progress_at + PROGRESS_EVERY:
            pending, self._progress, self._progress_at = self._progress, {}, now
            sent.asks.append(
                transitions.progress([(job_id, token, progress) for job_id, (token, progress) in pending.items()])
            )
        if sent.asks:
            await self._line.send([ask.command(self._line.prefix) for ask in sent.asks])
            del self.outbox[: len(sent.ends)]
            self._flight.append(sent)

    async def _read(self, answers: list[Any], sent: Sent) -> None:
        """Process the answers: claimed jobs first, also where other answers are errors."""
        rest = list(answers)
        ends = rest.pop(0) if sent.ends else None
        claim = rest.pop(0) if sent.claims else None
        asked, sent.claims = sent.claims, 0
        if sent.proceeds and isinstance(rest[0], int):
            self._todo = rest[0]
        if isinstance(claim, Claim):
            self._take(claim, asked)
        elif claim is not None:
            log.error("claim refused", worker=self._worker, error=str(claim))
            self._next_claim = time.monotonic() + IDLE_POLL
        if isinstance(ends, ResponseError):
            await self._one_by_one(sent.ends, ends)
        elif ends is not None:
            replies, self._todo = ends[0], max(self._todo, ends[1])
            self._acknowledge(sent.ends, replies)

    def _take(self, claim: Claim, asked: int) -> None:
        now = time.monotonic()
        self._todo = claim.todo
        self._next_claim = now + (IDLE_POLL if claim.next_due_ms < 0 else min(IDLE_POLL, claim.next_due_ms / 1000))
        self._claimed(claim)
        # only then may more be due than was brought
        self._saturated = len(claim.jobs) >= asked or self._slots.full_somewhere()

    def _acknowledge(self, batch: list[Run], replies: list[str]) -> None:
        answered = batch[: len(replies)]
        del batch[: len(replies)]
        for run, reply in zip(answered, replies, strict=True):
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
        while batch:
            try:
                (reply,), self._todo = await transitions.finish([finished(batch[0])]).of(self._redis)
                self._acknowledge(batch, [reply])
            except ResponseError as refused:
                if type(refused) is not ResponseError:
                    raise
                self._acknowledge(batch, [str(refused)])

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
