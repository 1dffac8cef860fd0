"""The headline: 1,000 assets collected, cross-checked, stored, analysed and ranked on one machine.

python -m bench.headline [--assets 1000] [--rounds 1] [--collectors 1]   -> bench/out/headline.json

The upstreams are the sandbox's, each with a latency of its own (`LATENCY`), and their answers are made before the clock
starts, by a first pass that collects without latencies by two processes and whose results are thrown away. The
platform is what `invest run` starts: web and one worker per queue with default settings, an embedded Valkey and
PostgreSQL with their usual durability.

`cold_s`: an empty database and an empty data folder; the assets' history is read whole, as of the session before the
newest. `daily_s`: the same database one session later. `stages`: seconds of each step. `processes`: CPU seconds and the
most memory each process held. `requests`: what the upstreams were asked, cold and daily.

brapi gives three months of history, as its plan does; COTAHIST and B3's indices the years before.

What this does not show: the sandbox lifts the limits on requests per second. `live_bound_s` says for each upstream how
long its requests take at the least under the limits as shipped: those are waits of courtesy that no code can shorten.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import uvloop

from bench import outputs
from bench.collect import cpu_of, peak_of
from bench.faults import open_sandbox, post_fault, ready
from invest.cli.platform.platform import QUEUES, answer_of, free_port
from invest.cli.platform.supervise import Family, family
from invest.domain.market import Market
from invest.engine import Invest
from invest.jobs.analysis import batch_analyze_assets, update_asset_rankings
from invest.jobs.data_collection import batch_collect_assets, discover_assets, update_benchmarks, update_news_feed
from invest.jobs.declared import declare_all
from invest.local import LocalServers
from invest.settings import Settings, load
from invest.store import migrate

# Seconds from request to answer, by upstream: between what the real hosts are said to take, files slower than calls.
LATENCY: Mapping[str, float] = {
    "cotahist": 0.8, "cvm": 0.8, "b3": 0.4, "bcb": 0.3, "olinda": 0.4, "brapi": 0.2, "rss": 0.1,
}  # fmt: skip
MARKETS = (Market.STOCKS, Market.FIIS, Market.ETFS, Market.BDRS)
LIMIT = 1500.0


@dataclass
class Pass:
    """One run over all assets: seconds by stage, requests by upstream, and what each process took."""

    seconds: float = 0
    stages: dict[str, float] = field(default_factory=dict)
    requests: dict[str, int] = field(default_factory=dict)
    processes: dict[str, dict[str, float]] = field(default_factory=dict)
    collected: int = 0
    analysed: int = 0
    ranked: int = 0

    @property
    def rss_mb(self) -> float:
        """The most memory that all processes of the platform held, summed."""
        return round(sum(p["rss_mb"] for p in self.processes.values()), 1)


@dataclass
class Watched:
    """What the processes of each name took. A worker is replaced after `worker.max_jobs` jobs: several may follow."""

    before: dict[int, float] = field(default_factory=dict)
    taken: dict[tuple[str, int], tuple[float, float]] = field(default_factory=dict)  # CPU seconds, MB at most

    def look(self, members: Family, *, before: bool = False) -> None:
        """Read the clocks of those that run now."""
        for child in members.children:
            pid = child.process.pid if child.process and child.process.returncode is None else 0
            with suppress(FileNotFoundError, StopIteration):  # it ended meanwhile
                used, peak = cpu_of(pid), peak_of(pid)
                if before:
                    self.before[pid] = used
                self.taken[child.name, pid] = used - self.before.get(pid, 0), peak

    async def watch(self, members: Family) -> None:
        """Look often, until cancelled."""
        while True:
            self.look(members)
            await asyncio.sleep(0.2)

    def figures(self) -> dict[str, dict[str, float]]:
        """By name: processor time of all that followed each other, and the largest one's memory."""
        names = sorted({name for name, _ in self.taken})
        found = {}
        for name in names:
            parts = [figures for (of, _), figures in self.taken.items() if of == name]
            spent, most = sum(cpu for cpu, _ in parts), max(peak for _, peak in parts)
            found[name] = {"cpu_s": round(spent, 2), "rss_mb": round(most, 1), "processes": len(parts)}
        return found


