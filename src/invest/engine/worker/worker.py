"""The worker: claims, runs and finishes jobs through one script per transition, in one process."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack

import orjson
import structlog
from redis.asyncio import Redis
from redis.exceptions import ReadOnlyError, RedisError

from invest.engine.declare import Group, Resources
from invest.engine.manage import Invest
from invest.engine.redis import check, close_redis, ended, id_text, keys, open_redis, warn_of_eviction
from invest.engine.redis.transitions import Claim
from invest.engine.worker.exchange import Exchange
from invest.engine.worker.execution import SWALLOW_GRACE, Reason, Run, Verdict, judge
from invest.engine.worker.link import SUPERVISOR, Link, from_environment
from invest.engine.worker.performer import UNKNOWN, Performer
from invest.engine.worker.recycling import Recycling
from invest.engine.worker.renewal import Renewal
from invest.engine.worker.scheduler import Scheduler
from invest.engine.worker.slots import Slots
from invest.engine.worker.stats import Stats
from invest.engine.worker.sweeping import Sweeping
from invest.engine.worker.waiting import Waiting
from invest.settings import Settings

log = structlog.get_logger("invest.engine")

ResourcesFactory = Callable[[Settings], AbstractAsyncContextManager[Resources]]
LAST_WORDS = 2.0  # seconds a stopping worker tries to hand back to a Redis that does not answer
AGAIN = 2.0  # seconds until a scheduler that failed is started again
SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Worker:
    """Runs the jobs of `queues`, the first ones first, in one process."""

    def __init__(
        self,
        queues: Sequence[Group],
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
        self.burst = burst
        self.name = f"{socket.gethostname()}:{os.getpid()}:{os.urandom(4).hex()}"
        self.recycle_after = max_jobs
        self.jobs_complete = self.jobs_failed = self.jobs_retried = self.stuck = 0
        self.stats = Stats()
        self._slots = Slots(self.queues, settings, concurrency)
        self._recycling = Recycling(self._slots.running)
        self._signals = SIGNALS if handle_signals else ()
        self._factory = resources
        self._empty = False
        self._stopping = False
        self._give_up_at = float("inf")
        self._started_at = time.time()
        self._unknown: set[str] = set()
        self._unknown_names: set[str] = set()
        self._link: Link | None = None
        self._supervised = os.environ.get(SUPERVISOR, "")
        self._exchange: Exchange | None = None
        self._waiting: Waiting | None = None

    @property
    def slots(self) -> int:
        """How many jobs it runs at once."""
        return self._slots.total

    @property
    def running(self) -> dict[str, Run]:
        """The jobs that run here now, by id."""
        return self._slots.running

    async def main(self) -> None:
        """Run until stopped, recycled, or (in burst mode) out of work; then hand back what could not finish.

        Raises `Unreachable` if Redis does not answer at the start; later it is waited for.
        """
        loop = asyncio.get_running_loop()
        for sig in self._signals:
            loop.add_signal_handler(sig, self.stop)
        async with AsyncExitStack() as stack:
            redis = open_redis(self.settings)
            stack.push_async_callback(close_redis, redis)
            await check(redis, self.settings)
            invest = Invest(redis, self.settings)
            stack.push_async_callback(invest.notices.close)
            held = await stack.enter_async_context(self._factory(self.settings)) if self._factory else None
            self._waiting = Waiting(self.name, held, self._wake)
            stack.push_async_callback(self._waiting.close)
            self._performer = Performer(self.name, invest, held, report=self._report, stop=self._stop_run)
            self._exchange = exchange = self._new_exchange(redis)
            stack.push_async_callback(exchange.close)
            await self._listen(invest, exchange)
            await warn_of_eviction(redis)
            renewal = self._renewal(loop)
            stack.callback(renewal.finish)
            for work in (self._keep_schedule(Scheduler(invest, self.queues)), self._pulse(renewal, redis)):
                stack.push_async_callback(ended, asyncio.create_task(work))
            await self._join_supervisor(stack)
            log.info("worker started", worker=self.name, queues=[q.name for q in self.queues], slots=self.slots)
            try:
                await self._pump(exchange, redis)
            except asyncio.CancelledError:
                self.stop()
                await self._pump(exchange, redis)
                raise
            finally:
                await self._leave(redis)
        for sig in self._signals:
            loop.remove_signal_handler(sig)

    async_run = main

    def _new_exchange(self, redis: Redis) -> Exchange:
        return Exchange(
            self.name,
            redis,
            self._slots,
            self.stats,
            lease=self.settings.engine.lease,
            claimed=self._start_claimed,
            may_claim=self._may_claim,
        )

    def _may_claim(self) -> bool:
        away = self._waiting is not None and self._waiting.on
        return not self._stopping and not away and self._recycling.may_claim()

    def stop(self) -> None:
        """Claim no more; running jobs get the grace period. A second call hands back at once."""
        if self._stopping:
            self._hand_back()
        else:
            self._stopping = True
            log.info("worker stopping", worker=self.name, running=len(self.running))
            asyncio.get_running_loop().call_later(self.settings.engine.grace, self._hand_back)
        self._wake()

    def finish_burst(self) -> None:
        """End as soon as the queues are empty."""
        self.burst = True
        self._wake()

    def _wake(self) -> None:
        if self._exchange is not None:
            self._exchange.hint()

    def _hand_back(self) -> None:
        self._give_up_at = min(self._give_up_at, time.monotonic() + SWALLOW_GRACE + LAST_WORDS)
        for run in tuple(self.running.values()):
            self._stop_run(run, "shutdown")
        self._wake()

    async def _join_supervisor(self, stack: AsyncExitStack) -> None:
        self._link = from_environment(self._on_supervisor)
        if self._link is not None:
            await self._link.open()
            stack.callback(self._link.close)
            self._link.say("up")

    def _on_supervisor(self, word: str) -> None:
        assert self._link is not None
        idle = not self.running and not (self._exchange and self._exchange.busy)
        if word == "leave" or (word == "leave-if-idle" and idle):
            self._recycling.leave()
        if word == "leave-if-idle":
            self._link.say("leaving" if idle else "busy")
        self._wake()

    def _renewal(self, loop: asyncio.AbstractEventLoop) -> Renewal:
        def on_renewal(lost: list[str], asked: list[str]) -> None:
            with contextlib.suppress(RuntimeError):  # the loop may have closed meanwhile
                loop.call_soon_threadsafe(self._on_renewal, lost, asked)

        health = [keys.queue_key(q.name) + keys.HEALTH_SUFFIX for q in self.queues]
        renewal = Renewal(
            self.settings,
            self.name,
            held=self.running,
            heartbeat=self._heartbeat,
            on_change=on_renewal,
            health_keys=health,
        )
        renewal.start()
        return renewal

    def _on_renewal(self, lost: list[str], asked: list[str]) -> None:
        for job_id in lost:
            if run := self.running.get(job_id):
                self.stats.lease_lost(run.name)
                log.warning("lease lost", job_id=job_id, job=run.name, worker=self.name)
                self._stop_run(run, "lease")
        for job_id in asked:
            if run := self.running.get(job_id):
                self._stop_run(run, "cancel")

    async def _listen(self, invest: Invest, exchange: Exchange) -> None:
        def control(message: bytes) -> None:
            verb, _, raw = message.partition(b" ")
            if verb == b"cancel" and (run := self.running.get(id_text(raw))):
                self._stop_run(run, "cancel")

        for queue in self.queues:
            await invest.notices.subscribe(keys.WAKE + queue.name, lambda _: exchange.hint())
        await invest.notices.subscribe(keys.CONTROL, control)

    async def _keep_schedule(self, scheduler: Scheduler) -> None:
        """The schedule of this worker's queues; that it fails is an error in the log, never the end of it."""
        while True:
            try:
                return await scheduler.run()
            except Exception as error:  # whatever it is, the cron lines must go on
                log.exception("scheduler failed: started again", worker=self.name, error=str(error))
            await asyncio.sleep(AGAIN)

    async def _pulse(self, renewal: Renewal, redis: Redis) -> None:
        sweeping = Sweeping(self.queues, redis)
        try:
            while True:
                renewal.loop_alive_at = time.monotonic()
                await asyncio.sleep(1)
                if self._supervised and os.getppid() != int(self._supervised) and not self._stopping:
                    log.warning("supervisor gone", worker=self.name)
                    self.stop()
                sweeping.beat()
        finally:
            await sweeping.close()

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
                "stopping": self._stopping or self._recycling.leaving,
            }
        )

    async def _pump(self, exchange: Exchange, redis: Redis) -> None:
        failures = 0
        while not await self._over(exchange):
            await exchange.wait()
            try:
                await exchange.once()
                failures = 0
            except (RedisError, OSError, TimeoutError) as error:
                failures += 1
                if failures in (1, 10) or failures % 100 == 0:
                    log.warning("Redis does not answer", worker=self.name, error=str(error), failures=failures)
                if isinstance(error, ReadOnlyError):
                    await redis.connection_pool.disconnect()
                exchange.hungry = True
                await asyncio.sleep(min(2.0, 0.05 * 2 ** min(failures, 6)))

    async def _over(self, exchange: Exchange) -> bool:
        if time.monotonic() >= self._give_up_at:
            return True  # Redis is away and nothing can be told to it: the leases run out, the jobs run again
        done = self.jobs_complete + self.jobs_failed + self.jobs_retried
        if (self.stuck or 0 < self.recycle_after <= done) and self._recycling.become_due() and self._link is not None:
            self._link.say("due")
        if self.running or exchange.busy:
            return False
        if self._stopping or self._recycling.over:
            return True
        return self.burst and (self._empty or await self._only_unknown(exchange))

    async def _only_unknown(self, exchange: Exchange) -> bool:
        """Whether all that is left on the queues are jobs that no code here knows; says so once."""
        if not self._unknown:
            return False
        try:
            left = await exchange.left_on_queues()
        except (RedisError, OSError, TimeoutError):
            return False
        if left > len(self._unknown):
            return False
        log.warning("only jobs unknown here are left", worker=self.name, names=sorted(self._unknown_names), jobs=left)
        return True

    def _start_claimed(self, claim: Claim) -> None:
        self._empty = not claim.jobs and claim.next_due_ms < 0 and not claim.todo and not self.running
        now = time.monotonic()
        loop = asyncio.get_running_loop()
        for claimed in claim.jobs:
            run = Run(claimed, self.name, claim.now_ms, now)
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
        self.stats.ended(run)
        if verdict.away and self._waiting is not None and not self._stopping:
            self._waiting.begin()
        unknown = verdict.action == "back" and verdict.value == UNKNOWN
        if unknown:
            self._unknown.add(run.id)
            self._unknown_names.add(run.name)
        elif self._unknown:
            self._unknown.discard(run.id)
        if verdict.action in ("succeeded", "over"):
            self.jobs_complete += 1
        elif verdict.action == "retry":
            self.jobs_retried += 1
        elif verdict.action in ("failed", "cancelled"):
            self.jobs_failed += 1
        assert self._exchange is not None
        self._exchange.ended(run)

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
        if run is not None and self._exchange is not None:
            self._exchange.report(run, done, total, message)

    async def _leave(self, redis: Redis) -> None:
        with contextlib.suppress(RedisError, OSError, TimeoutError):
            await self.stats.flush(redis, self.stats.due(float("inf")))
            await redis.zrem(keys.WORKERS, self.name)
            await redis.delete(keys.WORKER + self.name)
        log.info("worker stopped", worker=self.name, done=self.jobs_complete, failed=self.jobs_failed)
