"""Every upstream in trouble in turn, each in every way, for the whole of a batch: what the platform makes of it.

python -m bench.faults [--assets 200] [--workers 2] [--lanes 4] [--force] [--upstreams b3] [--faults hang]
-> bench/out/faults.json

The assets are known from five days before. Then, for each upstream and fault, a batch over all of them (with --force
one that reads six years again) runs beside the news and benchmark jobs and before the price job, through real worker
processes with nothing cached and the settings as shipped (the sandbox lifts the rates). Per cell: whether it ended and
in how many seconds, what the source in trouble said, how many good values were replaced, and how many times another
source failed. Both counts must be 0. A run over some upstreams or faults keeps the other cells of an earlier run.

Several cells run side by side, each with a sandbox, a Redis and a database of its own; their seconds are then those
of a machine that is shared.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import uvloop

from bench import outputs
from bench.faults_values import Values, compare, copied, values_of
from bench.servers import OwnValkey, free_port
from invest.cli.platform.supervise import Family, family
from invest.engine import Invest, JobState
from invest.jobs import data_collection as jobs
from invest.jobs.declared import declare_all
from invest.local import LocalServers
from invest.settings import load
from invest.store.core.schema import migrate

FAULTS: Mapping[str, Mapping[str, Any]] = {
    "slow": {"kind": "latency", "seconds": 2},
    "429": {"kind": "rate_limit", "retry_after": 5},
    "500": {"kind": "error", "status": 500},
    "hang": {"kind": "hang"},
    "cut": {"kind": "cut"},
    "malformed": {"kind": "malformed"},
    "off_by_1000": {"kind": "wrong_unit", "factor": 1000},
    "stale": {"kind": "stale", "days": 30},
}
ON = (
    "cotahist", "b3", "b3_indices", "b3_programmes", "cvm", "cvm_funds", "cvm_etfs", "bcb", "olinda", "brapi",
    "mercado_bitcoin", "rss",
)  # fmt: skip
OFF = ("yahoo", "fundamentus", "google_news", "gdelt", "binance")  # as shipped; each is on in its own cells
ALWAYS = "binance"  # a second source of coins, so that a fault of brapi leaves none without any
BEFORE = 5  # days before the batch that the assets are known from
LIMIT = 1500.0  # seconds a cell may take
GAVE_NOTHING = ("failed", "rejected")


@dataclass
class Cell:
    """What one upstream in one kind of trouble led to."""

    upstream: str
    fault: str
    ended: bool = False
    seconds: float = 0
    succeeded: int = 0
    failed: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)
    reason: str | None = None
    replaced: int = 0
    others_failed: int = 0
    others: dict[str, str] = field(default_factory=dict)
    examples: list[str] = field(default_factory=list)


@dataclass
class Scene:
    """What all cells share: servers, the sandbox's address, the assets, and what is known of them before and after."""

    database: str
    sandbox: str
    folder: Path
    workers: int
    as_of: datetime
    force: bool
    tickers: Sequence[str]
    before: Values = field(default_factory=dict)
    truth: Values = field(default_factory=dict)

    def environment(self, redis: str, database: str, now: datetime, enabled: Sequence[str]) -> dict[str, str]:
        """What a worker process of a cell is told."""
        data = tempfile.mkdtemp(prefix="data-", dir=self.folder)
        on = {f"INVEST_SOURCES__{name.upper()}__ENABLED": "true" for name in enabled}
        variables = {"REDIS_URL": redis, "DATABASE_URL": database, "INVEST_SANDBOX_URL": self.sandbox}
        quiet = {"INVEST_DATA_DIR": data, "INVEST_AS_OF": now.isoformat(), "INVEST_LOGGING__LEVEL": "WARNING"}
        return {**variables, **quiet, **on}


async def post_fault(sandbox: str, upstream: str, fault: Mapping[str, Any]) -> None:
    """Put a fault in force in place of all others."""
    async with aiohttp.ClientSession(sandbox) as session:
        await session.delete("/sandbox/faults")
        if fault:
            async with session.post("/sandbox/faults", json={"upstream": upstream, **fault}) as answer:
                answer.raise_for_status()


@asynccontextmanager
async def platform(scene: Scene, database: str, now: datetime, enabled: Sequence[str]) -> AsyncIterator[Invest]:
    """Fresh worker processes over an empty queue, with nothing cached."""
    with OwnValkey() as valkey:
        variables = scene.environment(valkey.url, database, now, enabled)
        async with family(variables, log=scene.folder / "workers.log") as members:
            await start(members, scene.workers)
            patient = load(redis={"url": valkey.url, "connect_timeout": 30}, sandbox_url=scene.sandbox)
            async with Invest.connect(patient) as invest:
                async with asyncio.timeout(180):  # workers announce themselves by their heartbeat
                    while len(await invest.inspect.workers()) < scene.workers:  # noqa: ASYNC110
                        await asyncio.sleep(0.05)
                yield invest