@asynccontextmanager
async def platform(settings: Settings, log: Path, collectors: int) -> AsyncIterator[tuple[Invest, Family]]:
    """Web and one worker per queue, as `invest run` starts them; of the collecting one `collectors`."""
    secret = settings.redis.url, settings.database.url
    assert secret[0] and secret[1] and settings.as_of
    environment = {
        "REDIS_URL": secret[0].get_secret_value(),
        "DATABASE_URL": secret[1].get_secret_value(),
        "INVEST_SANDBOX_URL": settings.sandbox_url,
        "INVEST_DATA_DIR": str(settings.data_dir),
        "INVEST_AS_OF": settings.as_of.isoformat(),
        "INVEST_LOGGING__LEVEL": "WARNING",
        **plan_of(settings.sandbox_url),
    }
    async with family(environment, log=log) as members:
        port = free_port()
        await members.start("web", "web", "--host", "127.0.0.1", "--port", str(port))
        workers = [(queue, queue) for queue in QUEUES]
        workers += [(f"data_collection {number}", "data_collection") for number in range(2, collectors + 1)]
        for name, queue in workers:
            await members.start(name, "worker", queue, "--child")
        await answer_of(f"http://127.0.0.1:{port}/readyz")
        async with Invest.connect(settings) as invest:
            async with asyncio.timeout(60):
                while len(await invest.inspect.workers()) < len(workers):  # noqa: ASYNC110 - heartbeats, not events
                    await asyncio.sleep(0.05)
            yield invest, members


def plan_of(sandbox: str) -> dict[str, str]:
    """brapi as its plan gives it, three months of history, where the sandbox alone would give ten years."""
    given = {
        "BASE_URL": f"{sandbox}/brapi",
        "TOKEN": "sandbox",
        "RATE": "10000",
        "BURST": "10000",
        "CONCURRENCY": "100",
        "MONTHLY_BUDGET": "1000000",
    }
    return {f"INVEST_SOURCES__BRAPI__{name}": value for name, value in given.items()}


async def asked(sandbox: str, *, forget: bool = False) -> dict[str, int]:
    """Requests by upstream since the count was last cleared."""
    async with aiohttp.ClientSession(sandbox) as session:
        if forget:
            await session.delete("/sandbox/requests")
            return {}
        async with session.get("/sandbox/requests") as answer:
            counts = await answer.json()
    return {name: count["requests"] for name, count in counts.items()}


async def run_pass(
    settings: Settings, tickers: Sequence[str], log: Path, collectors: int = 1, *, warm: bool = False
) -> Pass:
    """Collect, analyse and rank all assets on a running platform; to `warm` the upstreams, collect them alone."""
    found = Pass()
    async with platform(settings, log, collectors) as (invest, members):
        await asked(settings.sandbox_url, forget=True)
        watched = Watched()
        watched.look(members, before=True)
        watching = asyncio.create_task(watched.watch(members))
        begun = time.perf_counter()

        async def stage(name: str, *calls: Any) -> list[Any]:
            start = time.perf_counter()
            jobs = [await invest.enqueue(call) for call in calls]
            results = await asyncio.gather(*(job.result(timeout=LIMIT) for job in jobs))
            found.stages[name] = round(time.perf_counter() - start, 2)
            return list(results)

        await stage("discover", discover_assets(), update_benchmarks())
        [batch, _] = await stage("collect", batch_collect_assets(list(tickers)), update_news_feed())
        if warm:
            watching.cancel()
            return found
        [analysed] = await stage("analyse", batch_analyze_assets(list(tickers)))
        ranked = await stage("rank", *(update_asset_rankings(market) for market in MARKETS))
        found.seconds = round(time.perf_counter() - begun, 2)
        found.collected, found.analysed = batch.success_count, analysed.success
        found.ranked = sum(r.assets_ranked for r in ranked)
        watching.cancel()
        watched.look(members)
        found.processes = watched.figures()
        found.requests = await asked(settings.sandbox_url)
    return found


async def slow(sandbox: str) -> None:
    """Give each upstream its latency."""
    async with aiohttp.ClientSession(sandbox) as session:
        for upstream, seconds in LATENCY.items():
            fault = {"upstream": upstream, "kind": "latency", "seconds": seconds}
            async with session.post("/sandbox/faults", json=fault) as answer:
                answer.raise_for_status()


async def yesterday(sandbox: str, *, days: int = 1, warm: bool = False) -> None:
    """Let the upstreams answer as of so many sessions earlier, each with its latency but where they are warmed."""
    await post_fault(sandbox, "*", {"kind": "stale", "days": days} if days else {})
    if not warm:
        await slow(sandbox)


