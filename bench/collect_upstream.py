"""The upstream of the collection benchmark: brapi-shaped answers as bytes made beforehand, in a process of its own.

Of each asset six answers: part 0 is a quote with every figure, parts 1 to 5 are quotes of earlier months with that
month's bars. 50 observations and 106 bars an asset.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from multiprocessing.connection import Connection
from typing import Any

import uvloop

from bench.collect_client import Upstream
from invest.sources.brapi.format import FIGURES

GETS = 6
IN_FLIGHT = 500
DELAY = 0.3
LAST = date(2026, 3, 31)
OBSERVATIONS, BARS = 50, 106  # an asset's, in its six answers
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"


def names(count: int) -> list[str]:
    """Ticker codes, no two alike."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    return ["".join(letters[n // 26**p % 26] for p in (3, 2, 1, 0)) + "3" for n in range(count)]


def path_of(ticker: str, part: int) -> str:
    """Where an answer lies under the upstream's root."""
    return f"/brapi/quote/{ticker}?part={part}"


def answer(ticker: str, seed: int, part: int) -> bytes:
    """One answer; its figures differ by asset and part."""
    day = LAST - timedelta(days=31 * part)
    price = 10 + seed % 90 + part / 10
    entry: dict[str, Any] = {
        "symbol": ticker,
        "currency": "BRL",
        "longName": f"Companhia {ticker} S.A.",
        "regularMarketPrice": price,
        "regularMarketVolume": 1_000_000 + seed,
        "regularMarketTime": f"{day}T20:07:00.000Z",
        "marketCap": 10**9 + seed,
        "priceEarnings": 8.25,
        "earningsPerShare": 4.3,
    }
    if part:
        days = [day - timedelta(days=n) for n in range(30) if (day - timedelta(days=n)).weekday() < 5]
        entry["historicalDataPrice"] = [bar(d, price + n / 100) for n, d in enumerate(days)]
    else:
        for module in ("defaultKeyStatistics", "financialData"):
            keys = [key for at, key, *_ in FIGURES if at == module]
            entry[module] = {key: round(0.11 + n / 100 + seed / 10_000, 6) for n, key in enumerate(keys)}
    body = json.dumps({"results": [entry], "requestedAt": f"{LAST}T21:00:00.000Z", "took": "12ms"}).encode()
    return HEAD % (len(body), body)


def bar(day: date, close: float) -> dict[str, Any]:
    """One row of brapi's history."""
    prices = {"open": close, "high": close + 0.4, "low": close - 0.4, "close": close + 0.1}
    rounded = {name: round(value, 2) for name, value in prices.items()}
    return {"date": f"{day}", **rounded, "volume": 123_400, "adjustedClose": rounded["close"]}


class Answers(Upstream):
    """Finds the answer by the request's target; an unknown target is a fault of the benchmark and ends the line."""

    def __init__(self, delay: float, answers: dict[bytes, bytes]) -> None:
        super().__init__(delay)
        self._answers = answers
        self._rest = b""

    def data_received(self, data: bytes) -> None:
        """One answer per whole request."""
        *requests, self._rest = (self._rest + data).split(b"\r\n\r\n")
        for request in requests:
            found = self._answers.get(request.split(b" ", 2)[1])
            if found is None:
                self._transport.abort()
            elif self._delay:
                asyncio.get_running_loop().call_later(self._delay, self._transport.write, found)
            else:
                self._transport.write(found)


def serve(ready: Connection, tickers: Sequence[str], delay: float) -> None:
    """Run until the parent ends it."""
    answers = {path_of(t, part).encode(): answer(t, n, part) for n, t in enumerate(tickers) for part in range(GETS)}

    async def run() -> None:
        made = asyncio.get_running_loop().create_server(lambda: Answers(delay, answers), "127.0.0.1", 0, backlog=1024)
        server = await made
        ready.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    uvloop.run(run())


@contextmanager
def upstream(tickers: Sequence[str], delay: float) -> Iterator[str]:
    """The address of a running upstream."""
    here, there = multiprocessing.Pipe()
    process = multiprocessing.Process(target=serve, args=(there, tickers, delay), daemon=True)
    process.start()
    try:
        if not here.poll(60):
            raise RuntimeError("the benchmark's upstream did not start")
        yield f"http://127.0.0.1:{here.recv()}"
    finally:
        process.terminate()
        process.join()
