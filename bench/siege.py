"""Attack a running platform, take its servers away, fill their disks: others are served, nothing accepted is lost.

python -m bench.siege [--outage 60]   -> bench/out/siege.json

Real processes: `invest web` with keys on, one worker of all queues, a Valkey and a PostgreSQL of their own. One more
process asks /healthz all the time and keeps the longest silence.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gzip
import io
import multiprocessing
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import asdict, dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import aiohttp
import orjson

from bench.servers import OUT, OwnPostgres, OwnValkey, free_port
from bench.siege_disks import SmallDisk, small_disk
from bench.siege_storm import KEYS, send_storm, tracebacks_in
from invest.engine import Invest
from invest.settings import Settings, load
from invest.store import Store, migrate

API = "/api/v1"
SILENCE_MS = 300.0  # the longest /healthz may be silent
GROWTH_MB = 300.0  # what an attack may cost the web process in memory
WEBHOOK = "whsec_" + "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="


@dataclass(slots=True)
class Attack:
    """What came of one attack."""

    held: bool
    rss_growth_mb: float
    said: str = ""


@dataclass(slots=True)
class Report:
    """What happened: attacks by name, the longest silence of /healthz, and what was lost over the outages."""

    attacks: dict[str, Attack] = field(default_factory=dict)
    healthz_silent_ms: float = 0.0
    lost: int = 0
    outages: dict[str, dict[str, Any]] = field(default_factory=dict)
    statuses: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def clean(self) -> bool:
        """Whether everything held."""
        held = all(attack.held for attack in self.attacks.values())
        return held and not self.lost and self.healthz_silent_ms <= SILENCE_MS


def watch(port: int, pipe: Connection) -> None:
    """Ask /healthz on one kept connection until told to stop; sends the longest silence in ms when asked."""
    import http.client

    client = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    longest, last, failures = 0.0, time.monotonic(), 0
    while True:
        try:
            client.request("GET", "/healthz")
            answer = client.getresponse()
            answer.read()
            if answer.status != 200:
                failures += 1
        except (OSError, http.client.HTTPException):
            client.close()
            failures += 1
        now = time.monotonic()
        longest, last = max(longest, (now - last) * 1000), now
        if pipe.poll(0.02):
            if pipe.recv() == "stop":
                pipe.send((longest, failures))
                return
            pipe.send((longest, failures))
            longest, failures, last = 0.0, 0, time.monotonic()
        last = time.monotonic()


class Watcher:
    """The process that asks /healthz."""

    def __init__(self, port: int) -> None:
        self._pipe, theirs = multiprocessing.Pipe()
        self._process = multiprocessing.get_context("spawn").Process(target=watch, args=(port, theirs), daemon=True)
        self._process.start()

    def longest(self) -> tuple[float, int]:
        """The longest silence since the last question in ms, and how many probes were not answered with 200."""
        self._pipe.send("tell")
        found: tuple[float, int] = self._pipe.recv()
        return found

    def stop(self) -> None:
        """End it."""
        self._pipe.send("stop")
        self._pipe.recv()
        self._process.join(10)


@dataclass
class Besieged:
    """The platform under attack."""

    settings: Settings
    url: str
    port: int
    web: subprocess.Popen[bytes]
    keys: dict[str, str]
    redis: OwnValkey
    postgres: OwnPostgres
    portfolio: str = ""
    log: Path = Path()

    def rss_mb(self) -> float:
        """Memory of the web process and its children; what they share counts once: a fork is no second process yet."""
        return sum(_memory(pid) for pid in (self.web.pid, *_children(self.web.pid)))

    def session(self, key: str | None = "one", **options: Any) -> aiohttp.ClientSession:
        """A client with one of the keys."""
        headers = {"X-Api-Key": self.keys[key]} if key else {}
        connector = aiohttp.TCPConnector(limit=0)
        return aiohttp.ClientSession(self.url, headers=headers, connector=connector, **options)

    async def serves(self) -> bool:
        """Whether somebody else, with a key of his own, is answered."""
        timeout = aiohttp.ClientTimeout(total=5)
        try:
            async with (
                self.session("two", timeout=timeout) as session,
                session.get("/readyz") as ready,
                session.get(f"{API}/portfolios") as listed,
            ):
                return ready.status == 200 and listed.status == 200
        except (aiohttp.ClientError, TimeoutError):
            return False


def _memory(pid: int) -> float:
    """The share of a process in the memory that is in use, in MB."""
    with contextlib.suppress(OSError, StopIteration):
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("Pss:")).split()[1]) / 1e3
    return 0.0


def _children(pid: int) -> list[int]:
    with contextlib.suppress(OSError):
        return [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


# -- attacks: each says whether it held


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
                    said = await answer.json()
                    if said.get("type") != "urn:invest:rate-limited":
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


async def attack(report: Report, target: Besieged, watcher: Watcher) -> None:
    """One attack after another; memory and silence are measured around each."""
    for name, how in ATTACKS.items():
        before = target.rss_mb()
        watcher.longest()
        most = before

        async def sample(base: float = before) -> None:
            nonlocal most
            while True:
                most = max(most, target.rss_mb(), base)
                await asyncio.sleep(0.1)

        sampling = asyncio.create_task(sample())
        try:
            said = await how(target)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            said = f"{type(error).__name__}: {error}"
        sampling.cancel()
        silent, failures = watcher.longest()
        report.healthz_silent_ms = round(max(report.healthz_silent_ms, silent), 1)
        if failures:
            said = said or f"{failures} probes were not answered with 200"
        growth = round(most - before, 1)
        held = not said and silent <= SILENCE_MS and growth <= GROWTH_MB
        report.attacks[name] = Attack(held, growth, said)
        print(f"  {name:<22}{'held' if held else 'FELL':<6}{growth:>8.1f} MB {silent:>7.0f} ms {said}", flush=True)
        await asyncio.sleep(1)


# -- outages


async def outage(report: Report, target: Besieged, seconds: float) -> None:
    """PostgreSQL is away while jobs are accepted and run: all of them end well, none as a dead letter."""
    async with Invest.connect(target.settings) as invest, target.session("admin") as session:
        ids: list[str] = []

        async def load_(count: int) -> None:
            for _ in range(count):
                async with session.post(
                    f"{API}/jobs/calculate_portfolio_metrics", json={"portfolio_id": target.portfolio}
                ) as a:
                    if a.status == 202:
                        ids.append((await a.json())["task_id"])

        await load_(30)
        await asyncio.to_thread(target.postgres.end_at_once)
        begun = time.monotonic()
        while time.monotonic() - begun < seconds:
            await load_(2)
            await asyncio.sleep(1)
        dead = len((await invest.dead.page(limit=500)).items)
        await asyncio.to_thread(target.postgres.start_again)
        ended = await _ends(invest, ids, 60 + seconds / 5)
        good = sum(state == "succeeded" for state in ended.values())
    report.lost += len(ids) - good + dead
    report.outages["postgresql"] = {"seconds": seconds, "accepted": len(ids), "succeeded": good, "dead_letters": dead}
    print(f"  PostgreSQL away {seconds:g} s: {len(ids)} accepted, {good} succeeded, {dead} dead letters", flush=True)


async def full_disk(report: Report, target: Besieged, name: str, disk: SmallDisk) -> None:
    """A server's disk is full while jobs are sent: /readyz says so, what was accepted ends well, nothing is buried."""
    if not disk.real:
        report.outages[name] = {"skipped": "this account may not mount a file system of its own"}
        print(f"  {name}: passed over, this account may not mount a file system of its own", flush=True)
        return
    async with Invest.connect(target.settings) as invest, target.session("admin") as session:
        ids, refused, said = await _through_a_full_disk(session, target, disk, postgres="PostgreSQL" in name)
        ended = await _ends(invest, ids)
        good = sum(state == "succeeded" for state in ended.values())
        dead = len((await invest.dead.page(limit=500)).items)
    told = "degraded" in said or "not ready" in said
    report.lost += len(ids) - good + dead + (not told)
    report.outages[name] = {
        "accepted": len(ids), "refused": refused, "succeeded": good, "dead_letters": dead, "readyz": sorted(said)
    }  # fmt: skip
    print(f"  {name}: {len(ids)} accepted, {refused} refused, {good} succeeded, {dead} dead letters; {sorted(said)}")


