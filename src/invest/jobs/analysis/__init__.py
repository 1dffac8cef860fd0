"""Jobs that compute: analyses, comparisons, rankings, backtests, portfolios, alerts. The queue `analysis`."""

from __future__ import annotations

from invest.jobs.analysis.alerts import evaluate_alerts, watch
from invest.jobs.analysis.analyses import (
    Answers,
    analyse_many,
    analyse_market,
    analyse_one,
    analyze_asset_async,
    ask,
    batch_analyze_assets,
    compare_assets_async,
    finish_batch_analyze,
    opinion_brief,
)
from invest.jobs.analysis.backtests import backtest_score, backtest_scores, finish_backtests
from invest.jobs.analysis.bonds import bond_values
from invest.jobs.analysis.nightly import ask_ais_nightly, collect_ais_nightly
from invest.jobs.analysis.portfolios import (
    AUTO_CONFIRM,
    MEASURED_AGAINST,
    analyze_all_portfolios,
    calculate_portfolio_metrics,
    change_over,
    finish_portfolios,
    measure_and_keep,
    measured,
    portfolio_of,
    propose,
    report_data,
)
from invest.jobs.analysis.proposals import propose_all_events, propose_portfolio_events
from invest.jobs.analysis.rankings import detect_opportunities, update_asset_rankings
from invest.jobs.analysis.taxes import TAX, open_tax_of, tax_of
from invest.jobs.analysis.track_record import close_opinions, record, track_rows

__all__ = [
    "AUTO_CONFIRM",
    "MEASURED_AGAINST",
    "TAX",
    "Answers",
    "analyse_many",
    "analyse_market",
    "analyse_one",
    "analyze_all_portfolios",
    "analyze_asset_async",
    "ask",
    "ask_ais_nightly",
    "backtest_score",
    "backtest_scores",
    "batch_analyze_assets",
    "bond_values",
    "calculate_portfolio_metrics",
    "change_over",
    "close_opinions",
    "collect_ais_nightly",
    "compare_assets_async",
    "detect_opportunities",
    "evaluate_alerts",
    "finish_backtests",
    "finish_batch_analyze",
    "finish_portfolios",
    "measure_and_keep",
    "measured",
    "open_tax_of",
    "opinion_brief",
    "portfolio_of",
    "propose",
    "propose_all_events",
    "propose_portfolio_events",
    "record",
    "report_data",
    "tax_of",
    "track_rows",
    "update_asset_rankings",
    "watch",
]
