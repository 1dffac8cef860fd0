"""What our client costs over bare aiohttp: 6,000 GETs of 300 ms, at most 500 in flight, then without delay.

``python -m bench.collect_client`` prints seconds of both. The upstream is a raw asyncio protocol in a process of its
own that answers precomputed bytes, so that the client is what is measured.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import cast

import aiohttp

from invest.settings import load
from invest.sources.client.http import SourceClient

GETS, IN_FLIGHT, DELAY = 6_000, 500, 0.3
BODY = json.dumps({"results": [{"symbol": "PETR4", "regularMarketPrice": 36.1, "pad": "x" * 800}]}).encode()
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(BODY), BODY)


class Upstream(asyncio.Protocol):
    """Answers every request after `delay` seconds."""

    def __init__(self, delay: float) -> None:
        self._delay = delay

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's are of no class of asyncio's

    def data_received(self, data: bytes) -> None:
        """One answer per request seen."""
        for _ in range(data.count(b"\r\n\r\n")):
            if self._delay:
                asyncio.get_running_loop().call_later(self._delay, self._transport.write, ANSWER)
            else:
                self._transport.write(ANSWER)


def serve(ready: Connection, delay: float) -> None:
    """Run the upstream until the parent ends it."""

    async def run() -> None:
        server = await asyncio.get_running_loop().create_server(lambda: Upstream(delay), "127.0.0.1", 0, backlog=1024)
        ready.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(run())


async def timed(ask: Callable[[int], Awaitable[object]]) -> float:
    """Seconds for all GETs."""
    slots = asyncio.Semaphore(IN_FLIGHT)

    async def one(i: int) -> None:
        async with slots:
            await ask(i)

    started = time.perf_counter()
    await asyncio.gather(*(one(i) for i in range(GETS)))
    return time.perf_counter() - started


async def bare(url: str) -> float:
    """aiohttp alone."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def ask(i: int) -> None:
            async with session.get(f"{url}/brapi/quote/{i}") as answer:
                await answer.read()

        return await timed(ask)


async def ours(url: str, folder: Path) -> float:
    """The product's client with everything on."""
    settings = load(sandbox_url=url, data_dir=folder, _env_file=None)
    async with SourceClient.open(settings) as client:
        client._confs["brapi"] = settings.source("brapi").model_copy(update={"concurrency": IN_FLIGHT})
        return await timed(lambda i: client.get("brapi", f"/quote/{i}"))


def measure(delay: float) -> dict[str, float]:
    """Seconds of both against one upstream."""
    here, there = multiprocessing.Pipe()
    process = multiprocessing.Process(target=serve, args=(there, delay), daemon=True)
    process.start()
    url = f"http://127.0.0.1:{here.recv()}"
    try:
        with tempfile.TemporaryDirectory() as folder:
            plain = asyncio.run(bare(url))
            product = asyncio.run(ours(url, Path(folder)))
        return {"invest": round(product, 3), "bare": round(plain, 3), "ratio": round(product / plain, 3)}
    finally:
        process.terminate()
        process.join()


def main() -> int:
    """Measure and print."""
    print(
        json.dumps({"delayed": measure(DELAY), "zero_delay": measure(0.0), "floor": GETS / IN_FLIGHT * DELAY}, indent=2)
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
