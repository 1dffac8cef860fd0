"""The load of the API benchmark: raw sockets that keep asking, so that the client costs little of the two cores.

python -m bench.api_load post|paced|sse PORT …   -> one JSON object on stdout
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import cast

import uvloop

NO_KEY = "-"
OPENING = 60.0  # seconds within which all streams are open


class Poster(asyncio.Protocol):
    """One connection: send, wait for the whole answer, send again."""

    def __init__(self, load: Load) -> None:
        self.load = load
        self.buffer = b""
        self.sent = 0.0
        self.idle = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.load.ready(self)

    def send(self) -> None:
        """One request with an Idempotency-Key of its own."""
        self.idle = False
        self.sent = time.perf_counter()
        self.transport.write(self.load.request())

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self.buffer[:end].lower()
        at = head.find(b"content-length: ")
        length = int(head[at + 16 :].split(b"\r", 1)[0]) if at >= 0 else 0
        if len(self.buffer) < end + 4 + length:
            return
        status = int(self.buffer[9:12])
        self.buffer = b""
        self.idle = True
        self.load.answered(status, time.perf_counter() - self.sent)
        self.load.ready(self)

    def connection_lost(self, _exc: Exception | None) -> None:
        self.load.broken += 1


class Load:
    """All connections of one run."""

    def __init__(self, path: str, key: str, seconds: float, *, rate: float = 0) -> None:
        self.head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n".encode()
        if key != NO_KEY:
            self.head += f"Authorization: Bearer {key}\r\n".encode()
        self.run = f"{time.time_ns():x}".encode()
        self.number = 0
        self.seconds = seconds
        self.rate = rate
        self.started = 0.0
        self.latencies: list[float] = []
        self.refused_latencies: list[float] = []
        self.statuses: dict[int, int] = {}
        self.broken = 0
        self.late = 0
        self.waiting: list[Poster] = []
        self.open = True

    def request(self) -> bytes:
        """The next request."""
        self.number += 1
        return b"%bIdempotency-Key: %b-%d\r\n\r\n" % (self.head, self.run, self.number)

    def ready(self, connection: Poster) -> None:
        """A connection is free: without a rate it asks again at once."""
        if self.rate or not self.started:
            self.waiting.append(connection)
        elif self.open:
            connection.send()

    def answered(self, status: int, seconds: float) -> None:
        """Count an answer that came while the clock ran."""
        if self.open:
            self.statuses[status] = self.statuses.get(status, 0) + 1
            (self.latencies if status < 400 else self.refused_latencies).append(seconds)

    async def go(self, port: int, connections: int) -> dict[str, object]:
        """Connect, ask for `seconds`, and sum up."""
        loop = asyncio.get_running_loop()
        for _ in range(connections):
            await loop.create_connection(lambda: Poster(self), "127.0.0.1", port)
        self.started = time.perf_counter()
        if self.rate:
            await self._pace()
        else:
            first, self.waiting = self.waiting, []
            for connection in first:
                connection.send()
            await asyncio.sleep(self.seconds)
        self.open = False
        took = time.perf_counter() - self.started
        await asyncio.sleep(1.0)  # what is under way comes in uncounted
        return self.summary(took)

    async def _pace(self) -> None:
        while (now := time.perf_counter() - self.started) < self.seconds:
            while self.number + self.late < now * self.rate:
                if self.waiting:
                    self.waiting.pop().send()
                else:
                    self.late += 1  # every connection waits: the load could not even be sent
            await asyncio.sleep(0.001)

    def summary(self, took: float) -> dict[str, object]:
        """The figures of the run."""
        both = sorted(self.latencies + self.refused_latencies)
        return {
            "seconds": round(took, 3),
            "offered": self.number + self.late,
            "sent": self.number,
            "run": self.run.decode(),
            "statuses": {str(k): v for k, v in sorted(self.statuses.items())},
            "rps": round(len(self.latencies) / took, 1),
            "p50_ms": quantile(sorted(self.latencies), 0.5),
            "p99_ms": quantile(sorted(self.latencies), 0.99),
            "all_p99_ms": quantile(both, 0.99),
            "broken": self.broken,
        }


def quantile(values: list[float], share: float) -> float | None:
    """A quantile in ms of sorted seconds."""
    return round(values[min(len(values) - 1, int(share * len(values)))] * 1000, 2) if values else None


class Listener(asyncio.Protocol):
    """One SSE client: counts events, and how old the newest was when it came."""

    def __init__(self, stats: dict[str, float]) -> None:
        self.stats = stats
        self.events = 0
        self.tail = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        key = self.stats["key"]
        cast("asyncio.Transport", transport).write(
            f"GET /api/v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        if b"retry: " in data:
            self.stats["open"] += 1
        seen = data.count(b"event: queued")
        if not seen:
            return
        self.events += seen
        at = data.find(b"id: ")
        if at >= 0:  # the oldest event of this write
            age = time.time() * 1000 - int(data[at + 4 : at + 17])
            self.stats["worst_ms"] = max(self.stats["worst_ms"], age)


async def listen(port: int, clients: int, events: int, seconds: float, key: str) -> dict[str, object]:
    """Open `clients` streams, say so, and count what they got after `seconds`."""
    stats: dict[str, float] = {"open": 0, "worst_ms": 0.0, "key": key}  # type: ignore[dict-item] # the key rides along
    loop = asyncio.get_running_loop()
    listeners = []
    for _ in range(clients):
        _, listener = await loop.create_connection(lambda: Listener(stats), "127.0.0.1", port)
        listeners.append(listener)
    opened_by = time.monotonic() + OPENING
    while stats["open"] < clients:
        if time.monotonic() > opened_by:
            raise SystemExit(f"{stats['open']:.0f} of {clients} streams opened within {OPENING:.0f} s")
        await asyncio.sleep(0.05)
    sys.stdout.write("open\n")
    sys.stdout.flush()
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and any(one.events < events for one in listeners):  # noqa: ASYNC110 - as above
        await asyncio.sleep(0.1)
    got = sum(one.events for one in listeners)
    return {"clients": clients, "sent": clients * events, "lost": clients * events - got, "worst_ms": stats["worst_ms"]}


async def main() -> None:
    """What the command line says."""
    kind, port, key = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    if kind == "sse":
        answer = await listen(port, int(sys.argv[4]), int(sys.argv[5]), float(sys.argv[6]), key)
    else:
        path, connections, seconds = sys.argv[4], int(sys.argv[5]), float(sys.argv[6])
        rate = float(sys.argv[7]) if kind == "paced" else 0
        answer = await Load(path, key, seconds, rate=rate).go(port, connections)
    sys.stdout.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
