"""Attacks on a running platform: each returns why it fell, nothing where it held."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import io
import socket
import zipfile
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp

from bench.siege.platform import API, Besieged


async def half_requests(target: Besieged) -> str:
    """600 heads of 18 bytes, all sent at connect."""
    writers = [(await asyncio.open_connection("127.0.0.1", target.port))[1] for _ in range(600)]
    for writer in writers:
        writer.write(b"GET / HTTP/1.1\r\nHo")
    await asyncio.sleep(1)
    fine = await target.serves()
    for writer in writers:
        writer.close()
    return "" if fine else "others were not served"


async def idle_connections(target: Besieged) -> str:
    """More idle connections than are allowed, from forty addresses."""
    writers = []
    for number in range(4_200):
        address = (f"127.0.1.{1 + number % 40}", 0)
        with contextlib.suppress(OSError):
            writers.append((await asyncio.open_connection("127.0.0.1", target.port, local_addr=address))[1])
    fine = await target.serves()
    for writer in writers:
        writer.close()
    return "" if fine else "others were not served"


async def probes_by_strangers(target: Besieged) -> str:
    """800 probes at once, and guesses of keys, by somebody without a key."""
    async with target.session(None) as session:

        async def probe(path: str) -> int:
            async with session.get(path) as answer:
                return answer.status

        paths = ("/healthz", "/readyz", "/healthz?x", "/readyz?x=1")
        statuses = await asyncio.gather(*(probe(path) for path in paths * 200))

        async def guess() -> int:
            headers = {"X-Api-Key": f"inv_00000000_{'x' * 43}"}
            async with session.get(f"{API}/portfolios", headers=headers) as answer:
                return answer.status

        guesses: set[int] = set()
        for _ in range(12):
            guesses |= set(await asyncio.gather(*(guess() for _ in range(150))))
    if set(statuses) != {200}:
        return f"probes were answered {sorted(set(statuses))}"
    if 429 not in guesses or not guesses <= {401, 429, 503}:
        return f"guesses were answered {sorted(guesses)}"
    return "" if await target.serves() else "a good key's request was refused"


async def descriptions(target: Besieged) -> str:
    """The long description, compressed, 400 times."""
    async with target.session("one") as session:
        turn = asyncio.Semaphore(30)

        async def ask() -> tuple[int, str]:
            async with turn, session.get("/openapi.json") as answer:
                await answer.read()
                return answer.status, answer.headers.get("ETag", "")

        found = set(await asyncio.gather(*(ask() for _ in range(400))))
    return "" if all(status in (200, 429, 503) for status, _ in found) else f"answered {found}"


def _workbook(sheet: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(
            "xl/workbook.xml", '<workbook xmlns:r="r"><sheets><sheet name="a" r:id="i"/></sheets></workbook>'
        )
        archive.writestr(
            "xl/_rels/workbook.xml.rels", '<Relationships><Relationship Id="i" Target="s.xml"/></Relationships>'
        )
        archive.writestr("xl/s.xml", sheet)
    return packed.getvalue()


def hostile_statements() -> list[bytes]:
    """Files that cost far more than their size to a reader that is not careful."""
    header = "data;ativo;operacao;quantidade;preco\n"
    return [
        (header + "01/01/2026;PETR4;compra;1" + " " * 40_000 + "x;10\n").encode(),
        ("nota de corretagem\n" + ("outras" + " " * 390 + "\n") * 20_000).encode(),
        _workbook("<worksheet><sheetData>" + "<v>x" * 30_000 + "</v>" * 30_000 + "</sheetData></worksheet>"),
        b"a;b;c;d;e;f\n" * 34_000,
        b"a;b;c;d;e;f\n" * 800_000,
        _workbook("<worksheet>" + "<row>" + "<c><v>1.5</v></c>" * 100 + "</row>" * 1 + "</worksheet>"),
        ("nota de corretagem\n" + ("1-BOVESPA C VISTA " + "1 " * 180 + "\n") * 20_000).encode(),
    ]


async def statements(target: Besieged) -> str:
    """Hostile statements, four at once."""
    async with target.session("one") as session:

        async def send(data: bytes) -> int:
            async with session.post(
                f"{API}/portfolios/{target.portfolio}/import?dry_run=true", data=io.BytesIO(data)
            ) as a:
                return a.status

        turn = asyncio.Semaphore(4)

        async def in_turn(data: bytes) -> int:
            async with turn:
                return await send(data)

        statuses = await asyncio.gather(*(in_turn(data) for data in hostile_statements() * 2))
    return "" if set(statuses) <= {200, 422, 429, 503} else f"answered {sorted(set(statuses))}"


async def held_uploads(target: Besieged) -> str:
    """60 uploads of ten megabytes, held open before their end, to a portfolio that does not exist and to one's own."""
    writers, refused = [], 0
    for number in range(60):
        reader, writer = await asyncio.open_connection("127.0.0.1", target.port)
        name = "none" if number % 2 else target.portfolio
        writer.write(
            f"POST {API}/portfolios/{name}/import HTTP/1.1\r\nHost: x\r\nX-Api-Key: {target.keys['one']}\r\n"
            f"Content-Length: 10000000\r\n\r\n".encode()
        )
        with contextlib.suppress(ConnectionError, TimeoutError):
            writer.write(b"a" * 9_900_000)
            await asyncio.wait_for(writer.drain(), 0.3)
        writers.append((reader, writer))
    fine = await target.serves()
    for reader, writer in writers:
        with contextlib.suppress(TimeoutError, ConnectionError, asyncio.IncompleteReadError):
            line = await asyncio.wait_for(reader.readline(), 0.05)
            refused += b" 404 " in line or b" 429 " in line or b" 503 " in line
        writer.transport.abort()
    if not fine:
        return "others were not served"
    return "" if refused >= 30 else f"only {refused} were refused"


