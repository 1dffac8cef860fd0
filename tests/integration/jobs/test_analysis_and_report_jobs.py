"""Analyses, opinions and reports through the whole stack, with AIs and upstreams that fail."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from invest.domain.market.tickers import Market
from invest.domain.portfolios.portfolio import Operation, Transaction
from invest.engine import JobFailed, JobState
from invest.jobs.analysis.analyses import analyze_asset_async, batch_analyze_assets, compare_assets_async
from invest.jobs.analysis.portfolios import analyze_all_portfolios, calculate_portfolio_metrics
from invest.jobs.analysis.rankings import detect_opportunities, update_asset_rankings
from invest.jobs.loading import load_inputs
from invest.jobs.reports.asset_reports import generate_report_async
from invest.jobs.reports.comparisons import generate_comparison_report_async
from invest.jobs.reports.delivery import deliver_report
from invest.jobs.reports.exports import batch_export_reports, export_report_async
from invest.jobs.reports.market_reports import generate_market_overview_async
from invest.jobs.reports.opinions import generate_multi_ai_analysis
from invest.jobs.reports.portfolio_reports import (
    generate_portfolio_report_async,
    generate_weekly_report_async,
    schedule_weekly_reports,
)
from invest.store.core.database import Database, Record
from tests.integration.jobs.job_platform import COLLECTED, Platform


def buy(day: date, ticker: str, quantity: str, price: str) -> Transaction:
    return Transaction(
        date=day, ticker=ticker, operation=Operation.BUY, quantity=Decimal(quantity), price=Decimal(price)
    )


async def test_an_asset_never_collected_is_refused_without_retries(platform: Platform) -> None:
    status = await platform.outcome(analyze_asset_async("PETR4"))
    assert status.state is JobState.FAILED
    assert status.attempt == 1
    assert status.error is not None and "never collected" in status.error.message


async def test_analyses_rankings_comparison_and_opportunities_agree(stocked: Platform) -> None:
    batch = await stocked.run(batch_analyze_assets(COLLECTED))
    assert batch.success == len(COLLECTED)
    ranking = await stocked.run(update_asset_rankings(Market.STOCKS))
    assert ranking.assets_ranked == 3
    comparison = await stocked.run(compare_assets_async(["PETR4", "VALE3", "ITUB4"]))
    assert comparison.rankings["by_overall_score"][0] == ranking.top_asset == comparison.winner.ticker
    found = await stocked.run(detect_opportunities(Market.STOCKS, 0.0))
    assert found.count == 3
    assert found.opportunities[0]["ticker"] == ranking.top_asset
    one = await stocked.run(analyze_asset_async("PETR4"))
    assert all(f.payload or f.value is None or f.source for f in one.facts)
    with_ai = await stocked.run(analyze_asset_async("PETR4", include_ai=True))
    assert with_ai.ai is not None and with_ai.ai["consensus"]["asked"] == 3
    assert with_ai.ai["benchmark"]["provider"] == "rules"


async def test_inputs_of_more_assets_take_no_more_queries(stocked: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    fetch = Database.fetch

    async def counted(self: Database, sql: str, *args: object) -> list[Record]:
        if "job_run" not in sql:  # which the worker beside this asks of
            asked.append(sql)
        return await fetch(self, sql, *args)

    monkeypatch.setattr(Database, "fetch", counted)
    found = await load_inputs(stocked.store, stocked.settings, ["PETR4"])
    one = len(asked)
    asked.clear()
    both = await load_inputs(stocked.store, stocked.settings, COLLECTED)
    assert len(both) == len(COLLECTED)
    assert len(asked) <= one
    assert found["PETR4"].filings and found["PETR4"].filings == both["PETR4"].filings


async def test_an_ai_that_fails_abstains_and_hides_nobody(stocked: Platform) -> None:
    await stocked.fault("ai/openai", "error", rate=1.0)
    multi = await stocked.run(generate_multi_ai_analysis("PETR4"))
    assert set(multi.providers) == set(multi.analyses) == {"openai", "anthropic", "gemini"}
    assert multi.analyses["openai"]["status"] == "unavailable"
    assert "error" in multi.analyses["openai"]
    assert multi.analyses["openai"]["message"].startswith("o fornecedor está sobrecarregado")
    assert all(multi.analyses[p]["status"] == "ok" for p in ("anthropic", "gemini"))
    assert multi.consensus["quorum"] is True
    assert (multi.consensus["answered"], multi.consensus["asked"]) == (2, 3)
    kept = await stocked.store.opinions.history("PETR4")
    assert {o.provider for o in kept} >= {"openai", "anthropic", "gemini", "rules"}


async def test_those_asked_are_asked_and_no_other(stocked: Platform) -> None:
    multi = await stocked.run(generate_multi_ai_analysis("PETR4", ["anthropic", "gemini"]))
    assert multi.providers == list(multi.analyses) == ["anthropic", "gemini"]
    assert multi.consensus["headline"] == "2 de 2 responderam"
    alone = await stocked.run(generate_multi_ai_analysis("PETR4", ["anthropic"]))
    assert (list(alone.analyses), alone.consensus["headline"]) == (["anthropic"], "uma opinião")
    report = await stocked.store.reports.get(alone.report_id)
    assert report is not None
    assert "Uma só opinião, a de Anthropic" in report.content
    assert "Regras fixas" in report.content


async def test_every_call_of_an_ai_is_in_the_ledger(stocked: Platform) -> None:
    await stocked.run(generate_multi_ai_analysis("VALE3"))
    today = datetime.now(UTC).date()
    lines = await stocked.store.spend.lines(today, today)
    assert {line.provider for line in lines} == {"openai", "anthropic", "gemini"}
    assert {line.vendor for line in lines} == {"openai", "anthropic", "google"}
    assert all(line.cost_usd > 0 and len(line.key) == 8 for line in lines)


async def test_reports_are_stored_exported_and_told_apart(stocked: Platform) -> None:
    report = await stocked.run(generate_report_async("PETR4", "anthropic", "en"))
    comparison = await stocked.run(generate_comparison_report_async(["PETR4", "VALE3"], "rules"))
    market = await stocked.run(generate_market_overview_async(Market.STOCKS, "rules", 3))
    assert report["ticker"] == "PETR4"
    assert "PETR4" in report["content"]
    ids = [report["report_id"], comparison["report_id"], market["report_id"]]
    done = await stocked.run(batch_export_reports([*ids, "r_absent"], "pdf"))
    assert (done.total, done.success, done.failed) == (4, 3, 1)
    for export in done.exports:
        body = Path(export.file_path).read_bytes()
        assert body.startswith(b"%PDF-")
        assert len(body) == export.file_size
        kept = await stocked.store.reports.download(export.report_id, "pdf")
        assert kept is not None and kept.body == body
    page = await stocked.run(export_report_async(ids[0], "html"))
    assert b"<script" not in Path(page.file_path).read_bytes()


async def test_portfolios_are_measured_reported_and_their_weeks_queued_once(stocked: Platform) -> None:
    bars = await stocked.store.bars.read("PETR4")
    day: date = bars.days[-60].item()
    portfolio, plan = await stocked.store.portfolios.create(
        "Aposentadoria", [buy(day, "PETR4", "100", "20"), buy(day, "HGLG11", "10", "150")]
    )
    assert plan.counts.get("refused", 0) == 0
    metrics = await stocked.run(calculate_portfolio_metrics(portfolio.id))
    assert metrics.total_value is not None
    assert metrics.total_invested == Decimal("3500")
    assert metrics.return_percent == pytest.approx((metrics.total_return or 0) * 100)
    everyone = await stocked.run(analyze_all_portfolios())
    assert (everyone.total_portfolios, everyone.analyzed, everyone.failed) == (1, 1, 0)
    report = await stocked.run(generate_portfolio_report_async(portfolio.id, "rules"))
    assert "Aposentadoria" in report["content"]
    weekly = await stocked.run(generate_weekly_report_async(portfolio.id))
    assert weekly["report_type"] == "weekly"
    first = await stocked.run(schedule_weekly_reports())
    second = await stocked.run(schedule_weekly_reports())
    assert first.scheduled_count == 1
    assert first.scheduled_reports == second.scheduled_reports


async def test_an_unknown_portfolio_and_an_unconfigured_channel_are_told_apart(stocked: Platform) -> None:
    with pytest.raises(JobFailed, match="no portfolio"):
        await stocked.run(calculate_portfolio_metrics("p_absent"))
    report = await stocked.run(generate_report_async("VALE3", "rules"))
    with pytest.raises(JobFailed, match="no channel is configured"):
        await stocked.run(deliver_report(report["report_id"]))
