"""History on demand: every file once, what was done is kept, what failed is left for the next run."""

from __future__ import annotations

import pytest

from invest.errors import ConfigError
from invest.jobs.data_collection import collect_asset_data_async
from invest.jobs.data_collection.backfill import Done, read_history
from invest.sources import Sources
from tests.integration.jobs.job_platform import Platform

SINCE = 2019


async def fill(platform: Platform, since: int = SINCE) -> list[Done]:
    """Run a backfill to its end; what it told."""
    told: list[Done] = []

    async def tell(done: Done) -> None:
        told.append(done)

    async with Sources.open(platform.settings) as sources:
        results = await read_history(platform.store, sources, platform.settings, since, tell)
    assert results == told
    return told


async def test_years_before_those_collected_are_read_once(platform: Platform) -> None:
    with pytest.raises(ConfigError, match="no asset to read history for"):
        await fill(platform)
    await platform.run(collect_asset_data_async("PETR4"))
    before = await platform.store.bars.read("PETR4")
    first = await fill(platform)
    years = [done.step.year for done in first if done.step.kind == "quotes"]
    assert years == list(range(2026, SINCE - 1, -1))
    assert [done.problem for done in first if done.step.kind == "quotes" and done.step.year >= 2021] == [None] * 6
    assert first[0].left > 0
    assert first[-1].left == 0
    after = await platform.store.bars.read("PETR4")
    assert after.days[-1] == before.days[-1]
    assert len(after) >= len(before)
    again = await fill(platform)
    done = {(d.step.kind, d.step.year) for d in first if d.problem is None and d.step.year < 2026}
    assert done.isdisjoint((d.step.kind, d.step.year) for d in again)  # only the running year, and what had failed


async def test_reports_of_earlier_years_are_stored(platform: Platform) -> None:
    await platform.run(collect_asset_data_async("PETR4"))
    told = await fill(platform, 2021)
    reports = [done for done in told if done.step.kind == "reports" and done.problem is None]
    assert reports
    lines = await platform.store.statements.read(cnpj="33000167000101")
    assert {line.reference_date.year for line in lines if line.form == "DFP"} >= {2021, 2022, 2023, 2024}


async def test_a_year_that_fails_is_tried_again(platform: Platform) -> None:
    await platform.run(collect_asset_data_async("PETR4"))
    await platform.fault("cvm", "error", status=500)
    first = await fill(platform, 2024)
    failed = {done.step.year for done in first if done.step.kind == "reports" and done.problem}
    assert 2024 in failed or 2025 in failed
    await platform.mend()
    second = await fill(platform, 2024)
    assert failed <= {done.step.year for done in second if done.step.kind == "reports"}


async def test_a_year_that_cannot_be_is_refused(platform: Platform) -> None:
    await platform.run(collect_asset_data_async("PETR4"))
    for year in (1985, 2027):
        with pytest.raises(ConfigError, match="a year from 1986"):
            await fill(platform, year)


async def test_a_file_that_was_corrected_since_is_read_again_where_it_is_asked_for(platform: Platform) -> None:
    await platform.run(collect_asset_data_async("PETR4"))
    first = {(d.step.kind, d.step.year) for d in await fill(platform, 2024) if d.problem is None}
    assert {year for _, year in await steps(platform, again=False)} == {2026}
    assert await steps(platform, again=True) == first


async def steps(platform: Platform, *, again: bool) -> set[tuple[str, int]]:
    """What a backfill since 2024 reads."""
    async with Sources.open(platform.settings) as sources:
        results = await read_history(platform.store, sources, platform.settings, 2024, nothing, again=again)
    return {(done.step.kind, done.step.year) for done in results if done.problem is None}


async def nothing(_: Done) -> None:
    """Tell nobody."""
