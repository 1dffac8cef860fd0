"""Collecting through the whole stack: real Valkey and PostgreSQL, the sandbox's wire formats, faults on demand."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from invest.domain.market import BENCHMARKS
from invest.domain.market.tickers import AssetKind
from invest.engine import JobState
from invest.errors import NotFound
from invest.jobs.data_collection.benchmarks import update_benchmarks
from invest.jobs.data_collection.cleanup import cleanup_old_data
from invest.jobs.data_collection.collection import batch_collect_assets, collect_asset_data_async
from invest.jobs.data_collection.discovery import discover_assets
from invest.jobs.data_collection.provenance import bytes_of, lines_with
from invest.jobs.data_collection.refresh import update_fundamentals_batch, update_market_prices, update_news_feed
from tests.integration.jobs.job_platform import Platform


def by_source(data: object) -> dict[str, str]:
    return {o.source: o.status for o in data.sources}  # type: ignore[attr-defined]


async def test_every_stored_value_leads_back_to_the_bytes_it_was_read_from(platform: Platform) -> None:
    data = await platform.run(collect_asset_data_async("PETR4"))
    assert data.sources_count >= 3
    assert data.sandbox
    assert {"close"} <= data.data.keys()
    for value in data.data.values():
        assert value.payload is not None
        kept = await platform.store.payloads.get(value.payload)
        assert kept is not None and kept.body is not None, f"{value.field} of {value.source} leads nowhere"
        assert hashlib.sha256(kept.body).hexdigest() == value.payload
    bars = await platform.store.bars.read("PETR4")
    assert len(bars) == data.bars_stored > 1000


async def test_a_fresh_asset_is_not_asked_for_again_unless_forced(platform: Platform) -> None:
    first = await platform.run(collect_asset_data_async("VALE3"))
    again = await platform.run(collect_asset_data_async("VALE3"))
    forced = await platform.run(collect_asset_data_async("VALE3", force_update=True))
    assert not first.skipped_fresh
    assert again.skipped_fresh
    assert again.data["close"].value == first.data["close"].value
    assert not forced.skipped_fresh
    assert forced.sources_count == first.sources_count


@pytest.mark.parametrize("kind", ["error", "cut", "malformed"])
async def test_a_failing_upstream_is_named_and_the_others_carry_on(platform: Platform, kind: str) -> None:
    await platform.fault("brapi", kind, rate=1.0)
    data = await platform.run(collect_asset_data_async("PETR4"))
    outcomes = by_source(data)
    assert outcomes["brapi"] in ("failed", "rejected")
    assert outcomes["cotahist"] == "ok"
    assert data.sources_count == sum(1 for s in outcomes.values() if s in ("ok", "not_modified"))
    assert data.data["close"].source == "cotahist"


async def test_a_lying_upstream_replaces_no_good_value(platform: Platform) -> None:
    good = await platform.run(collect_asset_data_async("PETR4"))
    await platform.fault("brapi", "wrong_unit", rate=1.0)
    lied_to = await platform.run(collect_asset_data_async("PETR4", force_update=True))
    assert lied_to.data["close"].value == good.data["close"].value


async def test_a_ticker_that_no_source_knows_fails_for_good_at_once(platform: Platform) -> None:
    status = await platform.outcome(collect_asset_data_async("ZZZZ3"))
    assert status.state is JobState.FAILED
    assert status.attempt == 1
    assert status.error is not None and "no source knows" in status.error.message
    assert await platform.store.assets.get("ZZZZ3") is None


async def test_a_batch_counts_what_failed_and_what_did_not(platform: Platform) -> None:
    batch = await platform.run(batch_collect_assets(["PETR4", "ZZZZ3", "PETR4", "HGLG11"]))
    assert (batch.total_count, batch.success_count, batch.failed_count) == (3, 2, 1)
    assert [e.ticker for e in batch.errors] == ["ZZZZ3"]
    assert batch.sources["cotahist"].outcomes == {"ok": 2}
    assert sum(batch.sources["b3"].outcomes.values()) == 2


async def test_prices_statements_news_and_benchmarks_are_refreshed(platform: Platform) -> None:
    await platform.run(batch_collect_assets(["PETR4", "VALE3"]))
    benchmarks = await platform.run(update_benchmarks())
    prices = await platform.run(update_market_prices())
    statements = await platform.run(update_fundamentals_batch())
    news = await platform.run(update_news_feed(50))
    assert benchmarks.macro_points + benchmarks.index_bars >= 0
    for index in BENCHMARKS:
        assert len(await platform.store.bars.read(index)) > 1000, index
    newest = (await platform.store.bars.rows("^IFIX", limit=1))[-1]
    assert (newest.source, await platform.store.payloads.get(newest.payload) is not None) == ("b3_indices", True)
    assert await platform.store.macro.last("sgs:12") is not None
    assert prices.total >= 2
    assert not [e for e in prices.errors if e.ticker in ("PETR4", "VALE3")]
    assert (statements.total, statements.failed) == (2, 0)
    assert news.sources
    assert await platform.store.news.latest(limit=5)


async def test_a_filed_value_leads_to_its_line_in_the_zip(platform: Platform, tmp_path: Path) -> None:
    await platform.run(collect_asset_data_async("PETR4"))
    asset = await platform.store.assets.get("PETR4")
    assert asset is not None and asset.cnpj is not None
    line = next(x for x in await platform.store.statements.read(cnpj=asset.cnpj) if x.account == "3.01")
    found = await bytes_of(platform.store, platform.settings, line.payload)
    assert (found.where, found.body is not None) == ("database", True)
    assert found.body is not None
    written = f"{asset.cnpj[:2]}.{asset.cnpj[2:5]}.{asset.cnpj[5:8]}/{asset.cnpj[8:12]}-{asset.cnpj[12:]}"
    rows = [x for x in lines_with(found.body, written) if x.member and "DRE" in x.member and ";3.01;" in x.text]
    assert any(f";{line.value / 1000:.10f}" in row.text for row in rows), rows[:2]
    await platform.store.database.execute("UPDATE raw_payload SET body = NULL WHERE sha256 = $1", line.payload)
    assert (await bytes_of(platform.store, platform.settings, line.payload)).where == "disk"
    elsewhere = platform.settings.model_copy(update={"data_dir": tmp_path / "another machine"})
    lost = await bytes_of(platform.store, elsewhere, line.payload)
    assert (lost.where, lost.body) == ("nowhere", None)
    assert lost.payload.url in lost.lost
    with pytest.raises(NotFound, match="no payload"):
        await bytes_of(platform.store, platform.settings, "0" * 64)


async def test_every_paper_of_the_newest_session_is_put_on_record_and_costs_no_price(platform: Platform) -> None:
    await platform.run(collect_asset_data_async("PETR4"))
    found = await platform.run(discover_assets())
    assert found.listed > 15
    assert found.new >= found.listed - 1
    assert {"stock", "fii", "etf", "bdr"} <= found.by_kind.keys()
    hglg = await platform.store.assets.get("HGLG11")
    assert hglg is not None
    assert (hglg.kind, hglg.active, bool(hglg.isin)) == (AssetKind.FII, True, True)
    collected = await platform.store.bars.last_days()
    assert {ticker for ticker in collected if not ticker.startswith("^")} == {"PETR4"}
    assert (await platform.run(update_market_prices(sorted(collected)))).total == len(collected) < found.listed
    assert (await platform.run(update_market_prices())).total <= 2
    assert (await platform.run(discover_assets())).new == 0


async def test_a_price_alone_does_not_make_an_asset_fresh(platform: Platform) -> None:
    prices = await platform.run(update_market_prices(["VALE3"]))
    assert prices.success == 1
    data = await platform.run(collect_asset_data_async("VALE3"))
    assert not data.skipped_fresh
    assert data.bars_stored > 1000


async def test_no_feed_at_all_fails_the_news_job_with_the_reason(platform: Platform) -> None:
    await platform.fault("rss", "error", rate=1.0)
    await platform.fault("cvm", "error", rate=1.0)
    status = await platform.outcome(update_news_feed())
    assert status.state is JobState.RETRYING
    assert status.history and status.history[-1].error is not None
    assert "no feed could be read" in status.history[-1].error.message


async def test_cleaning_up_measures_and_spares_what_must_stay(platform: Platform) -> None:
    await platform.run(collect_asset_data_async("PETR4"))
    before = len(await platform.store.bars.read("PETR4"))
    done = await platform.run(cleanup_old_data(30))
    assert done.rows_deleted == sum(done.rows_by_table.values())
    assert len(await platform.store.bars.read("PETR4")) == before
    assert "bar" not in done.tables_cleaned


async def test_a_malformed_ticker_is_refused_when_the_call_is_made() -> None:
    with pytest.raises(ValueError, match="no ticker"):
        collect_asset_data_async("PETR")
