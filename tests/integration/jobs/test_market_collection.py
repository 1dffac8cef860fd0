"""The first collection of a market: killed in the middle it goes on where it was, and fetches no file twice."""

from __future__ import annotations

import asyncio
import os
import sys
from datetime import date
from pathlib import Path

import aiohttp
import pytest

from invest.domain.market import Asset, AssetKind, Market, last_closed_session
from invest.domain.values import AssetData
from invest.errors import ConfigError, Unreachable
from invest.jobs.data_collection import collect_market, expected_seconds, open_assets
from invest.jobs.data_collection.market_collection import MarketCollected, Progress
from invest.sources import Sources
from tests.integration.jobs.job_platform import Platform


async def started(platform: Platform, folder: Path) -> asyncio.subprocess.Process:
    """`invest collect --market stocks` as a process of its own, over the platform's servers."""
    redis, database = platform.settings.redis.url, platform.settings.database.url
    assert redis is not None and database is not None
    told = {
        "REDIS_URL": redis.get_secret_value(),
        "DATABASE_URL": database.get_secret_value(),
        "INVEST_SANDBOX_URL": platform.sandbox.url,
        "INVEST_AS_OF": platform.settings.now().isoformat(),
        "INVEST_DATA_DIR": str(folder),
    }
    kept = {k: v for k, v in os.environ.items() if not k.startswith("INVEST_")}
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "invest", "collect", "--market", "stocks", env=kept | told, cwd=folder,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip


async def bodies(platform: Platform, upstream: str) -> int:
    """How many answers with a body an upstream gave so far."""
    async with aiohttp.ClientSession(platform.sandbox.url) as session, session.get("/sandbox/requests") as answer:
        return int((await answer.json()).get(upstream, {}).get("200", 0))


async def test_a_collection_that_was_killed_goes_on_where_it_was(platform: Platform, tmp_path: Path) -> None:
    session = last_closed_session(platform.settings.now())
    first = await started(platform, tmp_path)
    async with asyncio.timeout(60):
        while not (before := await platform.store.backfills.collected(session)):
            assert first.returncode is None, await first.stderr.read() if first.stderr else None
            await asyncio.sleep(0.02)
    first.kill()
    await first.wait()
    before = await platform.store.backfills.collected(session)
    files = await bodies(platform, "cotahist")
    second = await started(platform, tmp_path)
    out, err = await asyncio.wait_for(second.communicate(), 60)
    assert second.returncode == 0, err.decode()
    wanted = {asset.ticker for asset in await platform.store.assets.list(market=Market.STOCKS)}
    assert before <= wanted == await platform.store.backfills.collected(session)
    assert wanted <= (await platform.store.bars.last_days()).keys()
    assert f"{len(wanted - before)} assets to collect, {len(before)} were collected before" in out.decode()
    assert f"collected {len(wanted - before)}, 0 left" in out.decode()
    assert files > 0 and await bodies(platform, "cotahist") == files  # each file once, also across the kill
    async with Sources.open(platform.settings) as sources:
        assert await open_assets(platform.store, sources, platform.settings, Market.STOCKS) == ([], len(wanted))
        with pytest.raises(ConfigError, match="no asset of cryptos"):
            await open_assets(platform.store, sources, platform.settings, Market.CRYPTOS)


async def test_every_listed_paper_is_wanted_where_one_was_collected_before(platform: Platform) -> None:
    await platform.store.assets.upsert(Asset(ticker="HGLG11", kind=AssetKind.FII))
    async with Sources.open(platform.settings) as sources:
        wanted, before = await open_assets(platform.store, sources, platform.settings, Market.FIIS)
    assert "HGLG11" in wanted
    assert len(wanted) > 1
    assert before == 0


async def test_how_long_it_takes_follows_the_slowest_upstream(platform: Platform) -> None:
    async with Sources.open(platform.settings) as sources:
        rates = {name: conf.model_copy(update={"rate": 0.5}) for name, conf in platform.settings.sources.items()}
        shipped = platform.settings.model_copy(update={"sources": rates, "sandbox_url": ""})
        assert expected_seconds(shipped, sources, 100) == (600.0, "b3")


@pytest.mark.parametrize(("kind", "more"), [("error", {"status": 403}), ("malformed", {}), ("cut", {})])
async def test_what_the_exchange_could_not_give_is_left_for_the_next_run_and_then_read_whole(
    platform: Platform, kind: str, more: dict[str, int]
) -> None:
    await platform.fault("cotahist", kind, **more)
    first = await collected(platform)
    assert (first.collected, first.problems) == (1, {})
    assert [names for reason, names in first.lacking.items() if reason.startswith("cotahist: ")] == [["VALE3"]]
    session = last_closed_session(platform.settings.now())
    assert await platform.store.backfills.collected(session) == set()
    assert {row.source for row in await platform.store.bars.rows("VALE3")} <= {"brapi"}  # filled in meanwhile
    await platform.mend()
    second = await collected(platform)
    assert not second.lacking
    assert await platform.store.backfills.collected(session) == {"VALE3"}
    rows = await platform.store.bars.rows("VALE3", since=date(session.year - 5, 1, 1))
    assert {row.source for row in rows} == {"cotahist"}
    assert rows[-1].day.year == session.year - 5


async def test_one_asset_that_cannot_be_stored_ends_no_collection(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refused(*arguments: object, **_: object) -> AssetData:
        if "VALE3" in arguments:
            raise ValueError("refused by the database: numeric field overflow")
        raise Unreachable("no upstream answers")

    monkeypatch.setattr("invest.jobs.data_collection.market_collection.collect", refused)
    progress: list[Progress] = []

    async def tell(done: Progress) -> None:
        progress.append(done)

    async with Sources.open(platform.settings) as sources:
        with pytest.raises(Unreachable):  # none could be collected
            await collect_market(platform.store, sources, platform.settings, ["VALE3", "PETR4"], tell)
    assert {done.ticker: done.problem for done in progress} == {
        "VALE3": "refused by the database: numeric field overflow",
        "PETR4": "no upstream answers",
    }


async def collected(platform: Platform) -> MarketCollected:
    """A collection of one asset, with a client of its own."""

    async def tell(_: Progress) -> None:
        """Tell nobody."""

    async with Sources.open(platform.settings) as sources:
        return await collect_market(platform.store, sources, platform.settings, ["VALE3"], tell)
