"""How long the heaviest pages take: 100,000 jobs in the index, a portfolio of 60 assets over ten years, 1,000 ranked.

python -m bench.pages [--asks 200]   -> bench/out/pages.json

One web process, one request at a time over one connection: `overview_ms`, `jobs_ms`, `portfolio_ms`, `rankings_ms`,
each p50 and p95 in milliseconds from sending the request to the last byte, and `cpu`, the milliseconds of processor
time that server and client in this process took for one (a busy machine changes it less).
`portfolio_changed_ms` is the same page after a price of one of its assets changed before each view: computed anew.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import aiohttp
import numpy as np
import orjson
from redis.asyncio import Redis

from bench import outputs
from invest.domain.market import Asset, AssetKind, Bar, BarTable
from invest.domain.portfolios import Operation, Transaction
from invest.engine import keys, registry
from invest.jobs.declared import declare_all
from invest.local import LocalServers
from invest.processes import collect_rarely
from invest.settings import Settings, load
from invest.store import Store, migrate
from invest.web import create_app, start

JOBS: Final = 100_000
DEAD: Final = 400  # of them dead letters
ASSETS, YEARS, RANKED = 60, 10, 1_000
WARM: Final = 10  # requests before those that count


async def fill_jobs(redis: Redis) -> None:
    """Records of ended jobs as the engine leaves them, spread over all declared names."""
    names = [(job.name, job.queue.name) for job in registry.jobs()]
    now = int(time.time() * 1000)
    for start_at in range(0, JOBS, 2_000):
        async with redis.pipeline(transaction=False) as pipe:
            for i in range(start_at, start_at + 2_000):
                name, queue = names[i % len(names)]
                failed = i % (JOBS // DEAD) == 0
                at = now - i * 500
                record: dict[Any, Any] = {
                    "n": name, "q": queue, "s": "failed" if failed else "succeeded", "a": 1, "d": 1, "p": 0,
                    "et": at - 900, "due": at - 900, "st": at - 400, "ft": at,
                }  # fmt: skip
                if failed:
                    record["e"] = orjson.dumps({"type": "NotFound", "message": f"nothing stored for T{i % 7}"})
                pipe.hset(f"{keys.JOB}bench{i:06d}", mapping=record)
                pipe.zadd((keys.FAILED if failed else keys.DONE) + name, {f"bench{i:06d}": at})
            await pipe.execute()


async def fill_store(store: Store) -> str:
    """1,000 ranked assets, and a portfolio of 60 with ten years of transactions and prices; its id."""
    tickers = [f"{chr(65 + i // 26 % 26)}{chr(65 + i % 26)}AA{3 + i // 676}" for i in range(RANKED)]
    await store.assets.upsert(*(Asset(ticker=t, kind=AssetKind.STOCK, name=f"Companhia {t}") for t in tickers))
    rows = [
        {
            "position": i + 1, "ticker": t, "name": f"Companhia {t}", "sector": f"Setor {i % 12}", "price": 10 + i / 7,
            "change_1d": (i % 9 - 4) / 100, "overall_score": round(9 - i / 130, 2), "recommendation": "hold",
            "coverage": 0.9, "stale": False, "greenblatt_rank": i or None,
        }
        for i, t in enumerate(tickers)
    ]  # fmt: skip
    ranking = {"market": "stocks", "ranked_at": None, "rows": rows, "unranked": [], "sandbox": False}
    await store.analyses.save_ranking("stocks", ranking, datetime.now(UTC))
    booked = [
        Transaction(
            date=date(2016, 1, 4) + timedelta(days=61 * k + i), ticker=t, operation=Operation.BUY,
            quantity=Decimal(10 + k), price=Decimal(20),
        )
        for k in range(40)
        for i, t in enumerate(tickers[:ASSETS])
    ]  # fmt: skip
    made, _ = await store.portfolios.create("Ten years", booked, owner="local")
    for year in range(2016, 2016 + YEARS):
        await store.bars.save_table(bars_of_year(tickers[:ASSETS], year))
    return made.id


def bars_of_year(tickers: list[str], year: int) -> BarTable:
    """A year's sessions of these assets, each on a random walk from 20 BRL; 252 weekdays."""
    first = np.datetime64(f"{year}-01-01")
    days = np.busday_offset(first, np.arange(252), roll="forward")
    random = np.random.default_rng(year)
    walk = np.exp(np.cumsum(random.normal(0.0002, 0.015, (len(tickers), len(days))), axis=1))
    close = (20_000_000 * walk).astype(np.int64).ravel() // 10_000 * 10_000
    none = np.full(len(close), -1)
    return BarTable(
        np.repeat(np.array(tickers), len(days)), np.tile(days.astype("datetime64[D]"), len(tickers)),
        close, close, close, close, np.full(len(close), 1_000_000), none, none, "cotahist", "0" * 64,
    )  # fmt: skip


