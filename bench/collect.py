"""How long the collection of 1,000 assets takes: six GETs of 300 ms each, at most 500 in flight, parsed and stored.

python -m bench.collect [--assets 1000] [--rounds 5]   -> bench/out/collect.json

`seconds.invest`: from the first job queued to the last result, one worker process with everything on, a real Valkey and
PostgreSQL. `seconds.bare_gather`: the same GETs by bare aiohttp, neither parsed nor stored. Both on uvloop, in turns;
medians of the rounds. `seconds.celery_*`: the same parsed and stored; prefork is extrapolated from 40 assets.
`cpu_ms_per_asset`: user and system time of the worker in the delayed run; `rss_mb`: the most it ever held.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import uvloop

from bench import collect_ingest, collect_parse, outputs
from bench.collect_upstream import BARS, DELAY, GETS, IN_FLIGHT, OBSERVATIONS, names, path_of, upstream
from bench.collect_worker import LIMITS, bench_collect
from bench.rig import HERE, end_on_sigterm, python_of
from bench.servers import OwnValkey, free_port
from invest.engine import Invest
from invest.local import LocalServers
from invest.settings import load
from invest.sources.brapi.format import FIGURES
from invest.store import Store
from invest.store.core.schema import migrate

SLOTS = 200  # jobs at once: 84 are enough for 500 requests, the others parse or wait for their transaction
WARM = 10  # jobs that show the worker is up, before the clock starts
PREFORK, PREFORK_ASSETS = 4, 40
CONNECTIONS = {"prefork": 1, "gevent": 8}  # to PostgreSQL, per process of Celery's
TICKS = os.sysconf("SC_CLK_TCK")
TABLES = "SELECT string_agg(quote_ident(tablename), ', ') FROM pg_tables WHERE schemaname = current_schema()"


@dataclass(frozen=True)
class Run:
    """What one worker process took."""

    seconds: float
    cpu_seconds: float
    rss_mb: float


@contextmanager
def process(command: Sequence[str], **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process group of our own; what it says goes to a file, shown if the measurement fails."""
    variables = {**os.environ, "PYTHONPATH": f"{HERE}{os.pathsep}{HERE / 'src'}", **environment}
    with tempfile.NamedTemporaryFile(prefix="invest-bench-log-") as log:
        child = subprocess.Popen(command, env=variables, cwd=HERE, stdout=log, stderr=log, start_new_session=True)
        try:
            yield child
        except Exception:
            sys.stderr.write(Path(log.name).read_text(errors="replace")[-2000:])
            raise
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(15)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()


def cpu_of(pid: int) -> float:
    """Seconds of processor time used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def peak_of(pid: int) -> float:
    """The most memory held so far, in MB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def run_invest(database: str, url: str, tickers: Sequence[str]) -> Run:
    """One fresh worker and queue, over empty tables."""
    command = [sys.executable, "-m", "bench.collect_worker", url, str(SLOTS)]
    asyncio.run(empty(database))
    with OwnValkey() as valkey, process(command, REDIS_URL=valkey.url, DATABASE_URL=database) as worker:
        run = uvloop.run(drive(valkey.url, worker.pid, tickers))
    asyncio.run(check(database, len(tickers)))
    return run


async def drive(redis: str, pid: int, tickers: Sequence[str]) -> Run:
    """Queue all assets and wait for every result; the first few only show that the worker is up."""
    async with Invest.connect(load(redis={"url": redis})) as invest:
        for job in await invest.enqueue_many(bench_collect(t) for t in tickers[:WARM]):
            await job.result(timeout=60)
        cpu, begun = cpu_of(pid), time.perf_counter()
        for job in await invest.enqueue_many(bench_collect(t) for t in tickers[WARM:]):
            if not await job.result(timeout=120):
                raise RuntimeError("a job stored nothing")
        return Run(time.perf_counter() - begun, cpu_of(pid) - cpu, peak_of(pid))


async def empty(database: str) -> None:
    """Every round stores into empty tables."""
    async with Store.open(database) as store:
        found: str = await store.database.fetchval(f"{TABLES} AND tablename <> 'schema_migration'")
        await store.database.execute(f"TRUNCATE {found}")


async def check(database: str, assets: int) -> None:
    """Raise unless all was stored, by us or by a peer."""
    counts = {
        "raw_payload WHERE body IS NOT NULL": assets * GETS,
        "upstream_answer": assets * GETS,
        "observation": assets * OBSERVATIONS,
        "bar": assets * BARS,
    }
    async with Store.open(database) as store:
        for table, wanted in counts.items():
            found = await store.database.fetchval(f"SELECT count(*) FROM {table}")
            if found != wanted:
                raise RuntimeError(f"{found} rows in {table}, not {wanted}")


