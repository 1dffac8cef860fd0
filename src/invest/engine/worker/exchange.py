"""What a worker tells Redis and asks of it in one round trip."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

from redis.asyncio import Redis
from redis.exceptions import NoScriptError

from invest.engine.declare import Queue
from invest.engine.redis import Argument, Script, id_bytes, keys, result_head
from invest.engine.worker.execution import Run

Question: TypeAlias = tuple[Script, list[Argument]]


async def ask(redis: Redis, asked: Sequence[Question]) -> list[Any]:
    """The scripts' answers, in order, from one pipeline; a server that lost them is given them again.

    Raises what the first failing one raised.
    """
    async with redis.pipeline(transaction=False) as pipe:
        for one, argv in asked:
            pipe.evalsha(one.sha, 0, *argv)  # type: ignore[arg-type] # redis-py takes bytes and numbers as well
        answers = await pipe.execute(raise_on_error=False)
    for i, answer in enumerate(answers):
        if isinstance(answer, NoScriptError):
            answers[i] = await asked[i][0](redis, *asked[i][1])
        elif isinstance(answer, Exception):
            raise answer
    return answers


def finish_argv(batch: Sequence[Run]) -> list[Argument]:
    """Arguments of ``finish.lua`` for runs that have their verdict."""
    argv: list[Argument] = []
    for run in batch:
        verdict = run.verdict
        assert verdict is not None
        head: bytes = b""
        if verdict.action not in ("retry", "back"):
            head = result_head(run.id, run.body, run.attempt, run.started_ms, keys.queue_key(run.queue))
        argv += [id_bytes(run.id), run.token, verdict.action, head, verdict.value, verdict.delay_ms, verdict.history]
    return argv


def limits_argv(queues: Sequence[Queue]) -> list[Argument]:
    """Arguments of ``claim.lua`` for the jobs that have a limit over all workers."""
    argv: list[Argument] = []
    for job in (job for queue in queues for job in queue.jobs.values()):
        if job.max_running or job.rate:
            argv += [job.name, job.max_running or 0, job.rate.interval_ms if job.rate else 0]
    return argv