async def start(members: Family, count: int) -> None:
    """The worker processes of one cell."""
    for number in range(count):
        await members.start(f"worker-{number}", "worker", "data_collection", "--child")


async def work(invest: Invest, tickers: Sequence[str], *, force: bool = False) -> tuple[Any, list[Any]]:
    """The batch with the jobs that ask other upstreams beside it, then the prices; results or errors of the rest."""
    batch = await invest.enqueue(jobs.batch_collect_assets(list(tickers), force_update=force))
    beside = [
        asyncio.ensure_future(outcome(invest, call)) for call in (jobs.update_benchmarks(), jobs.update_news_feed())
    ]
    collected, rest = await batch.result(timeout=LIMIT), await asyncio.gather(*beside)
    return collected, [*rest, await outcome(invest, jobs.update_market_prices(list(tickers)))]


async def outcome(invest: Invest, call: Any) -> Any:
    """A job's result, or the error of its first attempt that failed: its retries would wait for minutes."""
    job = await invest.enqueue(call)
    async with asyncio.timeout(LIMIT):
        while True:
            status = await job.status()
            if status.final or status.history:
                if status.state is JobState.SUCCEEDED:
                    return await job.result(timeout=5)
                return status.error or status.history[-1].error
            await asyncio.sleep(0.1)


async def run_cell(scene: Scene, upstream: str, fault: str) -> Cell:
    """One upstream in one kind of trouble."""
    cell = Cell(upstream, fault)
    database = await copied(scene.database, f"cell_{upstream}_{fault}")
    await post_fault(scene.sandbox, upstream, FAULTS[fault])
    async with platform(scene, database, scene.as_of, sorted({ALWAYS, upstream})) as invest:
        begun = time.perf_counter()
        try:
            batch, rest = await work(invest, scene.tickers, force=scene.force)
        except TimeoutError:
            cell.reason = f"not ended within {LIMIT:.0f} s"
            return cell
        cell.ended, cell.seconds = True, round(time.perf_counter() - begun, 1)
    cell.succeeded, cell.failed = batch.success_count, batch.failed_count
    tell(cell, batch, rest)
    cell.examples += [f"{e.ticker}: {e.error}"[:300] for e in batch.errors[:3]]
    replaced = compare(scene.before, scene.truth, await values_of(database))
    cell.replaced = len(replaced)
    cell.examples += replaced[:5]
    return cell


def tell(cell: Cell, batch: Any, rest: Sequence[Any]) -> None:
    """Note what every source said: the one in trouble, and whether any other gave nothing."""
    counted: Counter[str] = Counter()
    for sources in [batch.sources, *(one.sources for one in rest if hasattr(one, "sources"))]:
        for name, tally in sources.items():
            if isinstance(tally, str):  # of the news job: "rss ok", "cvm failed: reason"
                status, _, why = tally.removeprefix(f"{name} ").partition(": ")
                outcomes, reason = {status: 1}, why or None
            else:
                outcomes, reason = tally.outcomes, tally.reason
            if name == cell.upstream:
                counted.update(outcomes)
                cell.reason = cell.reason or reason
            elif bad := sum(outcomes.get(status, 0) for status in GAVE_NOTHING):
                cell.others_failed += bad
                cell.others[name] = f"{bad}: {reason}"
    cell.outcomes = dict(sorted(counted.items()))
    cell.examples += [f"{type(one).__name__}: {one.message}"[:300] for one in rest if hasattr(one, "message")]


async def prepare(scene: Scene) -> None:
    """Collect the assets as of five days before, and once in good health as of today: what is true then."""
    enabled = (ALWAYS,)
    await migrate(load(database={"url": scene.database}))
    await post_fault(scene.sandbox, "*", {"kind": "stale", "days": BEFORE})
    async with platform(scene, scene.database, scene.as_of - timedelta(days=BEFORE), enabled) as invest:
        batch, _ = await work(invest, scene.tickers)
    scene.tickers = [entry["ticker"] for entry in batch.results]  # a few list after that day
    scene.before = await values_of(scene.database)
    await post_fault(scene.sandbox, "*", {})
    healthy = await copied(scene.database, "healthy")
    async with platform(scene, healthy, scene.as_of, enabled) as invest:
        begun = time.perf_counter()
        await work(invest, scene.tickers, force=scene.force)
        seconds = time.perf_counter() - begun
    scene.truth = await values_of(healthy)
    print(f"in good health: {len(scene.tickers)} assets in {seconds:.1f} s", flush=True)


