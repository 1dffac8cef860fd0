"""Result shapes of the jobs (contract, sections 1 and 4) that are not models of the domain."""

from __future__ import annotations

from typing import Any

from pydantic import AwareDatetime, Field

from invest.domain.alerts import AlertEvent
from invest.domain.frozen import Frozen


class TickerError(Frozen):
    """One asset that could not be done, and why."""

    ticker: str
    error: str


class SourceTally(Frozen):
    """What one source came to over many assets: how often each outcome, and its commonest reason for giving nothing."""

    outcomes: dict[str, int]
    reason: str | None = None


class PricesUpdated(Frozen):
    """Result of `update_market_prices`; `sources` says what each source came to."""

    total: int
    success: int
    failed: int
    errors: list[TickerError]
    skipped: str | None = None
    sources: dict[str, SourceTally] = Field(default_factory=dict)


class FundamentalsUpdated(Frozen):
    """Result of `update_fundamentals_batch`; `statements` counts the stored lines."""

    total: int
    success: int
    failed: int
    updated_at: AwareDatetime
    statements: int = 0
    errors: list[TickerError] = Field(default_factory=list)


class NewsUpdated(Frozen):
    """Result of `update_news_feed`; `sources` maps each feed to what it gave."""

    news_collected: int
    sources: dict[str, str]
    timestamp: AwareDatetime


class BenchmarksUpdated(Frozen):
    """Result of `update_benchmarks`: what was new of the economy's series and of the index, and from whom."""

    macro_points: int
    index_bars: int
    timestamp: AwareDatetime
    sources: dict[str, SourceTally] = Field(default_factory=dict)


class AssetsDiscovered(Frozen):
    """Result of `discover_assets`: papers of the newest session by kind, and how many were not on record before."""

    listed: int
    new: int
    by_kind: dict[str, int]
    timestamp: AwareDatetime


class Cleaned(Frozen):
    """Result of `cleanup_old_data`, measured: rows by table, files of this machine's cache, and the bytes of both.

    `files_spared_mb`: old files kept because stored values lead back to them and the database has no copy.
    """

    cutoff_date: AwareDatetime
    tables_cleaned: list[str]
    rows_deleted: int
    space_freed_mb: float
    rows_by_table: dict[str, int] = Field(default_factory=dict)
    files_deleted: int = 0
    files_freed_mb: float = 0
    files_spared_mb: float = 0


class BatchCollected(Frozen):
    """Result of `batch_collect_assets`; `sources` says what each source came to over the assets that succeeded."""

    total_count: int
    success_count: int
    failed_count: int
    results: list[dict[str, Any]]
    errors: list[TickerError]
    sources: dict[str, SourceTally] = Field(default_factory=dict)


class BatchAnalysed(Frozen):
    """Result of `batch_analyze_assets`; `analyses` by ticker: score, recommendation, coverage, analysis_id."""

    total: int
    success: int
    analyses: dict[str, dict[str, Any]]
    errors: list[TickerError]
    timestamp: AwareDatetime


class EventsProposed(Frozen):
    """Result of `propose_portfolio_events`: how many are new, how many wait, how many confirmed themselves."""

    portfolio_id: str
    new: int
    open: int
    confirmed: int


class PortfoliosAnalysed(Frozen):
    """Result of `analyze_all_portfolios`."""

    total_portfolios: int
    analyzed: int
    failed: int
    timestamp: AwareDatetime


class AlertsEvaluated(Frozen):
    """Result of `evaluate_alerts`: how many stand, and what fired that had not before."""

    alerts: int
    fired: list[AlertEvent]
    timestamp: AwareDatetime


class BacktestsMade(Frozen):
    """Result of `backtest_scores`: the verdict on each market's score over 30, 90 and 180 days, or why none."""

    verdicts: dict[str, list[str]]
    errors: dict[str, str]
    timestamp: AwareDatetime


class OpinionsClosed(Frozen):
    """Result of `close_opinions`: calls closed by this run."""

    closed: int
    timestamp: AwareDatetime


class NightlyAsked(Frozen):
    """Result of `ask_ais_nightly`: assets whose questions were sent ahead, in how many batches."""

    assets: int
    batches: int
    questions: int
    timestamp: AwareDatetime


class NightlyCollected(Frozen):
    """Result of `collect_ais_nightly`: answers fetched by this run, batches that still run, reports ordered."""

    answers: int
    running: int
    reports: int
    timestamp: AwareDatetime


class OpportunitiesFound(Frozen):
    """Result of `detect_opportunities`, best first, each with its reasons."""

    market: str
    min_score: float
    opportunities: list[dict[str, Any]]
    count: int
    backtest: list[str] = Field(
        default_factory=list, description="what may be said of this market's score over 30, 90 and 180 days"
    )
    timestamp: AwareDatetime


class RankingsUpdated(Frozen):
    """Result of `update_asset_rankings`."""

    market: str
    assets_ranked: int
    top_asset: str | None
    timestamp: AwareDatetime


class Exported(Frozen):
    """Result of `export_report_async`: a real file, kept in PostgreSQL and written under the data folder."""

    report_id: str
    format: str
    file_path: str
    file_size: int
    exported_at: AwareDatetime
    sha256: str
    media_type: str


class ExportFailed(Frozen):
    """One export that could not be made."""

    report_id: str
    error: str


class BatchExported(Frozen):
    """Result of `batch_export_reports`."""

    total: int
    success: int
    failed: int
    exports: list[Exported]
    errors: list[ExportFailed]


class MultiAi(Frozen):
    """Result of `generate_multi_ai_analysis`: each provider's report or its error, and the consensus."""

    ticker: str
    providers: list[str]
    analyses: dict[str, dict[str, Any]]
    consensus: dict[str, Any]
    report_id: str
    timestamp: AwareDatetime
    sandbox: bool = False


class ScheduledReport(Frozen):
    """One queued portfolio report."""

    portfolio_id: str
    task_id: str


class WeeklyScheduled(Frozen):
    """Result of `schedule_weekly_reports`."""

    scheduled_count: int
    scheduled_reports: list[ScheduledReport]
    timestamp: AwareDatetime


class Delivered(Frozen):
    """Result of `deliver_report`: what each channel answered."""

    report_id: str
    channels: dict[str, str]
    delivered_at: AwareDatetime
