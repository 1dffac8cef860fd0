"""Ten thousand requests nobody sane would send: no 5xx, no hang, memory flat; and clients that take their time."""

from __future__ import annotations

import asyncio
import gc
import io
import random
import resource
import socket
import sys
import time
from collections import Counter
from contextlib import AsyncExitStack, closing
from pathlib import Path

import pytest
import uvloop

from invest.api.http import wire
from invest.api.sockets import connections
from invest.settings import Settings
from tests.integration.api.api_kit import API, Door, open_door

pytest_plugins = ["tests.integration.api.api_fixtures"]

POSTS = (
    "/assets/async/collect",
    "/assets/async/batch-collect",
    "/analysis/async/compare",
    "/reports/async/multi-ai",
    "/portfolios",
    "/workflows",
    "/jobs/door_double",
    "/portfolios/x/transactions",
    "/portfolios/x/import",
    "/dead-letters/x/replay",
)
GETS = ("/tasks/%s/status", "/assets/%s", "/assets/%s/prices", "/reports/%s", "/portfolios/%s", "/rankings/%s", "/%s")
BODIES: tuple[bytes, ...] = (
    b"\xff\xfe\x00",
    b'{"ticker": "\xc3\x28"}',
    b"[" * 10_000,
    b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
    b'{"ticker": ' + b"9" * 5_000 + b"}",
    b'{"number": 1e999}',
    b'{"number": NaN}',
    b'{"number": 9223372036854775808}',
    b'{"number": -1e400}',
    b'{"number": 1.5}',
    b'{"name": "\\u0000", "transactions": []}',
    b'{"name": "\\ud800", "transactions": []}',
    b'{"ticker": "PETR4\\u0000"}',
    b'["PETR4", null, {}, []]',
    b'{"tickers": {"$gt": ""}}',
    b'{"__proto__": {"admin": true}}',
    b"'; DROP TABLE asset; --",
    b"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
    b"\x1f\x8b\x08\x00garbage",
    b'"' + b"a" * 100_000 + b'"',
    b"{}",
    b"[]",
    b"null",
    b" ",
)
WORDS = (
    "%00", "%ff%fe", "..%2f..%2fetc%2fpasswd", "%ED%A0%80", "a" * 3000, "'%20OR%201=1", "%0d%0aX-Injected:%201",
    "{{7*7}}", "%25s%25n", "-1", "1e999", "%E2%80%AE", "null", "*",
)  # fmt: skip
TYPES = (
    "application/json", "application/json; charset=utf-16", "application/json; charset=klingon", "text/plain",
    "multipart/form-data", "application/x-www-form-urlencoded", "", "é", "application/json;" + "x" * 2000,
)  # fmt: skip
HEADERS: tuple[bytes, ...] = (
    b"Idempotency-Key: \xff\r\n",
    b"Prefer: wait=99999999999999999999\r\n",
    b"Prefer: wait=-1,,,;;==\r\n",
    b"Last-Event-ID: 99999999999999999999-1\r\n",
    b"If-None-Match: ,,,\"\r\n",
    b"Authorization: Bearer \x80\x81\r\n",
    b"Accept-Encoding: gzip;q=x, br\r\n",
    b"Origin: \xff\r\n",
    b"Content-Encoding: gzip\r\n",
    b"Content-Encoding: deflate\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"X-Forwarded-For: 127.0.0.1\r\n" * 60,
    b"X: " + b"y" * 9000 + b"\r\n",
    b"Expect: 100-continue\r\n",
    b"Expect: miracles\r\n",
    b"Upgrade: websocket\r\nConnection: upgrade\r\n",
    b"",
)  # fmt: skip


def request_line(chance: random.Random) -> tuple[str, bytes]:
    """A method and the head of a request."""
    if chance.random() < 0.5:
        path = chance.choice(POSTS)
        method = chance.choice(("POST", "POST", "POST", "PUT", "GET", "BREW"))
    else:
        path = chance.choice(GETS) % chance.choice(WORDS)
        method = chance.choice(("GET", "GET", "DELETE", "OPTIONS", "HEAD"))
    query = ""
    if chance.random() < 0.5:
        name = chance.choice(("ticker", "limit", "cursor", "wait", "since", "%00", "a" * 300))
        query = f"?{name}={chance.choice(WORDS)}"
    return method, f"{method} {API}{path}{query} HTTP/1.1\r\nHost: localhost\r\n".encode()