async def measure(asked: argparse.Namespace, folder: Path, database: str) -> list[Cell]:
    """All cells asked for."""
    async with family({}, log=folder / "sandbox.log") as members:
        first, *others = [await open_sandbox(members, asked.assets) for _ in range(asked.lanes)]
        info = await ready(first)
        assets = [a for a in info["assets"] if a["kind"] not in ("index", "right", "other")]
        tickers = [a["ticker"] for a in assets][: asked.assets]
        as_of = datetime.fromisoformat(info["as_of"])
        scene = Scene(database, first, folder, asked.workers, as_of, asked.force, tickers)
        await prepare(scene)
        for other in others:
            assert (await ready(other))["assets"] == info["assets"], "the sandboxes differ"
        waiting = cells_of(asked)[::-1]
        cells: list[Cell] = []

        async def lane(mine: Scene) -> None:
            """One cell after another, for as long as there are any; a sandbox makes its files when first asked."""
            if mine.sandbox != first:
                async with platform(
                    mine, await copied(database, f"warm_{mine.sandbox[-5:]}"), as_of, (ALWAYS,)
                ) as invest:
                    await work(invest, mine.tickers)
            while waiting:
                cells.append(await run_cell(mine, *waiting.pop()))
                print(line(cells[-1]), flush=True)
                keep(cells, asked)

        async with asyncio.TaskGroup() as lanes:
            for sandbox in (first, *others):
                lanes.create_task(lane(replace(scene, sandbox=sandbox)))
        return cells


def cells_of(asked: argparse.Namespace) -> list[tuple[str, str]]:
    """Upstream and fault of every cell asked for."""
    every = [(upstream, fault) for upstream in asked.upstreams for fault in asked.faults]
    return [cell for cell in every if asked.cells is None or ":".join(cell) in asked.cells]


async def open_sandbox(members: Family, assets: int) -> str:
    """The address of a sandbox that is about to answer."""
    port = free_port()
    await members.start(f"sandbox-{port}", "sandbox", "--port", str(port), "--assets", str(assets + 1))
    return f"http://127.0.0.1:{port}"


async def ready(sandbox: str) -> Any:
    """What the sandbox says of itself, once it answers."""
    async with asyncio.timeout(60), aiohttp.ClientSession() as session:
        while True:
            try:
                async with session.get(f"{sandbox}/sandbox/info") as answer:
                    return await answer.json()
            except aiohttp.ClientError:
                await asyncio.sleep(0.05)


def line(cell: Cell) -> str:
    """One cell for a person."""
    outcomes = ", ".join(f"{count} {status}" for status, count in cell.outcomes.items()) or "was not asked"
    head = f"{cell.upstream:12} {cell.fault:12} {'ended' if cell.ended else 'NOT ENDED'} {cell.seconds:6.1f} s"
    counts = f"{cell.succeeded}+{cell.failed} assets, replaced {cell.replaced}, others failed {cell.others_failed}"
    shown = "".join(f"\n    {example}" for example in [*cell.examples, *(f"{k} {v}" for k, v in cell.others.items())])
    troubled = cell.replaced or cell.others_failed or cell.failed
    return f"{head}  {counts}  {outcomes} ({cell.reason}){shown if troubled else ''}"


def keep(cells: Sequence[Cell], asked: argparse.Namespace) -> dict[str, Any]:
    """Write the figures, those of other cells of an earlier run included; the sums over all of them."""
    old = outputs.read("faults")
    known = {(c["upstream"], c["fault"]): c for c in old.get("cells", ()) if old.get("assets") == asked.assets}
    known |= {(cell.upstream, cell.fault): asdict(cell) | {"lanes": asked.lanes} for cell in cells}
    found = [known[key] for key in sorted(known)]
    totals = {name: sum(c[name] for c in found) for name in ("replaced", "others_failed")}
    totals |= {"not_ended": sum(not c["ended"] for c in found), "longest_s": max(c["seconds"] for c in found)}
    result = {"assets": asked.assets, "workers": asked.workers, **totals, "cells": found}
    outputs.write("faults", result)
    return totals


def main() -> None:
    """Run against servers of its own; exit 1 where a promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--assets", type=int, default=200)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--lanes", type=int, default=4)
    parser.add_argument("--force", action="store_true")
    parser.add_argument("--upstreams", type=lambda text: text.split(","), default=[*ON, *OFF])
    parser.add_argument("--cells", type=lambda text: text.split(","), help="these of them alone: b3:hang,cvm:cut")
    parser.add_argument("--faults", type=lambda text: text.split(","), default=list(FAULTS))
    asked = parser.parse_args()
    if unknown := set(asked.cells or ()) - {":".join(cell) for cell in cells_of(asked)}:
        parser.error(f"no such cells: {', '.join(sorted(unknown))}")
    declare_all()
    with tempfile.TemporaryDirectory(prefix="invest-faults-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        with LocalServers.start(folder, redis=False, durable=False) as servers:
            assert servers.database_url
            cells = uvloop.run(measure(asked, folder, servers.database_url))
    totals = keep(cells, asked)
    print(f"bench/out/faults.json: {totals}")
    sys.exit(bool(totals["replaced"] or totals["others_failed"] or totals["not_ended"]))


if __name__ == "__main__":
    main()
