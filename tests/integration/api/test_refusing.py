"""A process with too much to do says so: to most without reading what they ask, and never to half a request."""

from __future__ import annotations

import asyncio

import pytest

from invest.api.services import SERVICES
from invest.api.sockets import connections
from invest.api.sockets.refusing import is_simple
from invest.settings import Settings
from tests.integration.api.api_kit import API, open_door

pytest_plugins = ["tests.integration.api.api_fixtures"]


@pytest.mark.parametrize(
    ("data", "simple"),
    [
        (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", True),
        (b"POST /x?y=1 HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n", True),
        (b"POST / HTTP/1.1\r\ncontent-length:0\r\n\r\n", True),
        (b"POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\n", False),
        (b"POST / HTTP/1.1\r\nContent-Length: 00004\r\n\r\n", False),
        (b"POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\n\r\n\r\n", False),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", False),
        (b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n", False),
        (b"GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n", False),
        (b"GET / HTTP/1.1\r\nX: a\nContent-Length: 4\r\n\r\n", False),
        (b"GET / HTTP/1.1\r\nX: a\rY: b\r\n\r\n", False),
        (b"GET / HTTP/1.1\r\nContent-Length : 4\r\n\r\n", False),
        (b"GET / HTTP/1.1\r\nContent-Length: 0\r\nContent-Length: 4\r\n\r\n", False),
        (b"HEAD / HTTP/1.1\r\n\r\n", False),
        (b"GET / HTTP/1.0\r\n\r\n", False),
        (b"GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n", False),
        (b"GET / HTTP/1.1\r\nHost: a\r\n", False),
        (b"Host: a\r\n\r\n", False),
        (b"", False),
    ],
)
def test_only_one_whole_request_without_a_body_is_simple(data: bytes, simple: bool) -> None:
    assert is_simple(data) is simple


async def test_both_ways_of_refusing_say_the_same(platform: Settings) -> None:
    async with open_door(platform) as door:
        load = door.app[SERVICES].load
        await door.ask("GET", f"{API}/tasks/active", status=200)
        load.working += platform.web.max_in_flight
        unread = await door.ask("GET", f"{API}/tasks/active", status=503)
        read = await door.ask("POST", f"{API}/portfolios", json={"name": "x"}, status=503)
        assert load.refused == 2
        load.working -= platform.web.max_in_flight
        await door.ask("GET", f"{API}/tasks/active", status=200)
    told = {k: v for k, v in read.json().items() if k not in ("instance", "request_id")}
    assert unread.json() == told
    its_own = {"x-request-id", "date", "content-length"}
    assert {k: v for k, v in read.headers.items() if k.lower() not in its_own} == {
        k: v for k, v in unread.headers.items() if k.lower() not in its_own
    }


async def test_the_second_half_of_a_head_is_never_taken_for_a_request(platform: Settings) -> None:
    async with open_door(platform) as door:
        port = int(door.url.rsplit(":", 1)[1])
        door.app[SERVICES].load.working += platform.web.max_in_flight
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /docs HTTP/1.1\r\nHost: a\r\nX-Half: ")
        await writer.drain()
        await door.ask("GET", f"{API}/tasks/active", status=503)  # by now the first half was read
        writer.write(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n")
        answers = await asyncio.wait_for(reader.read(), 10)
        writer.close()
    assert answers.count(b"HTTP/1.1 503") == 1
    assert b"X-Request-Id" in answers


async def test_a_refused_connection_is_not_kept_open_for_ever(
    platform: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "KEEP_ALIVE", 0.2)
    async with open_door(platform) as door:
        door.app[SERVICES].load.working += platform.web.max_in_flight
        reader, writer = await asyncio.open_connection("127.0.0.1", int(door.url.rsplit(":", 1)[1]))
        writer.write(b"GET /docs HTTP/1.1\r\nHost: a\r\n\r\n")
        answer = await asyncio.wait_for(reader.read(), 10)  # until it is closed
        writer.close()
    assert answer.startswith(b"HTTP/1.1 503")
    assert b"X-Request-Id" not in answer


async def test_a_probe_is_answered_by_a_process_that_refuses_everything_else(platform: Settings) -> None:
    async with open_door(platform) as door:
        door.app[SERVICES].load.working += platform.web.max_in_flight
        for headers in ({}, {"Connection": "close"}):  # unread where it is refused; read
            await door.ask("GET", f"{API}/tasks/active", headers=headers, status=503)
            await door.ask("GET", "/healthz", headers=headers, status=200)
            await door.ask("GET", "/healthz/x", headers=headers, status=503)


async def test_who_asks_again_at_once_waits_and_nobody_else(
    platform: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "REFUSED_PAUSE", 1.0)
    async with open_door(platform) as door:
        load, port = door.app[SERVICES].load, int(door.url.rsplit(":", 1)[1])
        load.working += platform.web.max_in_flight
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        request = f"GET {API}/tasks/active HTTP/1.1\r\nHost: a\r\n\r\n".encode()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 503")
        await reader.readexactly(int(head.lower().partition(b"content-length: ")[2].split(b"\r")[0]))
        load.working -= platform.web.max_in_flight
        begun = asyncio.get_running_loop().time()
        writer.write(request)
        await door.ask("GET", f"{API}/tasks/active", status=200)  # of another connection
        others = asyncio.get_running_loop().time() - begun
        line = await asyncio.wait_for(reader.readline(), 10)
        waited = asyncio.get_running_loop().time() - begun
        writer.close()
        assert not line.startswith(b"HTTP/1.1 503") and others < waited and waited > 0.5
        gone, ended = await asyncio.open_connection("127.0.0.1", port)
        load.working += platform.web.max_in_flight
        ended.write(request)
        await gone.readuntil(b"\r\n\r\n")
        ended.close()  # while it waits: nothing is read of it later
        load.working -= platform.web.max_in_flight
        await door.ask("GET", f"{API}/tasks/active", status=200)
