"""The one subscribed connection of a process: quiet, restarted and frozen servers, many listeners at once."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from bench.servers import OwnValkey
from redis.exceptions import RedisError

from invest.engine.redis.connection import close_redis, open_redis
from invest.engine.redis.notices import Notices
from invest.engine.redis.signal import ended
from invest.settings import Settings
from tests.integration.engine.engine_kit import until

Make = Callable[..., Settings]


@asynccontextmanager
async def listening(settings: Make, valkey: OwnValkey, *, silence: float = 30) -> AsyncIterator[tuple[Notices, Any]]:
    """Notices with short limits, and a client beside them that speaks and looks."""
    known = settings(redis={"url": valkey.url, "socket_timeout": 0.5, "connect_timeout": 0.5})
    redis, beside = open_redis(known), open_redis(known)
    notices = Notices(redis, silence=silence)
    try:
        yield notices, beside
    finally:
        await notices.close()
        await close_redis(redis)
        await close_redis(beside)


async def subscribed(beside: Any) -> list[str]:
    """The connections that have subscribed to anything, by their number."""
    return [client["id"] for client in await beside.client_list() if client["sub"] != "0"]


async def hears(beside: Any, channel: str, heard: asyncio.Event) -> None:
    """Publish until it is heard: what is told between two connections is lost, by design."""
    async with asyncio.timeout(30):
        while not heard.is_set():
            try:
                await beside.publish(channel, b"word")
            except (RedisError, OSError):
                await asyncio.sleep(0.05)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(heard.wait(), 0.1)


def only_words(heard: asyncio.Event) -> Callable[[bytes], None]:
    """A listener that minds messages alone, not the waking after a reconnect."""
    return lambda data: heard.set() if data == b"word" else None


def silent(data: bytes) -> None:
    """A listener that does nothing."""


async def test_a_quiet_while_is_no_fault_of_the_connection(settings: Make) -> None:
    with OwnValkey() as valkey:
        async with listening(settings, valkey, silence=0.2) as (notices, beside):
            heard = asyncio.Event()
            await notices.subscribe("quiet", only_words(heard))
            before = await subscribed(beside)
            await asyncio.sleep(1.2)  # twice the client's limit for an answer, several of its own questions
            assert await subscribed(beside) == before
            assert await beside.publish("quiet", b"word") == 1
            async with asyncio.timeout(5):
                await heard.wait()


async def test_a_restart_under_load_leaves_one_connection_that_all_listen_through(settings: Make) -> None:
    with OwnValkey() as valkey:
        async with listening(settings, valkey) as (notices, beside):
            events = {f"kept-{n}": asyncio.Event() for n in range(20)}
            for channel, event in events.items():
                await notices.subscribe(channel, only_words(event))
            numbers = itertools.count()

            async def come_and_go() -> None:
                while True:
                    channel = f"passing-{next(numbers)}"
                    await notices.subscribe(channel, silent)
                    notices.leave(channel, silent)

            passing = [asyncio.create_task(come_and_go()) for _ in range(8)]
            try:
                for _ in range(3):
                    valkey.stop(signal.SIGKILL)
                    await asyncio.sleep(0.05)
                    valkey.start()
                    await asyncio.gather(*(hears(beside, channel, event) for channel, event in events.items()))
                    assert len(await subscribed(beside)) == 1
                    for event in events.values():
                        event.clear()
            finally:
                for task in passing:
                    await ended(task)


async def test_a_frozen_server_is_given_up_and_listeners_are_woken_once_it_is_back(settings: Make) -> None:
    with OwnValkey() as valkey:
        async with listening(settings, valkey, silence=0.3) as (notices, beside):
            heard, woken = asyncio.Event(), asyncio.Event()
            await notices.subscribe("frozen", only_words(heard))
            await notices.subscribe("frozen", lambda data: None if data else woken.set())
            before = await subscribed(beside)
            os.kill(valkey.pid, signal.SIGSTOP)
            try:
                await asyncio.sleep(1)  # a question and the patience for its answer
            finally:
                os.kill(valkey.pid, signal.SIGCONT)
            await hears(beside, "frozen", heard)
            async with asyncio.timeout(10):
                await woken.wait()
            after = await subscribed(beside)
            assert len(after) == 1
            assert after != before


async def test_the_last_who_leaves_a_channel_gives_it_up_and_others_stay(settings: Make) -> None:
    with OwnValkey() as valkey:
        async with listening(settings, valkey) as (notices, beside):
            heard = asyncio.Event()
            first, second = only_words(asyncio.Event()), only_words(heard)
            await notices.subscribe("shared", first)
            await notices.subscribe("shared", second)
            notices.leave("shared", first)
            await hears(beside, "shared", heard)
            notices.leave("shared", second)

            async def given_up() -> bool:
                return bool(await beside.pubsub_numsub("shared") == [(b"shared", 0)])

            await until(given_up)
