"""Workers as processes: killed, frozen, ended, blocked, recycled, supervised, and run by arq's own command."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from bench.servers import OwnValkey

from invest.engine import Invest, JobFailed, JobState, run_worker
from invest.engine.worker.renewal import STUCK
from invest.errors import Unreachable
from invest.settings import Settings
from tests.integration.engine.engine_kit import skip_under_prefix, until
from tests.integration.engine.engine_worker import (
    proc_block,
    proc_die,
    proc_first_hangs,
    proc_quick,
    proc_stubborn,
    proc_wait,
    processes,
)

Make = Callable[..., Settings]
HERE = Path(__file__).parent
LEASE = 1.0


@pytest.fixture
def known(settings: Make, redis_url: str) -> Settings:
    return settings(redis={"url": redis_url}, engine={"lease": LEASE, "grace": 1})


def url_of(known: Settings) -> str:
    assert known.redis.url is not None
    return known.redis.url.get_secret_value()


@asynccontextmanager
async def process(known: Settings, *mode: str, grace: float = 1) -> AsyncIterator[asyncio.subprocess.Process]:
    """A worker process, killed at the end if it still runs."""
    started = await asyncio.create_subprocess_exec(
        sys.executable, str(HERE / "engine_worker.py"), url_of(known), str(LEASE), str(grace), *mode,
        stdout=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield started
    finally:
        if started.returncode is None:
            with suppress(ProcessLookupError):
                started.send_signal(signal.SIGCONT)
                started.kill()
        await started.wait()


async def reached(invest: Invest, job_id: str, state: JobState, seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while (await invest.status(job_id)).state is not state:
        assert time.monotonic() < deadline, f"never {state}"
        await asyncio.sleep(0.01)


async def test_a_job_of_a_killed_worker_runs_again_after_its_lease_as_the_same_attempt(known: Settings) -> None:
    async with Invest.connect(known) as invest:
        job = await invest.enqueue(proc_first_hangs())
        async with process(known) as first:
            await reached(invest, job.id, JobState.RUNNING)
            first.kill()
            await first.wait()
        killed = time.monotonic()
        async with process(known):
            assert await job.result(timeout=15) == [1, 2]
        assert time.monotonic() - killed < LEASE + 5
        status = await job.status()
        assert [a.kind for a in status.history] == ["lost"]


async def test_sigterm_hands_back_uncharged_what_does_not_end_in_its_grace(known: Settings) -> None:
    async with Invest.connect(known) as invest:
        slow = await invest.enqueue(proc_first_hangs())
        quick = await invest.enqueue(proc_wait(0.4))
        async with process(known, grace=0.8) as first:
            await reached(invest, slow.id, JobState.RUNNING)
            await reached(invest, quick.id, JobState.RUNNING)
            first.terminate()
            assert await asyncio.wait_for(first.wait(), 10) == 0
        assert await quick.result(timeout=5) == 1, "what ends within the grace is finished"
        status = await slow.status()
        assert (status.state, status.attempt) == (JobState.QUEUED, 0)
        async with process(known):
            assert await slow.result(timeout=10) == [1, 2]


async def test_a_worker_frozen_beyond_its_lease_changes_nothing_when_it_thaws(known: Settings) -> None:
    async with Invest.connect(known) as invest:
        job = await invest.enqueue(proc_wait(0.5))
        async with process(known) as frozen:
            await reached(invest, job.id, JobState.RUNNING)
            frozen.send_signal(signal.SIGSTOP)
            async with process(known):
                assert await job.result(timeout=15) == 2
                frozen.send_signal(signal.SIGCONT)
                await asyncio.sleep(1)
                assert await job.result(timeout=1) == 2
                ended = [f for _, f in await invest.redis.xrange("invest:events") if f[b"e"] == b"succeeded"]
                assert len(ended) == 1
                assert await (await invest.enqueue(proc_quick(1))).result(timeout=10) == 1


async def test_a_job_that_blocks_the_loop_for_two_leases_keeps_its_hold(known: Settings) -> None:
    async with Invest.connect(known) as invest, process(known), process(known):
        job = await invest.enqueue(proc_block(2.2 * LEASE))
        assert await job.result(timeout=15) == 1


async def test_a_job_that_ignores_its_cancellation_fails_and_only_its_process_is_replaced(known: Settings) -> None:
    async with Invest.connect(known) as invest, process(known) as worker:
        job = await invest.enqueue(proc_stubborn())
        with pytest.raises(JobFailed, match="TimeLimitExceeded"):
            await job.result(timeout=20)
        assert await asyncio.wait_for(worker.wait(), 10) == STUCK


async def test_a_job_that_takes_its_workers_down_is_buried(known: Settings) -> None:
    async with Invest.connect(known) as invest:
        job = await invest.enqueue(proc_die())
        for _ in range(6):
            async with process(known) as victim:
                assert await asyncio.wait_for(victim.wait(), 20) == 9
        async with process(known):
            with pytest.raises(JobFailed, match="Poisoned"):
                await job.result(timeout=20)


async def test_a_supervisor_replaces_processes_that_are_killed_or_recycled_and_ends_them_all(known: Settings) -> None:
    async with Invest.connect(known) as invest, process(known, "supervise") as supervisor:
        jobs = await invest.enqueue_many(proc_quick(i) for i in range(23))
        assert [await j.result(timeout=30) for j in jobs] == list(range(23))

        async def kill_one() -> bool:
            for worker in await invest.inspect.workers():
                with suppress(ProcessLookupError):  # recycled since it last spoke
                    os.kill(worker.pid, signal.SIGKILL)
                    return True
            return False

        assert await until(kill_one)
        again = await invest.enqueue_many(proc_quick(i) for i in range(7))
        assert [await j.result(timeout=30) for j in again] == list(range(7))
        supervisor.terminate()
        assert await asyncio.wait_for(supervisor.wait(), 15) == 0


async def test_a_worker_survives_redis_restarting_and_consumes_again(settings: Make) -> None:
    with OwnValkey(durable=True) as server:
        known = settings(redis={"url": server.url}, engine={"lease": LEASE, "grace": 1})
        skip_under_prefix(known, "a server that restarts forgets its users")
        async with Invest.connect(known) as invest:
            working = asyncio.create_task(run_worker([processes], settings=known, handle_signals=False))
            running = await invest.enqueue(proc_wait(1.0))
            waiting = await invest.enqueue(proc_quick(7).with_options(delay=1.5))
            await reached(invest, running.id, JobState.RUNNING)
            await asyncio.to_thread(server.stop)
            await asyncio.sleep(0.5)
            await asyncio.to_thread(server.start)
            assert await running.result(timeout=15) in range(1, 4)
            assert await waiting.result(timeout=15) == 7
            assert await (await invest.enqueue(proc_quick(1))).result(timeout=10) == 1
            working.cancel()
            with suppress(asyncio.CancelledError):
                await working


def arq_command(known: Settings, *options: str) -> tuple[list[str], dict[str, str]]:
    """arq's own command line on a `WorkerSettings` of ours."""
    environment = os.environ | {"REDIS_URL": url_of(known), "PYTHONPATH": str(HERE), "INVEST_ENGINE__LEASE": "1"}
    return [str(Path(sys.executable).with_name("arq")), "engine_worker.WorkerSettings", *options], environment


