"""Commands of many requests over connections that are kept: as many as are needed at once, given back at rest."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ReadOnlyError, ResponseError

from invest.engine import Conversation, Invest, Note, asking, open_redis
from invest.engine.redis import close_redis, transitions
from invest.settings import Settings
from tests.integration.engine.engine_kit import kit_add, kit_unique

Make = Callable[..., Settings]


@pytest.fixture
async def client(settings: Make, redis_url: str) -> AsyncIterator[Redis]:
    """A client of a clean server."""
    redis = open_redis(settings(redis={"url": redis_url}))
    yield redis
    await close_redis(redis)


def taken(redis: Redis) -> int:
    """Connections that the pool has given away."""
    return len(redis.connection_pool._in_use_connections)


async def test_answers_come_in_order_with_refusals_in_their_places(client: Redis) -> None:
    conversation = Conversation(client)
    asked = [("SET", "a", "1"), ("INCR", "a"), ("LPUSH", "a", "x"), ("GET", "a")]
    first, second, refused, last = await conversation.ask(asked)
    assert (first, second, last) == (b"OK", 2, b"2")
    assert isinstance(refused, ResponseError) and "WRONGTYPE" in str(refused)
    assert await conversation.ask([("GET", "a")]) == [b"2"]
    assert taken(client) == 1
    await conversation.close()
    assert taken(client) == 0


async def test_two_at_once_have_two_connections_which_are_given_back_when_they_rest(
    client: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "REST", 0.05)
    conversation = Conversation(client)
    numbers = await asyncio.gather(*(conversation.ask([("CLIENT", "ID")]) for _ in range(2)))
    assert numbers[0] != numbers[1] and taken(client) == 2
    assert (await conversation.ask([("CLIENT", "ID")])) in numbers
    async with asyncio.timeout(5):
        while taken(client):  # noqa: ASYNC110 - the pool tells nobody
            await asyncio.sleep(0.01)
    assert await conversation.ask([("PING",)]) == [b"PONG"]
    await conversation.close()


async def test_of_a_small_pool_no_connection_is_kept_from_those_who_wait_for_one(
    settings: Make, redis_url: str
) -> None:
    redis = open_redis(settings(redis={"url": redis_url, "max_connections": 4}))
    conversation = Conversation(redis)
    try:
        assert await asyncio.gather(*(conversation.ask([("PING",)]) for _ in range(2))) == [[b"PONG"]] * 2
        assert taken(redis) == 0
    finally:
        await close_redis(redis)


async def test_a_connection_that_was_cut_is_not_used_again(client: Redis) -> None:
    conversation = Conversation(client)
    (number,) = await conversation.ask([("CLIENT", "ID")])
    await client.client_kill_filter(_id=number)
    with pytest.raises(RedisConnectionError):
        await conversation.ask([("PING",)])
    assert await conversation.ask([("PING",)]) == [b"PONG"]
    assert (await conversation.ask([("CLIENT", "ID")])) != [number]
    await conversation.close()
    assert taken(client) == 0


async def test_a_server_that_is_the_primary_no_more_is_left(client: Redis) -> None:
    conversation = Conversation(client)
    (number,) = await conversation.ask([("CLIENT", "ID")])
    await client.execute_command("REPLICAOF", "127.0.0.1", "1")  # type: ignore[no-untyped-call] # redis-py
    try:
        (refused,) = await conversation.ask([("SET", "a", "1")])
        assert isinstance(refused, ReadOnlyError)
    finally:
        await client.execute_command("REPLICAOF", "NO", "ONE")  # type: ignore[no-untyped-call] # redis-py
    assert (await conversation.ask([("CLIENT", "ID")])) != [number]
    await conversation.close()


@pytest.mark.parametrize("prefix", ["", "firm:one"])
async def test_a_note_is_written_in_the_step_that_makes_its_job_and_in_no_other(
    settings: Make, redis_url: str, prefix: str
) -> None:
    known = settings(redis={"url": redis_url, "prefix": prefix})
    async with Invest.connect(known) as invest:

        def note(key: str, counter: str = "") -> Note:
            return Note(f"invest:web:idem:{key}", f"answer to {key}".encode(), 100, counter, 7)

        async def read(key: str) -> bytes | None:
            found: bytes | None = await invest.redis.get(f"invest:web:idem:{key}")
            return found

        jobs = await invest.enqueue_batch(
            [kit_unique("a"), kit_unique("a"), kit_add(1), kit_add(2).with_options(id="mine")],
            [note("first", "invest:quota:kept:k"), note("second"), None, note("third", "invest:quota:kept:k")],
        )
        assert [job.new for job in jobs] == [True, False, True, True]
        assert (await read("first"), await read("second"), await read("third")) == (
            b"answer to first",
            None,
            b"answer to third",
        )
        assert 0 < await invest.redis.ttl("invest:web:idem:first") <= 100
        assert await invest.redis.get("invest:quota:kept:k") == b"14"
        assert 100 < await invest.redis.ttl("invest:quota:kept:k") <= 200
        (again,) = await invest.enqueue_batch([kit_add(3).with_options(id="mine")], [note("fourth")])
        assert not again.new and await read("fourth") is None
        asked = transitions.enqueue([invest.new_job(kit_add(4).with_options(id="sent"))], notes=[note("fifth")])
        assert [await asked.of(invest.redis), await asked.of(invest.redis)] == [[("sent", True)]] * 2  # sent again
        assert await read("fifth") == b"answer to fifth"


async def test_calls_are_queued_where_the_connection_was_cut_or_the_scripts_are_gone(
    settings: Make, redis_url: str
) -> None:
    async with Invest.connect(settings(redis={"url": redis_url})) as invest:
        assert [job.new for job in await invest.enqueue_batch([kit_add(1)])] == [True]
        await invest.redis.client_kill_filter(_type="normal", skipme=True)
        assert [job.new for job in await invest.enqueue_batch([kit_add(2)])] == [True]
        await invest.redis.execute_command("FUNCTION FLUSH")  # type: ignore[no-untyped-call] # redis-py
        assert [job.new for job in await invest.enqueue_batch([kit_add(3)])] == [True]
        assert await invest.redis.zcard("arq:queue:kit") == 3