async def _through_a_full_disk(
    session: aiohttp.ClientSession, target: Besieged, disk: SmallDisk, *, postgres: bool
) -> tuple[list[str], int, set[str]]:
    """(jobs accepted, requests refused, what /readyz said) while a disk is full for twenty seconds."""
    ids: list[str] = []
    refused, said = 0, set[str]()

    async def send() -> None:
        nonlocal refused
        body = {"portfolio_id": target.portfolio}
        async with session.post(f"{API}/jobs/calculate_portfolio_metrics", json=body) as answer:
            if answer.status == 202:
                ids.append((await answer.json())["task_id"])
            else:
                refused += 1

    for _ in range(10):
        await send()
    disk.fill()
    until = time.monotonic() + 20
    while time.monotonic() < until:
        await send()
        async with session.get("/readyz") as answer:
            said.add((await answer.json())["status"])
        await asyncio.sleep(0.2)
    disk.free()
    if postgres:  # a server whose log finds no room ends; under `invest run` its keeper starts it again
        await asyncio.to_thread(target.postgres.start_again)
    for _ in range(5):
        await send()
    return ids, refused, said


async def _ends(invest: Invest, ids: list[str], seconds: float = 60) -> dict[str, str]:
    """Jobs that ended, and how."""
    ended: dict[str, str] = {}
    deadline = time.monotonic() + seconds
    while len(ended) < len(ids) and time.monotonic() < deadline:
        for job_id in ids:
            if job_id not in ended and (status := await invest.status(job_id)).final:
                ended[job_id] = status.state.value
        await asyncio.sleep(0.3)
    return ended


