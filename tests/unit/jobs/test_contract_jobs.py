"""The declared jobs against the contract's table: queue, retries, delay, limits, cron."""

from __future__ import annotations

import pytest

from invest.engine import registry
from invest.jobs.declared import declare_all

declare_all()

CONTRACT = {
    "collect_asset_data_async": ("data_collection", 3, 60),
    "update_market_prices": ("data_collection", 2, 180),
    "update_fundamentals_batch": ("data_collection", 2, 180),
    "update_news_feed": ("data_collection", 2, 180),
    "cleanup_old_data": ("data_collection", 2, 180),
    "batch_collect_assets": ("data_collection", 1, 180),
    "analyze_asset_async": ("analysis", 3, 30),
    "compare_assets_async": ("analysis", 2, 180),
    "analyze_all_portfolios": ("analysis", 1, 180),
    "calculate_portfolio_metrics": ("analysis", 2, 180),
    "batch_analyze_assets": ("analysis", 1, 180),
    "detect_opportunities": ("analysis", 2, 180),
    "update_asset_rankings": ("analysis", 1, 180),
    "generate_report_async": ("reports", 3, 60),
    "generate_comparison_report_async": ("reports", 2, 180),
    "generate_portfolio_report_async": ("reports", 2, 180),
    "generate_market_overview_async": ("reports", 2, 180),
    "export_report_async": ("reports", 2, 180),
    "generate_multi_ai_analysis": ("reports", 1, 60),
    "schedule_weekly_reports": ("reports", 1, 60),
    "batch_export_reports": ("reports", 1, 60),
    "deliver_report": ("reports", 3, 60),
}
CRON = {
    "update_market_prices": "*/5 10-17 * * mon-fri",
    "update_fundamentals_batch": "0 19 * * *",
    "update_news_feed": "0 * * * *",
    "analyze_all_portfolios": "0 20 * * *",
    "cleanup_old_data": "0 2 * * sun",
    "schedule_weekly_reports": "0 6 * * sun",
}
DEFAULTS = {
    "collect_asset_data_async": {"force_update": False},
    "update_news_feed": {"limit": 100},
    "cleanup_old_data": {"days_to_keep": 90},
    "analyze_asset_async": {"include_ai": False, "cache_result": True},
    "detect_opportunities": {"market": "stocks", "min_score": 7.0},
    "generate_report_async": {"ai_provider": "openai", "language": "pt-BR"},
    "generate_market_overview_async": {"market": "stocks", "top_n": 10},
    "export_report_async": {"format": "pdf", "include_charts": True},
    "generate_portfolio_report_async": {"include_recommendations": True},
}


@pytest.mark.parametrize(("name", "queue", "retries", "delay"), [(n, *row) for n, row in CONTRACT.items()])
def test_a_job_of_the_contract_has_its_queue_and_retries(name: str, queue: str, retries: int, delay: float) -> None:
    job = registry.job(name).description
    assert (job["queue"], job["retries"], job["delay"]) == (queue, retries, delay)
    assert (job["timeout"], job["soft_timeout"]) == (1800, 1500)
    assert job["summary"]


def test_the_contract_s_cron_lines_stand_and_prices_run_in_session_only() -> None:
    lines = {job.name: job.cron for job in registry.jobs() if job.cron}
    assert CRON.items() <= lines.items()
    assert registry.job("update_market_prices").when == "b3_session"


@pytest.mark.parametrize(("name", "defaults"), DEFAULTS.items())
def test_defaults_are_the_contract_s(name: str, defaults: dict[str, object]) -> None:
    properties = registry.job(name).description["parameters"]["properties"]
    assert {k: properties[k].get("default") for k in defaults} == defaults