async def slow_readers(target: Besieged) -> str:
    """1,500 clients from forty addresses that ask for the long description and take nothing of it."""
    held = []
    for number in range(1_500):
        one = socket.socket()
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2_048)
        one.setblocking(False)
        one.bind((f"127.0.1.{1 + number % 40}", 0))
        with contextlib.suppress(OSError):
            await asyncio.get_running_loop().sock_connect(one, ("127.0.0.1", target.port))
            await asyncio.get_running_loop().sock_sendall(one, b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 3)
        held.append(one)
    await asyncio.sleep(1)
    fine = await target.serves()
    for one in held:
        one.close()
    return "" if fine else "others were not served"


async def forms(target: Besieged) -> str:
    """Forms of a hundred thousand parts, and a bomb that unpacks to 400 MB, to a portfolio of one's own."""
    parts = b"--b\r\nContent-Disposition: form-data; name=a\r\n\r\n\r\n" * 100_000 + b"--b--"
    bomb = await asyncio.to_thread(gzip.compress, bytes(400_000_000), 1)
    path = f"{API}/portfolios/{target.portfolio}/import"
    sent = (
        (io.BytesIO(parts), {"Content-Type": "multipart/form-data; boundary=b"}),
        (io.BytesIO(bomb), {"Content-Encoding": "gzip"}),
    )
    statuses = set()
    async with target.session("one") as session:
        for body, headers in sent:
            with contextlib.suppress(aiohttp.ClientError):  # it may be cut off while it still sends
                async with session.post(path, data=body, headers=headers) as answer:
                    statuses.add(answer.status)
    return "" if statuses <= {400, 413} else f"answered {sorted(statuses)}"


async def quotas(target: Besieged) -> str:
    """Ordinary requests without end: portfolios, alerts, jobs, answers kept."""
    async with target.session("greedy") as session:

        async def post(path: str, body: Any) -> int:
            while True:
                async with session.post(API + path, json=body) as answer:
                    problem = await answer.json()
                    if problem.get("type") != "urn:invest:rate-limited":
                        return answer.status
                await asyncio.sleep(0.2)

        limits = target.settings.quotas
        made = [await post("/portfolios", {"name": "p"}) for _ in range(limits.portfolios + 5)]
        alerts = [await post("/alerts", {"kind": "news", "ticker": "PETR4"}) for _ in range(limits.alerts + 5)]
        later = [
            await post("/jobs/analyze_asset_async?delay=86400", {"ticker": "PETR4"})
            for _ in range(limits.delayed_jobs + 5)
        ]
    spent = [sum(status == 429 for status in kind) for kind in (made, alerts, later)]
    return "" if all(count >= 5 for count in spent) else f"refused {spent}"


async def other_owners(target: Besieged) -> str:
    """Another key's alerts, results and jobs beyond one's scope."""
    async with target.session("one") as one, target.session("two") as two:
        async with one.post(f"{API}/alerts", json={"kind": "news", "ticker": "VALE3"}) as answer:
            alert = (await answer.json())["id"]
        async with two.get(f"{API}/alerts") as listed, two.delete(f"{API}/alerts/{alert}") as deleted:
            if alert in await listed.text() or deleted.status != 404:
                return "another's alert was seen or deleted"
        for path, body in (("evaluate_alerts", {}), ("cleanup_old_data", {"days_to_keep": 90})):
            async with two.post(f"{API}/jobs/{path}", json=body) as answer:
                if answer.status != 403:
                    return f"{path} was answered {answer.status}"
    return ""


async def edges(target: Besieged) -> str:
    """Cursors at the edge of time, forwarded requests, a key used again."""
    async with target.session("one") as session:
        for cursor in ("0001-01-01T00:00:00%2B23:59~x", "9999-12-31T23:59:59-23:59~x"):
            async with session.get(f"{API}/reports?cursor={cursor}") as answer:
                if answer.status != 422:
                    return f"a cursor was answered {answer.status}"
    return ""


ATTACKS: dict[str, Callable[[Besieged], Awaitable[str]]] = {
    "half_requests": half_requests,
    "idle_connections": idle_connections,
    "probes_by_strangers": probes_by_strangers,
    "descriptions": descriptions,
    "statements": statements,
    "held_uploads": held_uploads,
    "slow_readers": slow_readers,
    "forms": forms,
    "quotas": quotas,
    "other_owners": other_owners,
    "edges": edges,
}