async def storm(report: Report, target: Besieged, count: int, watcher: Watcher) -> None:
    """Requests made from the server's own description, each wrong in some way."""
    before, rss = tracebacks_in(target.log), target.rss_mb()
    watcher.longest()
    async with contextlib.AsyncExitStack() as stack:
        sessions = [await stack.enter_async_context(target.session(f"storm{n}")) for n in range(KEYS)]
        async with sessions[0].get("/openapi.json") as answer:
            description = await answer.json()
        seen, wrong = await send_storm(sessions, description, count)
    silent, _ = watcher.longest()
    report.healthz_silent_ms = round(max(report.healthz_silent_ms, silent), 1)
    traces = tracebacks_in(target.log) - before
    said = wrong[0] if wrong else f"{traces} tracebacks in the log" if traces else ""
    growth = round(target.rss_mb() - rss, 1)
    report.attacks["hostile_requests"] = Attack(not said and growth <= GROWTH_MB, growth, said)
    report.statuses = {str(status): times for status, times in sorted(seen.items())}
    print(f"  {count:,} hostile requests: {report.statuses}, {len(wrong)} wrong, {traces} tracebacks, {silent:.0f} ms")
    for line in wrong[:10]:
        print(f"    {line}", flush=True)


# -- the platform


@contextlib.contextmanager
def processes(settings: Settings, port: int, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """`invest web` and a worker of all queues."""
    assert settings.redis.url and settings.database.url
    kept = {k: v for k, v in os.environ.items() if not k.startswith("INVEST_")}
    told = kept | {
        "REDIS_URL": settings.redis.url.get_secret_value(),
        "DATABASE_URL": settings.database.url.get_secret_value(),
        "WEBHOOK_SECRET": WEBHOOK,
        "INVEST_WEB__AUTH": "on",
        "INVEST_DATA_DIR": str(folder / "data"),
        "INVEST_LOGGING__FORMAT": "json",
        "INVEST_WEB__RATE_LIMIT": "200",
        "INVEST_WEB__RATE_BURST": "600",
        "INVEST_DATABASE__PATIENCE": "2",
        "INVEST_SANDBOX_URL": "http://127.0.0.1:9",
    }
    with (folder / "log").open("ab") as log:
        commands = (["web", "--host", "127.0.0.1", "--port", str(port)], ["worker", "--child"])
        running = [
            subprocess.Popen([sys.executable, "-m", "invest", *command], env=told, stdout=log, stderr=log, cwd=folder)
            for command in commands
        ]
        try:
            yield running[0]
        finally:
            for process in running:
                process.send_signal(signal.SIGTERM)
            for process in running:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(35)
                process.kill()


async def until_ready(url: str) -> None:
    """Wait for /readyz."""
    deadline = time.monotonic() + 240
    async with aiohttp.ClientSession(url) as session:
        while time.monotonic() < deadline:
            with contextlib.suppress(aiohttp.ClientError):
                async with session.get("/readyz") as answer:
                    if answer.status == 200:
                        return
            await asyncio.sleep(0.2)
    raise SystemExit("the platform did not start")


async def run(seconds: float, requests: int, only: str = "") -> Report:
    """The whole siege."""
    report, begun = Report(), time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="invest-siege-"))
    port = free_port()
    kept = ("--appendonly", "yes", "--appendfsync", "everysec", "--auto-aof-rewrite-percentage", "0")
    with (
        small_disk(64) as redis_disk,
        small_disk(400) as postgres_disk,
        OwnValkey(inside=redis_disk.folder, extra=kept) as redis,
        OwnPostgres(inside=postgres_disk.folder) as postgres,
    ):
        settings = load(_env_file=None, redis={"url": redis.url}, database={"url": postgres.url})
        await migrate(settings)
        keys = {}
        async with Store.open(settings) as store:
            storming = [(f"storm{number}", "write") for number in range(KEYS)]
            for name, scope in (
                ("one", "write"), ("two", "write"), ("greedy", "write"), ("admin", "admin"), *storming,
            ):  # fmt: skip
                keys[name], _ = await store.keys.create(name, [scope])
        with processes(settings, port, folder) as web:
            target = Besieged(
                settings, f"http://127.0.0.1:{port}", port, web, keys, redis, postgres, log=folder / "log"
            )
            await until_ready(target.url)
            async with (
                target.session("one") as session,
                session.post(f"{API}/portfolios", json={"name": "siege"}) as answer,
            ):
                target.portfolio = (await answer.json())["id"]
            watcher = Watcher(port)
            await asyncio.sleep(1)
            os.nice(10)  # who attacks from elsewhere takes no processor of the one attacked
            if only in ("", "attacks"):
                await attack(report, target, watcher)
            if only in ("", "outages"):
                await outage(report, target, seconds)
                await full_disk(report, target, "PostgreSQL's disk full", postgres_disk)
                await full_disk(report, target, "Redis' disk full", redis_disk)
            if only in ("", "storm"):
                await storm(report, target, requests, watcher)
            watcher.stop()
    if report.clean:
        shutil.rmtree(folder, ignore_errors=True)
    else:
        print(f"  logs: {folder / 'log'}", flush=True)
    report.seconds = round(time.monotonic() - begun, 1)
    return report


def main() -> None:
    """Parse, run, write, and say by the exit status whether everything held."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--outage", type=float, default=60.0, help="seconds that PostgreSQL is away")
    parser.add_argument("--requests", type=int, default=10_000, help="hostile requests at the end")
    parser.add_argument("--only", choices=("attacks", "outages", "storm"), default="", help="a part of it")
    options = parser.parse_args()
    print(f"siege: {len(ATTACKS)} attacks, then PostgreSQL away for {options.outage:g} s", flush=True)
    report = asyncio.run(run(options.outage, options.requests, options.only))
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / "siege.json").write_bytes(orjson.dumps(asdict(report), option=orjson.OPT_INDENT_2))
    print(f"  /healthz silent for at most {report.healthz_silent_ms:g} ms; lost {report.lost}; {report.seconds:g} s")
    sys.exit(0 if report.clean else 1)


if __name__ == "__main__":
    main()