async def test_arqs_own_command_runs_this_worker_checks_it_and_ends_it(known: Settings) -> None:
    async with Invest.connect(known) as invest:
        command, environment = arq_command(known)
        quiet = asyncio.subprocess.DEVNULL
        check = await asyncio.create_subprocess_exec(*command, "--check", env=environment, stderr=quiet, stdout=quiet)
        assert await check.wait() == 1, "no worker is there yet"
        worker = await asyncio.create_subprocess_exec(*command, env=environment, stderr=quiet, stdout=quiet)
        try:
            failing = await invest.enqueue(proc_wait(0.01))
            assert await failing.result(timeout=20) == 1
            assert len(await invest.inspect.workers()) == 1
            check = await asyncio.create_subprocess_exec(
                *command, "--check", env=environment, stderr=quiet, stdout=quiet
            )
            assert await check.wait() == 0
            worker.terminate()
            assert await asyncio.wait_for(worker.wait(), 15) == 0
        finally:
            if worker.returncode is None:
                worker.kill()
                await worker.wait()
        assert await invest.inspect.workers() == []


async def test_arqs_burst_drains_the_queue_and_ends(known: Settings) -> None:
    async with Invest.connect(known) as invest:
        jobs = await invest.enqueue_many(proc_quick(i) for i in range(30))
        command, environment = arq_command(known, "--burst")
        quiet = asyncio.subprocess.DEVNULL
        worker = await asyncio.create_subprocess_exec(*command, env=environment, stderr=quiet, stdout=quiet)
        assert await asyncio.wait_for(worker.wait(), 20) == 0
        assert [await j.result(timeout=1) for j in jobs] == list(range(30))


