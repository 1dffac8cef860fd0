"""Every upstream in trouble in turn, in every way: collections end, each source tells the truth, no good value goes.

`make faults` does the same with 200 assets and real workers; here are a few assets, in one process, in bounded time.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from bench import faults as bench_faults
from bench.faults_values import Values, compare, copied, values_of

from invest.domain.values.collected import SourceOutcome
from invest.errors import Unreachable
from invest.jobs.data_collection.asset_data import collect
from invest.jobs.data_collection.benchmarks import collect_benchmarks
from invest.jobs.data_collection.refresh import update_news, update_prices
from invest.settings import Settings
from invest.sources import Sources
from invest.sources.client.call import Call
from invest.sources.client.http import SourceClient
from invest.store import Store
from invest.store.core.schema import migrate
from invest_sandbox import Fault, World, create_app
from invest_sandbox.context import FAULTS
from invest_sandbox.shelf import Shelf

MakeSettings = Callable[..., Settings]
NOW = datetime(2026, 3, 31, 23, 0, tzinfo=UTC)
BEFORE = 5  # days before that the assets are known from
ASSETS = ("PETR4", "HGLG11", "IVVB11", "AAPL34", "BTC-BRL")
# Patience is short where nothing comes, and a breaker once open stays so: a collection ends within seconds.
HTTP = {
    "backoff": 0.001,
    "retries": 1,
    "read_timeout": 30.0,
    "zip_timeout": 30.0,
    "breaker_failures": 4,
    "breaker_open": 600.0,
}
HASTY = 0.3  # seconds the upstream that hangs is waited for; the others have time, since one loop serves all here
QUICK = {"slow": {"seconds": 0.1}, "429": {"retry_after": 0.01}}  # the same troubles in less time
FAULTS_OF_ALL: Mapping[str, Mapping[str, Any]] = {n: {**f, **QUICK.get(n, {})} for n, f in bench_faults.FAULTS.items()}
SILENT = {"429", "500", "hang", "cut", "malformed"}  # faults under which nothing usable comes
# In trouble two or three at a time, which say different things: what one gets wrong the other could not confirm.
TOGETHER = (
    ("cotahist", "google_news"),
    ("brapi", "gdelt"),
    ("yahoo", "olinda"),
    ("b3_indices", "fundamentus"),
    ("cvm", "binance"),
    ("cvm_funds", "bcb"),
    ("cvm_etfs", "rss"),
    ("b3", "mercado_bitcoin", "b3_programmes"),
)
TELLING = ("hang", "malformed", "off_by_1000")  # one each of: nothing comes, nonsense comes, something wrong comes
OTHERS = tuple(name for name in FAULTS_OF_ALL if name not in TELLING)
# Their troubles must meet an empty cache; those of others leave files alone.
FILES = ("cotahist", "cvm", "cvm_funds", "cvm_etfs")
PRICING = (
    "cotahist",
    "b3_indices",
    "cvm_etfs",
    "brapi",
    "yahoo",
    "fundamentus",
    "binance",
    "mercado_bitcoin",
)  # what they say can be seen to be off by 1000
ON = (*bench_faults.ON, bench_faults.ALWAYS)


@dataclass
class Stage:
    """A sandbox that answers in this loop, and the settings that lead to it."""

    app: web.Application
    make: Callable[..., Settings]


@dataclass
class Known:
    """A database in which the assets are known from five days before, and what is true today."""

    database: str
    before: Values
    truth: Values


_worlds: dict[str, tuple[World, Shelf]] = {}
_known: dict[str, Known] = {}


def market() -> tuple[World, Shelf]:
    """A small market, and the files made of it so far: built once per process."""
    if "world" not in _worlds:
        _worlds["world"] = (World(12, 7, None, date(2026, 3, 31)), Shelf())
    return _worlds["world"]


@asynccontextmanager
async def stage(settings: MakeSettings, *upstreams: str) -> AsyncIterator[Stage]:
    """The sandbox, with the upstreams in question switched on beside the usual ones."""
    world, shelf = market()
    app = create_app(world, shelf=shelf)
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    enabled = {*ON, *upstreams}
    sources = {n: c.model_copy(update={"enabled": n in enabled}) for n, c in settings().sources.items()}

    def make(database: str, folder: Path, now: datetime) -> Settings:
        return settings(
            sandbox_url=url, as_of=now, sources=sources, database={"url": database}, data_dir=folder, http=HTTP
        )

    try:
        yield Stage(app, make)
    finally:
        await runner.cleanup()


async def collect_all(settings: Settings) -> list[SourceOutcome]:
    """Everything once over fresh sources: assets, benchmarks, prices, news; what every source said."""
    said: list[SourceOutcome] = []

    async def nothing(*_: object) -> None:
        return None

    async with Store.open(settings) as store, Sources.open(settings) as sources:
        for data in await asyncio.gather(*(collect(store, sources, settings, ticker) for ticker in ASSETS)):
            said += data.sources
        said += (await collect_benchmarks(store, sources, settings))[2]
        said += (await update_prices(store, sources, settings, ASSETS, nothing))[1]
        try:
            outcomes = (await update_news(store, sources, settings, 50))[1]
            said += [
                SourceOutcome.model_validate({"source": name, "status": text.split()[1].rstrip(":"), "reason": text})
                for name, text in outcomes.items()
            ]
        except Unreachable as error:
            said.append(SourceOutcome(source="rss", status="failed", reason=str(error)))
    return said


async def known(stage_: Stage, server: str, folder: Path) -> Known:
    """Collected five days before, and once in good health today; made once per process."""
    if server not in _known:
        database = await copied(server, "faults_before")
        await migrate(stage_.make(database, folder / "x", NOW))
        stage_.app[FAULTS].add(Fault(upstream="*", kind="stale", days=BEFORE))
        await collect_all(stage_.make(database, folder / "before", NOW - timedelta(days=BEFORE)))
        stage_.app[FAULTS].clear()
        healthy = await copied(database, "faults_truth")
        said = await collect_all(stage_.make(healthy, folder / "healthy", NOW))
        assert not [one for one in said if one.status in ("failed", "rejected")]
        _known[server] = Known(database, await values_of(database), await values_of(healthy))
        assert len(_known[server].truth) > len(_known[server].before) > 1000
    return _known[server]


def test_every_upstream_is_tried() -> None:
    assert sorted(name for pair in TOGETHER for name in pair) == sorted((*bench_faults.ON, *bench_faults.OFF))


def tried_with(pair: tuple[str, ...]) -> tuple[str, ...]:
    """The telling faults, and one of the others by turns; `make faults` tries every upstream with all."""
    return (*TELLING, OTHERS[TOGETHER.index(pair) % len(OTHERS)])


@pytest.mark.parametrize("pair", TOGETHER, ids="+".join)
async def test_an_upstream_in_trouble_spoils_nothing_and_is_named(
    pair: tuple[str, ...],
    settings: MakeSettings,
    postgres_server: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    resolved = SourceClient._call

    def hurried(client: SourceClient, source: str, *rest: Any) -> Call:
        call = resolved(client, source, *rest)
        return replace(call, timeout=HASTY) if source in pair and fault["kind"] == "hang" else call

    monkeypatch.setattr(SourceClient, "_call", hurried)
    fault: Mapping[str, Any] = {"kind": "none"}
    async with stage(settings, "brapi") as calm:
        start = await known(calm, postgres_server, tmp_path)
    async with stage(settings, *pair) as troubled:
        for name in tried_with(pair):
            fault = FAULTS_OF_ALL[name]
            database = await copied(start.database, "faults_cell")
            troubled.app[FAULTS].clear()
            for upstream in pair:
                troubled.app[FAULTS].add(Fault.model_validate({"upstream": upstream, **fault}))
            folder = tmp_path / (name if set(pair) & set(FILES) else "all")
            async with asyncio.timeout(60):
                outcomes = await collect_all(troubled.make(database, folder, NOW))
            others = [one for one in outcomes if one.source not in pair and one.status in ("failed", "rejected")]
            assert not others, f"{pair}, {name}: {others[0].source} failed too: {others[0].reason}"
            for upstream in pair:
                check_outcomes(upstream, name, [one for one in outcomes if one.source == upstream])
            assert compare(start.before, start.truth, await values_of(database)) == [], (pair, name)


def check_outcomes(upstream: str, name: str, outcomes: list[SourceOutcome]) -> None:
    """An upstream in trouble was asked, and said to be what it was."""
    mine = [one for one in outcomes if one.status != "skipped"]
    assert mine, f"{upstream}, {name}: it was not asked"
    if name in SILENT:
        assert not [one for one in mine if one.status == "ok" and one.observations + one.bars], (name, mine)
        assert all(one.reason for one in mine if one.status in ("failed", "rejected")), (name, mine)
    elif name == "off_by_1000" and upstream in PRICING:
        assert "ok" not in {one.status for one in mine if one.observations + one.bars}, (name, mine)
    elif name == "slow" and upstream != "gdelt":  # whose stand-in itself refuses a second request in 5 s
        assert "failed" not in {one.status for one in mine}, (name, mine)