async def send(port: int, chance: random.Random) -> int | None:
    """One hostile request on a connection of its own; the status, or None where the server just hung up."""
    method, head = request_line(chance)
    body = chance.choice(BODIES) if method in ("POST", "PUT") else b""
    head += chance.choice(HEADERS) + b"Content-Type: " + chance.choice(TYPES).encode() + b"\r\n"
    length = len(body) if chance.random() < 0.95 else chance.choice((-1, 10**12))
    head += b"Connection: close\r\nContent-Length: %d\r\n\r\n" % length
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(head + body)
        if length > len(body):
            writer.write_eof()
        first = await asyncio.wait_for(reader.readline(), 20)
        await asyncio.wait_for(reader.read(), 20)
    except ConnectionError:
        return None
    finally:
        writer.close()
    return int(first.split()[1]) if first.startswith(b"HTTP/1.") else None


def memory_kb() -> int:
    """Resident memory of this process, now."""
    if sys.platform.startswith("linux"):
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * resource.getpagesize() // 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


async def test_ten_thousand_hostile_requests_are_all_refused_politely(
    web_door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    port = int(web_door.url.rsplit(":", 1)[1])
    seen: Counter[int | None] = Counter()

    async def storm(seed: int, count: int) -> None:
        chance = random.Random(seed)
        for _ in range(count):
            seen[await send(port, chance)] += 1

    await asyncio.gather(*(storm(seed, 125) for seed in range(16)))
    gc.collect()
    before = memory_kb()
    await asyncio.gather(*(storm(100 + seed, 500) for seed in range(16)))
    gc.collect()
    grown = memory_kb() - before
    assert sum(seen.values()) == 10_000
    assert not [status for status in seen if status is not None and status >= 500], seen
    assert seen[None] < 1500, seen
    assert {400, 404, 405, 415, 422} <= set(seen), seen
    assert not [record.getMessage() for record in caplog.records if record.name.startswith("aiohttp")]
    assert grown < 30_000, f"{grown} kB more after 8,000 requests"
    await web_door.ask("GET", "/readyz", status=200)


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"\xff\xfe\x00", "application/json", 400),
        (b"[" * 2000, "application/json", 400),
        (b'{"ticker": ' + b"9" * 5000 + b"}", "application/json", 400),
        (b'{"ticker": "PETR4"', "application/json", 400),
        (b'{"ticker": "PETR4\\u0000"}', "application/json", 422),
        (b'{"ticker": "\\ud800"}', "application/json", 400),
        (b'{"ticker": "PETR4"}', "application/json; charset=utf-16", 415),
        (b'{"ticker": "PETR4"}', "text/xml", 415),
        (b'{"ticker": "PETR4"}', "application/json; charset=utf-8", 202),
        (b'{"ticker": "PETR4"}', "application/problem+json", 202),
    ],
)
async def test_a_body_that_is_no_json_is_told_apart_from_a_wrong_value(
    web_door: Door, body: bytes, content_type: str, status: int
) -> None:
    headers = {"Content-Type": content_type}
    await web_door.ask("POST", f"{API}/assets/async/collect", data=body, headers=headers, status=status)


async def test_a_body_larger_than_the_limit_is_413_whether_announced_or_not(web_door: Door, platform: Settings) -> None:
    large = b"[" + b'"PETR4",' * 200_000 + b'"VALE3"]'
    assert len(large) > platform.web.max_body_bytes
    await web_door.ask("POST", f"{API}/assets/async/batch-collect", data=io.BytesIO(large), status=413)

    async def pieces() -> object:
        for start in range(0, len(large), 60_000):
            yield large[start : start + 60_000]

    await web_door.ask("POST", f"{API}/assets/async/batch-collect", data=pieces(), status=413)