async def test_a_frozen_redis_is_an_error_in_bounded_time_and_work_goes_on_when_it_thaws(settings: Make) -> None:
    with OwnValkey() as server:
        limits = {"url": server.url, "socket_timeout": 0.3, "connect_timeout": 0.3}
        known = settings(redis=limits, engine={"lease": LEASE, "grace": 1})
        async with Invest.connect(known) as invest:
            working = asyncio.create_task(run_worker([processes], settings=known, handle_signals=False))
            running = await invest.enqueue(proc_wait(0.5))
            await reached(invest, running.id, JobState.RUNNING)
            os.kill(server.pid, signal.SIGSTOP)
            begun = time.monotonic()
            with pytest.raises(Unreachable):
                await invest.enqueue(proc_quick(1))
            assert time.monotonic() - begun < 10
            await asyncio.sleep(2 * LEASE)
            os.kill(server.pid, signal.SIGCONT)
            # A claim that the thawing server carries out after its worker gave up on the answer costs an attempt.
            assert await running.result(timeout=30) in range(1, 6)
            assert await (await invest.enqueue(proc_quick(5))).result(timeout=15) == 5
            working.cancel()
            with suppress(asyncio.CancelledError):
                await working


async def test_a_worker_whose_redis_is_gone_for_good_still_ends_when_asked(settings: Make) -> None:
    with OwnValkey() as server:
        known = settings(redis={"url": server.url}, engine={"lease": LEASE, "grace": 0.5})
        async with Invest.connect(known) as invest, process(known) as worker:
            running = await invest.enqueue(proc_wait(60))
            await reached(invest, running.id, JobState.RUNNING)
            server.stop(signal.SIGKILL)
            worker.terminate()
            assert await asyncio.wait_for(worker.wait(), 40) == 0


async def test_a_worker_without_redis_says_so_in_one_line_at_its_start(settings: Make) -> None:
    known = settings(redis={"url": "unix:///nowhere/redis.sock", "connect_timeout": 1})
    with pytest.raises(Unreachable, match="does not answer"):
        await run_worker([processes], settings=known, handle_signals=False)


async def test_autoscale_adds_processes_when_the_queue_is_deep(known: Settings) -> None:
    async with Invest.connect(known) as invest:
        await invest.enqueue_many(proc_wait(0.5) for _ in range(60))
        async with process(known, "autoscale") as supervisor:

            async def three() -> bool:
                return len(await invest.inspect.workers()) >= 3

            await until(three, 25)
            supervisor.terminate()
            assert await asyncio.wait_for(supervisor.wait(), 20) == 0


async def test_a_recycled_process_leaves_no_slot_idle_beside_a_long_job(known: Settings) -> None:
    async with Invest.connect(known) as invest, process(known, "supervise_one") as supervisor:
        long = await invest.enqueue(proc_wait(12))
        await reached(invest, long.id, JobState.RUNNING)
        for job in await invest.enqueue_many(proc_quick(i) for i in range(6)):  # its share is five
            await job.result(timeout=20)
        begun = time.monotonic()
        assert await (await invest.enqueue(proc_quick(99))).result(timeout=10) == 99
        assert time.monotonic() - begun < 4, "it did not wait for the long one"
        assert await long.result(timeout=30) == 1, "which ended in its first delivery"
        supervisor.terminate()
        assert await asyncio.wait_for(supervisor.wait(), 15) == 0


async def test_a_worker_without_a_supervisor_claims_on_beside_a_long_job_and_ends_after_it(known: Settings) -> None:
    async with Invest.connect(known) as invest:
        working = asyncio.create_task(run_worker([processes], settings=known, max_jobs=3, handle_signals=False))
        long = await invest.enqueue(proc_wait(4))
        await reached(invest, long.id, JobState.RUNNING)
        for job in await invest.enqueue_many(proc_quick(i) for i in range(3)):
            await job.result(timeout=10)
        assert await (await invest.enqueue(proc_quick(7))).result(timeout=3) == 7
        worker = await asyncio.wait_for(working, 15)
        assert worker.jobs_complete == 5 and await long.result(timeout=1) == 1


async def test_scaling_down_sends_an_idle_process_home_and_cuts_no_job_short(known: Settings) -> None:
    async with Invest.connect(known) as invest, process(known, "shrink") as supervisor:
        await invest.enqueue_many(proc_wait(1.0) for _ in range(24))

        async def processes_up(count: int) -> bool:
            return len([w for w in await invest.inspect.workers() if w.alive]) == count

        await until(lambda: processes_up(3), 25)
        await until(lambda: _all_done(invest), 25)
        long = await invest.enqueue(proc_wait(10))
        await until(lambda: processes_up(1), 40)
        assert await long.result(timeout=30) == 1
        supervisor.terminate()
        assert await asyncio.wait_for(supervisor.wait(), 15) == 0


async def _all_done(invest: Invest) -> bool:
    stats = (await invest.inspect.queues())["processes"]
    return not stats.waiting and not stats.active
