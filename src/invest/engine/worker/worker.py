"""The worker: a subclass of arq's that claims, runs and finishes jobs through one script per transition."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Any

import orjson
import structlog
from arq.connections import ArqRedis
from arq.worker import Worker as ArqWorker
from arq.worker import func
from redis.exceptions import ReadOnlyError, RedisError

from invest.engine.client import Invest
from invest.engine.declare import Queue, Resources
from invest.engine.redis import (
    Argument,
    Signal,
    address_of,
    check,
    close_redis,
    deserialize,
    ended,
    id_bytes,
    id_text,
    keys,
    open_redis,
    script,
    serialize,
    warn_of_eviction,
)
from invest.engine.worker.exchange import Question, ask, finish_argv, limits_argv
from invest.engine.worker.execution import SWALLOW_GRACE, Reason, Run, Verdict, judge
from invest.engine.worker.performer import Performer
from invest.engine.worker.renewal import Renewal
from invest.engine.worker.scheduler import Scheduler
from invest.engine.worker.stats import Stats
from invest.errors import InvestError
from invest.settings import Settings

log = structlog.get_logger("invest.engine")

ResourcesFactory = Callable[[Settings], AbstractAsyncContextManager[Resources]]
IDLE_POLL = 1.0  # seconds between looks at the queue when no hint came: a stock client gives none
FINISH_BATCH = 200
LAST_WORDS = 2.0  # seconds a stopping worker tries to hand back to a Redis that does not answer
PROGRESS_EVERY = 0.25
AWAY_LOOK = 1.0  # seconds between looks at a server that is away
AWAY_ANSWER = 10.0
SUPERVISOR_VARIABLE = "_SUPERVISOR_OF_INVEST"  # its pid: a worker whose supervisor was killed ends as well
SWEEP_EVERY = 20  # seconds between sweeps of what is past keeping
SIGNALS = (signal.SIGTERM, signal.SIGINT)


async def _never_by_arq(ctx: dict[Any, Any], *args: Any, **kwargs: Any) -> None:
    raise RuntimeError("jobs of this platform run through its own worker only")


class Worker(ArqWorker):
    """Runs the jobs of `queues`, the first ones first, in one process."""

    def __init__(
        self,
        queues: Sequence[Queue],
        *,
        settings: Settings,
        resources: ResourcesFactory | None = None,
        concurrency: int | None = None,
        burst: bool = False,
        max_jobs: int = 0,
        handle_signals: bool = True,
    ) -> None:
        self.queues = list(queues)
        self.settings = settings
        self._caps = {q.name: self._cap(q, concurrency if len(self.queues) == 1 else None) for q in self.queues}
        self.slots = concurrency or sum(self._caps.values())
        super().__init__(
            functions=[func(_never_by_arq, name=job.name) for q in self.queues for job in q.jobs.values()]
            or [func(_never_by_arq, name="none")],
            queue_name=keys.queue_key(self.queues[0].name),
            burst=burst,
            handle_signals=False,
            max_jobs=self.slots,
            job_serializer=serialize,
            job_deserializer=deserialize,
        )
        self.name = f"{socket.gethostname()}:{os.getpid()}:{os.urandom(4).hex()}"
        self.running: dict[str, Run] = {}
        self.recycle_after = max_jobs
        self._signals = SIGNALS if handle_signals else ()
        self._factory = resources
        self._outbox: list[Run] = []
        self._wake = Signal()
        self._hungry = True
        self._next_claim = 0.0
        self._saturated = False
        self._empty = False
        self._stopping = False
        self._give_up_at = float("inf")
        self.stuck = 0
        self._held: Resources | None = None
        self._watching: asyncio.Task[None] | None = None  # while a server that jobs need is away
        self._progress: dict[str, tuple[str, bytes]] = {}
        self._progress_at = 0.0
        self._started_at = time.time()
        self.stats = Stats()
        self._limits = limits_argv(self.queues)

    def _cap(self, queue: Queue, given: int | None) -> int:
        configured = self.settings.queues.get(queue.name)
        return given or (configured.concurrency if configured else queue.concurrency)

    async def main(self) -> None:
        """Run until stopped, recycled, or (in burst mode) out of work; then hand back what could not finish.

        Raises `Unreachable` if Redis does not answer at the start; later it is waited for.
        """
        loop = asyncio.get_running_loop()
        for sig in self._signals:
            loop.add_signal_handler(sig, self._on_signal)
        async with AsyncExitStack() as stack:
            redis = open_redis(self.settings)
            self._pool = ArqRedis(
                redis.connection_pool,
                job_serializer=serialize,
                job_deserializer=deserialize,
                default_queue_name=self.queue_name,
            )
            stack.push_async_callback(close_redis, redis)
            await check(redis, address_of(self.settings))
            invest = Invest(self._pool, self.settings)
            stack.push_async_callback(invest.notices.close)
            held = await stack.enter_async_context(self._factory(self.settings)) if self._factory else None
            self._held = held
            stack.push_async_callback(self._end_watch)
            self._performer = Performer(self.name, invest, held, report=self._report, stop=self._stop_run)
            await self._listen(invest)
            await warn_of_eviction(self._pool)
            renewal = self._renewal(loop)
            stack.callback(renewal.finish)
            scheduler = Scheduler(invest, self.queues)
            ticking = asyncio.create_task(scheduler.run())
            stack.push_async_callback(ended, ticking)
            pulse = asyncio.create_task(self._pulse(renewal))
            stack.push_async_callback(ended, pulse)
            log.info("worker started", worker=self.name, queues=[q.name for q in self.queues], slots=self.slots)
            try:
                await self._pump()
            except asyncio.CancelledError:
                self.stop()
                await self._pump()
                raise
            finally:
                await self._leave()
        self._pool = None
        for sig in self._signals:
            loop.remove_signal_handler(sig)

    async def close(self) -> None:
        """Nothing is left open after `main`."""

    def stop(self) -> None:
        """Claim no more; running jobs get the grace period. A second call hands back at once."""
        if self._stopping:
            self._hand_back()
        elif not self._stopping:
            self._stopping = True
            log.info("worker stopping", worker=self.name, running=len(self.running))
            asyncio.get_running_loop().call_later(self.settings.engine.grace, self._hand_back)
        self._wake.set()

    def _on_signal(self) -> None:
        self.stop()

    def _hand_back(self) -> None:
        self._give_up_at = min(self._give_up_at, time.monotonic() + SWALLOW_GRACE + LAST_WORDS)
        for run in tuple(self.running.values()):
            self._stop_run(run, "shutdown")
        self._wake.set()

    def _renewal(self, loop: asyncio.AbstractEventLoop) -> Renewal:
        def told(lost: list[str], asked: list[str]) -> None:
            with contextlib.suppress(RuntimeError):  # the loop may have closed meanwhile
                loop.call_soon_threadsafe(self._told, lost, asked)

        health = [keys.queue_key(q.name) + keys.HEALTH_SUFFIX for q in self.queues]
        renewal = Renewal(
            self.settings,
            self.name,
            held=self.running,
            heartbeat=self._heartbeat,
            told=told,
            health_keys=health,
        )
        renewal.start()
        return renewal

    def _told(self, lost: list[str], asked: list[str]) -> None:
        for job_id in lost:
            if run := self.running.get(job_id):
                self.stats.lease_lost(run.name)
                log.warning("lease lost", job_id=job_id, job=run.name, worker=self.name)
                self._stop_run(run, "lease")
        for job_id in asked:
            if run := self.running.get(job_id):
                self._stop_run(run, "cancel")

    async def _listen(self, invest: Invest) -> None:
        def wake(_: bytes) -> None:
            self._hungry = True
            self._wake.set()

        def control(message: bytes) -> None:
            verb, _, raw = message.partition(b" ")
            if verb == b"cancel" and (run := self.running.get(id_text(raw))):
                self._stop_run(run, "cancel")

        for queue in self.queues:
            await invest.notices.subscribe(keys.WAKE + queue.name, wake)
        await invest.notices.subscribe(keys.CONTROL, control)

    async def _pulse(self, renewal: Renewal) -> None:
        names = ["?", *(job.name for queue in self.queues for job in queue.jobs.values())]
        supervisor = os.environ.get(SUPERVISOR_VARIABLE, "")
        beats = 0
        while True:
            renewal.loop_alive_at = time.monotonic()
            await asyncio.sleep(1)
            beats += 1
            if supervisor and os.getppid() != int(supervisor) and not self._stopping:
                log.warning("supervisor gone", worker=self.name)
                self.stop()
            if beats % SWEEP_EVERY == 0:
                with contextlib.suppress(RedisError, OSError, TimeoutError):
                    await script("sweep")(self.pool, 500, *names)

    def _heartbeat(self) -> bytes:
        return orjson.dumps(
            {
                "queues": [q.name for q in self.queues],
                "pid": os.getpid(),
                "host": socket.gethostname(),
                "slots": self.slots,
                "running": len(self.running),
                "done": self.jobs_complete,
                "failed": self.jobs_failed,
                "retried": self.jobs_retried,
                "started_at": self._started_at,
                "stopping": self._stopping,
            }
        )

    # -- the pump: one exchange with Redis at a time, each carrying all that has gathered meanwhile

    async def _pump(self) -> None:
        failures = 0
        while not self._over():
            await self._wait()
            try:
                await self._exchange()
                failures = 0
            except (RedisError, OSError, TimeoutError) as error:
                failures += 1
                if failures in (1, 10) or failures % 100 == 0:
                    log.warning("Redis does not answer", worker=self.name, error=str(error), failures=failures)
                if isinstance(error, ReadOnlyError):
                    await self.pool.connection_pool.disconnect()
                self._hungry = True
                await asyncio.sleep(min(2.0, 0.05 * 2 ** min(failures, 6)))

    def _over(self) -> bool:
        if time.monotonic() >= self._give_up_at:
            return True  # Redis is away and nothing can be told to it: the leases run out, the jobs run again
        if self.running or self._outbox:
            return False
        if self._stopping or self._recycled():
            return True
        return self.burst and self._empty

    def _recycled(self) -> bool:
        done = self.jobs_complete + self.jobs_failed + self.jobs_retried
        return bool(self.stuck) or 0 < self.recycle_after <= done

    def _may_claim(self) -> bool:
        if self._watching is not None or self._stopping or self._recycled() or len(self.running) >= self.slots:
            return False
        return self._hungry or time.monotonic() >= self._next_claim

    async def _wait(self) -> None:
        if self._outbox or self._may_claim():
            return
        now = time.monotonic()
        full = self._watching is not None or self._stopping or self._recycled() or len(self.running) >= self.slots
        timeout = IDLE_POLL if full else max(0.0, min(IDLE_POLL, self._next_claim - now))
        if self._progress:
            timeout = min(timeout, max(0.0, self._progress_at + PROGRESS_EVERY - now))
        await self._wake.wait(timeout)

    async def _exchange(self) -> None:
        batch = self._outbox[:FINISH_BATCH]
        asked: list[Question] = []
        if batch:
            asked.append((script("finish"), finish_argv(batch)))
        claiming = self._may_claim()
        if claiming:
            self._hungry = False
            asked.append((script("claim"), self._claim_argv()))
        now = time.monotonic()
        told = self._progress if self._progress and now >= self._progress_at + PROGRESS_EVERY else {}
        if told:
            self._progress, self._progress_at = {}, now
            asked.append((script("progress"), [f for i, (t, p) in told.items() for f in (id_bytes(i), t, p)]))
        if rows := self.stats.due(now):
            await self.stats.flush(self.pool, rows)
        if not asked:
            return
        answers = await ask(self.pool, asked)
        if batch:
            self._acknowledge(batch, answers[0])
        if claiming:
            self._start_claimed(answers[1 if batch else 0])

    def _acknowledge(self, batch: list[Run], answer: list[bytes]) -> None:
        del self._outbox[: len(batch)]
        for run, reply in zip(batch, answer, strict=True):
            if reply == b"stale":
                log.warning("finish refused: no longer ours", job_id=run.id, job=run.name, worker=self.name)

    def _claim_argv(self) -> list[Argument]:
        used: dict[str, int] = {}
        for run in self.running.values():
            used[run.queue] = used.get(run.queue, 0) + 1
        lease = round(self.settings.engine.lease * 1000)
        argv: list[Argument] = [self.name, lease, self.slots - len(self.running), len(self.queues)]
        for queue in self.queues:
            argv += [queue.name, max(0, self._caps[queue.name] - used.get(queue.name, 0))]
        return [*argv, *self._limits]

    def _start_claimed(self, answer: list[Any]) -> None:
        claimed, next_due, now_ms = answer
        self._empty = not claimed and next_due < 0 and not self.running
        now, started_ms = time.monotonic(), int(now_ms)
        self._next_claim = now + (IDLE_POLL if next_due < 0 else min(IDLE_POLL, next_due / 1000))
        self._saturated = len(claimed) > 0
        loop = asyncio.get_running_loop()
        for row in claimed:
            run = Run(row, self.name, started_ms, now)
            self.running[run.id] = run
            run.task = loop.create_task(self._perform(run))

    async def _perform(self, run: Run) -> None:
        verdict = await self._performer.perform(run)
        if self.running.get(run.id) is run:
            self._conclude(run, verdict)

    def _conclude(self, run: Run, verdict: Verdict) -> None:
        run.disarm()
        run.verdict = verdict
        run.ended = time.monotonic()
        del self.running[run.id]
        self._progress.pop(run.id, None)
        self.stats.ended(run)
        if verdict.away:
            self._pause_claiming()
        if verdict.action in ("succeeded", "over"):
            self.jobs_complete += 1
        elif verdict.action == "retry":
            self.jobs_retried += 1
        elif verdict.action in ("failed", "cancelled"):
            self.jobs_failed += 1
        if verdict.action != "drop":
            self._outbox.append(run)
        if self._saturated:
            self._hungry = True
        self._wake.set()

    def _pause_claiming(self) -> None:
        """Claim nothing while a server that jobs need is away: what would be claimed could only be handed back."""
        if self._watching is None and self._held is not None and self._held.checked and not self._stopping:
            log.error("a server that jobs need is away: nothing is claimed until it is back", worker=self.name)
            self._watching = asyncio.create_task(self._until_back(self._held))

    async def _until_back(self, held: Resources) -> None:
        begun = time.monotonic()
        while True:
            await asyncio.sleep(AWAY_LOOK)
            with contextlib.suppress(InvestError, RedisError, OSError, TimeoutError):
                async with asyncio.timeout(AWAY_ANSWER):
                    await held.check()
                break
        log.warning("all servers are back: claiming goes on", worker=self.name, away=round(time.monotonic() - begun))
        self._watching = None
        self._hungry = True
        self._wake.set()

    async def _end_watch(self) -> None:
        if self._watching is not None:
            await ended(self._watching)

    def _stop_run(self, run: Run, reason: Reason) -> None:
        run.stop(reason)
        asyncio.get_running_loop().call_later(SWALLOW_GRACE, self._abandon, run)

    def _abandon(self, run: Run) -> None:
        """A job that ignores its cancellation is judged without it; its process ends once the others are done."""
        if self.running.get(run.id) is run:
            log.error("job ignores its cancellation", job_id=run.id, job=run.name, worker=self.name)
            self.stuck += 1
            self._conclude(run, judge(run, asyncio.CancelledError(), self.name, time.monotonic() - run.started))

    async def _report(self, job_id: str, done: float, total: float | None, message: str) -> None:
        run = self.running.get(job_id)
        if run is not None:
            said = orjson.dumps({"done": done, "total": total, "message": message[:300]})
            self._progress[job_id] = (run.token, said[:-1] + b',"at":')
            self._wake.set()

    async def _leave(self) -> None:
        with contextlib.suppress(RedisError, OSError, TimeoutError):
            await self.stats.flush(self.pool, self.stats.due(float("inf")))
            await self.pool.zrem(keys.WORKERS, self.name)
            await self.pool.delete(keys.WORKER + self.name)
        log.info("worker stopped", worker=self.name, done=self.jobs_complete, failed=self.jobs_failed)