async def measure(
    session: aiohttp.ClientSession, path: str, asks: int, change: Callable[[int], Awaitable[object]] | None = None
) -> dict[str, float]:
    """p50 and p95 of so many requests, and the processor time of one, after ten that warm up.

    `change` is awaited before each; its time does not count, its processor time does.
    """
    times: list[float] = []
    spent = 0.0
    for number in range(asks + WARM):
        if number == WARM:
            spent = time.process_time()
        if change is not None:
            await change(number)
        begun = time.perf_counter()
        async with session.get(path, headers={"Accept": "text/html"}) as answer:
            await answer.read()
            assert answer.status == 200, (path, answer.status)
        if number >= WARM:
            times.append((time.perf_counter() - begun) * 1000)
    cuts, cpu = statistics.quantiles(times, n=100), (time.process_time() - spent) * 1000 / asks
    return {"p50": round(cuts[49], 1), "p95": round(cuts[94], 1), "cpu": round(cpu, 1)}


async def run(settings: Settings, asks: int) -> dict[str, Any]:
    """Fill, serve, measure."""
    declare_all()
    async with Redis.from_url(str(settings.redis.url.get_secret_value() if settings.redis.url else "")) as redis:
        await fill_jobs(redis)
    async with Store.open(settings) as store, AsyncExitStack() as stack:
        portfolio = await fill_store(store)
        runner, port = await start(create_app(settings), "127.0.0.1", 0)
        stack.push_async_callback(runner.cleanup)
        collect_rarely()  # as the web process does once all is loaded

        async def another_price(number: int) -> None:
            day = date(2026, 1, 1) + timedelta(days=number)
            await store.bars.save([Bar("AAAA3", day, None, None, None, Decimal(30), 1, None, None, "b3", "1" * 64)])

        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
            return {
                "overview_ms": await measure(session, "/ops", asks),
                "jobs_ms": await measure(session, "/ops/jobs", asks),
                "portfolio_ms": await measure(session, f"/portfolios/{portfolio}", asks),
                "portfolio_changed_ms": await measure(session, f"/portfolios/{portfolio}", asks // 4, another_price),
                "rankings_ms": await measure(session, "/rankings", asks),
            }


def main() -> None:
    """Measure and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--asks", type=int, default=200, help="requests for each page")
    asks = parser.parse_args().asks
    folder = Path(tempfile.mkdtemp(prefix="invest-bench-"))
    folder.chmod(0o755)
    with LocalServers.start(folder, durable=False) as servers:
        assert servers.database_url
        asyncio.run(migrate(servers.database_url))
        logging: dict[str, Any] = {"level": "WARNING"}
        settings = load(
            redis={"url": servers.redis_url}, database={"url": servers.database_url}, logging=logging,
            web={"rate_limit": 100_000, "rate_burst": 100_000}, _env_file=None,
        )  # fmt: skip
        found = asyncio.run(run(settings, asks))
    found |= {"jobs": JOBS, "positions": ASSETS, "years": YEARS, "ranked": RANKED, "cores": os.cpu_count()}
    print(outputs.write("pages", found).read_text())


if __name__ == "__main__":
    main()
