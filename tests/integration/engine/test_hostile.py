"""What others put on Redis: stock arq clients, corrupt payloads, wrong types, unknown names, a full server."""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Callable

import arq
import pytest
from arq.jobs import Job as ArqJob
from arq.jobs import JobStatus as ArqStatus

from invest.engine import Context, Invest, JobCancelled, JobFailed, JobState, QueueFull, registry
from invest.engine.redis.connection import arq_redis_settings
from invest.engine.redis.scripts import library
from invest.engine.redis.wire import deserialize, serialize
from invest.settings import Settings
from tests.integration.engine.engine_kit import (
    drained,
    kit_add,
    kit_fatal,
    kit_sleep,
    skip_under_prefix,
    until_state,
    working,
)

Make = Callable[..., Settings]
QUEUE = "arq:queue:kit"


@pytest.fixture
def known(settings: Make, redis_url: str) -> Settings:
    return settings(redis={"url": redis_url}, engine={"lease": 2, "grace": 2, "unknown_job_wait": 0.2})


async def stock(known: Settings) -> arq.ArqRedis:
    """A stock arq client with our serialisation."""
    skip_under_prefix(known, "arq's own client knows none (docs/deploy.md)")
    return await arq.create_pool(
        arq_redis_settings(known), job_serializer=serialize, job_deserializer=deserialize, default_queue_name=QUEUE
    )


async def test_a_stock_arq_client_enqueues_follows_and_reads(known: Settings) -> None:
    client = await stock(known)
    async with Invest.connect(known) as invest:
        job = await client.enqueue_job("kit_add", 2, b=5)
        assert job is not None and await job.status() is ArqStatus.queued
        queued = await client.queued_jobs()
        assert [(q.function, list(q.args), q.kwargs) for q in queued] == [("kit_add", [2], {"b": 5})]
        async with working(known):
            assert await job.result(timeout=10, poll_delay=0.02) == 7
            assert await job.status() is ArqStatus.complete
            info = await job.result_info()
            assert info is not None and (info.function, info.success, info.job_try, info.job_id) == (
                "kit_add",
                True,
                1,
                job.job_id,
            )
            bad = await client.enqueue_job("kit_fatal", "asked")
            assert bad is not None
            with pytest.raises(JobFailed, match="GiveUp"):
                await bad.result(timeout=10, poll_delay=0.02)
            ours = await invest.enqueue(kit_add(1))
            await ours.result(timeout=10)
            theirs = ArqJob(ours.id, client, _queue_name=QUEUE, _deserializer=deserialize)
            assert await theirs.result(timeout=1) == 2
    await client.aclose()


async def test_a_stock_client_aborts_running_and_waiting_jobs(known: Settings) -> None:
    client = await stock(known)
    async with Invest.connect(known) as invest:
        deferred = await client.enqueue_job("kit_add", 1, _defer_by=60)
        assert deferred is not None
        async with working(known):
            running = await invest.enqueue(kit_sleep(30))
            await until_state(running, JobState.RUNNING)
            assert await ArqJob(running.id, client, QUEUE, deserialize).status() is ArqStatus.in_progress
            assert await ArqJob(running.id, client, QUEUE, deserialize).abort(timeout=10, poll_delay=0.05)
            assert await deferred.abort(timeout=10, poll_delay=0.05)
            with pytest.raises(JobCancelled):
                await running.result(timeout=5)
    await client.aclose()


HOSTILE: dict[str, bytes] = {
    "pickle": pickle.dumps({"t": None, "f": "kit_add", "a": (1,), "k": {}, "et": 1}),
    "random": bytes(range(256)),
    "empty": b"",
    "list": b"[1,2,3]",
    "number": b"7",
    "null": b"null",
    "no_name": b'{"t":1,"a":[],"k":{},"et":1}',
    "name_is_list": b'{"t":1,"f":["kit_add"],"a":[],"k":{},"et":1}',
    "args_is_text": b'{"t":1,"f":"kit_add","a":"xy","k":{},"et":1}',
    "deep": b'{"t":1,"f":"kit_add","a":' + b"[" * 3000 + b"]" * 3000 + b',"k":{},"et":1}',
    "bad_utf8": b'{"t":1,"f":"kit_\xff","a":[],"k":{},"et":1}',
    "wrong_argument": b'{"t":1,"f":"kit_add","a":["many"],"k":{},"et":1}',
    "too_many": b'{"t":1,"f":"kit_add","a":[1,2,3,4],"k":{},"et":1}',
    "huge_number": b'{"t":1,"f":"kit_add","a":[' + b"9" * 5000 + b'],"k":{},"et":1}',
    "long_name": b'{"t":1,"f":"' + b"x" * 5000 + b'","a":[],"k":{},"et":1}',
    "unknown": b'{"t":1,"f":"nobody_knows","a":[],"k":{},"et":1}',
}


