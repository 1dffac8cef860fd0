"""Commands of many requests over connections that are kept: as many as are needed at once, given back at rest."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ReadOnlyError, ResponseError

from invest.engine import Conversation, asking, open_redis
from invest.engine.redis import close_redis
from invest.settings import Settings

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
