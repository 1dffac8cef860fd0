"""Servers taken away and disks filled while jobs are accepted and run."""

from __future__ import annotations

import asyncio
import time

import aiohttp

from bench.siege.disks import SmallDisk
from bench.siege.platform import API, Besieged
from bench.siege.report import Report
from invest.engine import Invest


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
        ids, refused, states = await _through_a_full_disk(session, target, disk, postgres="PostgreSQL" in name)
        ended = await _ends(invest, ids)
        good = sum(state == "succeeded" for state in ended.values())
        dead = len((await invest.dead.page(limit=500)).items)
    noticed = "degraded" in states or "not ready" in states
    report.lost += len(ids) - good + dead + (not noticed)
    report.outages[name] = {
        "accepted": len(ids), "refused": refused, "succeeded": good, "dead_letters": dead, "readyz": sorted(states)
    }  # fmt: skip
    print(f"  {name}: {len(ids)} accepted, {refused} refused, {good} succeeded, {dead} dead letters; {sorted(states)}")


async def _through_a_full_disk(
    session: aiohttp.ClientSession, target: Besieged, disk: SmallDisk, *, postgres: bool
) -> tuple[list[str], int, set[str]]:
    """(jobs accepted, requests refused, what /readyz said) while a disk is full for twenty seconds."""
    ids: list[str] = []
    refused, states = 0, set[str]()

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
            states.add((await answer.json())["status"])
        await asyncio.sleep(0.2)
    disk.free()
    if postgres:  # a server whose log finds no room ends; under `invest run` its keeper starts it again
        await asyncio.to_thread(target.postgres.start_again)
    for _ in range(5):
        await send()
    return ids, refused, states


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