def settings_for(folder: Path, servers: LocalServers, sandbox: str, now: datetime) -> Settings:
    """The settings of one platform over its own servers and data folder."""
    return load(
        redis={"url": servers.redis_url},
        database={"url": servers.database_url},
        data_dir=folder / "data",
        sandbox_url=sandbox,
        as_of=now,
    )


async def cold_and_daily(
    sandbox: str, tickers: Sequence[str], now: datetime, log: Path, collectors: int, *, warm: bool = False
) -> tuple[Pass, Pass]:
    """One cold pass on empty servers, then the pass of the next session on the same ones."""
    with tempfile.TemporaryDirectory(prefix="invest-headline-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # noqa: ASYNC240 - before anything runs; PostgreSQL's own account must reach it
        with LocalServers.start(folder) as servers:
            await yesterday(sandbox, warm=warm)
            early = settings_for(folder, servers, sandbox, now - timedelta(days=1))
            await migrate(early)
            cold = await run_pass(early, tickers, log, collectors, warm=warm)
            await yesterday(sandbox, days=0, warm=warm)
            daily = await run_pass(settings_for(folder, servers, sandbox, now), tickers, log, collectors, warm=warm)
    return cold, daily


def live_bound(requests: Mapping[str, int]) -> dict[str, float]:
    """Seconds that each upstream's requests take at the least at the rates as shipped."""
    shipped = load()
    sources = {name: shipped.source(name) for name in requests if not name.startswith("ai/")}
    return {
        name: round(max(0, requests[name] - conf.burst) / conf.rate, 1) for name, conf in sources.items() if conf.rate
    }


async def measure(asked_for: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Warm the sandbox, then the rounds."""
    log = folder / "processes.log"
    async with family({}, log=folder / "sandbox.log") as members:
        sandbox = await open_sandbox(members, asked_for.assets + 40)
        info = await ready(sandbox)
        now = datetime.fromisoformat(info["as_of"])
        kinds = ("stock", "unit", "fii", "etf", "bdr")
        tickers = [a["ticker"] for a in info["assets"] if a["kind"] in kinds][: asked_for.assets]
        print(f"{len(tickers)} assets; a first pass lets the sandbox make its answers", flush=True)
        try:
            await cold_and_daily(sandbox, tickers, now, log, 2, warm=True)
            rounds = []
            for number in range(asked_for.rounds):
                rounds.append(await cold_and_daily(sandbox, tickers, now, log, asked_for.collectors))
                cold, daily = rounds[-1]
                print(f"round {number + 1}: cold {cold.seconds} s {cold.stages}, daily {daily.seconds} s", flush=True)
        except BaseException:
            sys.stderr.write(log.read_text(errors="replace")[-3000:] if log.exists() else "")
            raise
    cold, daily = sorted(rounds, key=lambda pair: pair[0].seconds)[len(rounds) // 2]
    return {
        "assets": len(tickers),
        "collectors": asked_for.collectors,
        "rounds": len(rounds),
        "cold_s": statistics.median(c.seconds for c, _ in rounds),
        "daily_s": statistics.median(d.seconds for _, d in rounds),
        "wanted": {"cold_s": 30, "daily_s": 10, "rss_mb": 1000},
        "claim_of_the_old_platform_s": 300,
        "rss_mb": max(p.rss_mb for pair in rounds for p in pair),
        "stages": {"cold": cold.stages, "daily": daily.stages},
        "requests": {"cold": cold.requests, "daily": daily.requests},
        "live_bound_s": {"cold": live_bound(cold.requests), "daily": live_bound(daily.requests)},
        "processes": {"cold": cold.processes, "daily": daily.processes},
        "counts": {
            "cold": [cold.collected, cold.analysed, cold.ranked],
            "daily": [daily.collected, daily.analysed, daily.ranked],
        },
        "latency_s": dict(LATENCY),
    }


def main() -> None:
    """Measure on servers of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--assets", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--collectors", type=int, default=1, help="processes that collect; more than by default")
    declare_all()
    with tempfile.TemporaryDirectory(prefix="invest-headline-log-") as name:
        result = uvloop.run(measure(parser.parse_args(), Path(name)))
    outputs.write("headline", result)
    print(json.dumps({k: result[k] for k in ("cold_s", "daily_s", "rss_mb", "stages", "requests")}, indent=2))


if __name__ == "__main__":
    main()
