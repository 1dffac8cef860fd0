"""Jobs that write: reports, opinions of several AIs, exports, delivery. The queue `reports`."""

from __future__ import annotations

from invest.jobs.reports.ai_keeping import SharedAnswers, SharedBudget, SharedLessons, SharedPrepaid, StoredLedger
from invest.jobs.reports.ai_turns import SharedLimiter
from invest.jobs.reports.asset_reports import generate_report_async, stored_of_asset
from invest.jobs.reports.callbacks import tell_callback, telling
from invest.jobs.reports.comparisons import generate_comparison_report_async
from invest.jobs.reports.delivery import deliver_report
from invest.jobs.reports.exports import batch_export_reports, export_report_async, finish_batch_export
from invest.jobs.reports.market_reports import generate_market_overview_async
from invest.jobs.reports.opinions import generate_multi_ai_analysis
from invest.jobs.reports.portfolio_reports import (
    generate_portfolio_report_async,
    generate_weekly_report_async,
    schedule_weekly_reports,
)

__all__ = [
    "SharedAnswers",
    "SharedBudget",
    "SharedLessons",
    "SharedLimiter",
    "SharedPrepaid",
    "StoredLedger",
    "batch_export_reports",
    "deliver_report",
    "export_report_async",
    "finish_batch_export",
    "generate_comparison_report_async",
    "generate_market_overview_async",
    "generate_multi_ai_analysis",
    "generate_portfolio_report_async",
    "generate_report_async",
    "generate_weekly_report_async",
    "schedule_weekly_reports",
    "stored_of_asset",
    "tell_callback",
    "telling",
]
