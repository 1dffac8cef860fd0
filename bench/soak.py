"""A steady load on the whole platform while things break by a script: nothing lost, memory level, recovery in time.

python -m bench.soak [--minutes 60] [--assets 40] [--rate 2]   -> bench/out/soak.json

The platform is what `invest run` starts (web, a worker per queue), on a durable Valkey and PostgreSQL of its own, with
the sandbox's upstreams. The load enqueues collections, analyses, comparisons, reports and batches at `--rate` a second.
`TROUBLES` happen in their order, each at its share of the time: faulty and slow upstreams, restarts and kills of Redis,
a crash and an absence of PostgreSQL, kills of workers and of the web process, a rolling deploy of every process.

`lost`: accepted jobs that the history does not know as ended. `failed`: jobs that failed for good, by error.
`rss_slope_mb_per_h`: of all processes, fitted from a third of the time on; `rss_noise_mb`: its residuals' deviation.
`recovery_s`: by trouble, from its end until a job enqueued afterwards, before all that waits, has succeeded.
`alerts`: price alerts made over the time, and how often each fired: `fired_once` should be all of them.
`skipped`: troubles that this machine does not allow, with the reason: a full disk needs the right to mount one, steps
of the clock need Debian's package `faketime`.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import numpy as np
import orjson
import uvloop
from redis.exceptions import RedisError

from bench import outputs
from bench.faults import open_sandbox, ready
from bench.servers import OwnPostgres, OwnValkey, free_port
from bench.soak_troubles import TROUBLES, Soak, false_clock, small_disk
from invest.cli.platform.platform import QUEUES, answer_of
from invest.cli.platform.supervise import family
from invest.engine import Invest, JobState, Priority
from invest.errors import InvestError
from invest.jobs.analysis import analyze_asset_async, batch_analyze_assets, compare_assets_async, evaluate_alerts
from invest.jobs.data_collection import batch_collect_assets, collect_asset_data_async, update_market_prices
from invest.jobs.declared import declare_all
from invest.jobs.reports import generate_report_async
from invest.settings import load
from invest.store import migrate

UNREACHABLE = (InvestError, RedisError, OSError, TimeoutError)


def next_call(rng: random.Random, tickers: Sequence[str]) -> Any:
    """One piece of work, in the shares of a busy day."""
    ticker = rng.choice(tickers)
    few = rng.sample(list(tickers), 4)
    match rng.randrange(12):
        case 0:
            return batch_collect_assets(few)
        case 1:
            return batch_analyze_assets(few)
        case 2:
            return compare_assets_async(few[:2])
        case 3:
            return generate_report_async(ticker, ai_provider="openai")
        case 4:
            return update_market_prices(few)
        case 5:
            return evaluate_alerts()
        case n if n < 9:
            return analyze_asset_async(ticker)
        case _:
            return collect_asset_data_async(ticker)


async def keep_enqueuing(soak: Soak, invest: Invest, rate: float, rng: random.Random) -> None:
    """Steady work until the time is over; what could not be confirmed is not accepted."""
    while soak.elapsed < soak.seconds:
        begun = time.monotonic()
        try:
            async with asyncio.timeout(10):
                soak.accepted.append((await invest.enqueue(next_call(rng, soak.tickers))).id)
        except UNREACHABLE:
            soak.refused += 1
        await asyncio.sleep(max(0.0, 1 / rate - (time.monotonic() - begun)))


async def keep_alerting(soak: Soak, rng: random.Random) -> None:
    """A price alert thirty times, each on a level that holds: the next look fires it."""
    alerts = f"http://127.0.0.1:{soak.port}/api/v1/alerts"
    async with aiohttp.ClientSession() as http:
        while soak.elapsed < soak.seconds:
            wish = {"kind": "price", "ticker": rng.choice(soak.tickers), "comparison": ">=", "level": "0.01"}
            with contextlib.suppress(aiohttp.ClientError, OSError, TimeoutError):
                async with (
                    asyncio.timeout(10),
                    http.post(alerts, json=wish) as r,
                ):
                    if r.status == 201:
                        soak.alerts.append((await r.json())["id"])
            await asyncio.sleep(soak.seconds / 30)


async def fired(soak: Soak, invest: Invest) -> Counter[str]:
    """How often each alert fired, after one more look."""
    look = await invest.enqueue(evaluate_alerts())
    await look.result(timeout=120)
    connection = await asyncpg.connect(soak.postgres.url)
    try:
        rows = await connection.fetch("SELECT alert_id FROM alert_event")
    finally:
        await connection.close()
    return Counter(r["alert_id"] for r in rows)


async def keep_measuring(soak: Soak) -> None:
    """The memory of all processes, two hundred times."""
    while soak.elapsed < soak.seconds:
        total = 0.0
        for child in soak.members.children:
            with contextlib.suppress(OSError, StopIteration):
                assert child.process is not None
                text = Path(f"/proc/{child.process.pid}/status").read_text()  # noqa: ASYNC240 - /proc never waits
                total += next(int(x.split()[1]) for x in text.splitlines() if x.startswith("VmRSS")) / 1024
        soak.memory.append((soak.elapsed, total))
        await asyncio.sleep(soak.seconds / 200)


async def recovered(soak: Soak, invest: Invest) -> float | None:
    """Seconds until a job enqueued now has succeeded; None after two minutes."""
    begun = time.monotonic()
    while time.monotonic() - begun < 120:
        with contextlib.suppress(*UNREACHABLE):
            async with asyncio.timeout(30):
                first = analyze_asset_async(soak.tickers[0]).with_options(priority=Priority.HIGH)
                job = await invest.enqueue(first)
                soak.accepted.append(job.id)
                await job.result(timeout=30)
                return round(time.monotonic() - begun, 2)
        await asyncio.sleep(0.2)
    return None


async def break_things(soak: Soak, invest: Invest) -> None:
    """Every trouble at its time, and how long until work flows again."""
    for share, name, trouble in TROUBLES:
        if name in soak.skipped:
            continue
        await asyncio.sleep(max(0.0, share * soak.seconds - soak.elapsed))
        await trouble(soak)
        soak.recovery_s[name] = await recovered(soak, invest)
        print(f"{soak.elapsed:7.1f} s  {name}: work flows again after {soak.recovery_s[name]} s", flush=True)


async def settle(soak: Soak, invest: Invest, patience: float) -> list[str]:
    """Wait for all that was accepted; ids that did not end."""
    deadline, waiting = time.monotonic() + patience, list(dict.fromkeys(soak.accepted))
    known = await ended_in_history(soak)
    waiting = [i for i in waiting if i not in known]
    while waiting and time.monotonic() < deadline:
        still = []
        for job_id in waiting:
            with contextlib.suppress(*UNREACHABLE):
                if (await invest.status(job_id)).final:
                    continue
            still.append(job_id)
        known = await ended_in_history(soak) if still else known
        waiting = [i for i in still if i not in known]
        await asyncio.sleep(0.5)
    return waiting


async def ended_in_history(soak: Soak) -> dict[str, tuple[str, str | None]]:
    """State and error of every job that PostgreSQL knows as ended."""
    connection = await asyncpg.connect(soak.postgres.url)
    try:
        rows = await connection.fetch(
            "SELECT id, state, error->>'type' AS type FROM job_run WHERE state IN ('succeeded', 'failed', 'cancelled')"
        )
    finally:
        await connection.close()
    return {r["id"]: (r["state"], r["type"]) for r in rows}


def slope(memory: Sequence[tuple[float, float]], seconds: float) -> tuple[float, float]:
    """MB an hour, fitted from a third of the time on, and the deviation of what remains."""
    late = np.array([(t, m) for t, m in memory if t > seconds / 3 and m > 0])
    if len(late) < 3:
        return 0.0, 0.0
    rise, start = np.polyfit(late[:, 0], late[:, 1], 1)
    return float(rise * 3600), float(np.std(late[:, 1] - (rise * late[:, 0] + start)))


async def run(
    asked: argparse.Namespace, folder: Path, disk: Path | None, valkey: OwnValkey, postgres: OwnPostgres
) -> dict[str, Any]:
    """The whole hour."""
    data = (disk or folder) / "data"
    clock, false_time = false_clock(folder)
    async with family({}, log=folder / "sandbox.log") as upstream:
        sandbox = await open_sandbox(upstream, asked.assets)
        info = await ready(sandbox)
        settings = load(
            redis={"url": valkey.url}, database={"url": postgres.url}, data_dir=data,
            sandbox_url=sandbox, as_of=datetime.fromisoformat(info["as_of"]),
        )  # fmt: skip
        await migrate(settings)
        environment = {
            "REDIS_URL": valkey.url, "DATABASE_URL": postgres.url, "INVEST_SANDBOX_URL": sandbox,
            "INVEST_DATA_DIR": str(data), "INVEST_AS_OF": info["as_of"], "INVEST_LOGGING__LEVEL": "WARNING",
            **false_time,
        }  # fmt: skip
        tickers = [a["ticker"] for a in info["assets"] if a["kind"] in ("stock", "fii", "unit")]
        async with family(environment, log=folder / "platform.log") as members:
            soak = Soak(settings, valkey, postgres, members, sandbox, asked.minutes * 60, tickers, port=free_port())
            soak.disk, soak.clock = disk, clock
            if disk is None:
                soak.skipped["full_disk"] = "this user may not mount a disk"
            if clock is None:
                soak.skipped["clock_steps"] = "libfaketime is missing: apt-get install faketime"
            await members.start("web", "web", "--host", "127.0.0.1", "--port", str(soak.port))
            for queue in QUEUES:
                await members.start(queue, "worker", queue, "--child")
            await answer_of(f"http://127.0.0.1:{soak.port}/readyz")
            async with Invest.connect(settings) as invest:
                first = await invest.enqueue(batch_collect_assets(tickers))
                await first.result(timeout=300)
                soak.begun = time.monotonic()
                rng = random.Random(asked.seed)
                async with asyncio.TaskGroup() as group:
                    group.create_task(keep_enqueuing(soak, invest, asked.rate, rng))
                    group.create_task(keep_measuring(soak))
                    group.create_task(keep_alerting(soak, random.Random(asked.seed + 1)))
                    group.create_task(break_things(soak, invest))
                open_ = await settle(soak, invest, asked.patience)
                states = await ended_in_history(soak)
                times = await fired(soak, invest)
                restarts = sum(c.restarts for c in members.children)
    return figures(soak, open_, states, times, restarts)


def figures(
    soak: Soak,
    open_: Sequence[str],
    states: Mapping[str, tuple[str, str | None]],
    times: Counter[str],
    restarts: int,
) -> dict[str, Any]:
    """What to keep."""
    mine = [states[i] for i in dict.fromkeys(soak.accepted) if i in states]
    rise, noise = slope(soak.memory, soak.seconds)
    return {
        "minutes": soak.seconds / 60,
        "accepted": len(set(soak.accepted)),
        "refused_while_redis_was_away": soak.refused,
        "succeeded": sum(state == JobState.SUCCEEDED.value for state, _ in mine),
        "failed": dict(Counter(str(kind) for state, kind in mine if state == JobState.FAILED.value)),
        "lost": len(open_),
        "lost_ids": list(open_[:10]),
        "rss_slope_mb_per_h": round(rise, 1),
        "rss_noise_mb": round(noise, 1),
        "rss_mb": round(max((m for _, m in soak.memory), default=0), 1),
        "alerts": {
            "made": len(soak.alerts),
            "fired_once": sum(times[i] == 1 for i in soak.alerts),
            "fired_more_often": sum(times[i] > 1 for i in soak.alerts),
        },
        "recovery_s": soak.recovery_s,
        "skipped": soak.skipped,
        "restarts_by_the_supervisor": restarts,
    }


def main() -> None:
    """Run on servers of its own; exit 1 where a job was lost or work did not flow again."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--assets", type=int, default=40)
    parser.add_argument("--rate", type=float, default=2)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--disk", type=int, default=3000, help="megabytes of the disk that is filled")
    parser.add_argument("--patience", type=float, default=600)
    asked = parser.parse_args()
    declare_all()
    with tempfile.TemporaryDirectory(prefix="invest-soak-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)  # PostgreSQL's own account must reach its disk below
        with (
            small_disk(folder / "disk", asked.disk) as disk,
            OwnValkey(durable=True, port=free_port()) as valkey,
            OwnPostgres(disk) as postgres,
        ):
            result = uvloop.run(run(asked, folder, disk, valkey, postgres))
    outputs.write("soak", result)
    print(orjson.dumps(result, option=orjson.OPT_INDENT_2).decode())
    sys.exit(bool(result["lost"] or None in result["recovery_s"].values()))


if __name__ == "__main__":
    main()