async def test_compressed_bombs_are_cut_at_the_limit(web_door: Door) -> None:
    import zlib

    bomb = zlib.compress(b"[" + b" " * 50_000_000 + b"]", 9)
    headers = {"Content-Encoding": "deflate", "Content-Type": "application/json"}
    await web_door.ask("POST", f"{API}/assets/async/batch-collect", data=bomb, headers=headers, status=413)


async def test_slow_clients_are_cut_and_starve_nobody(platform: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.5)
    monkeypatch.setattr(wire, "BODY_SECONDS", 0.5)
    half_head = b"GET /healthz HTTP/1.1\r\nHost: localh"
    half_body = (
        b"POST /api/v1/assets/async/collect HTTP/1.1\r\nHost: localhost\r\n"
        b"Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
    )
    async with open_door(platform) as door, AsyncExitStack() as opened:

        async def slow(said: bytes) -> asyncio.StreamReader:
            """A client that says so much and no more."""
            reader, writer = await asyncio.open_connection("127.0.0.1", int(door.url.rsplit(":", 1)[1]))
            opened.callback(writer.close)
            writer.write(said)
            return reader

        readers = [await slow((b"", half_head, half_body)[place % 3]) for place in range(300)]
        async with asyncio.timeout(10):
            for _ in range(20):
                await door.ask("GET", "/healthz", status=200)
        ended = await asyncio.wait_for(asyncio.gather(*(reader.read() for reader in readers)), 30)
    assert all(b" 408 " in said for said in ended[2::3])
    assert not any(ended[0::3]) and not any(ended[1::3])


def test_a_head_that_came_while_the_loop_was_busy_is_answered(
    platform: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.2)

    async def ask() -> bytes:
        async with open_door(platform) as door:
            port = int(door.url.rsplit(":", 1)[1])
            await door.ask("GET", "/healthz", status=200)
            with socket.create_connection(("127.0.0.1", port)) as client:
                reader_alone = asyncio.to_thread(client.recv, 100)
                client.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n")
                await door.ask("GET", "/healthz", status=200)  # by now the connection is made and its clock runs
                client.sendall(b"Connection: close\r\n\r\n")
                time.sleep(0.5)  # noqa: ASYNC251 - the busy loop
                return await asyncio.wait_for(reader_alone, 10)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:  # as in a process of its own
        assert runner.run(ask()).startswith(b"HTTP/1.1 200")


async def test_a_body_that_comes_just_after_its_head_starts_no_clock(
    web_door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[connections.Connection] = []
    connect = connections.Connection.connection_made

    def remembered(self: connections.Connection, transport: asyncio.BaseTransport) -> None:
        connect(self, transport)
        made.append(self)

    monkeypatch.setattr(connections.Connection, "connection_made", remembered)
    reader, writer = await asyncio.open_connection("127.0.0.1", int(web_door.url.rsplit(":", 1)[1]))
    with closing(writer):
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await reader.readuntil(b"}")
        [connection] = made
        connection.data_received(b"POST /api/v1/jobs/none HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n")
        for rest in (b"{", b"}"):  # between the head's arrival and the first step of its handler
            await asyncio.sleep(0)
            connection.data_received(rest)
            assert connection._head_timer is None
        assert b" 404 " in await reader.readuntil(b"}")


async def test_what_is_no_http_is_told_so(web_door: Door) -> None:
    port = int(web_door.url.rsplit(":", 1)[1])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"\x16\x03\x01\x02\x00garbage\r\n\r\n")
    answer = await asyncio.wait_for(reader.read(), 5)
    writer.close()
    assert answer.startswith(b"HTTP/1.0 400") or answer.startswith(b"HTTP/1.1 400")
    assert b"application/problem+json" in answer


async def test_a_bug_of_ours_is_500_without_its_traceback(web_door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    from invest.engine.manage.inspection import Inspector

    async def broken(_self: Inspector, limit: int = 0) -> list[object]:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(Inspector, "active", broken)
    answer = await web_door.ask("GET", f"{API}/tasks/active", status=500)
    assert b"secret" not in answer.body and b"Traceback" not in answer.body
    assert answer.json()["request_id"] == answer.headers["X-Request-Id"]