async def bare(url: str, tickers: Sequence[str]) -> float:
    """aiohttp alone: every body read, nothing done with it."""
    slots = asyncio.Semaphore(IN_FLIGHT)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def one(path: str) -> None:
            async with slots, session.get(url + path) as answer:
                answer.raise_for_status()
                await answer.read()

        begun = time.perf_counter()
        await asyncio.gather(*(one(path_of(t, part)) for t in tickers for part in range(GETS)))
        return time.perf_counter() - begun


def run_celery(pool: str, slots: int, database: str, url: str, tickers: Sequence[str]) -> float:
    """Seconds of one Celery worker on a queue of its own, over empty tables; the first `WARM` tickers are not timed."""
    asyncio.run(empty(database))
    task = json.dumps({"database": database, "figures": FIGURES, "connections": CONNECTIONS[pool]})
    with OwnValkey(port=free_port()) as valkey:
        peer = [python_of("celery"), "-W", "ignore", "-m", "bench.collect_celery"]
        with process([*peer, "worker", valkey.url, url, pool, str(slots)], C_FORCE_ROOT="1", COLLECT=task):
            client = [*peer, "client", valkey.url, url, str(WARM), *tickers]
            done = subprocess.run(client, cwd=HERE, capture_output=True, timeout=400, check=False)
            if done.returncode:
                raise RuntimeError(f"celery {pool}: {done.stderr.decode(errors='replace')[-600:]}")
    asyncio.run(check(database, len(tickers)))
    return float(json.loads(done.stdout.splitlines()[-1]))


def measure(database: str, assets: int, rounds: int) -> dict[str, Any]:
    """Every figure; ours, bare and Celery gevent in turns, so that a busy moment of the machine hits all alike."""
    warmed = names(assets + WARM)
    tickers = warmed[WARM:]
    ours, plain, gevent, quick = [], [], [], []
    with upstream(warmed, DELAY) as slow, upstream(warmed, 0.0) as fast:
        for number in range(1, rounds + 1):
            plain.append(uvloop.run(bare(slow, tickers)))
            ours.append(run_invest(database, slow, warmed))
            gevent.append(run_celery("gevent", IN_FLIGHT, database, slow, warmed))
            quick.append(run_invest(database, fast, warmed))
            shown = f"invest {ours[-1].seconds:.1f} s, bare {plain[-1]:.1f}, gevent {gevent[-1]:.1f}"
            print(f"round {number}/{rounds}: {shown}", file=sys.stderr, flush=True)
        few = warmed[: WARM + PREFORK_ASSETS]
        prefork = run_celery("prefork", PREFORK, database, slow, few) / (len(few) - WARM) * assets
    seconds = {
        "invest": statistics.median(run.seconds for run in ours),
        "bare_gather": statistics.median(plain),
        "celery_prefork": prefork,
        "celery_gevent": statistics.median(gevent),
    }
    return {
        "assets": assets,
        "rounds": rounds,
        "load_average_after": os.getloadavg()[0],
        "floor_seconds": assets * GETS / IN_FLIGHT * DELAY,
        "seconds": seconds,
        "x_bare": statistics.median(a.seconds / b for a, b in zip(ours, plain, strict=True)),
        "celery_prefork_x_invest": seconds["celery_prefork"] / seconds["invest"],
        "celery_gevent_x_invest": seconds["celery_gevent"] / seconds["invest"],
        "cpu_ms_per_asset": statistics.median(run.cpu_seconds for run in ours) / assets * 1000,
        "zero_delay_assets_per_s": assets / statistics.median(run.seconds for run in quick),
        "rss_mb": max(run.rss_mb for run in (*ours, *quick)),
        "invest_limits": LIMITS,
        "celery": {
            "stores": True,
            "connections": CONNECTIONS,
            "prefork_processes": PREFORK,
            "prefork_assets": len(few) - WARM,
            "prefork_extrapolated": len(few) - WARM != assets,
            "prefork_rounds": 1,
            "gevent_in_flight": IN_FLIGHT,
        },
    }


def rounded(value: Any) -> Any:
    """Figures with four digits or without decimals, whichever is more."""
    if isinstance(value, dict):
        return {key: rounded(one) for key, one in value.items()}
    return (round(value) if value >= 1000 else float(f"{value:.4g}")) if isinstance(value, float) else value


def main() -> None:
    """Run against servers of its own and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--assets", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    end_on_sigterm()
    with tempfile.TemporaryDirectory(prefix="invest-bench-") as folder:
        Path(folder).chmod(0o755)
        with LocalServers.start(Path(folder), redis=False) as servers:
            assert servers.database_url
            asyncio.run(migrate(servers.database_url))
            result = measure(servers.database_url, asked.assets, asked.rounds)
            outputs.write("collect", rounded(result), part=True)  # should one of the others fail
            ingest = asyncio.run(collect_ingest.measure(servers.database_url, asked.rounds))
    stored = {"ingest_share_of_copy": ingest.pop("share"), "ingest": ingest}
    outputs.write("collect", rounded(stored), part=True)
    print(outputs.write("collect", {"cotahist_lines_per_s": rounded(collect_parse.measure())}, part=True).read_text())


if __name__ == "__main__":
    main()
