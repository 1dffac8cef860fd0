"""Clients that hold connections open, ask for half a request, knock too often: everybody else is served."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest

from invest.api.sockets import connections
from invest.api.sockets.addresses import Networks
from invest.api.sockets.load import LOAD
from invest.api.sockets.roster import Roster
from invest.api.sockets.unsent import Unsent
from invest.errors import ConfigError
from invest.settings import Settings
from invest.store import Store
from invest.web import ROSTER, UNSENT
from tests.integration.api.api_kit import API, Door, open_door

pytest_plugins = ["tests.integration.api.api_fixtures"]
HALF = b"GET / HTTP/1.1\r\nHo"


def with_web(platform: Settings, **changes: Any) -> Settings:
    return platform.model_copy(update={"web": platform.web.model_copy(update=changes)})


def port_of(door: Door) -> int:
    return int(door.url.rsplit(":", 1)[1])


@pytest.fixture
async def opened() -> AsyncIterator[AsyncExitStack]:
    """Closes what a test opens."""
    async with AsyncExitStack() as stack:
        yield stack


async def knock(door: Door, opened: AsyncExitStack, said: bytes = b"", host: str | None = None) -> asyncio.StreamReader:
    """A client that says so much and no more."""
    local = (host, 0) if host else None
    reader, writer = await asyncio.open_connection("127.0.0.1", port_of(door), local_addr=local)
    opened.callback(writer.close)
    writer.write(said)
    return reader


class Fake:
    """A connection of which only its end is of interest."""

    def __init__(self) -> None:
        self.ended = False

    def force_close(self) -> None:
        self.ended = True


def test_the_longest_idle_of_the_same_address_make_room_first() -> None:
    roster = Roster(limit=4, per_peer=2)
    first, second, third, other = Fake(), Fake(), Fake(), Fake()
    assert all(roster.add(c, "a") for c in (first, second)) and roster.add(other, "b")
    roster.work(first)
    assert roster.add(third, "a") and second.ended and not first.ended and not other.ended
    roster.work(third)
    assert not roster.add(Fake(), "a")  # both are being answered: nobody of that address is idle


def test_above_the_limit_in_all_the_longest_idle_one_of_anybody_goes() -> None:
    roster = Roster(limit=3, per_peer=10)
    held = [Fake() for _ in range(3)]
    for place, one in enumerate(held):
        assert roster.add(one, str(place))
    roster.work(held[0])
    roster.rest(held[0])  # it has just been answered: now the second is the longest idle one
    assert roster.add(Fake(), "new") and [one.ended for one in held] == [False, True, False]
    assert len(roster) == 3


def test_a_trusted_proxy_may_hold_more_than_one_address_may() -> None:
    roster = Roster(limit=100, per_peer=1, trusted=["10.0.0.0/8"])
    held = [Fake() for _ in range(5)]
    assert all(roster.add(one, "10.1.2.3") for one in held) and not any(one.ended for one in held)
    for one in held:
        roster.remove(one)
    assert not len(roster)


def test_beyond_the_budget_the_longest_slow_of_the_greediest_address_go() -> None:
    unsent = Unsent(limit=100)
    alone = Fake()
    unsent.add(alone, "b", 150)
    assert not alone.ended  # its answer is as long as it is
    unsent.remove(alone)
    unsent.add(alone, "b", 30)
    greedy = [Fake() for _ in range(5)]
    for one in greedy:
        unsent.add(one, "a", 30)
    assert [one.ended for one in greedy] == [True, True, True, False, False] and not alone.ended
    assert unsent.total == 90
    for one in (alone, *greedy):
        unsent.remove(one)
    assert unsent.total == 0


QUESTION = b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n"


async def _takes_nothing(door: Door, opened: AsyncExitStack) -> socket.socket:
    """A client that asks for much, several times, and reads none of it."""
    one = socket.socket()
    opened.callback(one.close)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2_048)
    one.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(one, ("127.0.0.1", port_of(door)))
    await loop.sock_sendall(one, QUESTION * 20)
    return one


async def _until(so: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not so():  # noqa: ASYNC110 - asks the server
            await asyncio.sleep(0.02)


async def _ended(one: socket.socket) -> bool:
    """Whether a connection was ended before all that was asked had come."""
    came = b""
    with contextlib.suppress(ConnectionError):
        while piece := await asyncio.get_running_loop().sock_recv(one, 1_000_000):
            came += piece
    return came.count(b"HTTP/1.1 200") < 20


async def test_clients_that_take_nothing_of_their_answers_are_ended(
    platform: Settings, monkeypatch: pytest.MonkeyPatch, opened: AsyncExitStack
) -> None:
    monkeypatch.setattr(connections, "TAKE_SECONDS", 0.5)
    async with open_door(platform) as door:
        slow = await _takes_nothing(door, opened)
        await _until(lambda: door.app[UNSENT].total > 0)
        await _until(lambda: not len(door.app[ROSTER]))
        assert await _ended(slow) and door.app[UNSENT].total == 0
        await door.ask("GET", "/openapi.json", status=200)


async def test_what_waits_for_slow_clients_has_a_budget_and_they_make_room_for_others(platform: Settings) -> None:
    limits = {"max_unsent_bytes": 1_000_000, "max_connections_per_peer": 10}
    async with open_door(with_web(platform, **limits)) as door, AsyncExitStack() as opened:
        first, *_ = [await _takes_nothing(door, opened) for _ in range(20)]
        await _until(lambda: door.app[UNSENT].total > 0)
        for _ in range(5):  # each on a connection of its own, which a slow one makes room for
            await door.ask("GET", "/healthz", status=200, headers={"Connection": "close"})
        assert 0 < door.app[UNSENT].total <= 1_000_000 and len(door.app[ROSTER]) <= 10
        assert await _ended(first)


async def test_the_rest_of_a_refused_body_is_not_unpacked(web_door: Door) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port_of(web_door))
    head = (
        f"POST {API}/portfolios/none/import HTTP/1.1\r\nHost: localhost\r\n"
        "Content-Encoding: gzip\r\nContent-Length: 1000000\r\n\r\n"
    )
    writer.write(head.encode() + gzip.compress(b"a" * 1_000_000))
    answer = await asyncio.wait_for(reader.read(), connections.LIMITS["lingering_time"] - 1)
    writer.close()
    assert b" 404 " in answer


def test_what_is_no_network_is_refused_by_name() -> None:
    with pytest.raises(ConfigError, match=r"trusted_proxies.*nowhere"):
        Networks(["nowhere"])
    assert "::ffff:10.0.0.1" in Networks(["10.0.0.0/8"]) and "10.0.0.1" not in Networks([])


async def test_half_requests_sent_at_connect_count_as_nothing_and_are_cut(
    platform: Settings, monkeypatch: pytest.MonkeyPatch, opened: AsyncExitStack
) -> None:
    monkeypatch.setattr(connections, "HEAD_SECONDS", 1.0)
    async with open_door(with_web(platform, max_in_flight=20)) as door:
        kept = await door.ask("GET", "/healthz", status=200)
        readers = await asyncio.gather(*(knock(door, opened, HALF) for _ in range(200)))
        await asyncio.sleep(0.2)
        assert not door.app[LOAD].full and not door.app[LOAD].arrived
        for path in ("/healthz", "/readyz", f"{API}/tasks/active"):
            await door.ask("GET", path, status=200)
        ended = await asyncio.wait_for(asyncio.gather(*(reader.read() for reader in readers)), 5)
    assert not any(ended) and kept.status == 200


async def test_a_head_that_dribbles_is_cut_when_its_time_is_over(
    platform: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.5)
    async with open_door(platform) as door:
        reader, writer = await asyncio.open_connection("127.0.0.1", port_of(door))
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await reader.readuntil(b"}")
        begun = asyncio.get_running_loop().time()
        with contextlib.suppress(ConnectionError):
            for byte in b"GET /" + b"a" * 1000:
                writer.write(bytes([byte]))
                await asyncio.sleep(0.05)
                if reader.at_eof():
                    break
            assert await asyncio.wait_for(reader.read(), 5) == b""
        writer.close()
        assert asyncio.get_running_loop().time() - begun < 5


async def test_a_slow_answer_is_not_cut_by_half_a_request_behind_it(
    platform: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.3)
    async with open_door(platform) as door:
        task = await door.queue("door_sleep", {"seconds": 60})
        reader, writer = await asyncio.open_connection("127.0.0.1", port_of(door))
        writer.write(f"GET {API}/tasks/{task}/status?wait=1 HTTP/1.1\r\nHost: localhost\r\n\r\n".encode() + HALF)
        await asyncio.sleep(0.1)
        writer.write(b"s")
        answer = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
        assert answer.startswith(b"HTTP/1.1 200")
        writer.close()


async def test_idle_connections_shut_nobody_out(platform: Settings, opened: AsyncExitStack) -> None:
    async with open_door(with_web(platform, max_connections=60, max_connections_per_peer=50)) as door:
        hoard = [await knock(door, opened, host="127.0.0.9") for _ in range(80)]
        more = [await knock(door, opened, host=f"127.0.1.{number}") for number in range(1, 40)]
        for _ in range(5):
            await door.ask("GET", f"{API}/tasks/active", status=200)
        assert await asyncio.wait_for(hoard[0].read(), 5) == b""
        assert not more[-1].at_eof()


async def test_probes_are_answered_whatever_others_do(platform: Settings) -> None:
    strict = with_web(platform, rate_limit=1.0, rate_burst=2, max_in_flight=1, auth="on")
    async with open_door(strict) as door:
        statuses = [(await door.ask("GET", "/openapi.json")).status for _ in range(3)]
        probes = await asyncio.gather(
            *(door.ask("GET", path) for path in ("/healthz", "/readyz", "/healthz?x=1", "/readyz?a=b&a=c") * 50)
        )
        assert {answer.status for answer in probes} == {200} and statuses[0] == 200
        door.app[LOAD].working += 5
        for path in ("/healthz", "/readyz?full=1"):
            await door.ask("GET", path, status=200)
            await door.ask("HEAD", path, status=200)
        door.app[LOAD].working -= 5


async def test_strangers_are_limited_by_address_and_guesses_harm_no_good_key(platform: Settings) -> None:
    async with Store.open(platform) as store:
        plain, _ = await store.keys.create("desk", ["read"])
    strict = with_web(platform, rate_limit=0.01, rate_burst=5, auth="on", trusted_proxies=["127.0.0.1"])
    path = f"{API}/tasks/queue/stats"
    async with open_door(strict) as door:
        wrong = {"X-Api-Key": "inv_00000000_" + "x" * 43, "X-Forwarded-For": "198.51.100.7"}
        statuses = [(await door.ask("GET", path, headers=wrong)).status for _ in range(7)]
        assert statuses == [401] * 5 + [429] * 2
        elsewhere = wrong | {"X-Forwarded-For": "203.0.113.9, 198.51.100.8"}
        await door.ask("GET", path, headers=elsewhere, status=401)
        right = {"X-Api-Key": plain, "X-Forwarded-For": "198.51.100.7"}
        await door.ask("GET", path, headers=right, status=200)


@pytest.mark.parametrize(
    "header",
    [
        {"X-Forwarded-For": "203.0.113.9"},
        {"Forwarded": "for=203.0.113.9"},
        {"X-Real-IP": "203.0.113.9"},
        {"Via": "1.1 proxy"},
        {"x-forwarded-proto": "https"},
    ],
)
async def test_a_server_without_keys_takes_no_forwarded_requests(platform: Settings, header: dict[str, str]) -> None:
    async with open_door(platform) as door:
        for method, path in (("GET", f"{API}/portfolios"), ("POST", f"{API}/portfolios"), ("GET", "/metrics")):
            answer = await door.ask(method, path, headers=header, status=421)
            assert "INVEST_WEB__AUTH=on" in answer.json()["detail"]
        await door.ask("GET", "/healthz", headers=header, status=200)
    async with open_door(with_web(platform, auth="off")) as door:
        await door.ask("GET", f"{API}/portfolios", headers=header, status=200)


async def test_the_description_is_packed_once_and_named_by_an_etag(
    web_door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    import gzip
    import zlib

    first = await web_door.ask("GET", "/openapi.json", headers={"Accept-Encoding": "gzip"}, status=200)

    def never(*_: object, **__: object) -> bytes:
        raise AssertionError("packed again")

    monkeypatch.setattr(gzip, "compress", never)
    monkeypatch.setattr(zlib, "compressobj", never)
    again = await web_door.ask("GET", "/openapi.json", headers={"Accept-Encoding": "gzip"}, status=200)
    assert again.body == first.body and again.headers["ETag"] == first.headers["ETag"]
    await web_door.ask("GET", "/openapi.json", headers={"If-None-Match": first.headers["ETag"]}, status=304)
