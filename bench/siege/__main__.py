"""Attack a running platform, take its servers away, fill their disks: others are served, nothing accepted is lost.

python -m bench.siege [--outage 60]   -> bench/out/siege.json

Real processes: `invest web` with keys on, one worker of all queues, a Valkey and a PostgreSQL of their own. One more
process asks /healthz all the time and keeps the longest silence.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import shutil
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

import aiohttp

from bench import outputs
from bench.servers import OwnPostgres, OwnValkey, free_port
from bench.siege.attacks import ATTACKS
from bench.siege.disks import small_disk
from bench.siege.outages import full_disk, outage
from bench.siege.platform import API, Besieged, Watcher, processes, until_ready
from bench.siege.report import GROWTH_MB, SILENCE_MS, Attack, Report
from bench.siege.storm import KEYS, send_storm, tracebacks_in
from invest.settings import load
from invest.store import Store, migrate


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
            fault = await how(target)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            fault = f"{type(error).__name__}: {error}"
        sampling.cancel()
        silent, failures = watcher.longest()
        report.healthz_silent_ms = round(max(report.healthz_silent_ms, silent), 1)
        if failures:
            fault = fault or f"{failures} probes were not answered with 200"
        growth = round(most - before, 1)
        held = not fault and silent <= SILENCE_MS and growth <= GROWTH_MB
        report.attacks[name] = Attack(held, growth, fault)
        print(f"  {name:<22}{'held' if held else 'FELL':<6}{growth:>8.1f} MB {silent:>7.0f} ms {fault}", flush=True)
        await asyncio.sleep(1)


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
    fault = wrong[0] if wrong else f"{traces} tracebacks in the log" if traces else ""
    growth = round(target.rss_mb() - rss, 1)
    report.attacks["hostile_requests"] = Attack(not fault and growth <= GROWTH_MB, growth, fault)
    report.statuses = {str(status): times for status, times in sorted(seen.items())}
    print(f"  {count:,} hostile requests: {report.statuses}, {len(wrong)} wrong, {traces} tracebacks, {silent:.0f} ms")
    for line in wrong[:10]:
        print(f"    {line}", flush=True)


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
    outputs.write("siege", asdict(report))
    print(f"  /healthz silent for at most {report.healthz_silent_ms:g} ms; lost {report.lost}; {report.seconds:g} s")
    sys.exit(0 if report.clean else 1)


if __name__ == "__main__":
    main()