async def test_every_hostile_payload_ends_as_a_dead_letter_and_the_worker_goes_on(known: Settings) -> None:
    async with Invest.connect(known) as invest:
        for name, body in HOSTILE.items():
            await invest.redis.set(f"arq:job:{name}", body)
            await invest.redis.zadd(QUEUE, {name: 1})
        await invest.redis.zadd(QUEUE, {"no_body": 1})
        await invest.redis.zadd(QUEUE, {b"\xff\xfe id": 1})
        await invest.redis.rpush("arq:job:wrong_type", "x")  # type: ignore[misc] # redis-py: Awaitable
        await invest.redis.set("invest:job:wrong_record", "text, not a hash")
        await invest.redis.set("arq:job:wrong_record", HOSTILE["unknown"])
        await invest.redis.zadd(QUEUE, {"wrong_type": 1, "wrong_record": 1})
        async with working(known):
            good = await invest.enqueue(kit_add(1))
            assert await good.result(timeout=10) == 2
            for name in [*HOSTILE, "no_body", "wrong_type", "wrong_record"]:
                with pytest.raises(JobFailed) as failure:
                    await invest.job(name).result(timeout=15)
                assert failure.value.type in {"CorruptPayload", "InvalidArguments", "UnknownJob"}, name
            assert await (await invest.enqueue(kit_add(2))).result(timeout=10) == 3
        stats = (await invest.inspect.queues())["kit"]
        assert stats.active == 0
        dead = await invest.dead.page(limit=100)
        assert len(dead.items) >= len(HOSTILE)


async def test_a_queue_key_of_the_wrong_type_does_not_stop_the_other_queues(known: Settings) -> None:
    from tests.integration.engine.engine_kit import other, other_echo

    async with Invest.connect(known) as invest:
        await invest.redis.set(QUEUE, "not a sorted set")
        async with working(known, [*(q for q in (other,))]):
            assert await (await invest.enqueue(other_echo("on"))).result(timeout=10) == "on"
        from tests.integration.engine.engine_kit import kit

        async with working(known, [kit, other]):
            assert await (await invest.enqueue(other_echo("and on"))).result(timeout=10) == "and on"


async def test_an_unknown_job_waits_for_a_worker_that_knows_it(settings: Make, redis_url: str) -> None:
    from tests.integration.engine.engine_kit import kit

    patient = settings(redis={"url": redis_url}, engine={"lease": 2, "grace": 2, "unknown_job_wait": 60})
    async with Invest.connect(patient) as invest:
        client = await stock(patient)
        job = await client.enqueue_job("kit_newcomer")
        assert job is not None
        async with working(patient):
            for _ in range(500):
                if await invest.redis.hexists(f"invest:job:{job.job_id}", "unk"):  # type: ignore[misc] # redis-py: Awaitable
                    break
                await asyncio.sleep(0.01)

            @kit.job()
            async def kit_newcomer(ctx: Context) -> str:
                return f"attempt {ctx.attempt}"

            try:
                assert await job.result(timeout=10, poll_delay=0.02) == "attempt 1"
            finally:
                registry.remove(kit_newcomer)
                kit.jobs.pop("kit_newcomer")
        await client.aclose()


async def test_an_abort_of_an_unknown_id_does_not_kill_a_later_job_of_that_id(known: Settings) -> None:
    async with Invest.connect(known) as invest:
        await invest.redis.zadd("arq:abort", {"later": 1000})
        job = await invest.enqueue(kit_add(1).with_options(id="later"))
        await drained(known)
        assert await job.result(timeout=5) == 2


async def test_a_full_redis_refuses_new_work_finishes_the_old_and_recovers_alone(known: Settings) -> None:
    async with Invest.connect(known) as invest, working(known):
        running = await invest.enqueue(kit_sleep(0.3))
        await until_state(running, JobState.RUNNING)
        await invest.redis.config_set("maxmemory-policy", "noeviction")
        used = (await invest.redis.info("memory"))["used_memory"]
        await invest.redis.config_set("maxmemory", max(1, used - 100_000))
        try:
            with pytest.raises(QueueFull):
                await invest.enqueue(kit_add(1))
            assert await running.result(timeout=10) == "slept"
        finally:
            await invest.redis.config_set("maxmemory", 0)
        assert await (await invest.enqueue(kit_add(1))).result(timeout=10) == 2


async def test_libraries_of_many_earlier_releases_are_removed(known: Settings) -> None:
    skip_under_prefix(known, "a neighbour's libraries are left alone")
    async with Invest.connect(known) as invest:
        await invest.redis.function_flush()  # type: ignore[misc] # redis-py: Awaitable | str
        for release in range(17):
            code = f"#!lua name=invest_{release}\nredis.register_function('f_{release}', function() return 1 end)"
            await invest.redis.function_load(code)  # type: ignore[misc] # the same
        await invest.redis.function_load("#!lua name=theirs\nredis.register_function('g', function() return 1 end)")  # type: ignore[misc] # the same
        await invest.enqueue(kit_add(1))
        names = {row[row.index(b"library_name") + 1] for row in await invest.redis.function_list()}  # type: ignore[misc] # the same
        assert names == {library().name.encode(), b"theirs"}


async def test_scripts_flushed_from_the_server_are_loaded_again(known: Settings) -> None:
    async with Invest.connect(known) as invest, working(known):
        for _ in range(3):
            await invest.redis.function_flush()  # type: ignore[misc] # redis-py: Awaitable | str
            assert await (await invest.enqueue(kit_add(1))).result(timeout=10) == 2
        with pytest.raises(JobFailed):
            await (await invest.enqueue(kit_fatal("asked"))).result(timeout=10)
